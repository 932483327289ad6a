# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlays of raw manifests: files that replace, add, or patch others.

Fleet's rules: ``internal/helmdeployer/render/patch/patch.go``. Where Fleet's result depends on chance
(a file that one overlay both replaces and patches), it is replaced first here.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Any

from ..bundle import go_json
from ..errors import FleetError
from . import go_yaml_3
from .merge_rules import rules_for
from .strategic_merge import strategic_merge

try:
    import jsonpatch
except ImportError:
    jsonpatch = None

DIRECTORY = "overlays/"
_PATCH = "_patch."


def apply_overlays(resources: dict[str, bytes], overlays: Sequence[str]) -> dict[str, bytes]:
    """The resources of a raw bundle after the named overlays, in their order.

    Raises :class:`FleetError` with the patch file, where there is nothing to patch or it does not fit.
    """
    result = dict(resources)
    for overlay in overlays:
        prefix = f"{DIRECTORY}{overlay}/"
        names = sorted(name for name in resources if name.startswith(prefix))
        for name in names:
            if not _is_patch(name):
                result[name[len(prefix) :]] = resources[name]
        for name in names:
            if _is_patch(name):
                target = _target(name[len(prefix) :])
                try:
                    result[target] = _patched(result, target, resources[name], name)
                except FleetError as error:
                    raise error if error.place else error.at(name) from error
    return result


def without_overlays(resources: dict[str, bytes]) -> dict[str, bytes]:
    """The resources that are no part of an overlay."""
    return {name: content for name, content in resources.items() if not name.startswith(DIRECTORY)}


def _is_patch(name: str) -> bool:
    return _PATCH in posixpath.basename(name)


def _target(name: str) -> str:
    directory, slash, base = name.rpartition("/")
    return posixpath.normpath(directory + slash + base.replace(_PATCH, ".", 1))


def _patched(resources: dict[str, bytes], target: str, patch: bytes, place: str) -> bytes:
    if target not in resources:
        raise FleetError(
            f"this patches {target}, and the bundle has no such file",
            place=place,
            remedy="Name the patch after the file that it patches, with _patch before the extension.",
        )
    # Fleet patches the first document, and drops the others.
    original, change = go_yaml_3.load(resources[target], target), go_yaml_3.load(patch, place)
    patched = apply_patch({} if original is None else original, {} if change is None else change)
    try:
        return go_json.dumps(_sorted(patched)).encode()
    except ValueError as error:
        raise FleetError(f"{target} and its patch have a number that is none: {error}", place=place) from error


def _sorted(value: Any) -> Any:
    """With the keys in the order in which Go writes them: the content counts in the chart's version."""
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def apply_patch(original: Any, patch: Any) -> Any:
    """``original`` after a patch: a list is a JSON patch, a mapping a strategic or a plain merge patch.

    Which of the two last depends on the kind of the original. Raises :class:`FleetError`.
    """
    if isinstance(patch, list):
        return _json_patch(original, patch)
    if not isinstance(patch, dict) or not isinstance(original, dict):
        raise FleetError("a patch is a mapping or a list, and what it patches is a mapping")
    _check_metadata(original)
    rules = rules_for(original.get("apiVersion") or "", original.get("kind") or "")
    return strategic_merge(original, patch, rules) if rules else merge_patch(original, patch)


def _check_metadata(original: dict[str, Any]) -> None:
    """Fleet looks at what it patches as an object, and fails on labels and annotations that are no strings."""
    metadata = original.get("metadata")
    for name in ("labels", "annotations"):
        values = (metadata.get(name) if isinstance(metadata, dict) else None) or {}
        if any(value is not None and not isinstance(value, str) for value in values.values()):
            raise FleetError(f"{name} of what this patches are not all strings", remedy="Put their values in quotes.")


def merge_patch(original: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7386), as github.com/evanphx/json-patch has it: nulls in new lists go too."""
    if not isinstance(original, dict):
        return _without_nulls(patch)
    if not isinstance(patch, dict):
        return patch
    result = dict(original)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value if item is not None]
    return value


def _json_patch(original: Any, patch: list[Any]) -> Any:
    if jsonpatch is None:
        raise FleetError("jsonpatch is not installed", remedy="Install it for the Python that runs this: jsonpatch.")
    try:
        result = jsonpatch.JsonPatch(patch).apply(original)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError, ValueError) as error:
        raise FleetError(f"the JSON patch does not fit: {str(error) or type(error).__name__}") from error
    if not isinstance(result, dict):
        raise FleetError("the JSON patch leaves no object")
    return result
