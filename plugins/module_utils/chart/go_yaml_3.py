# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as Fleet reads what overlays patch: with go-yaml v3, not v2 as everything else.

So ``yes``, ``on`` and ``y`` are strings there, and a date becomes a time: ``2001-12-14T00:00:00Z``.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from ..bundle import go_yaml
from ..errors import FleetError

try:
    import yaml
except ImportError:
    yaml = None

_NOT_BOOLEAN = frozenset(
    ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF")
)
_PLAIN = re.compile(r"[-+.0-9A-Za-z_~]*")
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[Tt ]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(\.[0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})?)?"
)
_PREFIX = "tag:yaml.org,2002:"


def load(data: bytes, place: str) -> Any:
    """The first document as JSON has it. Raises :class:`FleetError` with file and line."""
    # Finds what is wrong with it, and what would grow without end.
    go_yaml.load(data, place)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    node = next(yaml.compose_all(data, Loader=loader), None)
    return None if node is None else _Values(place).value(node)


class _Values:
    def __init__(self, place: str):
        self._place = place

    def value(self, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item) for item in node.value]
        return _scalar(node)

    def _mapping(self, node: Any) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.value == "<<" and key_node.tag == _PREFIX + "merge":
                sources = value_node.value if isinstance(value_node, yaml.SequenceNode) else [value_node]
                for source in sources:
                    merged = {**self.value(source), **merged}
                continue
            key = self.value(key_node)
            if not isinstance(key, str):
                line = key_node.start_mark.line + 1
                raise FleetError(f"the key {key_node.value} is not a string", place=f"{self._place}:{line}")
            result[key] = self.value(value_node)
        return {**merged, **result}


def _scalar(node: Any) -> Any:
    text = node.value
    if node.style or text in _NOT_BOOLEAN:
        return text
    found = _TIMESTAMP.fullmatch(text)
    if found:
        return _time(found) or text
    return go_yaml.load(text or "~") if _PLAIN.fullmatch(text) else text


def _time(found: re.Match[str]) -> str | None:
    """A time as Go writes it into JSON, None if it is none."""
    *numbers, fraction, zone = found.groups()
    offset = UTC
    if zone and zone != "Z":
        minutes = int(zone[1:3]) * 60 + int(zone[4:6])
        offset = timezone(timedelta(minutes=-minutes if zone[0] == "-" else minutes))
    try:
        moment = datetime(*(int(number or 0) for number in numbers), tzinfo=offset)
    except ValueError:
        return None
    digits = (fraction or "").rstrip("0").rstrip(".")
    written = moment.isoformat()
    return f"{written[:19]}{digits}{'Z' if offset is UTC else written[19:]}"
