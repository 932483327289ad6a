# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time on a cluster: a Lease that is held while this collection writes there.

Two runs (two jobs, two slices of a job, two control nodes) would otherwise upgrade one release at
once. The Lease also tells an interrupted release from one that is at work right now: whoever holds
it may take over what an earlier run left ``pending-…``.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..chart.processes import GRACE, PARENT_CHECK
from ..errors import FleetError
from ..kube.client import ApiError, Client

NAMESPACE = "gitops-fleet"
NAME = "deploy"
DURATION = 20
"""Seconds without a renewal after which a Lease counts as left behind."""
RENEW_EVERY = 5
RENEW_TIMEOUT = 5
"""Seconds that renewing or giving back one may take: a cluster that hangs must not keep the others waiting."""
RENEWERS = 64
TICK = 1
"""Seconds between two looks at which Leases are due."""
LAST_WORDS = GRACE + PARENT_CHECK + 0.5
"""Seconds for which what a dead run has started may still be at work."""
_LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
_LEASE = f"{_LEASES}/{NAME}"


class Leases:
    """The Leases of one run, renewed until they are given back."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep):
        self._sleep = sleep
        self._held: dict[str, _Lease] = {}
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(RENEWERS, thread_name_prefix="lease")
        self._renewer: threading.Thread | None = None

    def acquire(self, cluster: str, client: Client, wait: float) -> None:
        """Take the Lease of ``cluster``, waiting up to ``wait`` seconds for another run to end."""
        lease = _acquire(client, wait, self._sleep)
        with self._guard:
            self._held[cluster] = lease
            if self._renewer is None:
                self._renewer = threading.Thread(target=self._renew_all, daemon=True)
                self._renewer.start()

    def check(self, cluster: str) -> None:
        """Raise :class:`FleetError` where another run may have taken over: then nothing more may be written."""
        lease = self._held.get(cluster)
        if lease is None or lease.is_lost:
            raise FleetError(
                "another run took over while this one did not renew its Lease; what was left to do here was not done",
                remedy="Run again when the other run has ended.",
            )

    def release_all(self) -> None:
        """Give back every Lease. What cannot be given back runs out by itself."""
        self._stop.set()
        if self._renewer is not None:
            self._renewer.join()
        # A renewal that is on its way is waited for: it would come after the end.
        list(self._pool.map(_Lease.give_back, self._held.values()))
        self._pool.shutdown()
        self._held.clear()

    def _renew_all(self) -> None:
        while not self._stop.wait(TICK):
            with self._guard:
                leases = [lease for lease in self._held.values() if lease.is_due]
            for lease in leases:
                lease.in_work = True
                self._pool.submit(lease.renew)


@dataclass
class _Lease:
    """A Lease that is ours: ``version`` is its resourceVersion, ``renewed`` when it was last known to be ours."""

    client: Client
    version: str
    renewed: float
    acquired: str
    gone: bool = False
    in_work: bool = False
    guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_lost(self) -> bool:
        """Whether another run has it, or may have it by now."""
        return self.gone or time.monotonic() - self.renewed > DURATION

    @property
    def is_due(self) -> bool:
        return not self.gone and not self.in_work and time.monotonic() - self.renewed >= RENEW_EVERY

    def renew(self) -> None:
        """Say that we are still at work. Without an answer it stays ours until its time is up."""
        with self.guard:
            begin = time.monotonic()
            try:
                answer = self.client.request(
                    "PUT", _LEASE, body=_document(self.acquired, self.version), timeout=RENEW_TIMEOUT
                )
                self.version, self.renewed = _version(answer), begin
            except ApiError as error:
                self.gone = error.status == 404 or (error.status == 409 and not self._is_still_ours())
            except FleetError:
                pass
            finally:
                self.in_work = False

    def give_back(self) -> None:
        with self.guard:
            if self.is_lost:
                return
            body = {"preconditions": {"resourceVersion": self.version}}
            try:
                self.client.request("DELETE", _LEASE, body=body, timeout=RENEW_TIMEOUT)
            except FleetError:
                return

    def _is_still_ours(self) -> bool:
        """After a conflict: perhaps it was us who renewed it, and only the answer was lost."""
        try:
            answer = self.client.request("GET", _LEASE, timeout=RENEW_TIMEOUT)
            self.version = _version(answer)
        except FleetError:
            return True
        return _spec(answer).get("holderIdentity") == _identity()


def _acquire(client: Client, wait: float, sleep: Callable[[float], None]) -> _Lease:
    deadline = time.monotonic() + wait
    watch = _Watch()
    while True:
        lease, document = None, _read(client)
        if document is None:
            lease = _create(client)
        elif watch.is_abandoned(document):
            lease = _take(client, document)
        if lease is not None:
            return lease
        left = deadline - time.monotonic()
        if left <= 0:
            spec = _spec(document or {})
            holder = str(spec.get("holderIdentity") or "an unknown host").partition("/")[0]
            raise FleetError(
                f"another run is at work on it (held by {holder} since {spec.get('acquireTime')}); waited {wait:g} s",
                remedy="Run again when it has ended, or give lock_timeout more seconds.",
            )
        sleep(min(1.0, max(0.1, left)))


class _Watch:
    """Looks at somebody's Lease again and again."""

    def __init__(self):
        self._seen: tuple[str, float] | None = None

    def is_abandoned(self, document: dict[str, Any]) -> bool:
        """Whether whoever held it has gone.

        Its clock may differ from ours, so what counts is how long we saw it stand still.
        """
        spec = _spec(document)
        holder = str(spec.get("holderIdentity") or "")
        mark = f"{holder} {spec.get('renewTime')}"
        now = time.monotonic()
        if self._seen is None or self._seen[0] != mark:
            self._seen = (mark, now)
        still = now - self._seen[1]
        return not holder or still > DURATION or (still >= LAST_WORDS and _is_dead_process_here(holder))


def _read(client: Client) -> dict[str, Any] | None:
    try:
        return client.request("GET", _LEASE)
    except ApiError as error:
        if error.status == 404:
            return None
        raise


def _create(client: Client) -> _Lease | None:
    """A new Lease, or None where another run was quicker."""
    try:
        return _written(client, "POST", _LEASES)
    except ApiError as error:
        if error.status != 404:
            raise
    _create_namespace(client)
    return _written(client, "POST", _LEASES)


def _take(client: Client, document: dict[str, Any]) -> _Lease | None:
    """The Lease that somebody left behind, or None where another run was quicker."""
    return _written(client, "PUT", _LEASE, _version(document))


def _written(client: Client, method: str, path: str, version: str = "") -> _Lease | None:
    """The Lease as it was just written, None where somebody else wrote it first."""
    begin, acquired = time.monotonic(), _now()
    try:
        answer = client.request(method, path, body=_document(acquired, version))
    except ApiError as error:
        if error.status == 409 or (error.status == 404 and version):
            return None
        raise
    return _Lease(client, _version(answer), begin, acquired)


def _document(acquired: str, version: str) -> dict[str, Any]:
    metadata = {"name": NAME, "namespace": NAMESPACE}
    if version:
        metadata["resourceVersion"] = version
    spec = {
        "holderIdentity": _identity(),
        "leaseDurationSeconds": DURATION,
        "acquireTime": acquired,
        "renewTime": _now(),
    }
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def _spec(document: dict[str, Any]) -> dict[str, Any]:
    spec = document.get("spec")
    return spec if isinstance(spec, dict) else {}


def _version(document: dict[str, Any]) -> str:
    metadata = document.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    if not version:
        raise FleetError(f"the answer for Lease {NAMESPACE}/{NAME} is no Lease", remedy="Look at the API server.")
    return str(version)


def _create_namespace(client: Client) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {"app.kubernetes.io/managed-by": "gitops.fleet"}},
    }
    try:
        client.request("POST", "/api/v1/namespaces", body=body)
    except ApiError as error:
        if error.status == 403:
            raise FleetError(
                f"namespace {NAMESPACE}, where a run leaves word that it is at work, is not there and may not be made",
                remedy=f"Make namespace {NAMESPACE} once, as docs/rbac says.",
            ) from error
        if error.status != 409:
            raise


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _identity() -> str:
    """host/boot/pid namespace/pid/start time: enough to tell later whether this very process still lives."""
    return "/".join([socket.gethostname(), *_place(), str(os.getpid()), _start_time(os.getpid())])


def _place() -> list[str]:
    """Names the set of processes that this one can see (nothing to compare where there is no /proc)."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot = file.read().strip()
        return [boot, os.readlink("/proc/self/ns/pid")]
    except OSError:
        return ["", ""]


def _start_time(pid: int) -> str:
    """When a process was started, '' where it is not (any more) or cannot be seen."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _is_dead_process_here(holder: str) -> bool:
    parts = holder.rsplit("/", 4)
    if len(parts) != 5 or parts[1:3] != _place() or not parts[1] or not parts[3].isdecimal():
        return False
    try:
        os.kill(int(parts[3]), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        # Another user's, who may not let us see more of it.
        return False
    return _start_time(int(parts[3])) != parts[4]
