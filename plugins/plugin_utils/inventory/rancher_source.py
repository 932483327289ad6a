# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source ``rancher``: the clusters that a Rancher manages, each reached through Rancher or by its own kubeconfig.

Names, workspaces and labels are those of the Fleet Cluster that Rancher makes of each
(``pkg/controllers/provisioningv2/fleetcluster/fleetcluster.go`` in rancher/rancher).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError, Unreachable
from ansible_collections.gitops.fleet.plugins.module_utils.kube.client import ApiError, Client
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import TokenConnection
from ansible_collections.gitops.fleet.plugins.module_utils.kube.kubeconfig import load

from . import hub_source
from .hub_source import PAGE, condition, explained, listed, mapping, own_annotations, text
from .snapshot import Snapshot
from .source import Source

OPTIONS = hub_source.OPTIONS | {"url", "token", "ca_file", "reached_by"}

PROXY = "/k8s/clusters/"
_WHAT = "clusters.management.cattle.io (Rancher's clusters)"
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_ID = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_MOST_PAGES = 1000


def fetch(source: Source, client: Client) -> Snapshot:
    """All clusters that the login may see. Raises FleetError."""
    by_secret = _reached_by(source) == "kubeconfig"
    if isinstance(client.connection, TokenConnection):
        if by_secret:
            raise FleetError(
                "Rancher's API does not tell kubeconfigs",
                place=source.place("reached_by"),
                remedy="Leave reached_by out, or name Rancher's kubeconfig instead of url and token.",
            )
        found = [_Managed.of_api(item) for item in _api_items(client)]
        provisioned: dict[str, dict[str, Any]] = {}
    else:
        if not by_secret:
            _check_that_it_is_rancher(client)
        found = [_Managed.of_object(item) for item in listed(client, "/apis/management.cattle.io/v3/clusters", _WHAT)]
        provisioned = _provisioned(client)
    snapshot = Snapshot()
    for managed in found:
        cluster = managed.cluster(provisioned.get(managed.id), by_secret)
        if cluster is None:
            snapshot.warnings.append(
                f"cluster {managed.display_name} ({managed.id}) is in no workspace: it is left out"
            )
        else:
            snapshot.clusters.append(cluster)
    return snapshot


def _reached_by(source: Source) -> str:
    value = source.text("reached_by") or "proxy"
    if value not in ("proxy", "kubeconfig"):
        raise FleetError(
            f"reached_by is {value}", place=source.place("reached_by"), remedy="It may be proxy or kubeconfig."
        )
    return value


def _check_that_it_is_rancher(client: Client) -> None:
    path = urlsplit(str(load(client.connection).cluster.get("server") or "")).path
    if not path.startswith(PROXY):
        raise FleetError(
            "it leads to an API server itself, and Rancher's proxy is not there",
            place=str(client.connection),
            remedy="Use the kubeconfig that Rancher gives for its local cluster, or url and token; or let each cluster "
            "be reached by its own kubeconfig, with reached_by: kubeconfig.",
        )


class _Managed:
    """A cluster of Rancher's, from its API or from the object: both say the same in different places."""

    def __init__(self, name: str, spec: dict[str, Any], metadata: dict[str, Any], status: dict[str, Any]):
        self.id = name
        self.display_name = text(spec.get("displayName")) or name
        self._workspace = text(spec.get("fleetWorkspaceName"))
        self._is_local = bool(spec.get("internal"))
        self._metadata = metadata
        self._status = status

    @classmethod
    def of_object(cls, item: dict[str, Any]) -> _Managed:
        """From ``clusters.management.cattle.io``."""
        return cls(text(item["metadata"].get("name")), mapping(item, "spec"), item["metadata"], mapping(item, "status"))

    @classmethod
    def of_api(cls, item: dict[str, Any]) -> _Managed:
        """From ``/v3/clusters``, where metadata, spec and status are one."""
        return cls(text(item.get("id")), {**item, "displayName": item.get("name")}, item, item)

    def cluster(self, provisioned: dict[str, Any] | None, by_secret: bool) -> dict[str, Any] | None:
        """As a snapshot has it; None for a cluster that Fleet does not know either."""
        if not self._workspace or not _ID.fullmatch(self.id):
            return None
        found = {
            "name": self._name(provisioned),
            "workspace": self._workspace,
            "labels": self._labels(),
            "annotations": _without_ranchers(own_annotations(self._metadata.get("annotations"))),
            "status": self._words(),
        }
        if not by_secret:
            found["proxy_path"] = PROXY + self.id
        elif provisioned and provisioned["secret"]:
            found["secret"] = {"namespace": provisioned["namespace"], "name": provisioned["secret"]}
        return found

    def _name(self, provisioned: dict[str, Any] | None) -> str:
        if provisioned:
            return provisioned["name"]
        # Rancher names the object after the cluster where somebody made the object, else after the id.
        return self.display_name if self.id.startswith("c-m-") else self.id

    def _labels(self) -> dict[str, str]:
        labels = self._metadata.get("labels")
        found = _without_ranchers(labels if isinstance(labels, dict) else {})
        found["management.cattle.io/cluster-name"] = self.id
        if _LABEL_VALUE.fullmatch(self.display_name):
            found["management.cattle.io/cluster-display-name"] = self.display_name
        if self._is_local:
            found["name"] = "local"
        return found

    def _words(self) -> dict[str, Any]:
        ready = condition(self._status.get("conditions"), "Ready")
        return {
            "state": "Ready" if ready.get("status") == "True" else "NotReady",
            "message": text(ready.get("message")),
            "kubernetesVersion": text(mapping(self._status, "version").get("gitVersion")),
            "displayName": self.display_name,
        }


def _without_ranchers(found: dict[str, str]) -> dict[str, str]:
    """Rancher hands none of its own labels and annotations on to Fleet."""
    return {
        key: value
        for key, value in found.items()
        if "cattle.io/" not in key and not key.startswith("kubectl.kubernetes.io/")
    }


def _provisioned(client: Client) -> dict[str, dict[str, Any]]:
    """``clusters.provisioning.cattle.io`` by the id of the cluster that each stands for; none if they are unknown."""
    found = {}
    try:
        for item in listed(client, "/apis/provisioning.cattle.io/v1/clusters", "clusters.provisioning.cattle.io"):
            status = mapping(item, "status")
            found[text(status.get("clusterName"))] = {
                "name": text(item["metadata"].get("name")),
                "namespace": text(item["metadata"].get("namespace")),
                "secret": text(status.get("clientSecretName")),
            }
    except ApiError as error:
        if error.status != 404:
            raise
    return found


def _api_items(client: Client) -> Iterator[dict[str, Any]]:
    query = {"limit": str(PAGE)}
    for _page in range(_MOST_PAGES):
        try:
            answer = client.request("GET", "/v3/clusters", query=query)
        except ApiError as error:
            raise explained(error, str(client.connection), "/v3/clusters, so it is no Rancher") from error
        items = answer.get("data")
        if not isinstance(items, list):
            raise Unreachable("GET /v3/clusters was not answered as Rancher does", place=str(client.connection))
        yield from (item for item in items if isinstance(item, dict) and item.get("state") != "removing")
        # Only the marker of the next page's address counts: the request goes where the user said.
        marker = parse_qs(urlsplit(text(mapping(answer, "pagination").get("next"))).query).get("marker")
        if not marker:
            return
        query["marker"] = marker[0]
    raise Unreachable("GET /v3/clusters does not come to an end", place=str(client.connection))
