# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of one cluster and how each is called: everything that idles or that no bundle needs is off."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Addresses of services; the first is the API server's own, and stands in its certificate.
SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"

# What deployed objects need to become what they say, and to go away whole. Left out is what deals with real
# nodes, clouds and volumes. Without the node lifecycle controller kwok need not send heartbeats.
CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemonset-controller",
    "deployment-controller",
    "disruption-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "persistentvolume-binder-controller",
    "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection-controller",
    "pod-garbage-collector-controller",
    "replicaset-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "statefulset-controller",
    "ttl-after-finished-controller",
)


@dataclass(frozen=True)
class Component:
    """A program of a cluster. ``arguments`` makes them from the API server's port; paths in them are relative
    to the cluster's directory, in which it runs (a socket's whole path could be too long for the system).
    """

    name: str
    arguments: Callable[[int], list[str]]
    # On how many cores its Go code runs at once. One costs a fifth less when nothing happens.
    cores: int = 1


def _etcd(_port: int) -> list[str]:
    return [
        "--data-dir=etcd",
        # A socket in a private directory: no port, and no other user of the machine.
        "--listen-client-urls=unix://etcd.sock",
        "--advertise-client-urls=unix://etcd.sock",
        "--listen-peer-urls=unix://etcd-peer.sock",
        "--initial-advertise-peer-urls=unix://etcd-peer.sock",
        "--initial-cluster=default=unix://etcd-peer.sock",
        "--unsafe-no-fsync",
        # It has nobody to send heartbeats to.
        "--heartbeat-interval=500",
        "--election-timeout=5000",
        "--log-level=warn",
    ]


def _api_server(port: int) -> list[str]:
    return [
        "--etcd-servers=unix://etcd.sock",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        "--client-ca-file=pki/ca.crt",
        "--tls-cert-file=pki/server.crt",
        "--tls-private-key-file=pki/server.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-signing-key-file=pki/service-accounts.key",
        "--service-account-key-file=pki/service-accounts.pub",
        "--authorization-mode=RBAC",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        # Nothing removes the taint that this would give to new nodes.
        "--disable-admission-plugins=TaintNodesByCondition",
        "--allow-privileged=true",
        "--endpoint-reconciler-type=none",
        "--enable-priority-and-fairness=false",
        "--feature-gates=APIServerIdentity=false,UnknownVersionInteroperabilityProxy=false",
        "--etcd-count-metric-poll-period=0",
        "--etcd-db-metric-poll-interval=0",
        "--profiling=false",
    ]


def _controller_manager(_port: int) -> list[str]:
    return [
        "--kubeconfig=kube-controller-manager.kubeconfig",
        "--root-ca-file=pki/ca.crt",
        "--service-account-private-key-file=pki/service-accounts.key",
        "--use-service-account-credentials=true",
        f"--controllers={','.join(CONTROLLERS)}",
        "--leader-elect=false",
        "--secure-port=0",
        "--pvclaimbinder-sync-period=5m",
        "--profiling=false",
    ]


def _scheduler(_port: int) -> list[str]:
    return [
        "--kubeconfig=kube-scheduler.kubeconfig",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
    ]


def _kwok(_port: int) -> list[str]:
    return [
        "--kubeconfig=kubeconfig",
        f"--config={Path(__file__).parent / 'stages.yaml'}",
        "--manage-all-nodes=true",
        "--node-ip=127.0.0.1",
        # No server of its own, and no leases.
        "--node-port=0",
        "--node-lease-duration-seconds=0",
    ]


ETCD = Component("etcd", _etcd)
API_SERVER = Component("kube-apiserver", _api_server, cores=2)
# These need nothing of one another, only the API server.
CLIENTS_OF_API_SERVER = (
    Component("kube-controller-manager", _controller_manager),
    Component("kube-scheduler", _scheduler),
    Component("kwok", _kwok),
)
ALL = (ETCD, API_SERVER, *CLIENTS_OF_API_SERVER)
