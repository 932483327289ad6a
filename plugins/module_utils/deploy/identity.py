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


class KnownClusters:
    """The UIDs seen from here, kept in ``clusters.json`` in the cache directory."""

    def __init__(self, cache: Path):
        self._path = cache / "clusters.json"

    def check(self, owner: str, cluster: str, uid: str, *, expected: str = "", accept: bool = False) -> None:
        """Compare with what is known, then remember. Raises :class:`FleetError` where they differ.

        ``expected`` is the UID that the inventory states, which always holds. ``accept`` lets a new
        UID replace the one that was seen before.
        """
        if expected and expected != uid:
            remedy = "The inventory states another uid: correct the one or the other."
            raise _other_cluster(expected, uid, remedy)
        with self._locked() as file:
            known = _read(file)
            key = f"{owner}/{cluster}"
            before = known.get(key, uid)
            if before != uid and not accept and not expected:
                remedy = f"If it was rebuilt, run once with accept_identity: [{cluster}]."
                raise _other_cluster(before, uid, remedy)
            if known.get(key) != uid:
                known[key] = uid
                file.seek(0)
                file.truncate()
                json.dump(known, file, indent=1, sort_keys=True)

    def _locked(self):
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        file = os.fdopen(descriptor, "r+", encoding="utf-8")
        fcntl.flock(file, fcntl.LOCK_EX)
        return file


def _read(file) -> dict[str, str]:
    try:
        known = json.load(file)
    except ValueError:
        # Empty, or cut off by a full disk. It is a copy: start again.
        return {}
    return known if isinstance(known, dict) else {}


def _other_cluster(before: str, now: str, remedy: str) -> FleetError:
    return FleetError(
        "its kubeconfig context leads to another cluster than before "
        f"(the UID of namespace kube-system is {now}, was {before})",
        remedy=f"Nothing was changed there. {remedy}",
    )
