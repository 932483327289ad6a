# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Types of Go's structs, as far as Fleet's API needs them: reading JSON values into them and writing them back.

Reading follows ``encoding/json`` behind ``sigs.k8s.io/yaml``: unknown keys are passed over, keys
match without regard to case, null means unset, and a number or boolean becomes a string in those few
places where that library makes it one. Writing keeps the order of declaration and leaves out what is
empty, as the tags ``omitempty`` say. Values are plain dictionaries, lists, strings, numbers and booleans.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from . import go_yaml


class WrongType(Exception):
    """A value does not fit its field. ``path`` leads there, outermost key first."""

    def __init__(self, wanted: str, value: Any):
        super().__init__(wanted)
        self.wanted = wanted
        self.value = value
        self.path: list[str | int] = []

    def inside(self, step: str | int) -> WrongType:
        """The same error seen from the value that holds this one."""
        self.path.insert(0, step)
        return self


class GoType:
    """A type. ``empty`` is what ``omitempty`` leaves out, and what a missing value is."""

    wanted = ""
    empty: Any = None

    def decode(self, value: Any) -> Any:
        """A JSON value as this type; null is given as None and means unset. Raises WrongType."""
        raise NotImplementedError

    def canonical(self, value: Any) -> Any:
        """A decoded value as Go would write it: known keys in order, empty ones left out, maps sorted."""
        return value

    def is_empty(self, value: Any) -> bool:
        """Whether ``omitempty`` leaves it out."""
        return value == self.empty


class _String(GoType):
    wanted = "a string"
    empty = ""

    def decode(self, value: Any) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            raise WrongType(self.wanted, value)
        return value


class _Bool(GoType):
    wanted = "true or false"
    empty = False

    def decode(self, value: Any) -> bool:
        if value is None:
            return False
        if not isinstance(value, bool):
            raise WrongType(self.wanted, value)
        return value


@dataclass(frozen=True)
class Int(GoType):
    """A signed integer of this many bits."""

    bits: int = 64
    wanted = "a whole number"
    empty = 0

    def decode(self, value: Any) -> int:
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            raise WrongType(self.wanted, value)
        # Go reads 1e3 and 1.0 as integers here only because YAML's floats are written as 1000 and 1 on the way.
        if abs(value) >= 1e21 or not -(2 ** (self.bits - 1)) <= value < 2 ** (self.bits - 1):
            raise WrongType(f"a whole number of at most {self.bits} bits", value)
        return int(value)


class _IntOrString(GoType):
    wanted = "a whole number or a string"

    def decode(self, value: Any) -> int | str:
        return value if isinstance(value, str) else _INT32.decode(value)


class _Anything(GoType):
    """``interface{}``: numbers become float64."""

    def decode(self, value: Any) -> Any:
        if isinstance(value, bool | str) or value is None:
            return value
        if isinstance(value, int | float):
            return go_yaml.to_float64(value)
        if isinstance(value, dict):
            return {key: self.decode(item) for key, item in value.items()}
        return [self.decode(item) for item in value]

    def canonical(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self.canonical(value[key]) for key in sorted(value)}
        if isinstance(value, list | tuple):
            return [self.canonical(item) for item in value]
        return value


@dataclass(frozen=True)
class Map(GoType):
    """``map[string]T``."""

    element: GoType
    wanted = "a mapping"

    def decode(self, value: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise WrongType(self.wanted, value)
        return {key: _decode_inside(self.element, item, key) for key, item in value.items()}

    def canonical(self, value: Any) -> Any:
        return {key: self.element.canonical(value[key]) for key in sorted(value)}

    def is_empty(self, value: Any) -> bool:
        return not value


class _GenericMap(Map):
    """Fleet's GenericMap behind a pointer: written even if empty, and null only where it is unset."""

    def is_empty(self, value: Any) -> bool:
        return value is None


@dataclass(frozen=True)
class Slice(GoType):
    """``[]T``."""

    element: GoType
    wanted = "a list"

    def decode(self, value: Any) -> list[Any] | None:
        if value is None:
            return None
        if not isinstance(value, list):
            raise WrongType(self.wanted, value)
        # A null in a list of structs is an empty struct.
        null = {} if isinstance(self.element, Struct) else None
        return [_decode_inside(self.element, null if item is None else item, index) for index, item in enumerate(value)]

    def canonical(self, value: Any) -> Any:
        return [self.element.canonical(item) for item in value]

    def is_empty(self, value: Any) -> bool:
        return not value


@dataclass(frozen=True)
class Pointer(GoType):
    """``*T``: left out only where it is unset, so an empty or zero value is written."""

    element: GoType

    def decode(self, value: Any) -> Any:
        return None if value is None else self.element.decode(value)

    def canonical(self, value: Any) -> Any:
        return None if value is None else self.element.canonical(value)


@dataclass(frozen=True)
class Field:
    """A field of a struct under its JSON key. ``always`` means that its tag has no ``omitempty``."""

    name: str
    type: GoType
    always: bool = False


@dataclass(frozen=True)
class Struct(GoType):
    """A struct: its own fields, and the structs embedded in it, whose fields count as its own.

    A field shadows one of the same name that is embedded more deeply.
    """

    name: str
    members: tuple[Field | Struct, ...] = field(repr=False)
    wanted = "a mapping"

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """All fields in the order in which Go writes them."""
        return tuple(item for item, _unused in self._flattened)

    @cached_property
    def _flattened(self) -> tuple[tuple[Field, GoType], ...]:
        """The fields, each with what :func:`coerce` takes for its type."""
        own = {member.name for member in self.members if isinstance(member, Field)}
        result: list[tuple[Field, GoType]] = []
        for member in self.members:
            if isinstance(member, Field):
                result.append((member, member.type))
            else:
                result.extend((item, member) for item in member.fields if item.name not in own)
        return tuple(result)

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {item.name: item for item in self.fields}

    @cached_property
    def _by_folded_name(self) -> dict[str, Field]:
        return {fold(item.name): item for item in reversed(self.fields)}

    @cached_property
    def _coercion_targets(self) -> dict[str, GoType]:
        return {item.name: target for item, target in self._flattened}

    def field_of(self, key: str) -> Field | None:
        """The field that a JSON key means: the exact one, else the first that differs only in case."""
        return self._by_name.get(key) or self._by_folded_name.get(fold(key))

    def coercion_target(self, key: str) -> GoType | None:
        """The type that sigs.k8s.io/yaml takes for the value of a key."""
        found = self.field_of(key)
        return self._coercion_targets[found.name] if found else None

    def decode(self, value: Any) -> dict[str, Any] | None:
        """The fields that are set, under their right names. Keys that mean no field are left out."""
        if value is None:
            return None
        if not isinstance(value, dict):
            raise WrongType(self.wanted, value)
        result: dict[str, Any] = {}
        for key in self._in_order(value):
            found = self.field_of(key)
            if found is None:
                continue
            decoded = _decode_inside(found.type, value[key], key)
            if value[key] is None:
                # Null leaves a string, number or struct as it is, and unsets the rest.
                if not isinstance(found.type, _String | _Bool | Int | Struct):
                    result.pop(found.name, None)
            else:
                result[found.name] = _merged(found.type, result.get(found.name), decoded)
        return result

    def _in_order(self, value: dict[str, Any]) -> Iterable[str]:
        """The keys in the order in which Go reads them: sorted, which matters where two mean one field."""
        return sorted(value) if len(value) > 1 else value

    def canonical(self, value: Any) -> Any:
        result = {}
        for item in self.fields:
            content = (value or {}).get(item.name)
            if content is None or item.type.is_empty(content):
                if item.always:
                    result[item.name] = item.type.empty if content is None else item.type.canonical(content)
            else:
                result[item.name] = item.type.canonical(content)
        return result

    def is_empty(self, value: Any) -> bool:
        """Go never leaves a struct out; a field that was never set is None and handled before."""
        return False


def coerce(value: Any, target: GoType | None) -> Any:
    """What ``sigs.k8s.io/yaml`` does between YAML and JSON: numbers and booleans meant for a string become one.

    It looks at a struct's own fields only: below an embedded struct it loses its way, and takes the
    embedded struct for the type of every field in it.
    """
    if isinstance(target, Pointer):
        target = target.element
    if isinstance(target, _GenericMap | _IntOrString):
        target = None
    if isinstance(value, dict):
        return {key: coerce(item, _target_of(target, key)) for key, item in value.items()}
    if isinstance(value, list):
        element = target.element if isinstance(target, Slice) else None
        return [coerce(item, element) for item in value]
    if not isinstance(target, _String) or value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return go_yaml.format_float32(value) if isinstance(value, float) else str(value)


def fold(key: str) -> str:
    """A key without regard to case, as Go compares: the long s and the Kelvin sign are letters s and k."""
    return key.replace("\u017f", "s").replace("\u212a", "k").lower()


def _target_of(target: GoType | None, key: str) -> GoType | None:
    if isinstance(target, Struct):
        return target.coercion_target(key)
    return target.element if isinstance(target, Map) else None


def _decode_inside(kind: GoType, value: Any, step: str | int) -> Any:
    try:
        return kind.decode(value)
    except WrongType as error:
        raise error.inside(step) from None


def _merged(kind: GoType, earlier: Any, later: Any) -> Any:
    """Two keys that mean one field: structs and maps are merged, everything else is replaced."""
    if isinstance(kind, Pointer):
        kind = kind.element
    if not isinstance(earlier, dict) or isinstance(kind, _GenericMap):
        return later
    if isinstance(kind, Struct):
        types = {item.name: item.type for item in kind.fields}
        return earlier | {key: _merged(types[key], earlier.get(key), item) for key, item in later.items()}
    return earlier | later


STRING = _String()
BOOL = _Bool()
INT64 = Int(64)
_INT32 = Int(32)
INT_OR_STRING = _IntOrString()
ANYTHING = _Anything()
STRING_MAP = Map(STRING)
STRING_LIST = Slice(STRING)
GENERIC_MAP = _GenericMap(ANYTHING)
