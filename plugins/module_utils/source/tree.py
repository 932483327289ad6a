# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree of files to read bundles from: a git commit or a local directory, in one shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

REGULAR, EXECUTABLE, SYMLINK, SUBMODULE = "100644", "100755", "120000", "160000"


@dataclass(frozen=True)
class Entry:
    """One file of a tree. ``mode`` is git's; ``size`` is in bytes; ``oid`` is git's object id or ''."""

    mode: str
    size: int
    oid: str = ""


class FileTree(Protocol):
    """What both kinds of tree offer. Paths are relative to the tree's root, with ``/``."""

    def entries(self) -> Mapping[str, Entry]:
        """Every file and symbolic link by its path. Directories have no entry."""

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The content of these files in one go; of a symbolic link, the text of its target."""
