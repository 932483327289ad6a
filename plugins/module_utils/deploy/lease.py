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
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ..errors import FleetError
from ..kube.client import ApiError, Client

NAMESPACE = "gitops-fleet"
NAME = "deploy"
DURATION = 20
"""Seconds without a renewal after which a Lease counts as left behind."""
RENEW_EVERY = 5
_LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"


class Leases:
    """The Leases of one run, renewed by one thread however many clusters there are."""

    def __init__(self):
        self._held: dict[str, _Lease] = {}
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._renewer: threading.Thread | None = None

    def acquire(self, cluster: str, client: Client, wait: float) -> None:
        """Take the Lease of ``cluster``, waiting up to ``wait`` seconds for another run to end."""
        lease = _acquire(client, wait)
        with self._guard:
            self._held[cluster] = lease
            if self._renewer is None:
                self._renewer = threading.Thread(target=self._renew_all, daemon=True)
                self._renewer.start()

    def check(self, cluster: str) -> None:
        """Raise :class:`FleetError` where another run took the Lease away: then nothing more may be written."""
        lease = self._held.get(cluster)
        if lease is None or lease.lost:
            raise FleetError(
                "another run took over while this one did not renew its Lease; what was left to do here was not done",
                remedy="Run again when the other run has ended.",
            )

    def release_all(self) -> None:
        """Give back every Lease. What cannot be given back runs out by itself."""
        self._stop.set()
        if self._renewer is not None:
            self._renewer.join()
        for lease in self._held.values():
            lease.give_back()
        self._held.clear()

    def _renew_all(self) -> None:
        while not self._stop.wait(RENEW_EVERY):
            with self._guard:
                leases = list(self._held.values())
            for lease in leases:
                lease.renew()


@dataclass
class _Lease:
    client: Client
    document: dict
    renewed: float = field(default_factory=time.monotonic)
    lost: bool = False

    def renew(self) -> None:
        if self.lost:
            return
        self.document["spec"]["renewTime"] = _now()
        try:
            self.document = self.client.request("PUT", f"{_LEASES}/{NAME}", body=self.document)
            self.renewed = time.monotonic()
        except ApiError as error:
            self.lost = error.status in (404, 409)
        except FleetError:
            # No answer: the Lease stays ours until its time is up, and others may take it then.
            self.lost = time.monotonic() - self.renewed > DURATION

    def give_back(self) -> None:
        if self.lost:
            return
        version = self.document["metadata"]["resourceVersion"]
        try:
            self.client.request("DELETE", f"{_LEASES}/{NAME}", body={"preconditions": {"resourceVersion": version}})
        except FleetError:
            return


def _acquire(client: Client, wait: float) -> _Lease:
    deadline = time.monotonic() + wait
    seen: tuple[str, float] | None = None
    while True:
        document = _read(client)
        if document is None:
            created = _create(client)
            if created is not None:
                return created
            continue
        holder = document["spec"].get("holderIdentity", "")
        mark = f"{holder} {document['spec'].get('renewTime')}"
        now = time.monotonic()
        if seen is None or seen[0] != mark:
            seen = (mark, now)
        # Its clock may differ from ours, so what counts is how long we saw it stand still.
        abandoned = now - seen[1] > DURATION or _is_dead_process_here(holder)
        if abandoned:
            taken = _take(client, document)
            if taken is not None:
                return taken
            continue
        if now >= deadline:
            raise FleetError(
                f"another run is at work on it (held by {holder.split('/')[0]} since "
                f"{document['spec'].get('acquireTime')}); waited {wait:g} s",
                remedy="Run again when it has ended, or give lock_timeout more seconds.",
            )
        time.sleep(min(1.0, max(0.1, deadline - now)))


def _read(client: Client) -> dict | None:
    try:
        return client.request("GET", f"{_LEASES}/{NAME}")
    except ApiError as error:
        if error.status == 404:
            return None
        raise


def _create(client: Client) -> _Lease | None:
    """A new Lease, or None where another run was quicker."""
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": NAME}, "spec": _spec()}
    try:
        return _Lease(client, client.request("POST", _LEASES, body=body))
    except ApiError as error:
        if error.status == 409:
            return None
        if error.status != 404:
            raise
    _create_namespace(client)
    try:
        return _Lease(client, client.request("POST", _LEASES, body=body))
    except ApiError as error:
        if error.status == 409:
            return None
        raise


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


def _take(client: Client, document: dict) -> _Lease | None:
    document["spec"] = _spec()
    try:
        return _Lease(client, client.request("PUT", f"{_LEASES}/{NAME}", body=document))
    except ApiError as error:
        if error.status in (404, 409):
            return None
        raise


def _spec() -> dict:
    return {
        "holderIdentity": _identity(),
        "leaseDurationSeconds": DURATION,
        "acquireTime": _now(),
        "renewTime": _now(),
    }


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
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _is_dead_process_here(holder: str) -> bool:
    parts = holder.rsplit("/", 4)
    if len(parts) != 5 or parts[1:3] != _place() or not parts[1] or not parts[3].isdigit():
        return False
    return _start_time(int(parts[3])) != parts[4]
