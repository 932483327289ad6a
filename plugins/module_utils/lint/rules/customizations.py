# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""targets and targetCustomizations: what has no effect in them, and what has one that nobody expects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...bundle.api_types import BUNDLE_DEPLOYMENT_OPTIONS
from ...target.options import merge, target_options
from ..bundle_view import BundleView
from ..document import Step
from ..finding import ERROR, NOTE, WARNING, Found
from ..rule import rule

_OPTIONS = frozenset(item.name for item in BUNDLE_DEPLOYMENT_OPTIONS.fields)
_CRITERIA = ("clusterSelector", "clusterName", "clusterGroup", "clusterGroupSelector")
_RESETTABLE = ("namespace", "defaultNamespace", "serviceAccount")
_FOR_NAMESPACE = ("namespaceLabels", "namespaceAnnotations")
_MERGED_BEFORE = frozenset(("valuesFiles",))
"""What reading turns into values, before anything is merged."""


@rule("cannot-switch-off", ERROR, BundleView, "a switch that a customization means to switch off")
def cannot_switch_off(bundle: BundleView) -> Iterator[Found]:
    base = {"helm": bundle.sections[0].helm, "keepResources": bundle.fields.get("keepResources")}
    for section in bundle.customizations:
        for path, value in _switches(section.options):
            merged = merge({**base, "helm": dict(base["helm"])}, target_options(section.options))
            if value is False and _at(base, path) is True and _at(merged, path) is True:
                yield bundle.place(*section.steps, *path).says(
                    f"Fleet lets a customization only switch on: {'.'.join(path)} stays true here",
                    "set it in the customizations that want it, and not at the root",
                )


def _switches(options: Any) -> Iterator[tuple[tuple[str, ...], bool]]:
    for key, value in (options.get("helm") or {}).items():
        if isinstance(value, bool):
            yield ("helm", key), value
    if isinstance(options.get("keepResources"), bool):
        yield ("keepResources",), options["keepResources"]


def _at(options: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        options = (options or {}).get(step)
    return options


@rule("ignored-in-customization", ERROR, BundleView, "an option that has no effect in a customization")
def ignored_in_customization(bundle: BundleView) -> Iterator[Found]:
    for section in bundle.customizations:
        for path, value in _set_options(section.options):
            alone: dict[str, Any] = {path[-1]: value} if len(path) == 1 else {"helm": {path[-1]: value}}
            if _at(merge({}, alone), path) is None:
                yield bundle.place(*section.steps, *path).says(
                    f"Fleet ignores {'.'.join(path)} in targets and targetCustomizations",
                    "set it at the root, for all clusters",
                )


def _set_options(options: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What a target sets to something: false, 0 and nothing are not told from what is unset."""
    for key, value in options.items():
        if key == "helm":
            for name, inner in (value or {}).items():
                if inner and name not in _MERGED_BEFORE and not (name == "timeoutSeconds" and inner < 0):
                    yield ("helm", name), inner
        elif key in _OPTIONS and key not in _FOR_NAMESPACE and (value or key == "createNamespace"):
            yield (key,), value


@rule("dash-is-literal", ERROR, BundleView, "- as a name, which resets nothing")
def dash_is_literal(bundle: BundleView) -> Iterator[Found]:
    for section in bundle.sections:
        for key in _RESETTABLE:
            if section.options.get(key) == "-":
                yield bundle.value_place(*section.steps, key).says(
                    f'Fleet takes "-" for the name itself: {key} is -, and not reset',
                    "write the name that is wanted, or set the others in the customizations that want them",
                )


@rule("overlays-appended", NOTE, BundleView, "yaml.overlays in a customization, beside those of the root")
def overlays_appended(bundle: BundleView) -> Iterator[Found]:
    base = (bundle.fields.get("yaml") or {}).get("overlays")
    for section in bundle.customizations:
        if base and (section.options.get("yaml") or {}).get("overlays"):
            yield bundle.place(*section.steps, "yaml", "overlays").says(
                f"Fleet applies these after the root's overlays ({', '.join(base)}), and not in their place",
                "remove the root's overlays if they are not meant for these clusters",
            )


@rule("namespace-labels-everywhere", WARNING, BundleView, "namespaceLabels or namespaceAnnotations in a customization")
def namespace_labels_everywhere(bundle: BundleView) -> Iterator[Found]:
    for section in bundle.customizations:
        for key in _FOR_NAMESPACE:
            if section.options.get(key):
                yield bundle.place(*section.steps, key).says(
                    f"Fleet puts the {key} of all targets on the namespace of every cluster, also of clusters that "
                    "the target does not match",
                    f"set {key} at the root, or put a Namespace manifest into the bundle",
                )


@rule("target-without-criteria", ERROR, BundleView, "a target or partition that matches no cluster")
def target_without_criteria(bundle: BundleView) -> Iterator[Found]:
    lists: list[tuple[Step, ...]] = [("targets",), ("targetCustomizations",), ("overrideTargets",)]
    lists.append(("rolloutStrategy", "partitions"))
    for steps in lists:
        items = bundle.fields
        for step in steps:
            items = (items or {}).get(step)
        for index, target in enumerate(items or []):
            if all(target.get(name) in (None, "") for name in _CRITERIA):
                yield bundle.place(*steps, index).says(
                    "Fleet matches no cluster where no condition is set",
                    f"give it {', '.join(_CRITERIA[:3])} or {_CRITERIA[3]}; clusterSelector: {{}} means all clusters",
                )


@rule("target-name-twice", ERROR, BundleView, "two targets of one name")
def target_name_twice(bundle: BundleView) -> Iterator[Found]:
    override = bundle.fields.get("overrideTargets")
    others = bundle.settings.targets if override is None else override
    known = {target.get("name"): "a target of the GitRepo" for target in others if target.get("name")}
    for section in bundle.customizations:
        if section.name in known:
            yield bundle.place(*section.steps, "name").says(
                f"Fleet keeps values by the name of the target: {known[section.name]} is called {section.name} too, "
                "and gets the values of one of them",
                "give each target a name of its own",
            )
        known[section.name] = "another target"


@rule("overridetargets-empty", ERROR, BundleView, "overrideTargets: [], which is not no target")
def overridetargets_empty(bundle: BundleView) -> Iterator[Found]:
    if bundle.fields.get("overrideTargets") != []:
        return
    if bundle.customizations:
        does = "Fleet drops the GitRepo's targets, and takes every customization for a target of its own"
    else:
        does = "Fleet takes the cluster group default then, and neither the GitRepo's targets nor none"
    yield bundle.place("overrideTargets").says(does, "remove it, or list the targets")
