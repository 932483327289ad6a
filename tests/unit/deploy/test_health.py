# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health by kind: the rules of kstatus, and where ours differ."""

from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.health.kinds import (
    HealthState,
    Timing,
    health,
    needs_status,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
READY, PROGRESS, FAILED = HealthState.READY, HealthState.IN_PROGRESS, HealthState.FAILED


def condition(kind, status="True", reason="", message=""):
    return {"type": kind, "status": status, "reason": reason, "message": message}


def obj(api_version, kind, spec=None, status=None, **metadata):
    found = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "namespace": "n", **metadata}}
    if spec is not None:
        found["spec"] = spec
    if status is not None:
        found["status"] = status
    return found


AVAILABLE = (condition("Available"),)


def deployment(spec=None, conditions=AVAILABLE, **status):
    full = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2, **status}
    return obj("apps/v1", "Deployment", {"replicas": 2, **(spec or {})}, {**full, "conditions": list(conditions)})


def stateful_set(spec=None, **status):
    full = {
        "replicas": 3,
        "readyReplicas": 3,
        "updatedReplicas": 3,
        "currentReplicas": 3,
        "currentRevision": "a",
        "updateRevision": "a",
        **status,
    }
    return obj("apps/v1", "StatefulSet", {"replicas": 3, **(spec or {})}, full)


def daemon_set(spec=None, **status):
    full = {
        "observedGeneration": 1,
        "desiredNumberScheduled": 2,
        "updatedNumberScheduled": 2,
        "numberAvailable": 2,
        "numberReady": 2,
        **status,
    }
    return obj("apps/v1", "DaemonSet", spec or {}, {k: v for k, v in full.items() if v is not None}, generation=1)


def pod(phase, conditions=(), containers=(), age=0, **status):
    created = (NOW - timedelta(seconds=age)).isoformat().replace("+00:00", "Z")
    full = {"phase": phase, "conditions": list(conditions), "containerStatuses": list(containers), **status}
    return obj("v1", "Pod", {}, full, creationTimestamp=created)


def waiting(reason, message="", **container):
    return {"name": "app", "image": "i:1", "state": {"waiting": {"reason": reason, "message": message}}, **container}


UNSCHEDULABLE = condition("PodScheduled", "False", "Unschedulable", "0/3 nodes are available")
NEW, OLD = NOW.isoformat(), (NOW - timedelta(minutes=1)).isoformat()

CASES = [
    # Every kind
    (obj("v1", "ConfigMap"), READY, ""),
    (obj("v1", "ConfigMap", deletionTimestamp=OLD), HealthState.TERMINATING, "is being deleted"),
    (obj("v1", "Pod", deletionTimestamp=OLD, finalizers=["f"]), HealthState.TERMINATING, "waiting for finalizer f"),
    (obj("x/v1", "X", status={"observedGeneration": 1}, generation=2), PROGRESS, "seen generation 1 of 2"),
    (obj("x/v1", "X", status={"conditions": [condition("Reconciling", message="busy")]}), PROGRESS, "busy"),
    (obj("x/v1", "X", status={"conditions": [condition("Stalled", reason="Stuck")]}), FAILED, "Stuck"),
    (obj("x/v1", "X", status={"conditions": [condition("Stalled", "False")]}), READY, ""),
    (obj("x/v1", "X", status={"conditions": [condition("Ready", "False", "No", "not\nyet")]}), PROGRESS, "not yet"),
    (obj("x/v1", "X", status={"conditions": [condition("Ready", "Unknown")]}), PROGRESS, "Ready is Unknown"),
    (obj("x/v1", "X", status={"conditions": [condition("Ready")]}), READY, ""),
    (obj("x/v1", "X", status={"conditions": [condition("Available", "False", "A")]}), PROGRESS, "A"),
    (obj("x/v1", "X", status={"conditions": [condition("Failed", message="broken")]}), FAILED, "broken"),
    (obj("x/v1", "X", status={"phase": "whatever"}), READY, ""),
    (obj("x/v1", "X", creationTimestamp=NEW), PROGRESS, "no controller has written"),
    (obj("x/v1", "X", creationTimestamp=OLD), READY, "taken as ready"),
    # Deployment
    (deployment(), READY, "2 of 2"),
    (deployment(updatedReplicas=1), PROGRESS, "1 of 2 replicas updated"),
    (deployment(updatedReplicas=0, spec={"paused": True}), PROGRESS, "paused"),
    (deployment(replicas=3), PROGRESS, "1 old replicas"),
    (deployment(availableReplicas=1), PROGRESS, "1 of 2 replicas available"),
    (deployment(readyReplicas=1), PROGRESS, "1 of 2 replicas ready"),
    (deployment(conditions=()), PROGRESS, "not said"),
    (deployment(conditions=[condition("Available", "False", "MinimumReplicasUnavailable")]), PROGRESS, "Minimum"),
    (
        deployment(conditions=[condition("Progressing", "False", "ProgressDeadlineExceeded", "timed out")]),
        FAILED,
        "timed out",
    ),
    (deployment(conditions=[condition("ReplicaFailure", message="exceeded quota")]), PROGRESS, "exceeded quota"),
    (deployment({"replicas": 0}, replicas=0, updatedReplicas=0, readyReplicas=0, availableReplicas=0), READY, "0 of 0"),
    (obj("apps/v1", "Deployment", {}), PROGRESS, "0 of 1 replicas updated"),
    # ReplicaSet
    (obj("apps/v1", "ReplicaSet", {"replicas": 0}, {"replicas": 0}), READY, "0 of 0"),
    (obj("apps/v1", "ReplicaSet", {}, {"conditions": [condition("ReplicaFailure", message="quota")]}), FAILED, "quota"),
    (obj("apps/v1", "ReplicaSet", {}, {"replicas": 1}), PROGRESS, "0 of 1"),
    (
        obj("v1", "ReplicationController", {"replicas": 1}, {"replicas": 2, "availableReplicas": 2}),
        PROGRESS,
        "too many",
    ),
    # StatefulSet
    (stateful_set(), READY, "3 of 3"),
    (stateful_set(replicas=2, readyReplicas=2), PROGRESS, "2 of 3 replicas there"),
    (stateful_set(readyReplicas=2), PROGRESS, "2 of 3 replicas ready"),
    (stateful_set(replicas=4), PROGRESS, "too many"),
    (stateful_set(updatedReplicas=1, updateRevision="b"), PROGRESS, "1 of 3 replicas updated"),
    (stateful_set(updateRevision="b"), PROGRESS, "last replicas"),
    (
        stateful_set({"updateStrategy": {"rollingUpdate": {"partition": 2}}}, updatedReplicas=1, updateRevision="b"),
        READY,
        "",
    ),
    (
        stateful_set({"updateStrategy": {"rollingUpdate": {"partition": 1}}}, updatedReplicas=1, updateRevision="b"),
        PROGRESS,
        "1 of 2 replicas updated",
    ),
    (stateful_set({"updateStrategy": {"rollingUpdate": {"partition": 9}}}, updatedReplicas=0), READY, ""),
    (stateful_set({"updateStrategy": {"type": "OnDelete"}}, readyReplicas=0), READY, "OnDelete"),
    # DaemonSet
    (daemon_set(), READY, "2 of 2 nodes"),
    (daemon_set(observedGeneration=None), PROGRESS, "not looked at it"),
    (daemon_set(updatedNumberScheduled=1), PROGRESS, "1 of 2 nodes updated"),
    (daemon_set({"updateStrategy": {"type": "OnDelete"}}, updatedNumberScheduled=0), READY, ""),
    (daemon_set(numberAvailable=0), PROGRESS, "0 of 2 nodes available"),
    (daemon_set(desiredNumberScheduled=0, updatedNumberScheduled=0, numberAvailable=0, numberReady=0), READY, "0 of 0"),
    # Job: running is not ready
    (obj("batch/v1", "Job", {}, {"active": 1, "startTime": OLD}), PROGRESS, "0 of 1 completions, 1 running"),
    (obj("batch/v1", "Job", {}, {}), PROGRESS, "0 running"),
    (
        obj("batch/v1", "Job", {"completions": 2}, {"succeeded": 2, "conditions": [condition("Complete")]}),
        READY,
        "2 of 2",
    ),
    (
        obj("batch/v1", "Job", {}, {"conditions": [condition("Failed", reason="BackoffLimitExceeded")]}),
        FAILED,
        "Backoff",
    ),
    (obj("batch/v1", "Job", {}, {"conditions": [condition("FailureTarget", message="soon")]}), FAILED, "soon"),
    (obj("batch/v1", "Job", {"suspend": True}, {}), READY, "suspended"),
    (obj("batch/v1", "CronJob", {}, {}), READY, ""),
    # Pod
    (pod("Running", [condition("Ready")]), READY, ""),
    (pod("Succeeded"), READY, "completed"),
    (pod("Failed", reason="Evicted", message="low on memory"), FAILED, "low on memory"),
    (pod("Running", [condition("Ready", "False")]), PROGRESS, "is Running"),
    (pod("Running", containers=[waiting("CrashLoopBackOff")]), FAILED, "container app: CrashLoopBackOff"),
    (pod("Pending", containers=[waiting("ImagePullBackOff", "no such tag")]), PROGRESS, "image i:1 no such tag"),
    (pod("Pending", containers=[waiting("ContainerCreating")]), PROGRESS, "is Pending"),
    (pod("Pending", [UNSCHEDULABLE], age=5), PROGRESS, "no node takes it: 0/3 nodes"),
    (pod("Pending", [UNSCHEDULABLE], age=20), FAILED, "no node takes it: 0/3 nodes"),
    (obj("v1", "Pod"), PROGRESS, "no phase"),
    # Storage
    (obj("v1", "PersistentVolumeClaim", {}, {"phase": "Bound"}), READY, ""),
    (obj("v1", "PersistentVolumeClaim", {}, {"phase": "Pending"}), PROGRESS, "is Pending"),
    (obj("v1", "PersistentVolumeClaim", {}, {"phase": "Lost"}), FAILED, "lost"),
    (obj("v1", "PersistentVolume", {}, {"phase": "Available"}), READY, ""),
    (obj("v1", "PersistentVolume", {}, {"phase": "Failed", "message": "m"}), FAILED, "m"),
    (obj("v1", "PersistentVolume", {}), PROGRESS, ""),
    # The rest
    (obj("policy/v1", "PodDisruptionBudget", {}, {}), PROGRESS, ""),
    (obj("policy/v1", "PodDisruptionBudget", {}, {"observedGeneration": 1}, generation=1), READY, ""),
    (obj("v1", "Service", {"type": "ClusterIP"}), READY, ""),
    (obj("v1", "Service", {"type": "LoadBalancer"}, {"loadBalancer": {}}), PROGRESS, "no address"),
    (obj("v1", "Service", {"type": "LoadBalancer"}, {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}), READY, ""),
    (obj("networking.k8s.io/v1", "Ingress", {}, {"loadBalancer": {}}), READY, ""),
    (obj("v1", "Namespace", {}, {"phase": "Active"}), READY, ""),
    (obj("v1", "Namespace", {}, {"phase": "Terminating"}), HealthState.TERMINATING, ""),
    (obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", {}, {}), PROGRESS, "installed"),
    (
        obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", {}, {"conditions": [condition("Established")]}),
        READY,
        "established",
    ),
    (
        obj(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            {},
            {"conditions": [condition("NamesAccepted", "False", "Conflict", "taken")]},
        ),
        FAILED,
        "taken",
    ),
    (
        obj("apiregistration.k8s.io/v1", "APIService", {}, {"conditions": [condition("Available", "False", "X")]}),
        PROGRESS,
        "X",
    ),
    (
        obj("autoscaling/v2", "HorizontalPodAutoscaler", {}, {"conditions": [condition("ScalingActive", "False")]}),
        READY,
        "",
    ),
    (
        obj("autoscaling/v2", "HorizontalPodAutoscaler", {}, {"conditions": [condition("AbleToScale", "False", "E")]}),
        PROGRESS,
        "E",
    ),
    # Same kind, other group: not our rule
    (obj("x.io/v1", "Job", status={"active": 1}), READY, ""),
    # What cannot be read
    (obj("apps/v1", "Deployment", {"replicas": "two"}, {}), HealthState.UNKNOWN, "unexpected form"),
    (obj("apps/v1", "Deployment", [], "text"), HealthState.UNKNOWN, "unexpected form"),
]


@pytest.mark.parametrize(("live", "state", "message"), CASES)
def test_health(live, state, message):
    found = health(live, Timing(NOW))
    assert (found.state, message in found.message) == (state, True), found


def test_an_api_server_ahead_of_our_clock_does_not_keep_us_waiting():
    ahead = (NOW + timedelta(hours=1)).isoformat()
    live = obj("x/v1", "X", creationTimestamp=ahead)
    assert health(live, Timing(NOW)).state is PROGRESS
    assert health(live, Timing(NOW, seen=timedelta(seconds=16))).state is READY


def test_an_autoscaler_can_be_given_more_time():
    live = pod("Pending", [UNSCHEDULABLE], age=60)
    assert health(live, Timing(NOW, scheduling=timedelta(minutes=5))).state is PROGRESS


def test_kinds_that_are_ready_as_soon_as_they_are_there():
    assert not needs_status("v1", "Secret")
    assert not needs_status("rbac.authorization.k8s.io/v1", "Role")
    assert needs_status("apps/v1", "Deployment")
    assert needs_status("x.io/v1", "Secret")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["conditions", "type", "status", "phase", "replicas", "observedGeneration", "message", "state"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from([case[0] for case in CASES]), JSON, JSON, JSON)
def test_never_raises_and_says_one_line(like, metadata, spec, status):
    found = health(
        {"apiVersion": like["apiVersion"], "kind": like["kind"], "metadata": metadata, "spec": spec, "status": status}
    )
    assert found.state in HealthState
    assert "\n" not in found.message
