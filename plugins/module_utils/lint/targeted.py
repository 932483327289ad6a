# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle together with the clusters that it may go to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..chart.template_text import has_actions
from ..target.cluster import Cluster, ClusterGroup
from ..target.criteria import Candidate, Criteria
from ..target.deployment import BundleDeployment
from ..target.selector import matches
from ..target.targeting import Targeting
from .bundle_view import BundleView, Section
from .document import Step, texts_below
from .finding import Place


class Clusters:
    """The clusters and groups that a file names, ready for many bundles."""

    def __init__(self, clusters: Sequence[Cluster], groups: Sequence[ClusterGroup] = ()):
        self.targeting = Targeting(clusters, groups)
        self._candidates: dict[str, list[Candidate]] = {}
        for cluster in sorted(clusters, key=lambda item: item.name):
            members = self._candidates.setdefault(cluster.namespace, [])
            own = tuple(
                group
                for group in groups
                if group.namespace == cluster.namespace and matches(group.selector, cluster.labels)
            )
            members.append(Candidate(len(members), cluster, own))

    def of_workspace(self, namespace: str) -> list[Candidate]:
        """The clusters of a workspace, by name."""
        return self._candidates.get(namespace, [])


@dataclass
class TargetedBundle:
    """``deployments`` are those of the clusters that the bundle goes to, before partitions leave any out."""

    view: BundleView
    clusters: Clusters
    knows_targets: bool

    def place(self) -> Place:
        """The place of the bundle."""
        return self.view.place()

    @property
    def workspace(self) -> list[Candidate]:
        return self.clusters.of_workspace(self.view.settings.namespace)

    @cached_property
    def deployments(self) -> list[BundleDeployment]:
        bundle = self.view.bundle
        spec = {name: value for name, value in bundle.spec.items() if name != "rolloutStrategy"}
        return self.clusters.targeting.match(type(bundle)(bundle.name, bundle.namespace, spec, bundle.labels))

    @cached_property
    def served(self) -> set[str]:
        """The names of the clusters that a partition of the rollout has, or all that get the bundle."""
        return {item.cluster.name for item in self.clusters.targeting.match(self.view.bundle)}

    @cached_property
    def selected(self) -> set[str]:
        """The names of the clusters that a target of the GitRepo selects, whatever customizations make of it."""
        settings = self.view.settings
        override = self.view.fields.get("overrideTargets")
        targets = [Criteria(target) for target in (settings.targets if override is None else override)]
        return {
            item.cluster.name
            for item in self.workspace
            if any(target.matches_any_view(item.names, item.kind) for target in targets)
        }

    @cached_property
    def matched(self) -> list[tuple[Section, list[str]]]:
        """Each customization with the names of the clusters that its own conditions match."""
        found = []
        for section in self.view.customizations:
            criteria = Criteria(section.options)
            names = [item.cluster.name for item in self.workspace if criteria.matches_any_view(item.names, item.kind)]
            found.append((section, names))
        return found

    def by_values(self) -> Iterator[tuple[Mapping[str, Any], list[Cluster]]]:
        """The Helm options that clusters get, each with the clusters that get it."""
        found: dict[int, tuple[Mapping[str, Any], list[Cluster]]] = {}
        for deployment in self.deployments:
            helm = deployment.options.get("helm") or {}
            found.setdefault(id(deployment.options), (helm, []))[1].append(deployment.cluster)
        yield from found.values()

    def place_of(self, path: tuple[Step, ...], value: Any) -> Place:
        """Where a value of the merged Helm options is written, ``path`` being that below helm."""
        for section in reversed(self.view.sections):
            for document in reversed(self.view.values_files(section)):
                if path[0] == "values" and document.get(*path[1:]) == value:
                    return document.value_place(*path[1:])
            document = self.view.document
            if document is not None and document.get(*section.steps, "helm", *path) == value:
                return document.value_place(*section.steps, "helm", *path)
        return self.view.place("helm")


def texts(helm: Mapping[str, Any]) -> Iterator[tuple[tuple[Step, ...], str]]:
    """All texts in the values, and the templates of templateValues, with their path below helm."""
    yield from texts_below(helm.get("templateValues"), "templateValues")
    yield from texts_below(helm.get("values"), "values")


def templates(helm: Mapping[str, Any]) -> Iterator[tuple[tuple[Step, ...], str]]:
    """The texts that are evaluated."""
    if not helm.get("disablePreProcess"):
        yield from ((path, text) for path, text in texts(helm) if has_actions(text))
