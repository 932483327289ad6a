# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles of the build before: a directory whose git tree is the same is not read again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from ..source.scan import BundleRoot
from .bundle import Bundle

NOTHING = Bundle("", "", {})
"""Stands for a directory that holds nothing to deploy."""


class EarlierBundles:
    """``known`` are bundles by the key of their directory, ``directories`` the object IDs of the tree's directories.

    The key is all that reading depends on, apart from the GitRepo: how the directory was come to, and
    the object ID of its tree. What was read from elsewhere has no key.
    """

    def __init__(self, directories: Mapping[str, str] | None = None, known: Mapping[str, Bundle] | None = None):
        self._directories = directories or {}
        self._known = known or {}
        self.names: dict[str, str] = {}

    def find(self, root: BundleRoot) -> Bundle | None:
        """The bundle in this directory, or :data:`NOTHING`; None if it has to be read."""
        bundle = self._known.get(self._key(root))
        if bundle is not None:
            self.note(root, bundle)
        return bundle

    def note(self, root: BundleRoot, bundle: Bundle) -> None:
        """Let ``names`` say what a directory gave ('' for nothing), from which the next run has its ``known``."""
        if root.directory in self._directories:
            self.names[self._key(root)] = bundle.name if bundle.spec.get("resources") else ""

    def _key(self, root: BundleRoot) -> str:
        parts = [root.directory, root.spelled, root.options, self._directories.get(root.directory)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
