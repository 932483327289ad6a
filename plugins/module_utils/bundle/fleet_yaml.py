# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``fleet.yaml``: read, checked and typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import FleetError
from . import go_yaml
from .api_types import FLEET_YAML, GENERIC_MAP, METADATA
from .go_types import Map, Struct, WrongType, coerce

BUNDLE_STATES = ("Ready", "NotReady", "Pending", "OutOfSync", "Modified", "WaitApplied", "ErrApplied")
"""What dependsOn may accept, best first."""


@dataclass(frozen=True)
class FleetYaml:
    """The content of an options file.

    ``fields`` are those that are set, in Fleet's own keys and types (:data:`.api_types.FLEET_YAML`);
    ``annotations`` and ``labels`` are the Bundle's.
    """

    fields: dict[str, Any]
    labels: dict[str, str]
    annotations: dict[str, str]


def parse(data: bytes, place: str) -> FleetYaml:
    """Read an options file. ``place`` names it in errors. Raises FleetError with file, line and field."""
    return check(go_yaml.load(data, place), place, data)


def check(document: Any, place: str, data: bytes = b"") -> FleetYaml:
    """The options in a document that was parsed before, from ``data`` if it came from a file. Raises FleetError."""
    fields = decode(document, FLEET_YAML, data, place)
    metadata = decode(document, METADATA, data, place)
    _check_depends_on(fields, data, place)
    if fields.get("imageScans"):
        raise _error(
            "image scans need Fleet's controller", ["imageScans"], data, place, "Remove imageScans from this file."
        )
    return FleetYaml(fields, metadata.get("labels") or {}, metadata.get("annotations") or {})


def decode_values(document: Any, data: bytes, place: str) -> dict[str, Any]:
    """The content of a values file. Raises FleetError where it is not a mapping."""
    return decode(document, GENERIC_MAP, data, place)


def decode(document: Any, kind: Struct | Map, data: bytes, place: str) -> dict[str, Any]:
    """A YAML document as a Go struct or map. Raises FleetError with file, line, field, and what was found there."""
    try:
        coerced = coerce(document, kind)
        _check_numbers(coerced)
        return kind.decode(coerced) or {}
    except WrongType as error:
        raise _error(
            f"{field_name(error.path)} must be {error.wanted}, not {describe(error.value)}",
            error.path,
            data,
            place,
            _remedy(error),
        ) from None


def field_name(path: list[str | int]) -> str:
    """A path as people write it: ``targetCustomizations[0].helm.values``."""
    name = ""
    for step in path:
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else step
    return name or "the file"


def _check_numbers(value: Any) -> None:
    """Refuse NaN and infinity, wherever they are: they are not JSON, so Go cannot read the file."""
    pending: list[tuple[Any, list[str | int]]] = [(value, [])]
    while pending:
        item, path = pending.pop()
        if isinstance(item, dict):
            pending.extend((child, [*path, key]) for key, child in item.items())
        elif isinstance(item, list):
            pending.extend((child, [*path, index]) for index, child in enumerate(item))
        elif isinstance(item, float) and item - item != 0:
            error = WrongType("a finite number", item)
            error.path = path
            raise error


def _check_depends_on(fields: dict[str, Any], data: bytes, place: str) -> None:
    for index, dependency in enumerate(fields.get("dependsOn") or []):
        path: list[str | int] = ["dependsOn", index]
        if not dependency.get("name") and dependency.get("selector") is None:
            raise _error(f"{field_name(path)} must have a name or a selector", path, data, place)
        for number, state in enumerate(dependency.get("acceptedStates") or []):
            if state not in BUNDLE_STATES:
                where = [*path, "acceptedStates", number]
                raise _error(
                    f"{field_name(where)} is {state!r}, which is no state of a bundle",
                    where,
                    data,
                    place,
                    f"Use one of {', '.join(BUNDLE_STATES)}.",
                )


def describe(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, bool):
        return f"the boolean {'true' if value else 'false'}"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"the number {value}" if isinstance(value, int | float) else "a string"


def _remedy(error: WrongType) -> str:
    if error.wanted == "a string" and isinstance(error.value, bool | int | float):
        words = " (y, n, yes, no, on and off are booleans)" if isinstance(error.value, bool) else ""
        return f"Put it in quotes{words}."
    return ""


def _error(problem: str, path: list[str | int], data: bytes, place: str, remedy: str = "") -> FleetError:
    line = go_yaml.line_of(data, path) if data else None
    return FleetError(problem, place=f"{place}:{line}" if line else place, remedy=remedy)
