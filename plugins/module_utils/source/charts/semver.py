# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions and version ranges of charts, by the rules of ``github.com/Masterminds/semver/v3`` 3.5, as Helm and Fleet.

They are looser than semantic versions (``1.2`` is a version), and a range takes a pre-release only where one of the
conditions beside it names a pre-release itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import total_ordering

LONGEST_VERSION = 256
LONGEST_RANGE = 512
MOST_ALTERNATIVES = 32
"""More characters, or more parts between ``||``, are refused, as Masterminds does."""

_LARGEST = 2**64 - 1

_IDENTIFIERS = r"[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*"
_VERSION = re.compile(rf"v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?(?:-({_IDENTIFIERS}))?(?:\+({_IDENTIFIERS}))?", flags=re.ASCII)
_STRICT = re.compile(rf"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-({_IDENTIFIERS}))?(?:\+({_IDENTIFIERS}))?")

_BOUND = rf"v?([0-9|xX*]+)(\.[0-9|xX*]+)?(\.[0-9|xX*]+)?(-{_IDENTIFIERS})?(\+{_IDENTIFIERS})?"
_ANY_BOUND = re.sub(r"\((?!\?)", "(?:", _BOUND)
# Go's regular expressions take the leftmost alternative too, but only after the whole has matched: longest first here.
_ANY_OPERATOR = r"(?:>=|=>|<=|=<|~>|!=|=|>|<|~|\^|)"
_CONDITION = re.compile(rf"\s*({_ANY_OPERATOR})\s*{_BOUND}\s*", flags=re.ASCII)
_CONDITIONS = re.compile(rf"{_ANY_OPERATOR}\s*{_ANY_BOUND}", flags=re.ASCII)
_VALID = re.compile(
    rf"\s*{_ANY_OPERATOR}\s*{_ANY_BOUND}\s*(?:(?:\s+|,\s*){_ANY_OPERATOR}\s*{_ANY_BOUND}\s*)*", flags=re.ASCII
)
_HYPHEN = re.compile(rf"\s*({_ANY_BOUND})\s+-\s+({_ANY_BOUND})\s*", flags=re.ASCII)


@total_ordering
@dataclass(frozen=True, eq=False)
class Version:
    """A version; ``text`` is how it was written. Build metadata plays no part in comparisons."""

    major: int
    minor: int
    patch: int
    prerelease: str = ""
    text: str = field(default="")

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """A version as loose as Helm takes it; None for what is no version."""
        match = _VERSION.fullmatch(text) if len(text) <= LONGEST_VERSION else None
        if match is None:
            return None
        numbers = [int((part or "0").lstrip(".")) for part in match.groups()[:3]]
        prerelease = match[4] or ""
        if max(numbers) > _LARGEST or any(_has_leading_zero(part) for part in prerelease.split(".")):
            return None
        return cls(*numbers, prerelease, text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key == other._key

    def __lt__(self, other: Version) -> bool:
        return self._key < other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple:
        return (self.major, self.minor, self.patch, not self.prerelease, _prerelease_key(self.prerelease))


def is_exact(text: str) -> bool:
    """Whether it is one whole semantic version, which will always be the same chart, and no range."""
    match = _STRICT.fullmatch(text) if len(text) <= LONGEST_VERSION else None
    return match is not None and not any(_has_leading_zero(part) for part in (match[4] or "").split("."))


@dataclass(frozen=True)
class _Condition:
    """One comparison. ``any_minor`` and ``any_patch`` say that the bound was written without, as ``1`` and ``1.2``."""

    operator: str
    bound: Version
    any_version: bool = False
    any_minor: bool = False
    any_patch: bool = False

    @property
    def is_open(self) -> bool:
        return self.any_version or self.any_minor or self.any_patch

    def holds(self, version: Version) -> bool:
        return _OPERATORS[self.operator](self, version)


@dataclass(frozen=True)
class Range:
    """Alternatives, each of conditions that must all hold."""

    alternatives: list[list[_Condition]]

    @classmethod
    def parse(cls, text: str) -> Range | None:
        """A range such as ``^1.2``, ``>= 1.0, < 3`` or ``1.x || 3.x``; None for what is none. ``""`` is any version."""
        if len(text) > LONGEST_RANGE:
            return None
        rewritten = _HYPHEN.sub(lambda match: f">= {match[1]}, <= {match[2]} ", text)
        parts = rewritten.split("||")
        if len(parts) > MOST_ALTERNATIVES:
            return None
        alternatives = []
        for part in parts:
            conditions = _conditions(part)
            if conditions is None:
                return None
            alternatives.append(conditions)
        return cls(alternatives)

    def contains(self, version: Version) -> bool:
        return any(
            (not version.prerelease or any(condition.bound.prerelease for condition in conditions))
            and all(condition.holds(version) for condition in conditions)
            for conditions in self.alternatives
        )


def _conditions(text: str) -> list[_Condition] | None:
    if text == "":
        return None
    if not _VALID.fullmatch(text):
        return None
    conditions = [_condition(found.group()) for found in _CONDITIONS.finditer(text)]
    return None if None in conditions else conditions


def _condition(text: str) -> _Condition | None:
    match = _CONDITION.fullmatch(text)
    if match is None:
        return None
    operator, major, minor, patch, prerelease, _metadata = match.groups()
    suffix = prerelease or ""
    any_version, any_minor, any_patch = _is_open(major), False, False
    if any_version:
        bound = f"0.0.0{suffix}"
    elif _is_open(minor):
        bound, any_minor = f"{major}.0.0{suffix}", True
    elif _is_open(patch):
        bound, any_patch = f"{major}{minor}.0{suffix}", True
    else:
        bound = f"{major}{minor}{patch}{suffix}"
    version = Version.parse(bound)
    if version is None:
        return None
    return _Condition(operator, version, any_version, any_minor, any_patch)


def _is_open(part: str | None) -> bool:
    return (part or "").removeprefix(".") in ("", "x", "X", "*")


def _equal(condition: _Condition, version: Version) -> bool:
    return _tilde(condition, version) if condition.is_open else version == condition.bound


def _not_equal(condition: _Condition, version: Version) -> bool:
    bound = condition.bound
    if not condition.is_open:
        return version != bound
    if version.major != bound.major:
        return True
    if condition.any_minor:
        return False
    if version.minor != bound.minor:
        return True
    if condition.any_patch:
        return version.prerelease != bound.prerelease
    return version != bound


def _greater(condition: _Condition, version: Version) -> bool:
    bound = condition.bound
    if not condition.is_open or version.major != bound.major:
        return version > bound if not condition.is_open else version.major > bound.major
    if condition.any_minor:
        return False
    return version.minor > bound.minor if condition.any_patch else version > bound


def _less(condition: _Condition, version: Version) -> bool:
    return version < condition.bound


def _greater_or_equal(condition: _Condition, version: Version) -> bool:
    return version >= condition.bound


def _less_or_equal(condition: _Condition, version: Version) -> bool:
    bound = condition.bound
    if not condition.is_open:
        return version <= bound
    if version.major != bound.major:
        return version.major < bound.major
    return version.minor <= bound.minor or condition.any_minor


def _tilde(condition: _Condition, version: Version) -> bool:
    bound = condition.bound
    if version < bound:
        return False
    if not (bound.major or bound.minor or bound.patch or condition.any_minor or condition.any_patch):
        return True
    return version.major == bound.major and (condition.any_minor or version.minor == bound.minor)


def _caret(condition: _Condition, version: Version) -> bool:
    bound = condition.bound
    if version < bound or version.major != bound.major:
        return False
    if bound.major or condition.any_minor:
        return True
    if bound.minor or condition.any_patch:
        return version.minor == bound.minor
    return version.minor == 0 and version.patch == bound.patch


_OPERATORS: dict[str, Callable[[_Condition, Version], bool]] = {
    "": _equal,
    "=": _equal,
    "!=": _not_equal,
    ">": _greater,
    "<": _less,
    ">=": _greater_or_equal,
    "=>": _greater_or_equal,
    "<=": _less_or_equal,
    "=<": _less_or_equal,
    "~": _tilde,
    "~>": _tilde,
    "^": _caret,
}


def _prerelease_key(text: str) -> tuple:
    """Numbers come before words, and are compared as numbers; more parts come after fewer."""
    return tuple(
        (0, int(part), "") if part.isdigit() and int(part) <= _LARGEST else (1, 0, part) for part in text.split(".")
    )


def _has_leading_zero(part: str) -> bool:
    return len(part) > 1 and part[0] == "0" and part.isdigit()
