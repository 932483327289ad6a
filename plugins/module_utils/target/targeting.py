# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clusters a bundle goes to, and with which options (``internal/cmd/controller/target`` in rancher/fleet)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..bundle.bundle import Bundle
from ..errors import FleetError
from .cluster import Cluster, ClusterGroup
from .deployment import BundleDeployment
from .options import Options, bundle_options, merge, target_options
from .selector import Predicate, compile_selector

DISPLAY_NAME_LABEL = "management.cattle.io/cluster-display-name"
"""The label by which Rancher gives a cluster a second name, which ``clusterName`` takes too."""

ALL_MATCHES = "AllMatches"


class Targeting:
    """Clusters and groups, made ready to match many bundles against them."""

    def __init__(self, clusters: Iterable[Cluster], groups: Iterable[ClusterGroup] = ()):
        self._clusters: dict[str, list[_Candidate]] = {}
        self._kinds: dict[tuple, _Kind] = {}
        selectors: dict[str, list[tuple[ClusterGroup, Predicate]]] = {}
        for group in groups:
            if group.selector is not None:
                try:
                    selectors.setdefault(group.namespace, []).append((group, compile_selector(group.selector)))
                except FleetError as error:
                    raise error.at(f"cluster group {group.namespace}/{group.name}") from error
        for cluster in clusters:
            candidate = _Candidate(cluster, self._kind(cluster, selectors.get(cluster.namespace, ())))
            self._clusters.setdefault(cluster.namespace, []).append(candidate)
        for candidates in self._clusters.values():
            candidates.sort(key=lambda candidate: candidate.cluster.name)

    def match(self, bundle: Bundle) -> list[BundleDeployment]:
        """The bundle on each cluster of its workspace that it goes to, by cluster name.

        Options are merged, templates in them not evaluated. Raises FleetError for a wrong selector.
        """
        matcher = _Matcher(bundle)
        found = []
        for candidate in self._clusters.get(bundle.namespace, ()):
            options = matcher.options_for(candidate)
            if options is not None:
                found.append(BundleDeployment(bundle, candidate.cluster, options))
        return found

    def _kind(self, cluster: Cluster, selectors: Iterable[tuple[ClusterGroup, Predicate]]) -> "_Kind":
        """Clusters with the same workspace and labels are alike, but for their names."""
        key = (cluster.namespace, *sorted(cluster.labels.items()))
        kind = self._kinds.get(key)
        if kind is None:
            groups = tuple(group for group, selects in selectors if selects(cluster.labels))
            kind = self._kinds[key] = _Kind(len(self._kinds), cluster.labels, groups)
        return kind


def match(bundle: Bundle, clusters: Iterable[Cluster], groups: Iterable[ClusterGroup]) -> list[BundleDeployment]:
    """As :meth:`Targeting.match`, for one bundle. For many, make the Targeting once."""
    return Targeting(clusters, groups).match(bundle)


@dataclass(frozen=True)
class _Kind:
    """What clusters with equal labels have in common. ``groups`` are those that select them."""

    number: int
    labels: Mapping[str, str]
    groups: tuple[ClusterGroup, ...]


@dataclass(frozen=True)
class _Candidate:
    cluster: Cluster
    kind: _Kind

    @property
    def names(self) -> tuple[str, ...]:
        """The names by which ``clusterName`` may mean it."""
        return self.cluster.name, self.kind.labels.get(DISPLAY_NAME_LABEL, self.cluster.name)


class _Criteria:
    """The conditions of one target or restriction. All that are set must hold; if none is, nothing matches."""

    def __init__(self, target: Mapping[str, Any]):
        self.cluster_name: str = target.get("clusterName") or ""
        self._group_name: str = target.get("clusterGroup") or ""
        self._group_selector = _selector(target, "clusterGroupSelector")
        self._cluster_selector = _selector(target, "clusterSelector")
        self._is_empty = not (self.cluster_name or self._group_name or self._group_selector or self._cluster_selector)

    def matches(self, names: Sequence[str], kind: _Kind, group: ClusterGroup | None) -> bool:
        """Whether they hold for a cluster, seen as a member of one of its groups (None if it has none)."""
        if self._is_empty or (self.cluster_name and self.cluster_name not in names):
            return False
        if self._group_name and (group is None or group.name != self._group_name):
            return False
        if self._group_selector and not self._group_selector(group.labels if group else {}):
            return False
        return not self._cluster_selector or self._cluster_selector(kind.labels)


def _selector(target: Mapping[str, Any], name: str) -> Predicate | None:
    selector = target.get(name)
    if selector is None:
        return None
    try:
        return compile_selector(selector)
    except FleetError as error:
        raise error.at(f"target {target.get('name') or ''}".strip()) from error


class _Matcher:
    """The targets of one bundle, and the options that come out, each combination merged only once."""

    def __init__(self, bundle: Bundle):
        spec = bundle.spec
        targets = list(spec.get("targets") or [])
        restrictions = list(spec.get("targetRestrictions") or [])
        # By position: what GitRepo targets put at the end has one restriction each, so what is before
        # it are customizations. Without restrictions there is no GitRepo, and all are targets.
        customizations = max(len(targets) - len(restrictions), 0) if restrictions else 0
        criteria = [_Criteria(target) for target in targets]
        numbered = list(zip(targets, criteria, range(len(targets)), strict=True))
        self._customizations = numbered[:customizations]
        self._targets = numbered[customizations:]
        self._restrictions = [_Criteria(restriction) for restriction in restrictions]
        self._all_matches = spec.get("targetCustomizationMode") == ALL_MATCHES
        self._base = bundle_options(spec)
        self._named = {item.cluster_name for item in (*criteria, *self._restrictions) if item.cluster_name}
        self._by_kind: dict[tuple, Options | None] = {}
        self._merged: dict[tuple[int, ...], Options] = {}

    def options_for(self, candidate: _Candidate) -> Options | None:
        """The merged options for a cluster, or None if the bundle does not go there."""
        names = tuple(name for name in candidate.names if name in self._named)
        key = (candidate.kind.number, names)
        if key not in self._by_kind:
            self._by_kind[key] = self._find(names, candidate.kind)
        return self._by_kind[key]

    def _find(self, names: Sequence[str], kind: _Kind) -> Options | None:
        views: Sequence[ClusterGroup | None] = kind.groups or (None,)

        def selected(criteria: _Criteria) -> bool:
            return any(criteria.matches(names, kind, group) for group in views)

        def allowed_and_selected(criteria: _Criteria) -> bool:
            # The restriction must hold in the same view, that is for the same group.
            return any(
                criteria.matches(names, kind, group)
                and (not self._restrictions or any(item.matches(names, kind, group) for item in self._restrictions))
                for group in views
            )

        target = next((item for item in self._targets if allowed_and_selected(item[1])), None)
        if target is None or target[0].get("doNotDeploy"):
            return None
        chosen = [target]
        customizations = (item for item in self._customizations if selected(item[1]))
        if self._all_matches:
            matching = list(customizations)
            if any(item[0].get("doNotDeploy") for item in matching):
                return None
            chosen += matching
        else:
            first = next(customizations, None)
            if first is not None:
                if first[0].get("doNotDeploy"):
                    return None
                chosen = [first]
        return self._merge([item[0] for item in chosen], tuple(item[2] for item in chosen))

    def _merge(self, targets: list[Mapping[str, Any]], numbers: tuple[int, ...]) -> Options:
        if numbers not in self._merged:
            combined = target_options(targets[0])
            for target in targets[1:]:
                combined = merge(combined, target_options(target))
            self._merged[numbers] = merge(self._base, combined)
        return self._merged[numbers]
