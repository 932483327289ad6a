# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of fleet.yaml that do something else than their names say."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from ...bundle.settings import COMMIT_LABEL, REPO_LABEL
from ..bundle_view import BundleView
from ..finding import ERROR, NOTE, WARNING, Found
from ..repository import Repository
from ..rule import rule

POD_SECURITY = "pod-security.kubernetes.io/"


@rule("max-unavailable-zero", ERROR, BundleView, "maxUnavailable: 0 in a rollout")
def max_unavailable_zero(bundle: BundleView) -> Iterator[Found]:
    for steps, value in _limits(bundle):
        if value == 0 and isinstance(value, int):
            yield bundle.place(*steps).says(
                "Fleet then never updates a cluster that is ready", "write a number of at least 1, or a percentage"
            )


@rule("max-unavailable-percent-zero", WARNING, BundleView, "maxUnavailable: 0% in a rollout")
def max_unavailable_percent_zero(bundle: BundleView) -> Iterator[Found]:
    for steps, value in _limits(bundle):
        if isinstance(value, str) and value.endswith("%") and not value.strip("0.%"):
            yield bundle.place(*steps).says(f"Fleet makes one cluster of {value}", "write 1, or paused: true")


def _limits(bundle: BundleView) -> Iterator[tuple[tuple[str | int, ...], int | str | None]]:
    rollout = bundle.fields.get("rolloutStrategy") or {}
    yield ("rolloutStrategy", "maxUnavailable"), rollout.get("maxUnavailable")
    for index, partition in enumerate(rollout.get("partitions") or []):
        yield ("rolloutStrategy", "partitions", index, "maxUnavailable"), partition.get("maxUnavailable")


@rule("waitforjobs-without-timeout", WARNING, BundleView, "helm.waitForJobs without helm.timeoutSeconds")
def waitforjobs_without_timeout(bundle: BundleView) -> Iterator[Found]:
    timeout = bundle.sections[0].helm.get("timeoutSeconds", 0)
    for section in bundle.sections:
        if section.helm.get("waitForJobs") and max(timeout, section.helm.get("timeoutSeconds", 0)) <= 0:
            yield bundle.place(*section.steps, "helm", "waitForJobs").says(
                "Fleet waits for nothing where helm.timeoutSeconds is not set", "set timeoutSeconds too"
            )


@rule("correctdrift-not-enabled", WARNING, BundleView, "correctDrift that is not enabled")
def correctdrift_not_enabled(bundle: BundleView) -> Iterator[Found]:
    for section in bundle.sections:
        drift = section.options.get("correctDrift") or {}
        if (drift.get("force") or drift.get("keepFailHistory")) and not drift.get("enabled"):
            yield bundle.place(*section.steps, "correctDrift").says(
                "Fleet corrects no drift here: without enabled: true the other settings do nothing",
                "write enabled: true, or remove correctDrift",
            )


@rule("op-ignore-only-missing", NOTE, BundleView, "op: ignore in comparePatches")
def op_ignore_only_missing(bundle: BundleView) -> Iterator[Found]:
    for steps, patch in _patches(bundle):
        for index, operation in enumerate(patch.get("operations") or []):
            if operation.get("op") == "ignore":
                yield bundle.place(*steps, "operations", index).says(
                    "Fleet hides with op: ignore that an object is missing; one that was changed is still Modified",
                    "use jsonPointers, or op: remove with a path, for changes that should not count",
                )


@rule("comparepatch-matches-nothing", ERROR, BundleView, "operations of a comparePatch that says not for which object")
def comparepatch_matches_nothing(bundle: BundleView) -> Iterator[Found]:
    for steps, patch in _patches(bundle):
        operations = [item for item in patch.get("operations") or [] if item.get("op") != "ignore"]
        missing = [key for key in ("apiVersion", "kind", "name") if not patch.get(key)]
        if operations and missing:
            yield bundle.place(*steps).says(
                f"Fleet applies operations only to the object of exactly this apiVersion, kind, namespace and name, "
                f"and {', '.join(missing)} is not set",
                f"write {' and '.join(missing)}, or use jsonPointers, where an empty name means any",
            )


def _patches(bundle: BundleView) -> Iterator[tuple[tuple[str | int, ...], dict]]:
    for section in bundle.sections:
        patches = (section.options.get("diff") or {}).get("comparePatches")
        for index, patch in enumerate(patches or []):
            yield (*section.steps, "diff", "comparePatches", index), patch


@rule("reserved-label", ERROR, BundleView, "a label that Fleet sets itself")
def reserved_label(bundle: BundleView) -> Iterator[Found]:
    for label in (REPO_LABEL, COMMIT_LABEL):
        if label in (bundle.fields.get("labels") or {}):
            yield bundle.place("labels", label).says(
                f"Fleet lets this win over its own label {label}, by which it finds the GitRepo's bundles and commits",
                "remove it",
            )


@rule("pod-security-label-ignored", WARNING, BundleView, "pod-security.kubernetes.io/* in namespaceLabels")
def pod_security_label_ignored(bundle: BundleView) -> Iterator[Found]:
    for section in bundle.sections:
        for label in section.options.get("namespaceLabels") or {}:
            if label.startswith(POD_SECURITY):
                yield bundle.place(*section.steps, "namespaceLabels", label).says(
                    f"Fleet never sets labels of {POD_SECURITY}* by namespaceLabels",
                    "put a Namespace manifest with this label into the bundle",
                )


@rule("namespace-labels-conflict", WARNING, BundleView, "a Namespace manifest whose labels namespaceLabels removes")
def namespace_labels_conflict(bundle: BundleView) -> Iterator[Found]:
    for section in bundle.sections:
        wanted = section.options.get("namespaceLabels")
        name = section.options.get("namespace") or section.options.get("defaultNamespace")
        name = name or bundle.fields.get("namespace") or bundle.fields.get("defaultNamespace")
        if not wanted or not name:
            continue
        for manifest in bundle.raw_manifests:
            value = manifest.value if isinstance(manifest.value, dict) else {}
            metadata = value.get("metadata") or {}
            lost = sorted(set(metadata.get("labels") or {}) - set(wanted))
            if value.get("kind") == "Namespace" and metadata.get("name") == name and lost:
                yield manifest.place.says(
                    f"Fleet makes the labels of {name} equal to namespaceLabels, and removes {', '.join(lost)}",
                    f"write them in namespaceLabels of {bundle.options_path} too, or remove namespaceLabels",
                )


@rule("dependson-misspelt", WARNING, Repository, "dependsOn a bundle that is nearly one of this repository")
def dependson_misspelt(repository: Repository) -> Iterator[Found]:
    for bundle in repository.deployed.values():
        for index, dependency in enumerate(bundle.fields.get("dependsOn") or []):
            name = dependency.get("name")
            nearest = get_close_matches(name, repository.deployed, 1, 0.85) if name else []
            if nearest and nearest[0] != name and nearest[0] != bundle.name:
                yield bundle.place("dependsOn", index, "name").says(
                    f"Fleet waits for a bundle {name}, and this repository has none",
                    f"write {nearest[0]} if you mean it",
                )
