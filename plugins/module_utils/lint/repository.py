# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A repository as rules look at it: its tree, its bundles, and the GitRepo objects that are written in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..bundle.settings import Settings, settings_of
from ..errors import FleetError
from ..source.gitrepo import GitRepo
from ..source.ignore import FILE as IGNORE_FILE
from ..source.scan import BundleRoot, find_bundles
from ..source.tree import SUBMODULE, SYMLINK, FileTree
from ..source.tree_index import TreeFiles, TreeIndex
from .bundle_view import BundleView
from .directives import Directives, read_directives
from .document import Document
from .finding import Place

_LARGEST_MANIFEST = 256 * 1024
"""How large a file may be that is looked through for GitRepo objects, in bytes."""

_GITREPO = re.compile(rb"^kind:[ \t]*[\"']?GitRepo\b", re.MULTILINE)
_YAML = (".yaml", ".yml")

ANY_CLUSTER: dict[str, Any] = {"name": "(any)", "clusterSelector": {}}
"""The target that is taken where nobody says what the GitRepo's are: rules are about what any cluster would get."""


@dataclass(frozen=True)
class GitRepoView:
    """A GitRepo object in a file of the repository: the document that it is."""

    document: Document

    @property
    def spec(self) -> Mapping[str, Any]:
        found = self.document.get("spec")
        return found if isinstance(found, dict) else {}

    @property
    def namespace(self) -> str:
        return str(self.document.get("metadata", "namespace") or "")


@dataclass(frozen=True)
class IgnoreFile:
    """A .fleetignore of the repository."""

    repository: Repository = field(repr=False)
    path: str
    data: bytes

    @property
    def directory(self) -> str:
        return self.path.rpartition("/")[0]


class Repository:
    """A tree, and the GitRepo whose bundles are looked for in it.

    ``problem`` is why no bundles could be looked for, if so.
    """

    def __init__(self, tree: FileTree, gitrepo: GitRepo):
        self.gitrepo = gitrepo
        self.files = TreeFiles(TreeIndex(tree))
        self.index = self.files.index
        self.problem: FleetError | None = None
        self._directives: dict[str, Directives] = {}
        self._is_prefetched = False

    @property
    def knows_targets(self) -> bool:
        """Whether the GitRepo's targets are known."""
        return bool(self.gitrepo.targets)

    @cached_property
    def settings(self) -> Settings:
        settings = settings_of(self.gitrepo, "")
        if self.knows_targets:
            return settings
        return Settings(
            name=settings.name,
            namespace=settings.namespace,
            labels=settings.labels,
            targets=[ANY_CLUSTER],
            restrictions=[ANY_CLUSTER],
        )

    @cached_property
    def roots(self) -> list[BundleRoot]:
        try:
            return find_bundles(self.index.tree, self.gitrepo.paths, self.gitrepo.bundles)
        except FleetError as error:
            self.problem = error
            return []

    @cached_property
    def bundles(self) -> list[BundleView]:
        self._prefetched_once()
        return [BundleView(self.files, root, self.settings) for root in self.roots]

    @cached_property
    def deployed(self) -> dict[str, BundleView]:
        """The bundles that hold something, by name."""
        return {bundle.name: bundle for bundle in self.bundles if bundle.resources or bundle.has_remote_chart}

    @cached_property
    def gitrepos(self) -> list[GitRepoView]:
        """The GitRepo objects that are written in files of the repository."""
        self._prefetched_once()
        return [GitRepoView(document) for path in self._files(_YAML) for document in self._gitrepos_in(path)]

    @cached_property
    def ignore_files(self) -> list[IgnoreFile]:
        return [
            IgnoreFile(self, path, self.files.read(path))
            for path in self._files((IGNORE_FILE,))
            if path.rpartition("/")[2] == IGNORE_FILE
        ]

    def directives(self, path: str, known: frozenset[str]) -> Directives:
        """The comments of a file that switch rules off; none where there is no such file."""
        if path not in self._directives:
            entry = self.index.entry(path)
            readable = entry and entry.mode not in (SYMLINK, SUBMODULE) and entry.size <= _LARGEST_MANIFEST
            self._directives[path] = read_directives(path, self.files.read(path) if readable else b"", known)
        return self._directives[path]

    def commented_files(self) -> Iterator[str]:
        """The files that may hold such comments."""
        yield from self._files((*_YAML, IGNORE_FILE))

    def place_of(self, directory: str) -> Place:
        """A place for a finding about a directory: the first file in it."""
        if self.index.is_directory(directory):
            first = next(iter(self.index.files_below(directory)), None)
            if first:
                return Place(first)
        return Place(directory or ".")

    def _files(self, ends: tuple[str, ...]) -> Iterator[str]:
        for path in self.index.files_below(""):
            if path.endswith(ends):
                entry = self.index.entry(path)
                if entry and entry.mode not in (SYMLINK, SUBMODULE) and entry.size <= _LARGEST_MANIFEST:
                    yield path

    def _prefetched_once(self) -> None:
        """Have all files fetched in one go that are going to be looked into."""
        if not self._is_prefetched:
            self._is_prefetched = True
            self.files.prefetch(self._files((*_YAML, IGNORE_FILE)))

    def _gitrepos_in(self, path: str) -> Iterator[Document]:
        data = self.files.read(path)
        if not _GITREPO.search(data):
            return
        # Each document is read where it stands, so that its lines are those of the file.
        line = 0
        for text in re.split(r"^---[^\n]*$", data.decode("utf-8", "replace"), flags=re.MULTILINE):
            try:
                document = Document(path, "\n" * line + text)
            except FleetError:
                document = None
            line += text.count("\n")
            if document and isinstance(document.value, dict) and document.get("kind") == "GitRepo":
                yield document
