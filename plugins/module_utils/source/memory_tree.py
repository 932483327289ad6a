# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are given as text, as a FileTree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import FleetError
from .tree import REGULAR, Entry


class MemoryTree:
    """A tree of these files. Raises FleetError for a path that is not plain and relative."""

    def __init__(self, files: Mapping[str, bytes]):
        for path in files:
            if not path or any(part in ("", ".", "..") for part in path.split("/")):
                raise FleetError(
                    f"{path!r} is no path of a file",
                    remedy="Write a relative path such as templates/deployment.yaml, without '.' and '..'.",
                )
        directories = {path[:end] for path in files for end, letter in enumerate(path) if letter == "/"}
        for path in sorted(directories & set(files)):
            raise FleetError(f"{path!r} is both a file and a directory", remedy="Rename one of them.")
        self._files = dict(files)

    def entries(self) -> Mapping[str, Entry]:
        """Every file by its path."""
        return {path: Entry(REGULAR, len(content)) for path, content in self._files.items()}

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The content of these files."""
        return {path: self._files[path] for path in paths}
