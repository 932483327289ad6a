# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What shows only with the clusters and their labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...bundle import go_yaml
from ...chart.templating import LABEL_PREFIX, cluster_labels
from ...errors import FleetError
from ...target.cluster import Cluster
from ...target.targeting import ALL_MATCHES
from ..finding import ERROR, NOTE, WARNING, Found
from ..rule import rule
from ..targeted import TargetedBundle, templates, texts

_FIELD = re.compile(r"\.ClusterLabels\.(\w+)")
_WHOLE = re.compile(r"\s*\$\{-?\s*(?:\.ClusterLabels\.(\w+)|(?:index|get)\s+\.ClusterLabels\s+\"([^\"]+)\")\s*-?\}\s*")
_MOST_NAMES = 3


@rule("cluster-without-labels", ERROR, TargetedBundle, "templates in values for a cluster that has no labels")
def cluster_without_labels(bundle: TargetedBundle) -> Iterator[Found]:
    for helm, clusters in bundle.by_values():
        bare = [cluster for cluster in clusters if not cluster_labels(cluster)]
        asked = [*templates(helm), *((path, text) for path, text in texts(helm) if text.startswith(LABEL_PREFIX))]
        if bare and asked:
            path, text = asked[-1]
            yield bundle.place_of(path, text).says(
                f"Fleet evaluates nothing for a cluster without labels: {_names(bare)} gets this text as it stands",
                "give the cluster a label",
            )


@rule("label-missing", ERROR, TargetedBundle, "a template that asks for a label that a cluster does not have")
def label_missing(bundle: TargetedBundle) -> Iterator[Found]:
    for helm, clusters in bundle.by_values():
        for path, text in templates(helm):
            for label in dict.fromkeys(_FIELD.findall(text)):
                without = [item for item in clusters if cluster_labels(item) and label not in cluster_labels(item)]
                if without and "hasKey" not in text:
                    yield bundle.place_of(path, text).says(
                        f"Fleet deploys the bundle to no cluster at all: {_names(without)} has no label {label}",
                        f'label the cluster, or write ${{ get .ClusterLabels "{label}" }} for an empty text',
                    )


@rule("label-missing-empty", WARNING, TargetedBundle, "global.fleet.clusterLabels.* of a label that a cluster has not")
def label_missing_empty(bundle: TargetedBundle) -> Iterator[Found]:
    for helm, clusters in bundle.by_values():
        for path, text in texts(helm):
            if not text.startswith(LABEL_PREFIX) or isinstance(path[-1], int):
                continue
            label = text.removeprefix(LABEL_PREFIX)
            without = [item for item in clusters if cluster_labels(item) and label not in cluster_labels(item)]
            if without:
                yield bundle.place_of(path, text).says(
                    f'Fleet puts "" here where a cluster has no label {label}, as {_names(without)}',
                    "label the cluster, or set the value in a customization",
                )


@rule("label-becomes-number", WARNING, TargetedBundle, "a template whose label looks like a number or boolean")
def label_becomes_number(bundle: TargetedBundle) -> Iterator[Found]:
    for helm, clusters in bundle.by_values():
        for path, text in templates(helm):
            match = _WHOLE.fullmatch(text)
            label = match and (match[1] or match[2])
            changed = [item for item in clusters if label and _is_no_text(cluster_labels(item).get(label, "x"))]
            if changed:
                value = cluster_labels(changed[0])[label]
                kind = "a boolean" if isinstance(go_yaml.load(value), bool) else "a number"
                yield bundle.place_of(path, text).says(
                    f"Fleet reads the result as YAML: {label}={value} of {_names(changed)} becomes {kind}",
                    f"write {LABEL_PREFIX}{label}, or add | quote in the template, where a text is wanted",
                )


def _is_no_text(value: str) -> bool:
    try:
        return bool(value) and not isinstance(go_yaml.load(value), str)
    except FleetError:
        return False


@rule("customization-unused", WARNING, TargetedBundle, "a customization that matches no cluster")
def customization_unused(bundle: TargetedBundle) -> Iterator[Found]:
    for section, names in bundle.matched:
        if not names and _has_criteria(section.options):
            yield bundle.view.place(*section.steps).says(
                f"Fleet finds no cluster that {section.name} matches, among {len(bundle.workspace)} of the workspace",
                "correct its conditions, or the clusters' labels",
            )


def _has_criteria(options: object) -> bool:
    keys = ("clusterName", "clusterSelector", "clusterGroup", "clusterGroupSelector")
    return any(options.get(key) not in (None, "") for key in keys)


@rule("customization-without-target", WARNING, TargetedBundle, "a customization for clusters that are no targets")
def customization_without_target(bundle: TargetedBundle) -> Iterator[Found]:
    if not bundle.knows_targets and bundle.view.fields.get("overrideTargets") is None:
        return
    for section, names in bundle.matched:
        if names and not bundle.selected.intersection(names) and not section.options.get("doNotDeploy"):
            yield bundle.view.place(*section.steps).says(
                f"Fleet deploys nothing by a customization alone: no target of the GitRepo selects {_join(names)}",
                "add a target for these clusters to the GitRepo",
            )


@rule("customization-shadowed", WARNING, TargetedBundle, "a customization whose clusters all match an earlier one")
def customization_shadowed(bundle: TargetedBundle) -> Iterator[Found]:
    if bundle.view.fields.get("targetCustomizationMode") == ALL_MATCHES:
        return
    seen: dict[str, str] = {}
    for section, names in bundle.matched:
        if names and all(name in seen for name in names):
            first = list(dict.fromkeys(seen[name] for name in names))
            yield bundle.view.place(*section.steps).says(
                f"Fleet takes the first customization that matches: {_join(first)} comes before {section.name} for "
                f"each of its clusters ({_join(names)})",
                "put it first, or write targetCustomizationMode: AllMatches",
            )
        for name in names:
            seen.setdefault(name, section.name)


@rule("cluster-not-customized", NOTE, TargetedBundle, "a cluster that none of several customizations matches")
def cluster_not_customized(bundle: TargetedBundle) -> Iterator[Found]:
    keys = {_only_label(section.options) for section in bundle.view.customizations}
    if len(bundle.view.customizations) < 2 or len(keys) != 1 or None in keys:
        return
    label = keys.pop()
    customized = {name for _section, names in bundle.matched for name in names}
    for deployment in bundle.deployments:
        cluster = deployment.cluster
        if cluster.name not in customized and label in cluster.labels:
            yield bundle.view.place("targetCustomizations").says(
                f"Fleet deploys to {cluster.name} without any customization: none of them is for "
                f"{label}={cluster.labels[label]}",
                "add one for it, or one with doNotDeploy: true",
            )
            return


def _only_label(options: object) -> str | None:
    """The one label that a customization selects clusters by; None if it selects by anything else."""
    selector = options.get("clusterSelector") or {}
    labels = selector.get("matchLabels") or {}
    others = [options.get(key) for key in ("clusterName", "clusterGroup", "clusterGroupSelector")]
    if len(labels) != 1 or selector.get("matchExpressions") or any(others):
        return None
    return next(iter(labels))


@rule("partition-leaves-out", ERROR, TargetedBundle, "a cluster that is in no partition of the rollout")
def partition_leaves_out(bundle: TargetedBundle) -> Iterator[Found]:
    if not (bundle.view.fields.get("rolloutStrategy") or {}).get("partitions"):
        return
    left_out = [item.cluster for item in bundle.deployments if item.cluster.name not in bundle.served]
    if left_out:
        yield bundle.view.place("rolloutStrategy", "partitions").says(
            f"Fleet never deploys to a cluster that no partition matches: {_names(left_out)}",
            "add a last partition with clusterSelector: {}",
        )


@rule("matches-no-cluster", WARNING, TargetedBundle, "a bundle that goes to no cluster")
def matches_no_cluster(bundle: TargetedBundle) -> Iterator[Found]:
    if bundle.knows_targets and bundle.workspace and not bundle.selected:
        yield bundle.view.place().says(
            f"Fleet deploys the bundle {bundle.view.name} nowhere: no target selects any of {len(bundle.workspace)} "
            "clusters",
            "correct the GitRepo's targets, or the clusters' labels",
        )


def _names(clusters: Sequence[Cluster]) -> str:
    return _join([cluster.name for cluster in clusters])


def _join(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    shown = ", ".join(names[:_MOST_NAMES])
    return f"{shown} and {more} more" if more > 0 else shown
