# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing objects as YAML that people read in ``helm get manifest``, and quickly: 5 MB must not take seconds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..bundle.go_json import format_float

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*(?::[A-Za-z0-9_./@+-]+)*")
_WORDS = frozenset({"y", "yes", "n", "no", "on", "off", "true", "false", "null", "nan", "inf"})
"""Lower case; what some reader of YAML 1.1 takes for something other than a string."""

_UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_EXPLICIT_KEY = 100
"""Characters from which on a key is written as ``? key`` (YAML allows 1,024 for a simple one)."""


def to_yaml(objects: Iterable[dict[str, Any]]) -> bytes:
    """The objects as a stream of YAML documents, with sorted keys."""
    return "".join("---\n" + "".join(_mapping(item, "")) for item in objects).encode("utf-8", "surrogatepass")


def _mapping(mapping: dict[str, Any], indent: str) -> Iterator[str]:
    for key in sorted(mapping):
        name = _quoted(key) if "\n" in key else _scalar(key, indent)
        opening = f"{indent}{name}:" if len(key) < _EXPLICIT_KEY else f"{indent}? {name}\n{indent}:"
        value = mapping[key]
        if isinstance(value, dict) and value:
            yield opening + "\n"
            yield from _mapping(value, indent + "  ")
        elif isinstance(value, list) and value:
            yield opening + "\n"
            yield from _list(value, indent)
        else:
            yield f"{opening} {_scalar(value, indent + '  ')}\n"


def _list(items: list[Any], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, dict | list) and item:
            inner = indent + "  "
            lines = "".join(_mapping(item, inner) if isinstance(item, dict) else _list(item, inner))
            yield f"{indent}- {lines[len(inner) :]}"
        else:
            yield f"{indent}- {_scalar(item, indent + '  ')}\n"


def _scalar(value: Any, indent: str) -> str:
    if not isinstance(value, str):
        return _number(value) if isinstance(value, int | float) and not isinstance(value, bool) else json.dumps(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if "\n" in value and _fits_literal(value):
        body = value.removesuffix("\n")
        return ("|\n" if value.endswith("\n") else "|-\n") + "\n".join(
            indent + line if line else "" for line in body.split("\n")
        )
    return _quoted(value)


def _number(value: int | float) -> str:
    """A number as Go has it after JSON: 1.0 is 1, and what is too large for int64 is a float."""
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return str(value)
    return format_float(float(value))


def _fits_literal(value: str) -> bool:
    """Whether the text reads back from a block scalar as it is, without an indicator for indentation or its end."""
    return value[0] not in " \t\n" and not value.endswith("\n\n") and not _UNPRINTABLE.search(value)


def _quoted(value: str) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isascii() and "\x7f" not in text else _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match) -> str:
    return f"\\U{ord(match.group()):08X}"
