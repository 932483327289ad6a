# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree in which some files are others than in the tree that it is made of, which stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .tree import REGULAR, Entry, FileTree


class ChangedTree:
    """``tree`` with these files in place of its own, by path; None takes a file away."""

    def __init__(self, tree: FileTree, changes: Mapping[str, bytes | None]):
        self._tree = tree
        self._changes = changes

    def entries(self) -> Mapping[str, Entry]:
        """Every file, symbolic link and submodule by its path."""
        entries = {path: entry for path, entry in self._tree.entries().items() if path not in self._changes}
        added = {path: Entry(REGULAR, len(data)) for path, data in self._changes.items() if data is not None}
        return entries | added

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The content of these files; of a symbolic link, the text of its target."""
        wanted = list(paths)
        found = self._tree.read([path for path in wanted if self._changes.get(path) is None])
        return found | {path: data for path in wanted if (data := self._changes.get(path)) is not None}
