# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences between what Fleet made of a case and what our own code does."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.gitops.fleet.plugins.module_utils.bundle.content import content_id
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.deployment import BundleDeployment

from .outcome import Outcome, stored_options

_LONGEST = 160


def bundle_differences(outcome: Outcome) -> Iterator[str]:
    """Whether reading failed alike, and names, metadata, specs and content IDs of the bundles."""
    case = outcome.case
    if case.failed != (outcome.error is not None):
        theirs = f"Fleet failed ({case.data['error']})" if case.failed else "Fleet read it"
        ours = f"failed ({outcome.error})" if outcome.error else "read it"
        yield f"{theirs}, we {ours}"
        return
    expected = {bundle["name"]: bundle for bundle in case.data["bundles"]}
    yield from _missing_and_extra("bundle", expected, outcome.bundles)
    printed = case.bundles()
    for name in sorted(expected.keys() & outcome.bundles.keys()):
        bundle = outcome.bundles[name]
        wanted = expected[name]["content_id"]
        if wanted and content_id(bundle) != wanted:
            yield f"{name}: content ID is {content_id(bundle)}, not {wanted}"
        yield from (f"{name}: {text}" for text in _differences(printed.get(name), bundle.to_object(), ""))


def target_differences(outcome: Outcome) -> Iterator[str]:
    """Clusters, options and deployment IDs of each bundle."""
    for expected in outcome.case.data["bundles"]:
        name = expected["name"]
        error = outcome.errors.get(name)
        if bool(expected["error"]) != (error is not None):
            yield f"{name}: targeting: Fleet says {expected['error']!r}, we {str(error)!r}"
            continue
        ours = {deployment.cluster.name: deployment for deployment in outcome.deployments.get(name, ())}
        yield from (f"{name}: {text}" for text in _missing_and_extra("cluster", expected["clusters"], ours))
        for theirs in expected["deployments"]:
            deployment = ours.get(theirs["cluster"])
            if deployment is not None:
                yield from (f"{name} on {theirs['cluster']}: {text}" for text in _deployment(theirs, deployment))


def _deployment(theirs: Mapping[str, Any], deployment: BundleDeployment) -> Iterator[str]:
    yield from _differences(theirs["options"], stored_options(deployment), "options")
    if theirs["deployment_id"] != deployment.id:
        yield f"deployment ID is {deployment.id}, not {theirs['deployment_id']}"


def object_differences(
    theirs: Mapping[str, Any], expected: list[Any], ours: list[dict[str, Any]] | FleetError
) -> Iterator[str]:
    """The rendered objects, keyed by kind, namespace and name."""
    failed = isinstance(ours, FleetError)
    if (theirs["exit"] != 0) != failed:
        said = f"failed ({ours})" if failed else "rendered it"
        yield f"rendering: Fleet says {theirs['error']!r}, we {said}"
    elif not failed:
        yield from _object_lists(expected, ours)


def _object_lists(expected: list[Any], ours: list[dict[str, Any]]) -> Iterator[str]:
    wanted, made = _by_key(expected), _by_key(ours)
    yield from _missing_and_extra("object", wanted, made)
    for key in sorted(wanted.keys() & made.keys()):
        if len(wanted[key]) != len(made[key]):
            yield f"{key}: there are {len(made[key])} of it, not {len(wanted[key])}"
        for left, right in zip(wanted[key], made[key], strict=False):
            yield from (f"{key}: {text}" for text in _differences(left, right, ""))


def _by_key(objects: list[Any]) -> dict[str, list[Any]]:
    result: dict[str, list[Any]] = defaultdict(list)
    for item in objects:
        metadata = item.get("metadata") or {}
        result[f"{item.get('kind')} {metadata.get('namespace') or ''}/{metadata.get('name') or ''}"].append(item)
    return {key: sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) for key, items in result.items()}


def _missing_and_extra(what: str, expected: Any, ours: Any) -> Iterator[str]:
    for name in sorted(set(expected) - set(ours)):
        yield f"{what} {name} is missing"
    for name in sorted(set(ours) - set(expected)):
        yield f"{what} {name} is too many"


def _differences(expected: Any, ours: Any, path: str) -> Iterator[str]:
    """Where two values differ, one line a place."""
    if isinstance(expected, dict) and isinstance(ours, dict):
        for key in sorted(expected.keys() | ours.keys()):
            where = f"{path}.{key}" if path else key
            if key not in ours:
                yield f"{where} is missing, Fleet has {_short(expected[key])}"
            elif key not in expected:
                yield f"{where} is too many: {_short(ours[key])}"
            else:
                yield from _differences(expected[key], ours[key], where)
    elif isinstance(expected, list) and isinstance(ours, list) and len(expected) == len(ours):
        for index, (left, right) in enumerate(zip(expected, ours, strict=True)):
            yield from _differences(left, right, f"{path}[{index}]")
    elif expected != ours or isinstance(expected, bool) != isinstance(ours, bool):
        yield f"{path or 'it'} is {_short(ours)}, not {_short(expected)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
