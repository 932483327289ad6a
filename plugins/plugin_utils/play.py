# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the play knows of clusters: inventory hosts and variables, as the push engine takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.gitops.fleet.plugins.module_utils.deploy.request import Target
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import Connection
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster, ClusterGroup
from ansible_collections.gitops.fleet.plugins.plugin_utils.unsafe import plain


def targets(hosts: Sequence[str], hostvars: Mapping[str, Any]) -> tuple[list[Target], dict[str, str]]:
    """The hosts that are clusters, and for each of the others what is wrong with it."""
    known: list[Target] = []
    unknown: dict[str, str] = {}
    for host in hosts:
        try:
            known.append(_target(host, hostvars[host].get("fleet_cluster")))
        except FleetError as error:
            unknown[host] = str(error)
    return known, unknown


def cluster_groups(hostvars: Mapping[str, Any], hosts: Sequence[str]) -> list[ClusterGroup]:
    """The ClusterGroups that the inventory defines (variable ``fleet_cluster_groups``)."""
    if not hosts:
        return []
    definitions = hostvars[hosts[0]].get("fleet_cluster_groups") or []
    return [
        ClusterGroup(
            name=str(item["name"]),
            namespace=str(item.get("workspace") or "fleet-default"),
            labels=_strings(item.get("labels")),
            selector=plain(item.get("selector")),
        )
        for item in definitions
    ]


def _target(host: str, facts: Any) -> Target:
    if not isinstance(facts, Mapping) or not facts.get("kubeconfig"):
        raise FleetError(
            "it has no variable fleet_cluster that says how to reach it",
            place=f"host {host}",
            remedy="Bring it into the inventory with the plugin gitops.fleet.clusters, "
            "or set fleet_cluster: {name: …, kubeconfig: …, context: …, labels: {…}} for it.",
        )
    cluster = Cluster(
        name=str(facts.get("name") or host),
        namespace=str(facts.get("workspace") or "fleet-default"),
        labels=_strings(facts.get("labels")),
        annotations=_strings(facts.get("annotations")),
        template_values=plain(facts.get("templateValues")) or {},
    )
    connection = Connection(kubeconfig=str(facts["kubeconfig"]), context=str(facts.get("context") or ""))
    return Target(host=str(host), cluster=cluster, connection=connection, uid=str(facts.get("uid") or ""))


def _strings(mapping: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in (mapping or {}).items()}
