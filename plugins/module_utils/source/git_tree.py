# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of one commit, read straight from a bare mirror: nothing is ever checked out."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import FleetError
from .git_command import AnswerTooLarge, GitCommand, GitTimeout, end
from .mirror import Lock, Mirror
from .tree import SUBMODULE, Entry

_LIST_TIMEOUT = 120
_OIDS_AT_ONCE = 500
"""Few enough for the pipe to git to take them all (41 bytes each, 64 KiB) before anything is read back."""


# What a repository may ask of this machine. Sizes are in bytes; the last one is for all that is read of a tree.
MOST_FILES = 200_000
LONGEST_PATH = 4_096
DEEPEST_PATH = 100
LARGEST_FILE = 32 * 1024 * 1024
LARGEST_SUM = 256 * 1024 * 1024


_NOT_IN_A_WORK_TREE = re.compile(r"(?:^|/)(?:\.{0,2}|\.git)(?:/|$)", re.IGNORECASE)


class BrokenMirror(Exception):
    """The mirror does not hold what it should."""


class GitTree:
    """A FileTree (see tree.py) over the tree object ``oid`` of a mirror.

    Keeps the mirror's lock for readers, and one git process, until :meth:`close`.
    """

    def __init__(self, oid: str, git: GitCommand, mirror: Mirror, lock: Lock):
        """Lists the tree. Raises FleetError where it asks too much, BrokenMirror where it is incomplete."""
        self.oid = oid
        self._git = git
        self._mirror = mirror
        self._lock = lock
        self._reader: Any = None
        self._read_oids: set[str] = set()
        self._bytes_read = 0
        self._entries = self._list()

    def __enter__(self) -> GitTree:
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    def entries(self) -> Mapping[str, Entry]:
        """Every file, symbolic link and submodule by its path, in git's order."""
        return self._entries

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The content of these files; of a symbolic link, the text of its target. Raises FleetError."""
        wanted = list(paths)
        for path in wanted:
            self._check_readable(path)
        contents = self._read_objects(list(dict.fromkeys(self._entries[path].oid for path in wanted)))
        return {path: contents[self._entries[path].oid] for path in wanted}

    def close(self) -> None:
        """End the git process and let others change the mirror. Harmless when called twice."""
        if self._reader is not None:
            end(self._reader)
            self._reader = None
        self._lock.release()

    def _list(self) -> dict[str, Entry]:
        # A listing that is too large in bytes is that of a tree with far too many files.
        largest = MOST_FILES * 400
        try:
            listed = self._git.run(
                "ls-tree", "-r", "-z", "-l", "--full-tree", self.oid, timeout=_LIST_TIMEOUT, largest=largest
            )
        except (AnswerTooLarge, GitTimeout) as error:
            raise self._too_many_files() from error
        if listed.status != 0:
            raise BrokenMirror(listed.errors)
        lines = listed.output.split(b"\0")[:-1]
        if len(lines) > MOST_FILES:
            raise self._too_many_files()
        return dict(self._parse(line) for line in lines)

    def _parse(self, line: bytes) -> tuple[str, Entry]:
        """From ``<mode> <type> <oid> <size>\\t<path>``; the size of a submodule is ``-``."""
        attributes, _tab, raw_path = line.partition(b"\t")
        mode, kind, oid, size = attributes.decode("ascii").split()
        if kind == "blob" and not size.isdigit():
            raise BrokenMirror(f"object {oid} is missing")
        path = os.fsdecode(raw_path)
        self._check_path(path)
        return path, Entry(mode, int(size) if kind == "blob" else 0, oid)

    def _check_path(self, path: str) -> None:
        """Refuse names that git itself would not put into a work tree, and those too long or too deep."""
        if len(path) > LONGEST_PATH or path.count("/") >= DEEPEST_PATH:
            raise FleetError(
                f"a path of the repository is too long or too deep: {path[:80]!r}…",
                remedy=f"At most {LONGEST_PATH} characters and {DEEPEST_PATH} directories are taken.",
            )
        if _NOT_IN_A_WORK_TREE.search(path):
            raise FleetError(
                f"the repository contains the path {path!r}, which no git work tree can have",
                remedy="It was made to harm whoever checks it out. Remove it from the repository.",
            )

    def _check_readable(self, path: str) -> None:
        entry = self._entries.get(path)
        if entry is None or entry.mode == SUBMODULE:
            what = "is a submodule, whose files are not in this repository" if entry else "is not in the repository"
            raise FleetError(what, place=path)
        if entry.oid not in self._read_oids:
            self._read_oids.add(entry.oid)
            self._bytes_read += entry.size
        if entry.size > LARGEST_FILE:
            raise FleetError(
                f"the file has {entry.size} bytes; at most {LARGEST_FILE} are read",
                place=path,
                remedy="List it in .fleetignore, or move it out of the directories that are deployed.",
            )
        if self._bytes_read > LARGEST_SUM:
            raise FleetError(
                f"the files to deploy have more than {LARGEST_SUM} bytes together",
                place=path,
                remedy="Deploy fewer directories of the repository (paths), or list large files in .fleetignore.",
            )

    def _read_objects(self, oids: list[str]) -> dict[str, bytes]:
        if oids and self._reader is None:
            self._reader = self._git.start("cat-file", "--batch", stdin=subprocess.PIPE)
        contents = {}
        try:
            for start in range(0, len(oids), _OIDS_AT_ONCE):
                some = oids[start : start + _OIDS_AT_ONCE]
                self._reader.proc.stdin.write("".join(f"{oid}\n" for oid in some).encode())
                self._reader.proc.stdin.flush()
                contents.update((oid, self._read_object(oid)) for oid in some)
        except (OSError, ValueError) as error:
            self._mirror.mark_broken()
            raise FleetError(
                "the cached copy of the repository is damaged",
                place=str(self._mirror.path),
                remedy="Run this again: the copy is then made anew.",
            ) from error
        return contents

    def _read_object(self, oid: str) -> bytes:
        """One answer of ``git cat-file --batch``: ``<oid> blob <size>\\n<content>\\n``."""
        output = self._reader.proc.stdout
        header = output.readline().split()
        if header[:2] != [oid.encode(), b"blob"]:
            raise ValueError(f"git answered {header!r} for object {oid}")
        size = int(header[2])
        content = output.read(size + 1)
        if len(content) != size + 1:
            raise ValueError(f"git broke off in object {oid}")
        return content[:-1]

    def _too_many_files(self) -> FleetError:
        return FleetError(
            f"the repository has more than {MOST_FILES} files",
            remedy="Keep what is deployed in a repository of its own.",
        )
