# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What shows only with what is on a cluster: for plans (:func:`..lint.lint_live`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...deploy.live_deployment import LiveDeployment
from ..finding import NOTE, WARNING, Found, Place
from ..rule import rule
from .options import POD_SECURITY

_KEPT = "kubernetes.io/metadata.name"


@rule("namespace-labels-removed", WARNING, LiveDeployment, "labels of a namespace that namespaceLabels removes")
def namespace_labels_removed(live: LiveDeployment) -> Iterator[Found]:
    wanted, found = live.deployment.namespace_labels, live.namespace_labels or {}
    lost = sorted(key for key in found if key not in wanted and key != _KEPT and not key.startswith(POD_SECURITY))
    if wanted and lost:
        yield Place(live.place).says(
            f"Fleet makes the labels of namespace {live.deployment.release_namespace} equal to namespaceLabels, and "
            f"removes {', '.join(lost)}",
            "write them in namespaceLabels too",
        )


@rule("namespace-annotations-removed", WARNING, LiveDeployment, "annotations that namespaceAnnotations removes")
def namespace_annotations_removed(live: LiveDeployment) -> Iterator[Found]:
    wanted = live.deployment.namespace_annotations
    lost = sorted(set(live.namespace_annotations or {}) - set(wanted))
    if wanted and lost:
        yield Place(live.place).says(
            f"Fleet makes the annotations of namespace {live.deployment.release_namespace} equal to "
            f"namespaceAnnotations, and removes {', '.join(lost)}",
            "write them in namespaceAnnotations too",
        )


@rule("values-from-wins", NOTE, LiveDeployment, "a value that helm.valuesFrom overrides")
def values_from_wins(live: LiveDeployment) -> Iterator[Found]:
    values = (live.deployment.options.get("helm") or {}).get("values")
    for path in _overridden(values, live.values_from, ()):
        # Names only: what comes from a Secret is never shown.
        yield Place(live.place).says(
            f"Fleet puts helm.valuesFrom over all other values: {'.'.join(path)} is the one of valuesFrom",
            "remove it from one of the two",
        )


def _overridden(values: Any, others: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not isinstance(values, Mapping) or not isinstance(others, Mapping):
        return
    for key in values:
        if key in others and values[key] != others[key]:
            if isinstance(values[key], Mapping) and isinstance(others[key], Mapping):
                yield from _overridden(values[key], others[key], (*path, key))
            else:
                yield (*path, key)


@rule("op-ignore-on-modified", WARNING, LiveDeployment, "op: ignore for an object that is modified, not missing")
def op_ignore_on_modified(live: LiveDeployment) -> Iterator[Found]:
    patches = (live.deployment.options.get("diff") or {}).get("comparePatches") or []
    for item in live.modified:
        for patch in patches:
            operations = patch.get("operations") or []
            if any(operation.get("op") == "ignore" for operation in operations) and _is_about(patch, item):
                yield Place(live.place).says(
                    f"Fleet still counts {item['kind']} {item['name']} as modified: op: ignore only hides that an "
                    "object is missing",
                    "use jsonPointers, or op: remove with a path",
                )


def _is_about(patch: Mapping[str, Any], item: Mapping[str, str]) -> bool:
    keys = ("apiVersion", "kind", "namespace", "name")
    return all(not patch.get(key) or patch[key] == item.get(key) for key in keys)
