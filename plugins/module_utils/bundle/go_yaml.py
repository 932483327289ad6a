# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as Fleet reads it: go-yaml v2 (YAML 1.1 with rules of its own), then Go's ``encoding/json``.

What differs from PyYAML: ``y``, ``n``, ``on`` and ``off`` are booleans, there are no base-60 numbers,
dates stay strings, ``0o17`` and ``1e3`` are numbers, a later key wins over an earlier one and over a
merge, only the first document counts, and every number becomes a float64 in the end. Keys that are
not strings become strings.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import struct
from dataclasses import dataclass, field
from typing import Any

try:
    import yaml
except ImportError:
    yaml = None

from ..errors import FleetError
from . import go_json

MAX_DEPTH = 200
"""How deep mappings and lists may be nested. Go stops at 10,000; nothing that a person wrote comes near either."""

MAX_NODES = 2_000_000
"""How many nodes a document may have once its aliases are followed."""

_TAG = "tag:yaml.org,2002:"
_RESOLVED_TAGS = frozenset(("", *(_TAG + name for name in ("str", "bool", "int", "float", "null", "timestamp"))))
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_NUMBER_START = frozenset("+-.0123456789")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DOTTED = re.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?")
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(\.[0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})?)?"
)


def load(data: bytes | str, place: str = "") -> Any:
    """The first document as Python values with string keys; None for an empty one.

    Numbers are int or float as written. ``place`` names the file in errors. Raises FleetError with
    file and line.
    """
    return _Constructor(place).construct(data)


@dataclass(frozen=True)
class Mark:
    """A place in a file: line and column from 1. ``text`` is a scalar as it is written, '' for what is none."""

    line: int
    column: int
    text: str = ""


@dataclass
class Positions:
    """Where the keys and values of a document stand. Ask with the mapping or list itself, and the key or index.

    What ``<<`` and aliases bring has the place where it is written out. ``repeated`` are keys that
    a mapping has twice: the mapping, the key, and the place of the one that was lost.
    """

    document: Any = None
    repeated: list[tuple[dict[str, Any], str, Mark]] = field(default_factory=list)
    next_document: Mark | None = None
    _keys: dict[tuple[int, str | int], Mark] = field(default_factory=dict)
    _values: dict[tuple[int, str | int], Mark] = field(default_factory=dict)

    def key(self, container: dict | list, key: str | int) -> Mark | None:
        """Where a key is written; of an item of a list, where the item begins."""
        return self._keys.get((id(container), key))

    def value(self, container: dict | list, key: str | int) -> Mark | None:
        """Where the value of a key begins."""
        return self._values.get((id(container), key))

    def add(self, container: dict | list, key: str | int, key_mark: Mark, value_mark: Mark) -> None:
        place = id(container), key
        if place in self._keys and isinstance(container, dict):
            self.repeated.append((container, str(key), self._keys[place]))
        self._keys[place], self._values[place] = key_mark, value_mark

    def merge(self, container: dict, source: dict) -> None:
        for key in source:
            place, origin = (id(container), key), (id(source), key)
            if origin in self._keys:
                self._keys[place], self._values[place] = self._keys[origin], self._values[origin]


def load_with_positions(data: bytes | str, place: str = "") -> Positions:
    """As :func:`load`, with the place of everything in the document. Raises FleetError with file and line."""
    positions = Positions()
    positions.document = _Constructor(place, positions).construct(data)
    return positions


def line_of(data: bytes | str, path: list[str | int]) -> int | None:
    """The line, from 1, on which the value at this path of keys and indexes is; None if it cannot be told."""
    try:
        node = next(yaml.compose_all(data, Loader=_loader()), None)
    except yaml.YAMLError:
        return None
    line = None
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = [pair for pair in node.value if getattr(pair[0], "value", None) == step]
            if not found:
                break
            key, node = found[-1]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        else:
            break
    return line


def to_float64(value: int | float) -> int | float:
    """A number as it is after Go kept it in a float64: 12345678901234567890 is 12345678901234567000.

    Whole numbers come back as int wherever Go writes them without an exponent. Raises ValueError
    for NaN and infinity.
    """
    if isinstance(value, int) and -(2**53) <= value <= 2**53:
        return value
    number = float(value)
    if not number.is_integer() or abs(number) >= 1e21 or (number == 0 and math.copysign(1, number) < 0):
        if not math.isfinite(number):
            raise ValueError("NaN and infinity are not JSON")
        return number
    return int(go_json.format_float(number))


def format_float32(number: float) -> str:
    """Go's ``FormatFloat(number, 'g', -1, 32)``: how a float becomes a string."""
    if math.isnan(number):
        return "NaN"
    single = _to_float32(number)
    if math.isinf(single):
        return "+Inf" if single > 0 else "-Inf"
    text = next(text for text in (f"{single:.{digits}e}" for digits in range(9)) if _to_float32(float(text)) == single)
    mantissa, _unused, power = text.partition("e")
    exponent = int(power)
    sign = "-" if mantissa.startswith("-") else ""
    digits = mantissa.lstrip("-").replace(".", "").rstrip("0") or "0"
    if single and not -4 <= exponent < 6:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    if exponent + 1 >= len(digits):
        return f"{sign}{digits}{'0' * (exponent + 1 - len(digits))}"
    return f"{sign}{digits[: exponent + 1]}.{digits[exponent + 1 :]}"


def _to_float32(number: float) -> float:
    try:
        return struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        return math.copysign(math.inf, number)


def _loader() -> type:
    return getattr(yaml, "CSafeLoader", None) or yaml.SafeLoader


def _resolve(tag: str, text: str, is_plain: bool) -> Any:
    """The value of a scalar. Raises ValueError where it is not what its tag says."""
    if not tag and not is_plain:
        return text
    if tag == _TAG + "binary":
        try:
            return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True).decode("utf-8", "replace")
        except binascii.Error as error:
            raise ValueError("!!binary value contains invalid base64 data") from error
    if tag not in _RESOLVED_TAGS or tag == _TAG + "str":
        return text
    if tag == _TAG + "timestamp":
        if not _TIMESTAMP.fullmatch(text):
            raise ValueError(f"{text!r} is not a timestamp")
        return text
    value = _WORDS[text] if text in _WORDS else _number(text)
    return value if not tag else _checked(tag.removeprefix(_TAG), value, text)


def _number(text: str) -> int | float | str:
    """The number that a plain scalar is, or the text itself."""
    if text[0] not in _NUMBER_START:
        return text
    if text[0] == "." and not _DOTTED.fullmatch(text):
        return text
    plain = text.replace("_", "")
    integer = _INTEGER.fullmatch(plain)
    if integer:
        value = _integer(integer)
        if value is not None:
            return value
    if _FLOAT.fullmatch(plain):
        value = float(plain)
        if math.isfinite(value):
            return value
    return text


def _integer(match: re.Match[str]) -> int | None:
    """The integer if it fits in int64, or without a sign in uint64."""
    sign, hexadecimal, binary, octal, decimal = match.groups()
    if hexadecimal:
        value = int(hexadecimal, 16)
    elif binary:
        value = int(binary, 2)
    elif octal:
        value = int(octal, 8)
    elif len(decimal) > 20:
        return None
    else:
        value = int(decimal)
    if sign == "-":
        value = -value
    return value if -(2**63) <= value < (2**63 if sign else 2**64) else None


def _checked(tag: str, value: Any, text: str) -> Any:
    kinds = {"bool": bool, "int": int, "float": float, "null": type(None)}
    if tag == "float" and value.__class__ is int and value < 2**63:
        return float(value)
    if value.__class__ is not kinds[tag]:
        raise ValueError(f"{text!r} is not a {tag}")
    return value


def _key(value: Any) -> str:
    """A key as a string. Raises ValueError for one that cannot be one."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value < 2**63:
        return str(value)
    if isinstance(value, float):
        text = format_float32(value)
        return {"NaN": ".nan", "+Inf": ".inf", "-Inf": "-.inf"}.get(text, text)
    raise ValueError("null cannot be a key" if value is None else f"{value} is too large to be a key")


def _mark(mark: Any, event: Any = None) -> Mark:
    return Mark(mark.line + 1, mark.column + 1, getattr(event, "value", None) or "")


class _Open:
    """A mapping or list whose end was not reached yet."""

    __slots__ = ("anchor", "container", "is_flow", "is_merge", "key", "key_mark", "mark", "size")

    def __init__(self, container: dict | list, anchor: str | None, is_flow: bool, mark: Any):
        self.container = container
        self.anchor = anchor
        self.is_flow = is_flow
        self.mark = mark
        self.key_mark: Any = None
        self.size = 1
        self.key: str | None = None
        self.is_merge = False


class _Constructor:
    """Builds the values of one document from the parser's events, without recursion."""

    def __init__(self, place: str, positions: Positions | None = None):
        self._place = place
        self._positions = positions
        self._anchors: dict[str, tuple[Any, int] | None] = {}
        self._open: list[_Open] = []
        self._result: Any = None
        # As Go counts: one for the document, each node and each alias, and all that aliases lead to.
        self._nodes = 1
        self._aliased = 0

    def construct(self, data: bytes | str) -> Any:
        if yaml is None:
            raise FleetError("PyYAML is not installed", remedy="Install it for the Python that runs this: PyYAML.")
        try:
            loader = _loader()(data)
            try:
                self._read(loader)
            finally:
                loader.dispose()
        except yaml.YAMLError as error:
            raise self._syntax_error(error) from error
        return self._result

    def _read(self, loader: Any) -> None:
        """Take the events up to the end of the first document."""
        while True:
            event = loader.get_event()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent:
                self._start({}, event)
            elif kind is yaml.SequenceStartEvent:
                self._start([], event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._end(event)
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentEndEvent or kind is yaml.StreamEndEvent:
                if self._positions is not None:
                    self._note_next_document(loader)
                return

    def _note_next_document(self, loader: Any) -> None:
        """Where what follows the first document begins, if it holds anything."""
        try:
            # After the end of the stream there is none.
            while event := loader.get_event():
                if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent) or getattr(event, "value", ""):
                    self._positions.next_document = _mark(event.start_mark)
                    return
        except yaml.YAMLError:
            return

    def _scalar(self, event: Any) -> None:
        self._nodes += 1
        tag = event.tag or ""
        is_plain = event.implicit[0]
        if self._open and self._open[-1].is_flow and "?" in event.value and not event.style:
            # libyaml takes it as part of the text, go-yaml as the sign before a key, which then is misplaced.
            raise self._error("? must not be in a text between braces or brackets", event, "Put the text in quotes.")
        if self._awaits_key() and event.value == "<<" and (is_plain or tag == _TAG + "merge"):
            self._open[-1].is_merge = True
            self._open[-1].key = "<<"
            return
        try:
            value = _resolve(tag, event.value, is_plain)
        except ValueError as error:
            raise self._error(str(error), event) from error
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)
        self._add(value, 1, event)

    def _start(self, container: dict | list, event: Any) -> None:
        self._nodes += 1
        if len(self._open) >= MAX_DEPTH:
            raise self._error(f"is nested more than {MAX_DEPTH} levels deep", event)
        if self._awaits_key():
            raise self._error(
                "a mapping or list cannot be a key", event, "Put a template such as {{ .Values.x }} in quotes."
            )
        if event.anchor:
            self._anchors[event.anchor] = None
        self._open.append(_Open(container, event.anchor, bool(event.flow_style), event.start_mark))

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        if done.anchor:
            self._anchors[done.anchor] = (done.container, done.size)
        self._add(done.container, done.size, event, done.mark)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            raise self._error(f"unknown anchor {event.anchor!r}", event)
        known = self._anchors[event.anchor]
        if known is None:
            raise self._error(f"anchor {event.anchor!r} contains itself", event)
        value, size = known
        self._nodes += size + 1
        self._aliased += size
        if self._nodes > MAX_NODES or self._has_too_many_aliases():
            raise self._error("aliases make this document too large", event)
        self._add(value, size + 1, event)

    def _has_too_many_aliases(self) -> bool:
        """go-yaml's guard against documents that grow without end."""
        if self._aliased <= 100 or self._nodes <= 1000:
            return False
        over = min(max(self._nodes - 400_000, 0) / 3_600_000, 1)
        return self._aliased / self._nodes > 0.99 - 0.89 * over

    def _awaits_key(self) -> bool:
        return bool(self._open) and self._open[-1].key is None and isinstance(self._open[-1].container, dict)

    def _add(self, value: Any, size: int, event: Any, mark: Any = None) -> None:
        """Put a value where it belongs. ``mark`` is where it began, if that is not where its event did."""
        if not self._open:
            self._result = value
            return
        parent = self._open[-1]
        parent.size += size
        if isinstance(parent.container, list):
            if self._positions is not None:
                found = _mark(mark or event.start_mark, event)
                self._positions.add(parent.container, len(parent.container), found, found)
            parent.container.append(value)
        elif parent.is_merge:
            self._merge(parent, value, event)
        elif parent.key is None:
            if isinstance(value, dict | list):
                raise self._error("a mapping or list cannot be a key", event)
            try:
                parent.key = _key(value)
            except ValueError as error:
                raise self._error(str(error), event) from error
            parent.key_mark = event
        else:
            if self._positions is not None:
                key_mark = _mark(parent.key_mark.start_mark, parent.key_mark)
                value_mark = _mark(mark or event.start_mark, event)
                self._positions.add(parent.container, parent.key, key_mark, value_mark)
            # A later key wins, and takes its own place in the order.
            parent.container.pop(parent.key, None)
            parent.container[parent.key] = value
            parent.key = None

    def _merge(self, parent: _Open, value: Any, event: Any) -> None:
        """``<<``: what it brings replaces earlier keys; in a list of mappings the first one wins."""
        parent.is_merge = False
        parent.key = None
        sources = value if isinstance(value, list) else [value]
        for source in reversed(sources):
            if not isinstance(source, dict):
                raise self._error("<< needs a mapping or a list of mappings", event)
            if self._positions is not None:
                self._positions.merge(parent.container, source)
            parent.container.update(source)

    def _syntax_error(self, error: Exception) -> FleetError:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        place = f"{self._place}:{mark.line + 1}" if mark else self._place
        return FleetError(f"is not valid YAML: {problem}", place=place)

    def _error(self, problem: str, event: Any, remedy: str = "") -> FleetError:
        return FleetError(problem, place=f"{self._place}:{event.start_mark.line + 1}", remedy=remedy)
