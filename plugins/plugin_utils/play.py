# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the play knows of clusters: inventory hosts and variables, as the push engine takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.request import Target
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster, ClusterGroup
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.record import LabelCheck
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.references import from_variables
from ansible_collections.gitops.fleet.plugins.plugin_utils.unsafe import plain

DEFAULT_WORKSPACE = "fleet-default"


@dataclass
class Batch:
    """The hosts of a batch that are clusters, and for each of the others what is wrong with it.

    ``groups`` are the ClusterGroups that the inventory defines (variable ``fleet_cluster_groups``).
    """

    targets: list[Target] = field(default_factory=list)
    not_clusters: dict[str, str] = field(default_factory=dict)
    groups: list[ClusterGroup] = field(default_factory=list)


def read_batch(hosts: Sequence[str], hostvars: Mapping[str, Any]) -> Batch:
    """The clusters of a batch. A host's odd variables concern that host; FleetError where the groups are no groups."""
    batch = Batch()
    check_labels = LabelCheck()
    definitions: Any = None
    for host in hosts:
        variables = hostvars[host]
        try:
            batch.targets.append(_target(str(host), variables, check_labels))
        except FleetError as error:
            batch.not_clusters[str(host)] = str(error.at(f"host {host}"))
        # Whatever host of the inventory's clusters has them, has them all.
        definitions = definitions or variables.get("fleet_cluster_groups")
    batch.groups = _groups(definitions, check_labels)
    _refuse_doubles(batch)
    return batch


def _variable(variables: Mapping[str, Any], name: str) -> Any:
    try:
        return plain(variables.get(name))
    except AnsibleError as error:
        raise FleetError(str(error.message), place=f"variable {name}") from error


def _target(host: str, variables: Mapping[str, Any], check_labels: LabelCheck) -> Target:
    facts = _variable(variables, "fleet_cluster")
    connection = from_variables(facts) if isinstance(facts, dict) else None
    if connection is None:
        raise FleetError(
            "it has no variable fleet_cluster that says how to reach it",
            remedy="Bring it into the inventory with the plugin gitops.fleet.clusters, "
            "or set fleet_cluster: {name: …, kubeconfig: …, context: …, labels: {…}} for it. "
            "(A cluster whose agent registered itself has no kubeConfigSecret on its Fleet manager.)",
        )
    cluster = Cluster(
        name=str(facts.get("name") or host),
        namespace=str(facts.get("workspace") or DEFAULT_WORKSPACE),
        labels={**check_labels(facts.get("labels") or {}), **_labels_of_ansible(variables, check_labels)},
        annotations=_strings(facts, "annotations"),
        template_values=_template_values(facts),
    )
    return Target(
        host=host, cluster=cluster, connection=connection, uid=str(facts.get("uid") or ""), values=_values(variables)
    )


def _labels_of_ansible(variables: Mapping[str, Any], check_labels: LabelCheck) -> dict[str, str]:
    try:
        return check_labels(_variable(variables, "fleet_labels") or {})
    except FleetError as error:
        raise error.at("variable fleet_labels") from error


def _values(variables: Mapping[str, Any]) -> dict[str, Any]:
    values = _variable(variables, "fleet_values") or {}
    if not isinstance(values, dict):
        raise FleetError("it is not a mapping", place="variable fleet_values", remedy="Write it as values.yaml.")
    return _as_json(values, "variable fleet_values")


def _groups(definitions: Any, check_labels: LabelCheck) -> list[ClusterGroup]:
    definitions = plain(definitions) or []
    is_list = isinstance(definitions, list)
    if not is_list or not all(isinstance(item, dict) and item.get("name") for item in definitions):
        raise FleetError(
            "this is no list of cluster groups",
            place="variable fleet_cluster_groups",
            remedy="Let the inventory plugin gitops.fleet.clusters define it, or write [{name: …, selector: {…}}].",
        )
    return [
        ClusterGroup(
            name=str(item["name"]),
            namespace=str(item.get("workspace") or DEFAULT_WORKSPACE),
            labels=check_labels(item.get("labels") or {}),
            selector=item.get("selector"),
        )
        for item in definitions
    ]


def _refuse_doubles(batch: Batch) -> None:
    """Two hosts of one name in the fleet would each prune what the other one deploys."""
    hosts: dict[str, list[str]] = {}
    for target in batch.targets:
        hosts.setdefault(target.fleet_name, []).append(target.host)
    for target in [target for target in batch.targets if len(hosts[target.fleet_name]) > 1]:
        batch.targets.remove(target)
        error = FleetError(
            f"hosts {' and '.join(hosts[target.fleet_name])} are both cluster {target.fleet_name}",
            place=f"host {target.host}",
            remedy="Give one of them another name or workspace in its variable fleet_cluster.",
        )
        batch.not_clusters[target.host] = str(error)


def _mapping(facts: dict[str, Any], name: str) -> dict[str, Any]:
    value = facts.get(name) or {}
    if not isinstance(value, dict):
        raise FleetError(f"{name} of its variable fleet_cluster is not a mapping", remedy="Write it as key: value.")
    return value


def _template_values(facts: dict[str, Any]) -> dict[str, Any]:
    return _as_json(_mapping(facts, "templateValues"), "templateValues of its variable fleet_cluster")


def _as_json(values: dict[str, Any], what: str) -> dict[str, Any]:
    try:
        json.dumps(values, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise FleetError(
            f"{what} holds what JSON does not know: {error}", remedy="Put dates and the like in quotes."
        ) from error
    return values


def _strings(facts: dict[str, Any], name: str) -> dict[str, str]:
    found = _mapping(facts, name)
    for key, value in found.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise FleetError(
                f"{name} of its variable fleet_cluster has {key}, which is not a string", remedy="Put it in quotes."
            )
    return found
