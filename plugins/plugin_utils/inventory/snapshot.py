# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hub said of its clusters, in a form that can be kept: no credential is in it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

FORMAT = 1
"""Changes when the form of what is kept does: older entries are not read then."""


@dataclass
class Snapshot:
    """``clusters`` and ``groups`` are mappings of what the reader of the source found, ``warnings`` what it tells.

    A cluster has ``name``, ``workspace``, ``labels``, ``annotations``, ``templateValues``, ``status``, and
    one of ``secret`` (namespace and name of the Secret with its kubeconfig) and ``proxy_path``, or none.
    """

    clusters: list[dict[str, Any]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class SnapshotCache:
    """What the sources of one inventory file said, in an inventory cache of Ansible's.

    ``store`` is the cache, None where there is none; ``timeout`` is in seconds. All entries of a
    file are kept below one ``key``; those that were not asked for again are dropped with the next
    :meth:`save`. What is kept is text, which every cache plugin writes and reads fast.
    """

    def __init__(
        self,
        store: MutableMapping[str, Any] | None = None,
        key: str = "",
        *,
        timeout: float = 0,
        refresh: bool = False,
        if_unreachable: bool = False,
    ):
        self._store = store
        self._key = key
        self._timeout = timeout
        self._refresh = refresh
        self._if_unreachable = if_unreachable
        self._before: dict[str, Any] | None = None
        self._now: dict[str, Any] = {}
        self._changed = False

    def valid(self, identity: Any) -> Any:
        """What was kept for ``identity`` (JSON), None where that is nothing or too old."""
        if self._refresh:
            return None
        return self._read(_digest(identity), self._timeout)

    def stale(self, identity: Any) -> tuple[Any, float] | None:
        """However old, what was kept for ``identity`` and its age in seconds, if that is wanted."""
        if not self._if_unreachable:
            return None
        digest = _digest(identity)
        kept = self._read(digest, 0)
        return None if kept is None else (kept, time.time() - self._now[digest]["time"])

    def keep(self, identity: Any, content: Any) -> None:
        """Keep ``content`` (JSON) for ``identity``."""
        if self._store is not None:
            self._now[_digest(identity)] = {"time": time.time(), "content": json.dumps(content)}
            self._changed = True

    def save(self) -> bool:
        """Hand what is to be kept to the store, and say whether that changed anything."""
        if self._changed:
            self._store[self._key] = {"format": FORMAT, "entries": self._now}
        return self._changed

    def _read(self, digest: str, timeout: float) -> Any:
        """An entry not older than ``timeout`` seconds (0: of any age)."""
        entry = self._entries().get(digest)
        try:
            age = time.time() - entry["time"]
            if age < 0 or (timeout and age > timeout):
                return None
            content = json.loads(entry["content"])
        except (KeyError, TypeError, ValueError):
            return None
        self._now[digest] = entry
        return content

    def _entries(self) -> dict[str, Any]:
        if self._before is None:
            found = None if self._store is None else self._store.get(self._key)
            is_ours = isinstance(found, dict) and found.get("format") == FORMAT
            entries = found.get("entries") if is_ours else None
            self._before = entries if isinstance(entries, dict) else {}
        return self._before


def _digest(identity: Any) -> str:
    return hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()
