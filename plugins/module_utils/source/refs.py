# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which refs of the remote a GitRepo asks for, and what to say when they are not there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from ..errors import FleetError
from .gitrepo import GitRepo

BRANCHES, TAGS = "refs/heads/", "refs/tags/"

_COMMIT = re.compile(r"[0-9a-fA-F]{40}")
_ABBREVIATED_COMMIT = re.compile(r"[0-9a-f]{7,39}")
_NOT_IN_REFS = ("..", "//", "@{", "?", "*", "[", "\\", " ", "~", "^", ":")
_LONGEST_REF = 255
_LISTED = 10


class MissingRef(FleetError):
    """The repository is there and has no such branch or tag."""


@dataclass(frozen=True)
class Wanted:
    """What to fetch. ``content`` is the ref or commit whose files are deployed, ``revision`` the one
    that names the commit; the two differ only where a GitRepo has both branch and revision.

    Fleet resolves the commit from ``revision`` when it polls, but clones ``branch``
    (``pkg/git/fetch.go``, ``internal/cmd/cli/gitcloner/cloner.go`` in rancher/fleet).
    """

    content: str
    revision: str

    @classmethod
    def of(cls, gitrepo: GitRepo) -> Wanted:
        """Raises FleetError for a name that no branch or tag can have."""
        branch, revision = gitrepo.followed_branch, gitrepo.revision
        if branch:
            _check_ref_name(branch, "branch")
        if not revision:
            return cls(BRANCHES + branch, BRANCHES + branch)
        if _COMMIT.fullmatch(revision):
            wanted = revision.lower()
        else:
            _check_ref_name(revision, "revision")
            wanted = TAGS + revision
        return cls(BRANCHES + branch if branch else wanted, wanted)

    @property
    def to_fetch(self) -> list[str]:
        """The refs or the commit that the server must be asked for."""
        if self.content == self.revision or is_commit(self.revision):
            return [self.content]
        return [self.content, self.revision]


def is_commit(wanted: str) -> bool:
    return _COMMIT.fullmatch(wanted) is not None


@dataclass(frozen=True)
class RemoteRefs:
    """The branches and tags of a remote, and the branch that its HEAD points at ('' if none)."""

    branches: Sequence[str]
    tags: Sequence[str]
    head: str = ""

    @classmethod
    def parse(cls, listing: str) -> RemoteRefs:
        """From the output of ``git ls-remote --symref``."""
        head, names = "", []
        for line in listing.splitlines():
            left, _tab, name = line.partition("\t")
            if left.startswith("ref: ") and name == "HEAD":
                head = left.removeprefix("ref: ").removeprefix(BRANCHES)
            elif not name.endswith("^{}"):
                names.append(name)
        branches = sorted(name.removeprefix(BRANCHES) for name in names if name.startswith(BRANCHES))
        tags = sorted(name.removeprefix(TAGS) for name in names if name.startswith(TAGS))
        return cls(branches, tags, head)

    def missing(self, gitrepo: GitRepo) -> FleetError:
        """The error for a branch or tag of ``gitrepo`` that is not among these."""
        if not self.branches and not self.tags:
            return FleetError(
                "the repository is empty: it has no branch and no tag",
                remedy="Push a commit first, or check the address: a web page may have been taken for a repository.",
            )
        branch = gitrepo.followed_branch
        if branch and branch not in self.branches:
            return self._missing_branch(branch, named=bool(gitrepo.branch))
        return self._missing_tag(gitrepo.revision)

    def _missing_branch(self, branch: str, named: bool) -> FleetError:
        there = f"It has {_listed(branch, self.branches)}" + (f"; its HEAD is {self.head}." if self.head else ".")
        if named:
            return MissingRef(f"the repository has no branch {branch!r}", remedy=there)
        return MissingRef(
            f"no branch is named, and the repository has no branch {branch!r}, which is then followed",
            remedy=f"{there} Name one with branch.",
        )

    def _missing_tag(self, revision: str) -> FleetError:
        if revision in self.branches:
            return MissingRef(
                f"revision {revision!r} is a branch; a revision is a tag or a commit",
                remedy=f"Write branch: {revision} instead.",
            )
        if _ABBREVIATED_COMMIT.fullmatch(revision):
            return MissingRef(
                f"revision {revision!r} is no tag of the repository, and for a commit it is too short",
                remedy="Write all 40 digits of the commit.",
            )
        there = f"It has {_listed(revision, self.tags)}." if self.tags else "It has no tags."
        return MissingRef(f"the repository has no tag {revision!r}", remedy=there)


def _listed(wanted: str, names: Sequence[str]) -> str:
    """At most ten of ``names``, those most like ``wanted`` first."""
    nearest = get_close_matches(wanted, names, _LISTED)
    shown = (nearest + [name for name in names if name not in nearest])[:_LISTED]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _check_ref_name(name: str, what: str) -> None:
    """The rules of ``git check-ref-format``, and nothing that could be an option."""
    bad = (
        len(name) > _LONGEST_REF
        or not name.isprintable()
        or name == "@"
        or name.startswith(("-", "/"))
        or name.endswith(("/", "."))
        or any(part in name for part in _NOT_IN_REFS)
        or any(part.startswith(".") or part.endswith(".lock") for part in name.split("/"))
    )
    if bad:
        raise FleetError(f"{what} {name!r} is not a name that git allows")
