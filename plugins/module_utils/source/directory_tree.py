# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A local directory as a FileTree. Nothing outside of it is ever read, whatever its links point to."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from ..errors import FleetError
from .tree import EXECUTABLE, REGULAR, SYMLINK, Entry

GIT_DIRECTORY = ".git"


class DirectoryTree:
    """The files of ``root`` and below, without ``.git``. Sockets, pipes and devices are left out."""

    def __init__(self, root: Path):
        self.root = root
        if not root.is_dir():
            raise FleetError("is not a directory", place=str(root), remedy="Name the directory that holds the files.")

    def entries(self) -> Mapping[str, Entry]:
        """Every file and symbolic link by its path below the root."""
        return self._entries

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        pending = [""]
        while pending:
            directory = pending.pop()
            try:
                with os.scandir(self.root / directory) as items:
                    for item in items:
                        path = f"{directory}/{item.name}" if directory else item.name
                        if not item.is_dir(follow_symlinks=False):
                            entry = _entry(item)
                            if entry:
                                found[path] = entry
                        elif item.name != GIT_DIRECTORY:
                            pending.append(path)
            except OSError as error:
                raise FleetError(
                    f"the directory cannot be read: {error.strerror}", place=str(self.root / directory)
                ) from error
        return dict(sorted(found.items()))

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The content of these files; of a symbolic link, the text of its target."""
        return {path: self._read(path) for path in paths}

    def _read(self, path: str) -> bytes:
        entry = self._entries.get(path)
        full = self.root / path
        try:
            if entry is not None and entry.mode == SYMLINK:
                return os.fsencode(os.readlink(full))
            # O_NOFOLLOW and O_NONBLOCK: it may have become a link or a pipe since it was listed.
            descriptor = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise FleetError("is not a regular file", place=str(full))
                return file.read()
        except OSError as error:
            raise FleetError(f"cannot be read: {error.strerror}", place=str(full)) from error


def _entry(item: os.DirEntry) -> Entry | None:
    status = item.stat(follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        return Entry(SYMLINK, status.st_size)
    if not stat.S_ISREG(status.st_mode):
        return None
    return Entry(EXECUTABLE if status.st_mode & stat.S_IXUSR else REGULAR, status.st_size)
