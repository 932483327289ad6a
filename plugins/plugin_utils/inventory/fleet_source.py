# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source ``fleet``: the Cluster and ClusterGroup objects of a Fleet manager."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ansible_collections.gitops.fleet.plugins.module_utils.kube.client import Client

from . import hub_source
from .hub_source import condition, described, listed, mapping, text
from .record import check_workspace
from .snapshot import Snapshot
from .source import Source

OPTIONS = hub_source.OPTIONS | {"workspaces"}

_API = "/apis/fleet.cattle.io/v1alpha1"

# Fleet reads kubeconfigs from these and from the Cluster's own namespace only (allowedKubeConfigSecretNamespace in
# internal/cmd/controller/agentmanagement/controllers/cluster/import.go): a tenant must not reach another one's Secrets.
_SECRET_NAMESPACES = frozenset(
    {
        *("fleet-local", "fleet-default", "cattle-fleet-system", "fleet-system"),
        *("cattle-fleet-clusters-system", "fleet-clusters-system"),
    }
)
_NAMESPACES_OF_CLUSTERS = "cluster-"


def fetch(source: Source, client: Client) -> Snapshot:
    """All Clusters and ClusterGroups, or those of the source's workspaces. Raises FleetError."""
    workspaces = [check_workspace(name) for name in source.strings("workspaces")]
    snapshot = Snapshot()
    for path in [f"{_API}/namespaces/{quote(name, safe='')}" for name in workspaces] or [_API]:
        clusters = list(listed(client, f"{path}/clusters", "clusters.fleet.cattle.io (Fleet's Clusters)"))
        snapshot.clusters.extend(_cluster(item, snapshot.warnings) for item in clusters)
        if workspaces and not clusters:
            snapshot.warnings.append(f"source {source.name}: {path.rpartition('/')[2]} has no clusters on its hub")
        groups = listed(client, f"{path}/clustergroups", "clustergroups.fleet.cattle.io (Fleet's ClusterGroups)")
        snapshot.groups.extend(_group(item) for item in groups)
    return snapshot


def _cluster(item: dict[str, Any], warnings: list[str]) -> dict[str, Any]:
    found = {**described(item), "status": _status(item)}
    values = mapping(item, "spec", "templateValues")
    if values:
        found["templateValues"] = values
    secret = text(mapping(item, "spec").get("kubeConfigSecret"))
    if secret:
        namespace = text(mapping(item, "spec").get("kubeConfigSecretNamespace")) or found["workspace"]
        if _may_hold_kubeconfigs(namespace, found["workspace"]):
            found["secret"] = {"namespace": namespace, "name": secret}
        else:
            warnings.append(
                f"cluster {found['workspace']}.{found['name']}: its kubeConfigSecretNamespace {namespace} is none that "
                "Fleet allows, so it cannot be reached by push"
            )
    return found


def _may_hold_kubeconfigs(namespace: str, workspace: str) -> bool:
    return namespace in (workspace, *_SECRET_NAMESPACES) or namespace.startswith(_NAMESPACES_OF_CLUSTERS)


def _status(item: dict[str, Any]) -> dict[str, Any]:
    """Fleet's own words; a state that Fleet leaves empty is Ready."""
    status = mapping(item, "status")
    ready = condition(status.get("conditions"), "Ready")
    return {
        "state": (text(mapping(status, "display").get("state")) or "Ready") if status else "",
        "readyBundles": text(mapping(status, "display").get("readyBundles")),
        "message": text(ready.get("message")),
        "lastSeen": text(mapping(status, "agent").get("lastSeen")),
        "namespace": text(status.get("namespace")),
        "paused": bool(mapping(item, "spec").get("paused")),
    }


def _group(item: dict[str, Any]) -> dict[str, Any]:
    found = described(item)
    return {
        "name": found["name"],
        "workspace": found["workspace"],
        "labels": found["labels"],
        # Without a selector a ClusterGroup has no clusters, with an empty one it has all.
        "selector": mapping(item, "spec").get("selector"),
    }
