# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change since an earlier commit does to what is deployed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...bundle.names import helm_release_name
from ...source.tree_index import join
from ...target.deployment import DEFAULT_NAMESPACE, deployed_options
from ...target.options import bundle_options
from ..bundle_view import BundleView, Section
from ..finding import ERROR, NOTE, Found
from ..history import BundleChange, Change
from ..rule import rule


@rule("all-bundles-removed", ERROR, Change, "a change after which nothing is left to deploy")
def all_bundles_removed(change: Change) -> Iterator[Found]:
    if change.before.deployed and not change.now.deployed:
        yield change.now.place_of("").says(
            f"Fleet uninstalls all {len(change.before.deployed)} bundles, and fails after that",
            "delete the GitRepo, if nothing is to be deployed any more",
        )


@rule("bundle-renamed", ERROR, Change, "a bundle that has another name now")
def bundle_renamed(change: Change) -> Iterator[Found]:
    for old, new in change.renamed.items():
        view = change.now.deployed[new]
        yield view.place("name").says(
            f"Fleet takes {new} for a new bundle: it uninstalls {old}, and installs {new}",
            f"write name: {old} in its fleet.yaml",
        )


@rule("bundle-removed", NOTE, Change, "a bundle that is gone")
def bundle_removed(change: Change) -> Iterator[Found]:
    if not change.now.deployed:
        return
    for name, view in change.removed.items():
        if name not in change.renamed and not view.fields.get("keepResources"):
            yield change.now.place_of("").says(
                f"Fleet uninstalls {name}, the bundle that was in {view.directory or '.'}",
                "deploy keepResources: true first, if what it deployed shall stay",
            )


@rule("release-moved", ERROR, Change, "a release that has another name or namespace now")
def release_moved(change: Change) -> Iterator[Found]:
    for bundle in change.kept:
        for before, now in bundle.sections():
            was, will_be = _release(bundle.before, before), _release(bundle.now, now)
            if was != will_be and (not now.steps or _names_release(before, now)):
                yield bundle.now.place(*now.steps, *_changed(before, now)).says(
                    f"Fleet uninstalls the release {'/'.join(was)}, and installs {'/'.join(will_be)}",
                    "keep namespace and helm.releaseName as they were, if its data must survive",
                )


def _release(view: BundleView, section: Section) -> tuple[str, str]:
    """Namespace and name of the release with the options of a section."""
    root = view.fields
    names = [options.get(key) for key in ("namespace", "defaultNamespace") for options in (section.options, root)]
    namespace = view.settings.target_namespace or next(filter(None, names), DEFAULT_NAMESPACE)
    own = section.helm.get("releaseName") or view.sections[0].helm.get("releaseName")
    return namespace, own or helm_release_name(view.name)


def _names_release(before: Section, now: Section) -> bool:
    """Whether it is the customization itself that has changed."""
    return _own(before) != _own(now)


def _own(section: Section) -> tuple[Any, ...]:
    return (*(section.options.get(key) for key in ("namespace", "defaultNamespace")), section.helm.get("releaseName"))


def _changed(before: Section, now: Section) -> tuple[str, ...]:
    keys = (("namespace",), ("defaultNamespace",), ("helm", "releaseName"))
    return next((key for key, was, new in zip(keys, _own(before), _own(now), strict=True) if was != new), ())


@rule("change-without-upgrade", NOTE, Change, "a change of a fleet.yaml that upgrades nothing")
def change_without_upgrade(change: Change) -> Iterator[Found]:
    for bundle in change.kept:
        if not bundle.has_new_content and bundle.has_new_options and not _is_deployed_anew(bundle):
            yield bundle.now.place().says(
                f"Fleet upgrades no release of {bundle.now.name} for this change: neither its files nor the options "
                "that are deployed are others",
                "change forceSyncGeneration of the GitRepo, if it shall be deployed again",
            )


def _is_deployed_anew(bundle: BundleChange) -> bool:
    return _deployed(bundle.before) != _deployed(bundle.now)


def _deployed(view: BundleView) -> list[Mapping[str, Any]]:
    spec = view.bundle.spec
    return [deployed_options(bundle_options(options)) for options in (spec, *spec.get("targets", ()))]


@rule("upgrade-without-change", NOTE, Change, "a change of files that are not deployed, which upgrades releases")
def upgrade_without_change(change: Change) -> Iterator[Found]:
    for bundle in change.kept:
        before, now = bundle.before.resources, bundle.now.resources
        changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        if changed and not any(_counts(bundle.now, name) for name in changed):
            yield type(bundle.now.place())(join(bundle.now.directory, sorted(changed)[0])).says(
                f"Fleet upgrades every release of {bundle.now.name} for this change, though the file is not deployed",
                "leave it out of the bundle with a .fleetignore",
            )


def _counts(view: BundleView, name: str) -> bool:
    """Whether a file has a part in what is deployed, as far as its name tells."""
    if all(view.style(section).is_raw for section in view.sections):
        return name.endswith((".yaml", ".yml", ".json"))
    return not name.rpartition("/")[2].upper().startswith(("README", "LICENSE", "CHANGELOG", "CONTRIBUTING"))
