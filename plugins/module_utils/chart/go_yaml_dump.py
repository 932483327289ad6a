# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as the YAML text that Fleet makes of them before it evaluates the templates in them.

The text counts, not only what it means: whether a string is quoted decides whether ``${ ... }`` in it
may become a number. Fleet's is that of sigs.k8s.io/yaml, which is go-yaml v2, a port of libyaml.
"""

from __future__ import annotations

import functools
import re
from datetime import datetime
from typing import Any

from ..bundle.go_json import shortest_digits
from ..bundle.go_yaml import load
from ..errors import FleetError

try:
    import yaml
except ImportError:
    yaml = None

_TAG = "tag:yaml.org,2002:"
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[Tt ]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})?)?"
)
_ONE_WORD = re.compile(r"[-+.0-9A-Za-z_]+")
_WORDS = frozenset(("y", "yes", "n", "no", "on", "off", "true", "false", "null", "inf", "nan"))


def dump(values: dict[str, Any]) -> str:
    """The text of ``values``, which are as JSON has them."""
    if yaml is None:
        raise FleetError("PyYAML is not installed", remedy="Install it for the Python that runs this: PyYAML.")
    # 80 is libyaml's width: it breaks long lines at spaces.
    return yaml.dump(values, Dumper=_dumper(), default_flow_style=False, allow_unicode=True, width=80)


@functools.cache
def _dumper() -> type:
    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):
        """Writes each scalar in the style that go-yaml asks for, and never a tag or an alias."""

        def ignore_aliases(self, data):
            return True

        def resolve(self, kind, value, implicit):
            return _TAG + {"scalar": "str", "mapping": "map", "sequence": "seq"}[kind.id]

    def text(dumper, value):
        return dumper.represent_scalar(_TAG + "str", value, style=_style(value))

    def plain(function):
        return lambda dumper, value: dumper.represent_scalar(_TAG + "str", function(value))

    def mapping(dumper, value):
        items = sorted(value.items(), key=lambda item: _sort_key(item[0]))
        return dumper.represent_mapping(_TAG + "map", items, flow_style=not items)

    Dumper.add_representer(str, text)
    Dumper.add_representer(bool, plain(lambda value: "true" if value else "false"))
    Dumper.add_representer(int, plain(_integer))
    Dumper.add_representer(float, plain(_float))
    Dumper.add_representer(type(None), plain(lambda value: "null"))
    Dumper.add_representer(dict, mapping)
    return Dumper


def _style(text: str) -> str | None:
    """Literal for several lines, double quotes for what would be read as something else, else as libyaml decides."""
    if "\n" in text:
        return "|"
    return None if _reads_as_string(text) else '"'


def _reads_as_string(text: str) -> bool:
    """Whether go-yaml takes an unquoted scalar for a string (or would, could it be written without quotes)."""
    if text in ("", "~", "<<") or _BASE_60.fullmatch(text) or _is_timestamp(text):
        return False
    if not _ONE_WORD.fullmatch(text):
        return True
    if text.lstrip("+-.").lower() in _WORDS or any(character.isdigit() for character in text):
        return isinstance(load(text), str)
    return True


def _is_timestamp(text: str) -> bool:
    match = _TIMESTAMP.fullmatch(text)
    try:
        return bool(match) and bool(datetime(*(int(group or 0) for group in match.groups())))
    except ValueError:
        return False


def _integer(value: int) -> str:
    return str(value) if -(2**63) <= value < 2**64 else _float(float(value))


def _float(value: float) -> str:
    """Go's ``FormatFloat(value, 'g', -1, 64)``."""
    digits, exponent = shortest_digits(abs(value))
    sign = "-" if value < 0 else ""
    power = exponent - 1
    if value and not -4 <= power < 6:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return _positional(sign, digits, exponent)


def _positional(sign: str, digits: str, exponent: int) -> str:
    if exponent <= 0:
        return f"{sign}0.{'0' * -exponent}{digits}"
    if exponent >= len(digits):
        return f"{sign}{digits}{'0' * (exponent - len(digits))}"
    return f"{sign}{digits[:exponent]}.{digits[exponent:]}"


def _compare(left: str, right: str) -> int:
    """The order of go-yaml's keys: numbers within them count as numbers, and letters come last."""
    for index, (one, other) in enumerate(zip(left, right, strict=False)):
        if one == other:
            continue
        if one.isalpha() or other.isalpha():
            return _sign(one < other if one.isalpha() and other.isalpha() else other.isalpha())
        numbers = [_number_at(text, index, "0" in (one, other)) for text in (left, right)]
        if numbers[0] != numbers[1]:
            return _sign(numbers[0] < numbers[1])
        return _sign(one < other)
    return _sign(len(left) < len(right)) if len(left) != len(right) else 0


def _number_at(text: str, index: int, after_zero: bool) -> tuple[int, int]:
    """The number that begins at an index and its length; a nonzero digit before it counts as one more in front."""
    end = index
    while end < len(text) and text[end].isdecimal():
        end += 1
    digits = text[index:end]
    if after_zero and text[:index].rstrip("0") != text[:index].rstrip("0123456789"):
        digits = "1" + digits
    return int(digits or 0), end


def _sign(less: bool) -> int:
    return -1 if less else 1


_sort_key = functools.cmp_to_key(_compare)
