# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repository as it was at an earlier commit, beside what it is now."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ..errors import FleetError
from ..source.git_command import GitCommand, check_version
from ..source.git_tree import BrokenMirror, GitTree
from .bundle_view import BundleView, Section
from .repository import Repository

_TIMEOUT = 60
_COMMIT = re.compile(r"[\w./~^@{}-]+")


def checkout_of(path: Path) -> Path | None:
    """The top of the git checkout that a directory lies in; None if it lies in none."""
    path = path.resolve()
    return next((parent for parent in (path, *path.parents) if (parent / ".git").exists()), None)


@contextmanager
def tree_at(path: Path, commit: str) -> Iterator[GitTree]:
    """The tree of the directory ``path``, which lies in a git checkout, at a commit. Raises FleetError."""
    path = path.resolve()
    top = checkout_of(path)
    if top is None:
        raise FleetError("is in no git checkout, so that there is no commit to compare with", place=str(path))
    if not _COMMIT.fullmatch(commit) or commit.startswith("-"):
        raise FleetError(f"{commit!r} is no name of a commit", remedy="Write a branch, a tag or a commit's digits.")
    with tempfile.TemporaryDirectory(prefix="fleet-lint-") as home:
        check_version(Path(home))
        git = GitCommand(top / ".git", Path(home))
        below = path.relative_to(top).as_posix()
        name = f"{commit}^{{commit}}"
        if git.run("rev-parse", "--quiet", "--verify", name, timeout=_TIMEOUT).status != 0:
            raise FleetError(
                f"the checkout has no commit {commit}",
                place=str(top),
                remedy="Fetch it first; a shallow clone, as CI makes it, needs more depth.",
            )
        wanted = f"{commit}:{'' if below == '.' else below}"
        found = git.run("rev-parse", "--verify", wanted, timeout=_TIMEOUT)
        if found.status != 0:
            raise FleetError(f"the directory is not in commit {commit}", place=str(path))
        try:
            tree = GitTree(found.output.decode().strip(), git, _Checkout(top), _NoLock())
        except BrokenMirror as error:
            raise FleetError(f"the checkout does not hold all of commit {commit}", place=str(top)) from error
        with tree:
            yield tree


@dataclass(frozen=True)
class _Checkout:
    """A checkout in the place of a mirror: it belongs to somebody else, and is never changed."""

    path: Path

    def mark_broken(self) -> None:
        """There is nothing to make anew."""


class _NoLock:
    """Nobody removes objects of a checkout that somebody works in."""

    def release(self) -> None:
        """There is nothing to release."""


@dataclass(frozen=True)
class Change:
    """Two states of a repository: ``before`` and ``now``."""

    before: Repository
    now: Repository

    @cached_property
    def removed(self) -> dict[str, BundleView]:
        """The bundles that are gone, by name."""
        return {name: view for name, view in self.before.deployed.items() if name not in self.now.deployed}

    @cached_property
    def added(self) -> dict[str, BundleView]:
        """The bundles that are new, by name."""
        return {name: view for name, view in self.now.deployed.items() if name not in self.before.deployed}

    @cached_property
    def renamed(self) -> dict[str, str]:
        """The bundles that have another name now, from the old to the new: of the same directory, or the same files."""
        found: dict[str, str] = {}
        for old, view in self.removed.items():
            for new, other in self.added.items():
                if new not in found.values() and _is_same(view, other):
                    found[old] = new
                    break
        return found

    @cached_property
    def kept(self) -> list[BundleChange]:
        """The bundles that are there before and now."""
        both = self.before.deployed.keys() & self.now.deployed.keys()
        return [BundleChange(self.before.deployed[name], self.now.deployed[name]) for name in sorted(both)]


@dataclass(frozen=True)
class BundleChange:
    """A bundle before and now."""

    before: BundleView
    now: BundleView

    @property
    def has_new_content(self) -> bool:
        return self.before.resources != self.now.resources

    @property
    def has_new_options(self) -> bool:
        """Whether anything in fleet.yaml is read in another way, but for the name."""
        return self._options(self.before) != self._options(self.now)

    @staticmethod
    def _options(view: BundleView) -> tuple[object, ...]:
        fields = {key: value for key, value in view.fields.items() if key != "name"}
        return fields, view.options.annotations, [view.values_of(section) for section in view.sections]

    def sections(self) -> Iterator[tuple[Section, Section]]:
        """The roots, and the customizations of the same name."""
        before = {section.name: section for section in self.before.sections}
        for section in self.now.sections:
            if section.name in before:
                yield before[section.name], section


def _is_same(before: BundleView, now: BundleView) -> bool:
    if (before.directory, before.root.options) == (now.directory, now.root.options):
        return True
    return bool(before.resources) and before.resources == now.resources
