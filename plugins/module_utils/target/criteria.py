# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The conditions by which targets, restrictions and partitions choose clusters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import FleetError
from .cluster import Cluster, ClusterGroup
from .selector import Predicate, compile_selector

DISPLAY_NAME_LABEL = "management.cattle.io/cluster-display-name"
"""The label by which Rancher gives a cluster a second name, which ``clusterName`` takes too."""


@dataclass(frozen=True)
class Kind:
    """What makes clusters alike for a bundle: the labels that it asks for, and the groups that select them."""

    labels: Mapping[str, str]
    groups: tuple[ClusterGroup, ...]

    @property
    def views(self) -> Sequence[ClusterGroup | None]:
        """All conditions on groups must hold for one group: the cluster is looked at as a member of each in turn."""
        return self.groups or (None,)


@dataclass(frozen=True)
class Candidate:
    """A cluster of a workspace. ``number`` is its place by name."""

    number: int
    cluster: Cluster
    groups: tuple[ClusterGroup, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which ``clusterName`` may mean it."""
        return self.cluster.name, self.cluster.labels.get(DISPLAY_NAME_LABEL, self.cluster.name)

    @property
    def kind(self) -> Kind:
        """It alone."""
        return Kind(self.cluster.labels, self.groups)


class Criteria:
    """The conditions of one target. All that are set must hold; if none is, nothing matches."""

    def __init__(self, target: Mapping[str, Any]):
        self.label_keys = label_keys(target.get("clusterSelector"))
        self.cluster_name: str = target.get("clusterName") or ""
        self._group_name: str = target.get("clusterGroup") or ""
        self._group_selector = _selector(target, "clusterGroupSelector")
        self._cluster_selector = _selector(target, "clusterSelector")
        self._is_empty = not (self.cluster_name or self._group_name or self._group_selector or self._cluster_selector)

    def matches(self, names: Collection[str], kind: Kind, group: ClusterGroup | None) -> bool:
        """Whether they hold for a cluster, seen as a member of one of its groups (None if it has none)."""
        if self._is_empty or (self.cluster_name and self.cluster_name not in names):
            return False
        if self._group_name and (group is None or group.name != self._group_name):
            return False
        if self._group_selector and not self._group_selector(group.labels if group else {}):
            return False
        return not self._cluster_selector or self._cluster_selector(kind.labels)

    def matches_any_view(self, names: Collection[str], kind: Kind) -> bool:
        """Whether they hold for a cluster, as a member of whichever group."""
        return any(self.matches(names, kind, group) for group in kind.views)


def label_keys(selector: Mapping[str, Any] | None) -> set[str]:
    """The labels that a selector looks at."""
    if not selector:
        return set()
    expressions = selector.get("matchExpressions") or []
    return {*(selector.get("matchLabels") or {}), *(item.get("key") or "" for item in expressions)}


def _selector(target: Mapping[str, Any], name: str) -> Predicate | None:
    selector = target.get(name)
    if selector is None:
        return None
    try:
        return compile_selector(selector)
    except FleetError as error:
        raise error.at(f"target {target.get('name') or ''}".strip()) from error
