# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Submodules: the repositories that a repository names in .gitmodules, put into its tree.

As in Fleet (``internal/cmd/cli/gitcloner/submodule``, ``submodule.go`` of go-git), all of them are
fetched at the commit that the tree names, ten levels deep. Unlike there, credentials go to the
server of the GitRepo's own address and to no other, and a repository that came over the network
cannot name a directory of this machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..errors import FleetError
from .git_tree import MOST_FILES, GitTree
from .tree import SUBMODULE, Entry
from .url import FILE, RepoUrl

MODULES_FILE = ".gitmodules"

DEEPEST = 10
"""Levels of submodules in submodules. The directories of further ones stay empty, as in Fleet."""

MOST_SUBMODULES = 200


@dataclass(frozen=True)
class Submodule:
    """The repository of one directory: its address and its commit (40 hex digits)."""

    path: str
    url: RepoUrl
    commit: str


class TreeWithSubmodules:
    """A FileTree (see tree.py): a commit's tree with those of its submodules in their places.

    ``oid`` is that of the commit's own tree; the submodules' commits are part of it. ``open_tree``
    fetches a submodule. Nothing is fetched before :meth:`entries` is called.
    """

    def __init__(self, root: GitTree, url: RepoUrl, open_tree: Callable[[Submodule], GitTree]):
        self.oid = root.oid
        self.root = root
        self._url = url
        self._open_tree = open_tree
        self._trees: dict[str, GitTree] = {"": root}
        # Of files in submodules, by their path: the key of their tree.
        self._prefixes: dict[str, str] = {}
        self._entries: dict[str, Entry] = {}
        self._directories: dict[str, str] = {}

    def __enter__(self) -> TreeWithSubmodules:
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    def entries(self) -> Mapping[str, Entry]:
        """Every file and symbolic link by its path. Raises FleetError where a submodule cannot be fetched."""
        self._load()
        return self._entries

    def directories(self) -> Mapping[str, str]:
        """The object ID of every directory's tree, by the directory's path; the root is ``""``. Raises as entries."""
        self._load()
        return self._directories

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The content of these files; of a symbolic link, the text of its target. Raises FleetError."""
        self._load()
        by_tree: dict[str, list[str]] = {}
        for path in paths:
            prefix = self._prefixes.get(path, "")
            by_tree.setdefault(prefix, []).append(path[len(prefix) :])
        return {
            prefix + path: content
            for prefix, own in by_tree.items()
            for path, content in self._trees[prefix].read(own).items()
        }

    def close(self) -> None:
        """Let others change the mirrors. Harmless when called twice."""
        for tree in self._trees.values():
            tree.close()

    def _load(self) -> None:
        if self._directories:
            return
        self._add(self.root, self._url, "", 0)
        if len(self._entries) > MOST_FILES:
            raise FleetError(
                f"the repository and its submodules have more than {MOST_FILES} files",
                remedy="Keep what is deployed in a repository of its own.",
            )

    def _add(self, tree: GitTree, url: RepoUrl, prefix: str, level: int) -> None:
        """Put a tree in its place: ``prefix`` is '' or ends with '/'."""
        has_submodules = False
        for path, entry in tree.entries().items():
            if entry.mode == SUBMODULE:
                has_submodules = True
                continue
            self._entries[prefix + path] = entry
            if prefix:
                self._prefixes[prefix + path] = prefix
        if has_submodules and level < DEEPEST:
            for submodule in submodules_of(tree, url, self._url, prefix):
                self._add_submodule(submodule, prefix, level + 1)
        for path, oid in tree.directories().items():
            self._directories[prefix + path if path else prefix.rstrip("/")] = oid

    def _add_submodule(self, submodule: Submodule, prefix: str, level: int) -> None:
        if len(self._trees) > MOST_SUBMODULES:
            raise FleetError(f"the repository has more than {MOST_SUBMODULES} submodules")
        below = f"{prefix}{submodule.path}/"
        try:
            self._trees[below] = self._open_tree(submodule)
        except FleetError as error:
            raise FleetError(
                error.problem,
                place=f"submodule {prefix}{submodule.path} ({submodule.url.for_git()})",
                remedy=error.remedy,
            ) from error
        self._add(self._trees[below], submodule.url, below, level)


def submodules_of(tree: GitTree, url: RepoUrl, root_url: RepoUrl, prefix: str = "") -> list[Submodule]:
    """The submodules that both the tree and its .gitmodules name. Raises FleetError for an address that is refused.

    ``url`` is the repository's own address, to which theirs may be relative; ``root_url`` that of the GitRepo.
    """
    entries = tree.entries()
    found = []
    for path, address in tree.module_addresses().items():
        entry = entries.get(path)
        if entry is None or entry.mode != SUBMODULE:
            continue
        try:
            found.append(Submodule(path, _resolved(address, url, root_url), entry.oid))
        except FleetError as error:
            raise error.at(f"submodule {prefix}{path}") from error
    return found


def _resolved(address: str, url: RepoUrl, root_url: RepoUrl) -> RepoUrl:
    resolved = url.relative(address)
    if resolved.scheme == FILE and root_url.scheme != FILE:
        raise FleetError(
            "its address is a directory of this machine",
            remedy="Write its address in .gitmodules as https:// or ssh://, or relative to the repository's own.",
        )
    return resolved
