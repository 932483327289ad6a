# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts that were fetched before, kept in the cache by their digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from ...private_files import cache_errors
from .. import cache_files


class ChartCache:
    """``<cache>/charts/<digest>`` are archives, ``<cache>/charts/index/<digest of a key>`` say which is which.

    A key is all that leads to an archive, whose content is then taken to be always the same: an exact version of a
    chart, say. ``owner`` is part of it for what only a login gives: nobody else gets it from the cache.
    """

    def __init__(self, cache: Path):
        self._directory = cache / "charts"
        self._index = self._directory / "index"

    def find(self, *key: str) -> tuple[str, bytes] | None:
        """The name and content of the archive of this key, None if it is not there or not whole."""
        entry = self._entry(key)
        try:
            known = json.loads(entry.read_bytes())
            path = self._directory / known["digest"]
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() != known["digest"]:
                return None
            cache_files.use(path)
            cache_files.use(entry)
            return known["name"], data
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, name: str, data: bytes, *key: str) -> None:
        """Keep an archive under this key. Raises FleetError."""
        digest = hashlib.sha256(data).hexdigest()
        with cache_errors(self._directory):
            self._index.mkdir(mode=0o700, parents=True, exist_ok=True)
            cache_files.write(self._directory / digest, data)
            cache_files.write(self._entry(key), json.dumps({"digest": digest, "name": name}).encode())
            cache_files.sweep(self._directory)
            cache_files.sweep(self._index)

    def _entry(self, key: Sequence[str]) -> Path:
        return self._index / hashlib.sha256(json.dumps(key).encode()).hexdigest()
