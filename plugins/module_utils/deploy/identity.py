# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster is which: the UIDs that this control node has seen, by cluster name.

The UID of namespace kube-system is a cluster's identity. A name that now leads to another UID is
most often a context that was pointed elsewhere by mistake, and what it holds would be pruned.
What is kept is a copy for safety's sake: a control node without it (an AWX job) still has the label
``cluster`` of the releases, and an inventory may state ``uid`` with a cluster.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from ..errors import FleetError
from ..private_files import cache_errors


class KnownClusters:
    """The UIDs seen from here, in the cache directory: a file for each cluster of each owner."""

    def __init__(self, cache: Path):
        self._directory = cache / "clusters"

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
        path = self._directory / hashlib.sha256(f"{owner}/{cluster}".encode()).hexdigest()
        with cache_errors(self._directory):
            before = _read(path)
            if before not in ("", uid) and not accept and not expected:
                remedy = f"If it was rebuilt, run once with accept_identity: [{cluster}]."
                raise _other_cluster(before, uid, remedy)
            if before != uid:
                self._directory.mkdir(mode=0o700, exist_ok=True)
                _write(path, {"owner": owner, "cluster": cluster, "uid": uid})


def _read(path: Path) -> str:
    """The UID in a file, '' where there is none. What is damaged is started again: it is a copy."""
    try:
        known = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return ""
    return str(known.get("uid") or "") if isinstance(known, dict) else ""


def _write(path: Path, known: dict[str, str]) -> None:
    """At once or not at all: a full disk must not lose what was known."""
    descriptor, temporary = tempfile.mkstemp(prefix="new-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(json.dumps(known))
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def _other_cluster(before: str, now: str, remedy: str) -> FleetError:
    return FleetError(
        "its kubeconfig context leads to another cluster than before "
        f"(the UID of namespace kube-system is {now}, was {before})",
        remedy=f"Nothing was changed there. {remedy}",
    )
