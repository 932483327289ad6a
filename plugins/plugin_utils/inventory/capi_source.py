# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source ``capi``: the Cluster objects of a Cluster API management cluster, and the Secrets with their kubeconfigs.

https://cluster-api.sigs.k8s.io/developer/core/controllers/cluster (the contract on the Secret ``<name>-kubeconfig``)
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.client import ApiError, Client

from . import hub_source
from .hub_source import described, explained, listed, mapping, text
from .snapshot import Snapshot
from .source import Source

OPTIONS = hub_source.OPTIONS | {"namespaces"}

_GROUP = "/apis/cluster.x-k8s.io"
_WHAT = "clusters.cluster.x-k8s.io (Cluster API's Clusters)"


def fetch(source: Source, client: Client) -> Snapshot:
    """All Clusters, or those of the source's namespaces. Raises FleetError."""
    api = f"{_GROUP}/{_version(client)}"
    namespaces = source.strings("namespaces")
    paths = [f"{api}/namespaces/{quote(name, safe='')}" for name in namespaces] or [api]
    return Snapshot([_cluster(source, item) for path in paths for item in listed(client, f"{path}/clusters", _WHAT)])


def _version(client: Client) -> str:
    """The version that the API server prefers: they come and go with releases of Cluster API."""
    try:
        group = client.request("GET", _GROUP)
    except ApiError as error:
        raise explained(error, str(client.connection), _WHAT) from error
    version = text(mapping(group, "preferredVersion").get("version"))
    if not version.isalnum():
        raise FleetError("it names no version of cluster.x-k8s.io", place=str(client.connection))
    return version


def _cluster(source: Source, item: dict[str, Any]) -> dict[str, Any]:
    found = described(item)
    namespace, name = found["workspace"], found["name"]
    status = {
        "state": text(mapping(item, "status").get("phase")),
        "kubernetesVersion": text(mapping(item, "spec", "topology").get("version")),
        "namespace": namespace,
        "paused": bool(mapping(item, "spec").get("paused")),
    }
    secret = {"namespace": namespace, "name": f"{name}-kubeconfig"}
    if source.options.get("workspace"):
        found["workspace"] = source.workspace
    return {**found, "status": status, "secret": secret}
