# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trees of files to test with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ansible_collections.gitops.fleet.plugins.module_utils.source.memory_tree import MemoryTree
from ansible_collections.gitops.fleet.plugins.module_utils.source.tree import SYMLINK, Entry


class LinkedTree(MemoryTree):
    """A tree in memory that has symbolic links (path to target) too."""

    def __init__(
        self,
        files: Mapping[str, bytes | str] | Iterable[str] = (),
        links: Mapping[str, str] | None = None,
    ):
        contents = files if isinstance(files, Mapping) else dict.fromkeys(files, b"")
        super().__init__({path: text.encode() if isinstance(text, str) else text for path, text in contents.items()})
        self._links = links or {}

    def entries(self) -> dict[str, Entry]:
        links = {path: Entry(SYMLINK, len(target)) for path, target in self._links.items()}
        return dict(super().entries()) | links

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        return {path: self._links[path].encode() if path in self._links else self._files[path] for path in paths}
