# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys and types of a fleet.yaml against Fleet's own types (bundle/api_types.py), with the place of each."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ..bundle.api_types import FLEET_YAML, METADATA
from ..bundle.fleet_yaml import describe, field_name
from ..bundle.go_types import Field, GoType, Map, Pointer, Slice, Struct, WrongType, coerce
from .document import Document, Step
from .finding import Found

UNKNOWN_KEY, KEY_CASE, WRONG_TYPE = "unknown-key", "key-case", "wrong-type"

_FROM_METADATA = frozenset(("annotations", "labels", "name"))
"""What Fleet takes from fleet.yaml read as the Bundle's metadata."""

_DEEPEST_HINT = 4


@dataclass(frozen=True)
class Problem:
    """Something that is wrong, by the name of its rule."""

    rule: str
    found: Found


def check_schema(document: Document) -> list[Problem]:
    """Unknown keys, keys in a wrong case and values of a wrong type, each once."""
    if document.value is None:
        return []
    found = list(_Walk(document).check(coerce(document.value, FLEET_YAML), FLEET_YAML, ()))
    # Fleet reads the file once more as the Bundle's metadata, where all other keys are strangers.
    metadata = _Walk(document, types_only=True)
    found += metadata.check(coerce(document.value, METADATA), METADATA, ())
    return list(dict.fromkeys(found))


class _Walk:
    """Goes through a document and its type at once."""

    def __init__(self, document: Document, *, types_only: bool = False):
        self._document = document
        self._types_only = types_only

    def check(self, value: Any, kind: GoType, path: tuple[Step, ...]) -> Iterator[Problem]:
        if isinstance(kind, Pointer):
            kind = kind.element
        if value is None:
            return
        if isinstance(kind, Struct) and isinstance(value, dict):
            yield from self._check_struct(value, kind, path)
        elif isinstance(kind, Map) and isinstance(value, dict):
            for key, item in value.items():
                yield from self.check(item, kind.element, (*path, key))
        elif isinstance(kind, Slice) and isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.check(item, kind.element, (*path, index))
        else:
            yield from self._check_value(value, kind, path)

    def _check_struct(self, value: dict[str, Any], kind: Struct, path: tuple[Step, ...]) -> Iterator[Problem]:
        for key, item in value.items():
            known = kind.field_of(key)
            if not self._types_only:
                yield from self._check_key(key, known, kind, path)
            if known is not None:
                yield from self.check(item, known.type, (*path, key))

    def _check_key(self, key: str, known: Field | None, kind: Struct, path: tuple[Step, ...]) -> Iterator[Problem]:
        place = self._document.place(*path, key)
        if known is None and (path or key not in _FROM_METADATA):
            does = f"Fleet ignores {field_name([*path, key])}, a key that it does not know"
            yield Problem(UNKNOWN_KEY, place.says(does, _suggestion(key, kind, path)))
        elif known is not None and known.name != key:
            does = f"Fleet reads {key} as {known.name}; other tools do not"
            yield Problem(KEY_CASE, place.says(does, f"write {known.name}"))

    def _check_value(self, value: Any, kind: GoType, path: tuple[Step, ...]) -> Iterator[Problem]:
        try:
            kind.decode(value)
        except WrongType as error:
            place = self._document.value_place(*path)
            does = f"Fleet cannot read {field_name(list(path))}: it must be {error.wanted}, not {describe(value)}"
            quotes = error.wanted == "a string" and isinstance(value, bool | int | float)
            yield Problem(WRONG_TYPE, place.says(does, "put it in quotes" if quotes else f"write {error.wanted}"))


def _suggestion(key: str, kind: Struct, path: tuple[Step, ...]) -> str:
    """The nearest key of the same mapping; else where a key of this name belongs."""
    names = {item.name.lower(): item.name for item in kind.fields}
    nearest = get_close_matches(key.lower(), names, 1, 0.75)
    if nearest:
        return f"write {names[nearest[0]]}"
    here = tuple(step for step in path if isinstance(step, str))
    elsewhere = [steps for steps in _places_by_name().get(key.lower(), ()) if steps[:-1] != here]
    if elsewhere:
        return f"write it as {'.'.join(elsewhere[0])}"
    nearest = get_close_matches(key.lower(), names, 1)
    return f"write {names[nearest[0]]}" if nearest else "remove it"


@functools.cache
def _places_by_name() -> dict[str, list[tuple[str, ...]]]:
    """Where in a fleet.yaml a key of each name, in small letters, may be; the least deep first."""
    found: dict[str, list[tuple[str, ...]]] = {}
    pending: list[tuple[tuple[str, ...], GoType]] = [((), FLEET_YAML)]
    while pending:
        path, kind = pending.pop(0)
        while isinstance(kind, Pointer | Slice):
            kind = kind.element
        if isinstance(kind, Struct) and len(path) < _DEEPEST_HINT:
            for item in kind.fields:
                found.setdefault(item.name.lower(), []).append((*path, item.name))
                pending.append(((*path, item.name), item.type))
    return found
