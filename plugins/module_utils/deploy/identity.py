# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster is which: the UIDs that this control node has seen, by cluster name.

The UID of namespace kube-system is a cluster's identity. A name that now leads to another UID is
most often a context that was pointed elsewhere by mistake, and what it holds would be pruned.
The file is a copy for safety's sake: a control node without it (an AWX job) still has the label
``cluster`` of the releases, and an inventory may state ``uid`` with a cluster.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path

from ..errors import FleetError
from ..source.mirror import cache_errors


class KnownClusters:
    """The UIDs seen from here, kept in ``clusters.json`` in the cache directory."""

    def __init__(self, cache: Path):
        self._path = cache / "clusters.json"
        self._lock = cache / "clusters.lock"

    def check(self, owner: str, cluster: str, uid: str, *, expected: str = "", accept: bool = False) -> None:
        """Compare with what is known, then remember. Raises :class:`FleetError` where they differ.

        ``expected`` is the UID that the inventory states, which always holds. ``accept`` lets a new
        UID replace the one that was seen before.
        """
        if not uid:
            raise FleetError(
                "the cluster cannot be told from others: its namespace kube-system has no UID",
                remedy="Nothing was changed there. Look at what stands at the kubeconfig's address.",
            )
        if expected and expected != uid:
            remedy = "The inventory states another uid: correct the one or the other."
            raise _other_cluster(expected, uid, remedy)
        with cache_errors(self._path.parent), self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self._read()
            key = f"{owner}/{cluster}"
            before = known.get(key, uid)
            if before != uid and not accept and not expected:
                remedy = f"If it was rebuilt, run once with accept_identity: [{cluster}]."
                raise _other_cluster(before, uid, remedy)
            if known.get(key) != uid:
                self._write({**known, key: uid})

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):
            # It is a copy: start again.
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self, known: dict[str, str]) -> None:
        """At once or not at all: a full disk must not lose what was known."""
        new = self._path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(known, indent=1, sort_keys=True))
        new.replace(self._path)


def _other_cluster(before: str, now: str, remedy: str) -> FleetError:
    return FleetError(
        "its kubeconfig context leads to another cluster than before "
        f"(the UID of namespace kube-system is {now}, was {before})",
        remedy=f"Nothing was changed there. {remedy}",
    )
