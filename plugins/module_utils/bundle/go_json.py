# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON in the very bytes that Go's ``encoding/json`` writes. Content IDs and deployment IDs are digests of them.

Against Python's own: ``<``, ``>``, ``&``, U+2028 and U+2029 are escaped, floats have Go's form, and
what is not UTF-8 becomes U+FFFD. Keys come in the order of the dictionary: Go sorts those of maps and
keeps those of structs in the order of their declaration (see :mod:`.go_types`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any

_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def dumps(value: Any) -> str:
    """The value as Go writes it, without white space. Raises ValueError for NaN and infinity."""
    return "".join(_pieces(value))


def encode_string(text: str) -> str:
    """A string with its quotes."""
    if not text.isascii():
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return encode_basestring(text).translate(_ESCAPES)


def format_float(number: float) -> str:
    """A float64. Raises ValueError for NaN and infinity."""
    if not math.isfinite(number):
        raise ValueError("NaN and infinity are not JSON")
    digits, exponent = shortest_digits(abs(number))
    sign = "-" if math.copysign(1, number) < 0 else ""
    if number and not 1e-6 <= abs(number) < 1e21:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        power = exponent - 1
        return f"{sign}{digits[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power)}"
    if exponent <= 0:
        return f"{sign}0.{'0' * -exponent}{digits}" if number else f"{sign}0"
    if exponent >= len(digits):
        return f"{sign}{digits}{'0' * (exponent - len(digits))}"
    return f"{sign}{digits[:exponent]}.{digits[exponent:]}"


def shortest_digits(number: float) -> tuple[str, int]:
    """The fewest digits that give the number back, as 0.DIGITS times ten to the power of the second."""
    mantissa, _unused, power = repr(number).partition("e")
    whole, _unused, fraction = mantissa.partition(".")
    exponent = len(whole) + int(power or 0)
    digits = whole + fraction
    stripped = digits.lstrip("0")
    exponent -= len(digits) - len(stripped)
    return stripped.rstrip("0") or "0", exponent


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield encode_string(value)
    elif value is None:
        yield "null"
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, int):
        yield str(value)
    elif isinstance(value, float):
        yield format_float(value)
    elif isinstance(value, dict):
        separator = "{"
        for key, item in value.items():
            yield f"{separator}{encode_string(key)}:"
            yield from _pieces(item)
            separator = ","
        yield "}" if value else "{}"
    elif isinstance(value, list):
        separator = "["
        for item in value:
            yield separator
            yield from _pieces(item)
            separator = ","
        yield "]" if value else "[]"
    else:
        raise TypeError(f"not JSON: {type(value).__name__}")
