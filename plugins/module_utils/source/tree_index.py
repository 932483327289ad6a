# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions about a tree of files that its flat list of paths does not answer: directories and symbolic links."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from functools import cached_property

from ..errors import FleetError
from .tree import SYMLINK, Entry, FileTree

MAX_LINKS = 255
"""How many symbolic links one path may lead through (Go's limit)."""

MAX_DOCUMENT = 8 * 1024 * 1024
"""How large a file may be that is parsed: options, values, Chart.yaml, ignore files. In bytes."""

_PREFETCHED_UP_TO = 1024 * 1024
"""Larger files are read only when it is sure that they are wanted, in bytes."""


class TreeIndex:
    """The directories and links of a FileTree. Paths have no leading or trailing ``/``; the root is ``""``."""

    def __init__(self, tree: FileTree):
        self.tree = tree
        self._entries = tree.entries()
        # What resolve() was asked for, the links it followed, and where they led: all that was looked at.
        self.resolved: set[str] = set()

    @cached_property
    def _directories(self) -> dict[str, dict[str, bool]]:
        """By directory, the names in it and whether each is a directory. Sorted by name."""
        found: dict[str, dict[str, bool]] = {"": {}}
        for path in self._entries:
            parent, _unused, name = path.rpartition("/")
            found.setdefault(parent, {})[name] = False
            while parent:
                child = parent
                parent, _unused, name = child.rpartition("/")
                siblings = found.setdefault(parent, {})
                if name in siblings:
                    break
                siblings[name] = True
        return {path: dict(sorted(names.items())) for path, names in found.items()}

    @cached_property
    def _links(self) -> dict[str, str]:
        """The target of every symbolic link, all read in one go."""
        paths = [path for path, entry in self._entries.items() if entry.mode == SYMLINK]
        return {path: content.decode("utf-8", "surrogateescape") for path, content in self.tree.read(paths).items()}

    def broken_links(self, directory: str) -> Iterator[str]:
        """The links below a directory that lead nowhere inside the tree."""
        for path in self._links:
            if path.startswith(f"{directory}/" if directory else "") and self._leads_nowhere(path):
                yield path

    def _leads_nowhere(self, path: str) -> bool:
        try:
            return self.resolve(path) is None
        except FleetError:
            return False

    def entry(self, path: str) -> Entry | None:
        """The file or link of exactly this path, without following links."""
        return self._entries.get(path)

    def is_directory(self, path: str) -> bool:
        """Whether it is a directory itself, not a link to one."""
        return path in self._directories

    def children(self, directory: str) -> dict[str, bool]:
        """The names in a directory, sorted, and whether each is a directory."""
        return self._directories[directory]

    def locate(self, path: str) -> str | None:
        """The path with all links followed but one at its end; None if nothing is there. Raises FleetError."""
        parent, _unused, name = path.rstrip("/").rpartition("/")
        if name in ("", ".", ".."):
            return self.resolve(path)
        directory = self.resolve(parent)
        if directory is None:
            return None
        located = join(directory, name)
        return located if located in self._entries or self.is_directory(located) else None

    def walk(self, directory: str) -> Iterator[str]:
        """The directory and all directories below it, in order of their names."""
        pending = [directory]
        while pending:
            current = pending.pop()
            yield current
            children = self.children(current)
            pending.extend(join(current, name) for name in reversed(children) if children[name])

    def files_below(self, directory: str) -> Iterable[str]:
        """The paths of everything below the directory that is not a directory."""
        for current in self.walk(directory):
            for name, is_directory in self.children(current).items():
                if not is_directory:
                    yield join(current, name)

    def stayed_below(self, directory: str) -> bool:
        """Whether all that was ``resolved`` is in this directory or below."""
        start = f"{directory}/" if directory else ""
        return all(
            (path == directory or path.startswith(start)) and ".." not in path.split("/") for path in self.resolved
        )

    def resolve(self, path: str) -> str | None:
        """Where the path leads when every symbolic link in it is followed; None if nothing is there.

        Raises FleetError where it leaves the tree, or where links go round in circles.
        """
        target = self._follow(path)
        self.resolved.add(path)
        if target is not None:
            self.resolved.add(target)
        return target

    def _follow(self, path: str) -> str | None:
        done: list[str] = []
        todo = [part for part in path.split("/") if part not in ("", ".")][::-1]
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                if not done:
                    raise FleetError(
                        "leads out of the repository",
                        place=path,
                        remedy="Keep files, and what symbolic links point to, inside the repository.",
                    )
                done.pop()
                continue
            current = "/".join([*done, part])
            entry = self._entries.get(current)
            if entry is not None and entry.mode == SYMLINK:
                links += 1
                self.resolved.add(current)
                target = self._links[current]
                if links > MAX_LINKS:
                    raise FleetError("the symbolic links here go round in circles", place=path)
                if target.startswith("/"):
                    raise FleetError(
                        f"is a symbolic link to the absolute path {target}",
                        place=current,
                        remedy="Link to a relative path inside the repository.",
                    )
                todo.extend(piece for piece in reversed(target.split("/")) if piece not in ("", "."))
                continue
            if entry is None and not self.is_directory(current):
                return None
            if entry is not None and todo:
                return None
            done.append(part)
        return "/".join(done)

    def is_file(self, path: str) -> bool:
        """Whether a file is there, links followed."""
        target = self.resolve(path)
        entry = self.entry(target) if target is not None else None
        return entry is not None


class TreeFiles:
    """Reads files of a tree, links followed, and fetches many in one go beforehand."""

    def __init__(self, index: TreeIndex):
        self.index = index
        self._contents: dict[str, bytes] = {}

    def prefetch(self, paths: Iterable[str]) -> None:
        """Read these files in one go and forget the ones that were prefetched before.

        Links, and files that are large, are passed over.
        """
        entries = ((path, self.index.entry(path)) for path in paths)
        self._contents = self.index.tree.read(
            [path for path, entry in entries if entry and entry.mode != SYMLINK and entry.size <= _PREFETCHED_UP_TO]
        )

    def size(self, path: str) -> int:
        """The size of one file in bytes, links followed. Raises FleetError if it is not there or not a file."""
        return self._find(path)[1].size

    def read(self, path: str) -> bytes:
        """The content of one file, links followed. Raises FleetError if it is not there or not a file."""
        target, entry = self._find(path)
        if target in self._contents:
            return self._contents[target]
        content = self.index.tree.read([target])[target]
        if entry.size <= _PREFETCHED_UP_TO:
            self._contents[target] = content
        return content

    def read_document(self, path: str) -> bytes:
        """As :meth:`read`, for a file that is going to be parsed. Raises FleetError too if it is very large."""
        if self.size(path) > MAX_DOCUMENT:
            raise FleetError(f"is larger than {MAX_DOCUMENT // 1024 // 1024} MiB, too large to be read", place=path)
        return self.read(path)

    def _find(self, path: str) -> tuple[str, Entry]:
        target = self.index.resolve(path)
        if target is None:
            raise FleetError("there is no such file", place=path)
        entry = self.index.entry(target)
        if entry is None:
            raise FleetError("is not a file but a directory", place=path)
        return target, entry


def join(directory: str, name: str) -> str:
    """A path below a directory; both may be ``""``. ``..`` and ``.`` are worked out, as Go's ``filepath.Join``."""
    path = posixpath.normpath(posixpath.join(directory, name) if directory else name or ".")
    return "" if path == "." else path
