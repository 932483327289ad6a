# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clusters a bundle goes to, and with which options (``internal/cmd/controller/target`` in rancher/fleet)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..bundle.bundle import Bundle
from ..errors import FleetError
from .cluster import Cluster, ClusterGroup
from .criteria import Candidate, Criteria, Kind
from .deployment import BundleDeployment
from .options import Options, bundle_options, merge, target_options
from .rollout import Rollout, plan
from .selector import Predicate, compile_selector

ALL_MATCHES = "AllMatches"

Groups = dict[str, list[tuple[ClusterGroup, Predicate]]]
"""By workspace, the groups and what they select."""


class Targeting:
    """Clusters and groups, made ready to match many bundles against them."""

    def __init__(self, clusters: Iterable[Cluster], groups: Iterable[ClusterGroup] = ()):
        self._clusters: dict[str, list[Candidate]] = {}
        self._kinds: dict[tuple, Kind] = {}
        selectors = _compile(groups)
        for cluster in sorted(clusters, key=lambda cluster: cluster.name):
            candidate = Candidate(cluster, self._kind(cluster, selectors.get(cluster.namespace, ())))
            self._clusters.setdefault(cluster.namespace, []).append(candidate)

    def match(self, bundle: Bundle) -> list[BundleDeployment]:
        """The bundle on each cluster of its workspace that it goes to, by cluster name.

        Options are merged, templates in them not evaluated. Clusters that manual partitions of its
        rollout leave out never get it. Raises FleetError for a wrong selector or limit.
        """
        return self.rollout(bundle).deployments

    def rollout(self, bundle: Bundle) -> Rollout:
        """As :meth:`match`, in the partitions of the bundle's ``rolloutStrategy``."""
        matcher = _Matcher(bundle)
        matched = []
        for candidate in self._clusters.get(bundle.namespace, ()):
            options = matcher.options_for(candidate)
            if options is not None:
                matched.append((candidate, BundleDeployment(bundle, candidate.cluster, options)))
        return plan(bundle.spec.get("rolloutStrategy"), matched)

    def _kind(self, cluster: Cluster, selectors: Iterable[tuple[ClusterGroup, Predicate]]) -> Kind:
        """Clusters with the same workspace and labels are alike, but for their names."""
        key = (cluster.namespace, *sorted(cluster.labels.items()))
        kind = self._kinds.get(key)
        if kind is None:
            groups = tuple(group for group, selects in selectors if selects(cluster.labels))
            kind = self._kinds[key] = Kind(len(self._kinds), cluster.labels, groups)
        return kind


def match(bundle: Bundle, clusters: Iterable[Cluster], groups: Iterable[ClusterGroup]) -> list[BundleDeployment]:
    """As :meth:`Targeting.match`, for one bundle. For many, make the Targeting once."""
    return Targeting(clusters, groups).match(bundle)


def _compile(groups: Iterable[ClusterGroup]) -> Groups:
    selectors: Groups = {}
    for group in groups:
        if group.selector is None:
            continue
        try:
            selectors.setdefault(group.namespace, []).append((group, compile_selector(group.selector)))
        except FleetError as error:
            raise error.at(f"cluster group {group.namespace}/{group.name}") from error
    return selectors


class _Matcher:
    """The targets of one bundle, and the options that come out, each combination merged only once."""

    def __init__(self, bundle: Bundle):
        spec = bundle.spec
        targets = list(spec.get("targets") or [])
        restrictions = list(spec.get("targetRestrictions") or [])
        # By position: what GitRepo targets put at the end has one restriction each, so what is before
        # it are customizations. Without restrictions there is no GitRepo, and all are targets.
        customizations = max(len(targets) - len(restrictions), 0) if restrictions else 0
        numbered = [(number, target, Criteria(target)) for number, target in enumerate(targets)]
        self._customizations = numbered[:customizations]
        self._targets = numbered[customizations:]
        self._restrictions = [Criteria(restriction) for restriction in restrictions]
        self._all_matches = spec.get("targetCustomizationMode") == ALL_MATCHES
        self._base = bundle_options(spec)
        criteria = [*self._restrictions, *(item for _, _, item in numbered)]
        self._named = {item.cluster_name for item in criteria if item.cluster_name}
        self._by_kind: dict[tuple, Options | None] = {}
        self._merged: dict[tuple[int, ...], Options] = {}

    def options_for(self, candidate: Candidate) -> Options | None:
        """The merged options for a cluster, or None if the bundle does not go there."""
        names = tuple(name for name in candidate.names if name in self._named) if self._named else ()
        key = (candidate.kind.number, names)
        if key not in self._by_kind:
            self._by_kind[key] = self._find(names, candidate.kind)
        return self._by_kind[key]

    def _find(self, names: Sequence[str], kind: Kind) -> Options | None:
        chosen = next((target for target in self._targets if self._is_target(target[2], names, kind)), None)
        if chosen is None or chosen[1].get("doNotDeploy"):
            return None
        customizations = [item for item in self._customizations if item[2].matches_any_view(names, kind)]
        if not self._all_matches:
            # The first customization that matches takes the place of the target.
            customizations = customizations[:1]
        if any(item[1].get("doNotDeploy") for item in customizations):
            return None
        if self._all_matches or not customizations:
            customizations.insert(0, chosen)
        return self._merge(tuple(number for number, _, _ in customizations), [item[1] for item in customizations])

    def _is_target(self, criteria: Criteria, names: Sequence[str], kind: Kind) -> bool:
        """Whether target and restrictions hold, both for the same group of the cluster."""
        return any(
            criteria.matches(names, kind, group)
            and (not self._restrictions or any(item.matches(names, kind, group) for item in self._restrictions))
            for group in kind.views
        )

    def _merge(self, numbers: tuple[int, ...], targets: Sequence[Mapping[str, Any]]) -> Options:
        if numbers not in self._merged:
            combined = target_options(targets[0])
            for target in targets[1:]:
                combined = merge(combined, target_options(target))
            self._merged[numbers] = merge(self._base, combined)
        return self._merged[numbers]
