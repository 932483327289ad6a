# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a caller asks the push engine to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..kube.connection import AnyConnection, Connection
from ..target.cluster import Cluster, ClusterGroup
from .budget import DeleteBudget


@dataclass(frozen=True)
class Target:
    """A cluster of the batch: its inventory name, what Fleet knows of it, and how to reach it.

    ``uid`` is the UID of its namespace kube-system where the inventory states it. ``values`` are
    Helm values for this cluster (the variable ``fleet_values``).
    """

    host: str
    cluster: Cluster
    connection: AnyConnection
    uid: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fleet_name(self) -> str:
        """The cluster's name in messages and in label ``cluster``: workspace and name, unique in a fleet."""
        return f"{self.cluster.namespace}.{self.cluster.name}"


@dataclass(frozen=True)
class Request:
    """One call of ``fleet_deploy``. Times are in seconds. Without ``wait``, only what others depend on is waited for.

    ``not_clusters`` are hosts of the batch that are no clusters, with what is wrong with them.
    ``downstream_resources`` are objects that bundles may want copied, ``downstream_resources_from``
    the cluster that has the others. ``service_account_namespace`` holds the service accounts that
    bundles are deployed as.
    """

    targets: Sequence[Target]
    builds: Sequence[str]
    owner: str
    groups: Sequence[ClusterGroup] = ()
    not_clusters: Mapping[str, str] = field(default_factory=dict)
    downstream_resources: Sequence[Mapping[str, Any]] = field(default_factory=tuple, repr=False)
    downstream_resources_from: Connection | None = None
    service_account_namespace: str = "cattle-fleet-system"
    check_mode: bool = False
    diff: bool = False
    prune: bool = True
    delete_budget: DeleteBudget = field(default_factory=lambda: DeleteBudget(percent=25))
    adopt: frozenset[str] = frozenset()
    accept_identity: frozenset[str] = frozenset()
    wait: bool = True
    wait_timeout: float = 300
    lock_timeout: float = 120
    request_timeout: float = 30
    workers: int = 8
    helm_binary: str = ""
    kustomize_binary: str = ""
    cache_dir: str | None = None
