# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of one commit, read straight from a bare mirror: nothing is ever checked out."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from ..errors import FleetError
from .git_command import AnswerTooLarge, GitCommand, GitTimeout, end
from .mirror import Lock, Mirror
from .tree import EXECUTABLE, REGULAR, SUBMODULE, Entry

_LIST_TIMEOUT = 120
_OIDS_AT_ONCE = 500
"""Few enough for the pipe to git to take them all (41 bytes each, 64 KiB) before anything is read back."""


# What a repository may ask of this machine. Sizes are in bytes; the last one is for all that is read of a tree.
MOST_FILES = 200_000
LONGEST_PATH = 4_096
DEEPEST_PATH = 100
LARGEST_FILE = 32 * 1024 * 1024
LARGEST_SUM = 256 * 1024 * 1024


_LARGEST_MODULES_FILE = 1024 * 1024

# In the listing of a tree: a file whose object is not there.
_MISSING = re.compile(rb"(?:^|\0)\d{6} blob ([0-9a-f]+) +[^\d\s]")

_NOT_IN_A_WORK_TREE = re.compile(r"(?:^|/)(?:\.{0,2}|\.git)(?:/|$)", re.IGNORECASE)


class BrokenMirror(Exception):
    """The mirror does not hold what it should."""


class GitTree:
    """A FileTree (see tree.py) over the tree object ``oid`` of a mirror.

    Keeps the mirror's lock for readers, and one git process, until :meth:`close`.
    """

    def __init__(self, oid: str, git: GitCommand, mirror: Mirror, lock: Lock):
        """Lists the tree. Raises FleetError where it is too large, BrokenMirror where it is incomplete."""
        self.oid = oid
        self._git = git
        self._mirror = mirror
        self._lock = lock
        self._reader: Any = None
        self._read_oids: set[str] = set()
        self._bytes_read = 0
        self._listing = self._list()

    def __enter__(self) -> GitTree:
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    def entries(self) -> Mapping[str, Entry]:
        """Every file, symbolic link and submodule by its path, in git's order. Raises FleetError for harmful paths."""
        return self._parsed[0]

    def directories(self) -> Mapping[str, str]:
        """The object ID of every directory's tree, by the directory's path; the root is ``""``."""
        return self._parsed[1]

    def module_addresses(self) -> dict[str, str]:
        """The addresses of submodules by their paths, as .gitmodules has them. Raises FleetError if it is damaged."""
        entry = self.entries().get(".gitmodules")
        if entry is None or entry.mode not in (REGULAR, EXECUTABLE):
            return {}
        arguments = ("config", f"--blob={entry.oid}", "--list", "-z")
        if entry.size > _LARGEST_MODULES_FILE:
            raise FleetError(f"is larger than {_LARGEST_MODULES_FILE} bytes", place=".gitmodules")
        listed = self._git.run(*arguments, timeout=_LIST_TIMEOUT)
        if listed.status != 0:
            raise FleetError("is not a file that git can read", place=".gitmodules", remedy="Correct it.")
        modules: dict[str, dict[str, str]] = {}
        for setting in listed.output.decode("utf-8", "surrogateescape").split("\0"):
            key, _newline, value = setting.partition("\n")
            name, _dot, field = key.removeprefix("submodule.").rpartition(".")
            modules.setdefault(name, {})[field] = value
        return {module["path"]: module["url"] for module in modules.values() if "path" in module and "url" in module}

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The content of these files; of a symbolic link, the text of its target. Raises FleetError."""
        wanted = list(paths)
        for path in wanted:
            self._check_readable(path)
        entries = self.entries()
        contents = self._read_objects(list(dict.fromkeys(entries[path].oid for path in wanted)))
        return {path: contents[entries[path].oid] for path in wanted}

    def close(self) -> None:
        """End the git process and let others change the mirror. Harmless when called twice."""
        if self._reader is not None:
            end(self._reader)
            self._reader = None
        self._lock.release()

    def _list(self) -> bytes:
        # A listing that is too large in bytes is that of a tree with far too many files.
        largest = MOST_FILES * 400
        try:
            listed = self._git.run(
                "ls-tree", "-r", "-t", "-z", "-l", "--full-tree", self.oid, timeout=_LIST_TIMEOUT, largest=largest
            )
        except (AnswerTooLarge, GitTimeout) as error:
            raise self._too_many_files() from error
        if listed.status != 0:
            raise BrokenMirror(listed.errors)
        missing = _MISSING.search(listed.output)
        if missing:
            raise BrokenMirror(f"object {missing[1].decode()} is missing")
        return listed.output

    @cached_property
    def _parsed(self) -> tuple[dict[str, Entry], dict[str, str]]:
        """Files and directories, from lines ``<mode> <type> <oid> <size>\\t<path>``; only files have a size."""
        files: dict[str, Entry] = {}
        directories = {"": self.oid}
        for line in self._listing.split(b"\0")[:-1]:
            attributes, _tab, raw_path = line.partition(b"\t")
            mode, kind, oid, size = attributes.decode("ascii").split()
            path = os.fsdecode(raw_path)
            self._check_path(path)
            if kind == "tree":
                directories[path] = oid
            else:
                files[path] = Entry(mode, int(size) if kind == "blob" else 0, oid)
        if len(files) > MOST_FILES:
            raise self._too_many_files()
        self._listing = b""
        return files, directories

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
        entry = self.entries().get(path)
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
