# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shell patterns with the rules of Go's ``filepath.Match``, which Fleet uses for paths and ignore files.

They differ from Python's ``fnmatch``: ``*`` and ``?`` never match ``/``, a class is negated with
``^`` only, a backslash escapes, and a malformed pattern is an error (though only once a name got
as far as the malformed part, as in Go).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_WILDCARDS = frozenset("*?[\\")


class BadPattern(ValueError):
    """The pattern is malformed: an unclosed class, an empty range or a backslash at the end."""


@dataclass(frozen=True)
class _Chunk:
    """A part of a pattern without ``*``: each of its elements stands for exactly one character.

    ``star`` tells whether a ``*`` goes before it. ``expression`` is None for a malformed part.
    """

    star: bool
    expression: re.Pattern[str] | None
    length: int

    def matches(self, name: str, position: int) -> bool:
        """Whether it matches at this position. Raises BadPattern if it is malformed."""
        if self.expression is None:
            raise BadPattern
        return self.expression.match(name, position) is not None


def has_wildcard(pattern: str) -> bool:
    """Whether the pattern is more than a plain path (Go: ``hasMeta``)."""
    return not _WILDCARDS.isdisjoint(pattern)


def match(pattern: str, name: str) -> bool:
    """Whether the whole of ``name`` matches. Raises BadPattern for a malformed pattern."""
    try:
        return _match(_chunks(pattern), name)
    except BadPattern as error:
        raise BadPattern(pattern) from error


def _match(chunks: tuple[_Chunk, ...], name: str) -> bool:
    """A part behind a star is taken at the first place where it fits: no backtracking, as in Go."""
    position = 0
    for number, chunk in enumerate(chunks):
        last = number == len(chunks) - 1
        if chunk.star and not chunk.length and chunk.expression:
            return "/" not in name[position:]
        found = _find(chunk, name, position, last)
        if found is None:
            return False
        position = found + chunk.length
    return position == len(name)


def _find(chunk: _Chunk, name: str, position: int, last: bool) -> int | None:
    """Where the part begins, or None. The last one has to reach the end of the name."""
    if chunk.matches(name, position) and (not last or position + chunk.length == len(name)):
        return position
    if not chunk.star:
        return None
    barrier = name.find("/", position)
    furthest = barrier if barrier >= 0 else len(name)
    if last:
        start = len(name) - chunk.length
        return start if position < start <= furthest and chunk.matches(name, start) else None
    return next((start for start in range(position + 1, furthest + 1) if chunk.matches(name, start)), None)


@lru_cache(maxsize=1024)
def _chunks(pattern: str) -> tuple[_Chunk, ...]:
    chunks = []
    position = 0
    while position < len(pattern):
        begin = position
        while pattern.startswith("*", position):
            position += 1
        end = _chunk_end(pattern, position)
        chunks.append(_chunk(position > begin, pattern[position:end]))
        position = end
    return tuple(chunks)


def _chunk_end(pattern: str, position: int) -> int:
    """Where the next star is that is not in a class and not escaped."""
    in_class = False
    while position < len(pattern):
        character = pattern[position]
        if character == "*" and not in_class:
            break
        if character == "\\" and position + 1 < len(pattern):
            position += 1
        elif character in "[]":
            in_class = character == "["
        position += 1
    return min(position, len(pattern))


def _chunk(star: bool, text: str) -> _Chunk:
    try:
        elements = _elements(text)
    except BadPattern:
        return _Chunk(star, None, 0)
    return _Chunk(star, re.compile("".join(elements), re.DOTALL), len(elements))


def _elements(text: str) -> list[str]:
    """One regular expression for each character that the part stands for."""
    elements = []
    position = 0
    while position < len(text):
        if text[position] == "?":
            elements.append("[^/]")
            position += 1
        elif text[position] == "[":
            expression, position = _class(text, position + 1)
            elements.append(expression)
        else:
            literal, position = _literal(text, position)
            elements.append(re.escape(literal))
    return elements


def _literal(text: str, position: int) -> tuple[str, int]:
    if text[position] != "\\":
        return text[position], position + 1
    if position + 1 == len(text):
        raise BadPattern
    return text[position + 1], position + 2


def _class(text: str, position: int) -> tuple[str, int]:
    """The character class that starts behind ``[`` at ``position``, and where it ends."""
    negated = text.startswith("^", position)
    position += negated
    ranges: list[tuple[str, str]] = []
    while not (ranges and text.startswith("]", position)):
        low, position = _class_character(text, position)
        high = low
        if text[position] == "-":
            high, position = _class_character(text, position + 1)
        ranges.append((low, high))
    # A range whose end is before its start matches nothing; re would refuse it.
    usable = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges if low <= high)
    if not usable:
        return (r"[\s\S]" if negated else r"[^\s\S]"), position + 1
    return f"[{'^' if negated else ''}{usable}]", position + 1


def _class_character(text: str, position: int) -> tuple[str, int]:
    if position >= len(text) or text[position] in "-]":
        raise BadPattern
    character, position = _literal(text, position)
    if position >= len(text):
        raise BadPattern
    return character, position
