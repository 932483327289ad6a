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
from .criteria import Candidate, Criteria, Kind, label_keys
from .deployment import BundleDeployment
from .options import Options, bundle_options, merge, target_options
from .rollout import Rollout, plan
from .selector import Predicate, compile_selector

ALL_MATCHES = "AllMatches"


class Targeting:
    """Clusters and groups, made ready to match many bundles against them."""

    def __init__(self, clusters: Iterable[Cluster], groups: Iterable[ClusterGroup] = ()):
        self._workspaces: dict[str, _Workspace] = {}
        by_workspace: dict[str, tuple[list[Cluster], list[ClusterGroup]]] = {}
        for cluster in clusters:
            by_workspace.setdefault(cluster.namespace, ([], []))[0].append(cluster)
        for group in groups:
            by_workspace.setdefault(group.namespace, ([], []))[1].append(group)
        for namespace, members in by_workspace.items():
            self._workspaces[namespace] = _Workspace(*members)

    def match(self, bundle: Bundle) -> list[BundleDeployment]:
        """The bundle on each cluster of its workspace that it goes to, by cluster name.

        Options are merged, templates in them not evaluated. Clusters that manual partitions of its
        rollout leave out never get it. Raises FleetError for a wrong selector or limit.
        """
        return self.rollout(bundle).deployments

    def rollout(self, bundle: Bundle) -> Rollout:
        """As :meth:`match`, in the partitions of the bundle's ``rolloutStrategy``."""
        workspace = self._workspaces.get(bundle.namespace) or _Workspace([], [])
        matched = [
            (candidate, BundleDeployment(bundle, candidate.cluster, options))
            for candidate, options in workspace.find(_Matcher(bundle))
        ]
        return plan(bundle.spec.get("rolloutStrategy"), matched)


def match(bundle: Bundle, clusters: Iterable[Cluster], groups: Iterable[ClusterGroup]) -> list[BundleDeployment]:
    """As :meth:`Targeting.match`, for one bundle. For many, make the Targeting once."""
    return Targeting(clusters, groups).match(bundle)


class _Workspace:
    """The clusters of one workspace. They are many, and bundles ask for few labels: alike ones are decided at once."""

    def __init__(self, clusters: Sequence[Cluster], groups: Sequence[ClusterGroup]):
        membership = _Membership(groups)
        ordered = sorted(clusters, key=lambda cluster: cluster.name)
        self._candidates = [
            Candidate(number, cluster, membership.groups_of(cluster)) for number, cluster in enumerate(ordered)
        ]
        self._by_name: dict[str, list[Candidate]] = {}
        for candidate in self._candidates:
            for name in set(candidate.names):
                self._by_name.setdefault(name, []).append(candidate)
        self._alike: dict[tuple[str, ...], list[tuple[Kind, list[Candidate]]]] = {}

    def find(self, matcher: _Matcher) -> list[tuple[Candidate, Options]]:
        """The clusters that get a bundle, by name, and their options."""
        named = {candidate.number: candidate for name in matcher.names for candidate in self._by_name.get(name, ())}
        found = []
        for candidate in named.values():
            options = matcher.options_for(candidate.names, candidate.kind)
            if options is not None:
                found.append((candidate, options))
        for kind, members in self._kinds(matcher.label_keys):
            options = matcher.options_for((), kind)
            if options is not None:
                others = [item for item in members if item.number not in named] if named else members
                found.extend((candidate, options) for candidate in others)
        found.sort(key=lambda item: item[0].number)
        return found

    def _kinds(self, label_keys: Iterable[str]) -> list[tuple[Kind, list[Candidate]]]:
        """The clusters in sets that are alike in these labels and in their groups."""
        keys = tuple(sorted(label_keys))
        if keys not in self._alike:
            sets: dict[tuple, list[Candidate]] = {}
            for candidate in self._candidates:
                labels = candidate.cluster.labels
                key = (id(candidate.groups), *(labels.get(name) for name in keys))
                sets.setdefault(key, []).append(candidate)
            self._alike[keys] = [(members[0].kind, members) for members in sets.values()]
        return self._alike[keys]


class _Membership:
    """Which groups select a cluster. Clusters with the same groups get the very same tuple."""

    def __init__(self, groups: Sequence[ClusterGroup]):
        self._selectors = [(group, _compiled(group)) for group in groups if group.selector is not None]
        self._keys = sorted({key for group, _unused in self._selectors for key in label_keys(group.selector)})
        self._known: dict[tuple, tuple[ClusterGroup, ...]] = {}
        self._tuples: dict[tuple[str, ...], tuple[ClusterGroup, ...]] = {}

    def groups_of(self, cluster: Cluster) -> tuple[ClusterGroup, ...]:
        """The groups, in the order that they were given in."""
        key = tuple(cluster.labels.get(name) for name in self._keys)
        if key not in self._known:
            groups = tuple(group for group, selects in self._selectors if selects(cluster.labels))
            self._known[key] = self._tuples.setdefault(tuple(group.name for group in groups), groups)
        return self._known[key]


def _compiled(group: ClusterGroup) -> Predicate:
    try:
        return compile_selector(group.selector)
    except FleetError as error:
        raise error.at(f"cluster group {group.namespace}/{group.name}") from error


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
        criteria = [*self._restrictions, *(item for _unused, _unused, item in numbered)]
        partitions = (spec.get("rolloutStrategy") or {}).get("partitions") or []
        # Partitions choose among the clusters later: their conditions must not be lost in taking clusters for alike.
        self.names = {item.cluster_name for item in criteria} | {item.get("clusterName") for item in partitions}
        self.label_keys = {key for item in criteria for key in item.label_keys}.union(
            *(label_keys(item.get("clusterSelector")) for item in partitions)
        )
        self._merged: dict[tuple[int, ...], Options] = {}

    def options_for(self, names: Sequence[str], kind: Kind) -> Options | None:
        """The merged options for a cluster of these names and this kind, or None if the bundle does not go there."""
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
        return self._merge(
            tuple(number for number, _unused, _unused in customizations), [item[1] for item in customizations]
        )

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
