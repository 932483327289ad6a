# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strategic merge patches, as k8s.io/apimachinery ``pkg/util/strategicpatch`` applies them to an object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import FleetError
from .merge_rules import PLAIN, Rules

_DIRECTIVE = "$patch"
_RETAIN_KEYS = "$retainKeys"
_DELETE_FROM = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"


def strategic_merge(original: dict[str, Any], patch: dict[str, Any], rules: Rules) -> dict[str, Any]:
    """``original`` with ``patch`` merged into it; neither is changed. Raises :class:`FleetError` for a bad patch."""
    directive = patch.get(_DIRECTIVE)
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != _DIRECTIVE}
    if directive == "delete":
        return {}
    if _DIRECTIVE in patch:
        raise FleetError(f"{_DIRECTIVE} is {directive!r}, which is neither replace nor delete")
    result = _retained(original, patch)
    ordered = {name.removeprefix(_ORDER): value for name, value in patch.items() if name.startswith(_ORDER)}
    for name, value in patch.items():
        if name.startswith(_DELETE_FROM):
            name = name.removeprefix(_DELETE_FROM)
            if isinstance(result.get(name), list):
                result[name] = [item for item in result[name] if item not in _list(value, name)]
        elif name != _RETAIN_KEYS and not name.startswith(_ORDER):
            _merge_field(result, name, value, rules)
    for name, order in ordered.items():
        if isinstance(result.get(name), list):
            key = rules.merged.get(name, "")
            result[name] = _in_order(result[name], _list(order, name), original.get(name) or [], key)
    return result


def _retained(original: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    if _RETAIN_KEYS not in patch:
        return dict(original)
    kept = _list(patch[_RETAIN_KEYS], _RETAIN_KEYS)
    for name, value in patch.items():
        if value is not None and not name.startswith((_RETAIN_KEYS, _DELETE_FROM, _ORDER)) and name not in kept:
            raise FleetError(f"{_RETAIN_KEYS} does not have {name}, which the patch sets")
    return {name: value for name, value in original.items() if name in kept}


def _merge_field(result: dict[str, Any], name: str, value: Any, rules: Rules) -> None:
    old = result.get(name)
    inner = rules.inner.get(name, PLAIN)
    if value is None:
        result.pop(name, None)
    elif isinstance(old, dict) and isinstance(value, dict) and name not in rules.replaced:
        result[name] = strategic_merge(old, value, inner)
    elif isinstance(old, list) and isinstance(value, list) and name in rules.merged:
        result[name] = _merge_list(old, value, rules.merged[name], inner, name)
    elif isinstance(old, dict | list) and type(old) is type(value):
        result[name] = value
    else:
        new = _without_directives(_without_nulls(value) if old is None or type(old) is not type(value) else value)
        if new is _GONE:
            result.pop(name, None)
        else:
            result[name] = new


def _merge_list(old: list[Any], patch: list[Any], key: str, rules: Rules, name: str) -> list[Any]:
    if not any(isinstance(item, dict) for item in (*old, *patch)):
        merged = list(dict.fromkeys([*old, *patch]))
        return _in_order(merged, patch, old, "")
    if not key or not all(isinstance(item, dict) for item in (*old, *patch)):
        raise FleetError(f"{name} cannot be merged: its elements are of different kinds")
    base, elements = _apply_element_directives(old, patch, key, name)
    if not all(key in element for element in (*base, *elements)):
        raise FleetError(f"an element of {name} has no {key}, by which elements are told apart")
    merged = list(base)
    for element in elements:
        index = _find(merged, element, key)
        if index < 0:
            merged.append(element)
        else:
            merged[index] = strategic_merge(merged[index], element, rules)
    return _in_order(merged, elements, base, key)


def _apply_element_directives(old: list, patch: list, key: str, name: str) -> tuple[list, list]:
    """What is left of the list after ``$patch: delete`` and ``$patch: replace``, and the elements to merge."""
    elements = [item for item in patch if _DIRECTIVE not in item]
    replace = False
    for item in patch:
        directive = item.get(_DIRECTIVE)
        if directive == "delete":
            if key not in item:
                raise FleetError(f"an element of {name} that is to be deleted has no {key}")
            old = [other for other in old if other.get(key) != item[key]]
        elif directive == "replace":
            replace = True
        elif directive is not None:
            raise FleetError(f"{_DIRECTIVE} in {name} is {directive!r}, which is neither replace nor delete")
    return (elements, []) if replace else (old, elements)


def _find(items: list[Any], item: Any, key: str) -> int:
    """The index of the element that is meant by ``item``, -1 if there is none."""
    for index, other in enumerate(items):
        if (other.get(key) == item.get(key) and key in other) if key else other == item:
            return index
    return -1


def _in_order(merged: list[Any], patch: list[Any], original: list[Any], key: str) -> list[Any]:
    """The elements that the patch names in its order, between the others in theirs."""
    named = sorted((item for item in merged if _find(patch, item, key) >= 0), key=_position(patch, key))
    others = sorted((item for item in merged if _find(patch, item, key) < 0), key=_position(original, key))
    result: list[Any] = []
    while named and others:
        other, mine = (_find(original, item, key) for item in (others[0], named[0]))
        result.append((others if 0 <= other < mine else named).pop(0))
    return [*result, *named, *others]


def _position(items: list[Any], key: str) -> Callable[[Any], int]:
    return lambda item: _find(items, item, key)


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise FleetError(f"{name} of the patch is not a list")
    return value


_GONE = object()
"""Stands for a value that a directive takes away."""


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _without_directives(value: Any) -> Any:
    if isinstance(value, dict):
        if _DIRECTIVE in value:
            return _GONE
        cleaned = {name: _without_directives(item) for name, item in value.items()}
        return {name: item for name, item in cleaned.items() if item is not _GONE}
    if isinstance(value, list):
        return [item for item in map(_without_directives, value) if item is not _GONE]
    return value
