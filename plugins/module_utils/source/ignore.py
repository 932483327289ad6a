# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``.fleetignore``: which files of a bundle are left out.

Every line is a pattern for the *base name* of files and directories below its directory;
``NAME/*`` ignores any directory called NAME. There are no paths, no ``**`` and no negation. The
rules, odd ones too, are Fleet's (``internal/bundlereader/loaddirectory.go`` in rancher/fleet).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..errors import FleetError
from . import go_match

FILE = ".fleetignore"

_LONGEST_LINE = 64 * 1024
"""In bytes. Go's Scanner stops at a longer line, and Fleet reads no further."""

_DIRECTORY_PATTERN = re.compile(r".+/\*")
_TRAILING_SPACE = re.compile(r"([^\\])[\t\n\f\r ]+\Z")


def parse(content: bytes) -> list[str]:
    """The patterns of an ignore file. ``#`` starts a comment line; space at a line's end is cut unless escaped."""
    patterns = []
    for line in content.split(b"\n"):
        if len(line) >= _LONGEST_LINE:
            break
        pattern = _TRAILING_SPACE.sub(r"\1", line.removesuffix(b"\r").decode("utf-8", "surrogateescape"))
        if pattern and not pattern.startswith("#"):
            patterns.append(pattern)
    return patterns


@dataclass
class IgnoreRules:
    """The patterns that hold in a bundle, by the directory that they were found in.

    Add the directories in the order of a walk, before asking about what is in them. ``directory``
    is the bundle's root. As in Fleet, patterns reach everything whose path *begins with* the path of
    their directory: those of ``a/.fleetignore`` also ``a.yaml`` and ``ab/`` beside it.
    """

    directory: str = ""
    patterns: list[str] = field(default_factory=list)
    children: list[IgnoreRules] = field(default_factory=list)

    def add(self, directory: str, patterns: list[str]) -> None:
        """Let patterns hold in a directory."""
        if not patterns:
            return
        node = self._route(directory)[-1]
        if node.directory != directory:
            node.children.append(IgnoreRules(directory))
            node = node.children[-1]
        node.patterns.extend(patterns)

    def ignores(self, path: str, is_directory: bool) -> bool:
        """Whether the path is left out. Raises FleetError for a malformed pattern."""
        name = path.rpartition("/")[2]
        return any(
            self._matches(pattern, name, is_directory) for node in self._route(path) for pattern in node.patterns
        )

    def _route(self, path: str) -> list[IgnoreRules]:
        """The nodes whose patterns hold for a path, from the root on."""
        route = [self]
        while route[-1].directory != path:
            child = next((child for child in route[-1].children if path.startswith(child.directory)), None)
            if child is None:
                break
            route.append(child)
        return route

    @staticmethod
    def _matches(pattern: str, name: str, is_directory: bool) -> bool:
        if _DIRECTORY_PATTERN.match(pattern):
            return is_directory and pattern.removesuffix("/*") == name
        try:
            return go_match.match(pattern, name)
        except go_match.BadPattern as error:
            raise FleetError(
                f"{pattern!r} is not a valid pattern",
                place=FILE,
                remedy="Close what '[' opens, or put '\\' before a character that is meant literally.",
            ) from error
