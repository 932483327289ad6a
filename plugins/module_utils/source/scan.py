# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directories of a repository are bundles.

The rules are Fleet's (``internal/cmd/cli/apply/apply.go`` in rancher/fleet): a directory that was
named is a bundle if it has a ``fleet.yaml`` or holds YAML that no deeper ``fleet.yaml`` claims; a
deeper one only if it has a ``fleet.yaml`` itself.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import FleetError
from . import go_match
from .tree import FileTree
from .tree_index import TreeIndex, join

OPTIONS_FILES = ("fleet.yaml", "fleet.yml")
"""The file with a bundle's options; the first that is there is read."""


@dataclass(frozen=True)
class BundleRoot:
    """A directory that is a bundle.

    ``directory`` is its path in the tree. ``spelled`` is how the user came to it, before ``.`` and
    ``..`` are worked out: the bundle's name is made from it. ``options`` is the options file below
    the directory that the user named, or ``""`` for fleet.yaml or fleet.yml, if there is one.
    """

    directory: str
    spelled: str
    options: str = ""


def find_bundles(tree: FileTree, paths: Sequence[str], driven: Iterable[Mapping[str, str]] = ()) -> list[BundleRoot]:
    """The bundles of a tree, in order and each once.

    ``paths`` are directories or patterns (none: the whole tree). ``driven``
    ({base, options}, GitRepo's ``bundles``) replaces them: each is one bundle, nothing is searched.
    Paths that match nothing are passed over. Raises FleetError for a malformed pattern and for a
    path that leads out of the tree.
    """
    index = TreeIndex(tree)
    driven = list(driven)
    if driven:
        return list(dict.fromkeys(_driven_root(index, item) for item in driven))
    roots: dict[BundleRoot, None] = {}
    for path in paths or ["."]:
        for match in _glob(index, path.lstrip("/")):
            roots.update(dict.fromkeys(_bundles_below(index, match)))
    return list(roots)


def _driven_root(index: TreeIndex, item: Mapping[str, str]) -> BundleRoot:
    base = item.get("base") or "."
    directory = index.locate(base.lstrip("/"))
    if directory is None:
        raise FleetError(
            f"there is no directory {base!r}", place="bundles", remedy="Name directories of the repository as base."
        )
    return BundleRoot(directory, base, item.get("options") or "")


def _bundles_below(index: TreeIndex, spelled: str) -> Iterable[BundleRoot]:
    found, directory = index.locate(spelled), index.resolve(spelled)
    if found is None or directory is None or not index.is_directory(directory):
        return
    if _has_options(index, directory) or _has_unclaimed_yaml(index, directory):
        yield BundleRoot(found, spelled)
    if found != directory:
        return  # A link to a directory is looked at, but as in Go's WalkDir not walked.
    for deeper in index.walk(directory):
        if deeper != directory and _has_options(index, deeper):
            below = deeper[len(directory) + 1 :] if directory else deeper
            yield BundleRoot(deeper, posixpath.join(spelled, below))


def _has_options(index: TreeIndex, directory: str) -> bool:
    children = index.children(directory)
    return any(name in children and index.resolve(join(directory, name)) is not None for name in OPTIONS_FILES)


def _has_unclaimed_yaml(index: TreeIndex, directory: str) -> bool:
    """Whether there is YAML in it or below it that is not in a directory with options of its own."""
    pending = [directory]
    while pending:
        current = pending.pop()
        if _has_options(index, current):
            continue
        children = index.children(current)
        if any(name.endswith((".yaml", ".yml")) and not is_directory for name, is_directory in children.items()):
            return True
        pending.extend(join(current, name) for name, is_directory in children.items() if is_directory)
    return False


def _glob(index: TreeIndex, pattern: str) -> list[str]:
    """The paths that a pattern matches, as Go's ``filepath.Glob`` spells them."""
    _matches(pattern, "", pattern)
    if not pattern:
        return []
    if not go_match.has_wildcard(pattern):
        return [pattern] if index.locate(pattern) is not None else []
    head, _unused, tail = pattern.rpartition("/")
    parents = _glob(index, head) if go_match.has_wildcard(head) else [head or "."]
    return [path for parent in parents for path in _glob_in(index, parent, tail, pattern)]


def _glob_in(index: TreeIndex, parent: str, name_pattern: str, pattern: str) -> Iterable[str]:
    try:
        directory = index.resolve(parent)
    except FleetError:
        return  # A link out of the repository that a wildcard happens to match.
    if directory is None or not index.is_directory(directory):
        return
    for name in index.children(directory):
        if _matches(name_pattern, name, pattern):
            yield posixpath.normpath(posixpath.join(parent, name))


def _matches(part: str, name: str, pattern: str) -> bool:
    try:
        return go_match.match(part, name)
    except go_match.BadPattern as error:
        raise FleetError(
            f"the path {pattern!r} is not a valid pattern",
            place="paths",
            remedy="Close what '[' opens, or put '\\' before a character that is meant literally.",
        ) from error
