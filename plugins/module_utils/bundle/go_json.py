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
import re
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any

_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})

_NOT_FOR_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def dumps(value: Any) -> str:
    """The value as Go writes it, without white space. Raises ValueError for NaN and infinity."""
    return "".join(_pieces(value))


def dumps_for_yaml(value: Any) -> str:
    """Indented JSON that all parsers of YAML 1.1 and 1.2 read alike. Raises ValueError for NaN and infinity.

    Escaped is what is a line break to some of them, or no text at all; a float always has a point.
    """
    return "".join(_indented(value, "\n"))


def _indented(value: Any, line: str) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        opening, closing = "{}" if isinstance(value, dict) else "[]"
        separator = opening
        for item in value:
            yield f"{separator}{line}  "
            if isinstance(value, dict):
                yield f"{_yaml_string(item)}: "
                item = value[item]
            yield from _indented(item, f"{line}  ")
            separator = ","
        yield f"{line}{closing}"
    elif isinstance(value, str):
        yield _yaml_string(value)
    elif isinstance(value, float):
        mantissa, exponent, power = format_float(value).partition("e")
        yield f"{mantissa}{'' if '.' in mantissa else '.0'}{exponent}{power}"
    else:
        yield from _pieces(value)


def _yaml_string(text: str) -> str:
    return _NOT_FOR_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", encode_basestring(text))


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
