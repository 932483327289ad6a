# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ansible groups that clusters belong to: by label, by workspace, by Fleet's ClusterGroups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ansible.inventory.group import to_safe_group_name
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster, ClusterGroup
from ansible_collections.gitops.fleet.plugins.module_utils.target.selector import Predicate, compile_selector

from .record import LabelCheck, check_name, check_workspace
from .yaml_file import line_in

ALL_CLUSTERS = "fleet"
"""The group that holds every cluster."""

_GROUP_FIELDS = frozenset({"name", "workspace", "labels", "selector"})


def safe(name: str) -> str:
    """``name`` with ``_`` for every character that Ansible does not want in a group's name."""
    return to_safe_group_name(name, force=True, silent=True)


class LabelGroups:
    """``label_<key>_<value>`` for each label whose key matches one of ``patterns``."""

    def __init__(self, patterns: Sequence[str]):
        self._patterns = patterns
        self._names: dict[tuple[str, str], str] = {}
        self._labels: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._wanted: dict[str, bool] = {}

    def names(self, labels: Mapping[str, str]) -> list[str]:
        """The groups of a cluster with ``labels``. One without a value gives ``label_<key>``."""
        return list(dict.fromkeys(self._name(key, value) for key, value in labels.items() if self._is_wanted(key)))

    def collisions(self) -> list[str]:
        """What to warn of: for each group into which different labels fall, a text that names them."""
        return [
            f"group {name} holds the clusters of several labels: "
            + ", ".join(f"{key}={value}" for key, value in sorted(labels))
            for name, labels in self._labels.items()
            if len(labels) > 1
        ]

    def _is_wanted(self, key: str) -> bool:
        if key not in self._wanted:
            self._wanted[key] = any(fnmatchcase(key, pattern) for pattern in self._patterns)
        return self._wanted[key]

    def _name(self, key: str, value: str) -> str:
        name = self._names.get((key, value))
        if name is None:
            name = safe(f"label_{key}_{value}" if value else f"label_{key}")
            self._names[key, value] = name
            self._labels[name].append((key, value))
        return name


@dataclass(frozen=True)
class SelectedGroup:
    """A ClusterGroup, with the Ansible group that it is and the test for its clusters."""

    definition: ClusterGroup
    group: str
    selects: Predicate

    def has(self, cluster: Cluster) -> bool:
        """A ClusterGroup selects clusters of its own workspace only, as in Fleet."""
        return cluster.namespace == self.definition.namespace and self.selects(cluster.labels)

    def variable(self) -> dict[str, Any]:
        """An entry of the variable ``fleet_cluster_groups``."""
        return {
            "name": self.definition.name,
            "workspace": self.definition.namespace,
            "labels": self.definition.labels,
            "selector": self.definition.selector,
        }


def defined_groups(entries: Sequence[Any], workspace: str, inventory_file: str) -> list[ClusterGroup]:
    """The inventory file's ``cluster_groups``. Raises :class:`FleetError` with the line of what is wrong."""
    check_labels = LabelCheck()
    definitions: list[ClusterGroup] = []
    for number, entry in enumerate(entries):
        try:
            definition = _definition(entry, workspace, check_labels)
            compile_selector(definition.selector)
            _refuse_doubles([*definitions, definition])
        except FleetError as error:
            raise error.at(line_in(inventory_file, "cluster_groups", number)) from error
        definitions.append(definition)
    return definitions


def selected_groups(definitions: Sequence[ClusterGroup]) -> list[SelectedGroup]:
    """The Ansible groups of ClusterGroups, wherever these were defined. FleetError where one is defined twice."""
    _refuse_doubles(definitions)
    workspaces: dict[str, set[str]] = defaultdict(set)
    for definition in definitions:
        workspaces[definition.name].add(definition.namespace)
    return [
        SelectedGroup(definition, _group_name(definition, workspaces), compile_selector(definition.selector))
        for definition in definitions
    ]


def _refuse_doubles(definitions: Sequence[ClusterGroup]) -> None:
    seen: set[tuple[str, str]] = set()
    for definition in definitions:
        if (definition.namespace, definition.name) in seen:
            raise FleetError(f"there are two cluster groups {definition.name} in workspace {definition.namespace}")
        seen.add((definition.namespace, definition.name))


def _definition(entry: Any, workspace: str, check_labels: LabelCheck) -> ClusterGroup:
    if not isinstance(entry, Mapping):
        raise FleetError("an entry of cluster_groups is not a mapping", remedy="Begin it with - name: …")
    unknown = sorted(set(entry) - _GROUP_FIELDS, key=str)
    if unknown:
        raise FleetError(
            f"a cluster group has no field {unknown[0]}", remedy=f"It may have: {', '.join(sorted(_GROUP_FIELDS))}."
        )
    return ClusterGroup(
        name=check_name(entry.get("name"), "a cluster group"),
        namespace=check_workspace(entry.get("workspace") or workspace),
        labels=check_labels(entry.get("labels") or {}),
        selector=entry.get("selector"),
    )


def _group_name(definition: ClusterGroup, workspaces: Mapping[str, set[str]]) -> str:
    """``cluster_group_<name>``, with the workspace in it where several workspaces have a group of that name."""
    is_alone = len(workspaces[definition.name]) == 1
    return safe("_".join(("cluster_group", *(() if is_alone else (definition.namespace,)), definition.name)))
