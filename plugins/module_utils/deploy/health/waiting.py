# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for the objects of several releases on one cluster, all of them together.

A round reads each kind once (one LIST a kind and namespace, or one over all namespaces), however
many objects and releases there are, and only the kinds that are not settled yet. What is ready at
first sight costs one round and no pause.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ...errors import FleetError, Unreachable
from ...kube.client import ApiError, Client
from ...kube.discovery import Discovery
from ..manifest import group_of
from .conditions import one_line, without_ignored
from .explain import HAS_PODS, explain, match_labels
from .kinds import Health, HealthState, Timing, health
from .live import LiveObjects, ObjectName

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 2.0
ABSENT_TIME = 10.0
"""Seconds that an object, or its kind, may be absent before that is final."""
MAX_EXPLAINED = 10
"""Of no more objects than this on one cluster the cause is looked for in Pods and events."""

_HOOK = "helm.sh/hook"
_PAGE = "500"


@dataclass(frozen=True)
class ObjectHealth:
    """How one object was when last seen."""

    object: ObjectName
    state: HealthState
    message: str = ""

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.object), self.message or str(self.state)) if part)


@dataclass(frozen=True)
class ReleaseHealth:
    """How the objects of one release were when the waiting ended."""

    objects: tuple[ObjectHealth, ...]

    @property
    def not_ready(self) -> list[ObjectHealth]:
        """What failed first, then what was still under way, then the rest."""
        order = (HealthState.FAILED, HealthState.IN_PROGRESS)
        left = [item for item in self.objects if item.state is not HealthState.READY]
        return sorted(left, key=lambda item: order.index(item.state) if item.state in order else len(order))

    @property
    def ready(self) -> bool:
        return not self.not_ready

    @property
    def message(self) -> str:
        """What is not ready and why, in one line; '' where all is."""
        left = self.not_ready
        shown = "; ".join(str(item) for item in left[:3])
        return f"{shown}; and {len(left) - 3} more objects are not ready" if len(left) > 3 else shown


def wait_for_health(
    client: Client,
    discovery: Discovery,
    releases: Mapping[str, Iterable[dict[str, Any]]],
    timeout: float,
    *,
    namespaces: Mapping[str, str] | None = None,
    ignored_conditions: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, ReleaseHealth]:
    """Wait until every object is ready or cannot become so, ``timeout`` seconds at most (0: one look).

    ``releases`` are the objects of each release as its manifest has them, ``namespaces`` where a
    release puts those without a namespace, ``ignored_conditions`` its option ``ignore.conditions``,
    all by the same names. What may not be read (RBAC) counts as not ready, and
    says so. Raises :class:`Unreachable` where the cluster does not answer when the time is out.
    """
    names = {
        release: _names(objects, (namespaces or {}).get(release, ""), discovery)
        for release, objects in releases.items()
    }
    waiting = _Waiting(
        client, LiveObjects(client, discovery), {name for group in names.values() for name in group}, clock
    )
    for release, ignored in (ignored_conditions or {}).items():
        waiting.ignored.update(dict.fromkeys(names.get(release, ()), ignored))
    end = clock() + timeout
    pause = FIRST_PAUSE
    while not waiting.look():
        left = end - clock()
        if left <= 0:
            break
        sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE)
    waiting.explain()
    return {
        release: ReleaseHealth(tuple(waiting.result(name) for name in sorted(group)))
        for release, group in names.items()
    }


def _names(objects: Iterable[dict[str, Any]], namespace: str, discovery: Discovery) -> set[ObjectName]:
    """The objects to wait for. Hooks are Helm's to wait for, and may be gone by now."""
    names = set()
    for obj in objects:
        metadata = obj.get("metadata") or {}
        if not metadata.get("name") or _HOOK in (metadata.get("annotations") or {}):
            continue
        api_version, kind = obj["apiVersion"], obj["kind"]
        own = str(metadata.get("namespace") or namespace) if _namespaced(discovery, api_version, kind) else ""
        names.add(ObjectName(api_version, kind, own, str(metadata["name"])))
    return names


def _namespaced(discovery: Discovery, api_version: str, kind: str) -> bool:
    try:
        return discovery.namespaced(api_version, kind)
    except (ApiError, Unreachable):
        raise
    except FleetError:
        # Its CRD is not there yet; most kinds have a namespace.
        return True


@dataclass
class _Waiting:
    """What is known of the objects so far."""

    client: Client
    reader: LiveObjects
    names: set[ObjectName]
    clock: Callable[[], float]
    healths: dict[ObjectName, Health] = field(default_factory=dict)
    live: dict[ObjectName, dict[str, Any]] = field(default_factory=dict)
    first_seen: dict[ObjectName, float] = field(default_factory=dict)
    absent_since: dict[ObjectName, float] = field(default_factory=dict)
    final: set[ObjectName] = field(default_factory=set)
    ignored: dict[ObjectName, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    late_classes: frozenset[str] | None = None
    unreachable: Unreachable | None = None

    def look(self) -> bool:
        """One round over what is not settled; True when all is."""
        timing = Timing(datetime.now(UTC))
        self.unreachable = None
        for (api_version, kind), names in _by_kind(self.names - self.final).items():
            try:
                found = self.reader.read(names)
            except Unreachable as error:
                # Perhaps only for a moment: there is time left, or the caller hears of it.
                self.unreachable = error
                return False
            except ApiError as error:
                self._cannot_read(names, api_version, kind, error)
            except FleetError as error:
                for name in names:
                    self._absent(name, one_line(error.problem))
            else:
                for name in names:
                    self._judge(name, found.get(name), timing)
        return self.names == self.final

    def result(self, name: ObjectName) -> ObjectHealth:
        state = self.healths.get(name, Health(HealthState.UNKNOWN, "was not read"))
        return ObjectHealth(name, state.state, state.message)

    def explain(self) -> None:
        """Replace the messages of what is not ready by the cause. Raises :class:`Unreachable` if that is the cause."""
        if self.unreachable is not None:
            raise self.unreachable
        left = sorted(name for name in self.names if name in self.live and not self.healths[name].is_ready)
        causes = _Causes(self.client)
        for name in left[:MAX_EXPLAINED]:
            known = self.healths[name]
            cause = causes.of(name, self.live[name])
            if cause and cause not in known.message:
                message = f"{known.message}: {cause}" if known.message else cause
                self.healths[name] = Health(known.state, message)

    def _judge(self, name: ObjectName, obj: dict[str, Any] | None, timing: Timing) -> None:
        if obj is None:
            self.live.pop(name, None)
            self._absent(name, "is not there")
            return
        self.absent_since.pop(name, None)
        # The items of a LIST do not say what they are.
        obj = {**obj, "apiVersion": name.api_version, "kind": name.kind}
        self.live[name] = without_ignored(obj, self.ignored.get(name, ()))
        seen = self.clock() - self.first_seen.setdefault(name, self.clock())
        state = health(self.live[name], replace(timing, seen=timedelta(seconds=seen)))
        if name.kind == "PersistentVolumeClaim" and not state.is_ready and self._binds_late(obj):
            state = Health(HealthState.READY, "is bound once a Pod uses it")
        self.healths[name] = state
        if state.state in (HealthState.READY, HealthState.FAILED):
            self.final.add(name)

    def _binds_late(self, claim: dict[str, Any]) -> bool:
        """Whether the claim is bound only when a Pod uses it (its StorageClass says WaitForFirstConsumer)."""
        if (claim.get("status") or {}).get("phase") != "Pending":
            return False
        if self.late_classes is None:
            try:
                classes = list(self.client.list("/apis/storage.k8s.io/v1/storageclasses"))
            except ApiError:
                classes = []
            late = [item for item in classes if item.get("volumeBindingMode") == "WaitForFirstConsumer"]
            self.late_classes = frozenset(item["metadata"]["name"] for item in late)
        return (claim.get("spec") or {}).get("storageClassName") in self.late_classes

    def _absent(self, name: ObjectName, message: str) -> None:
        self.healths[name] = Health(HealthState.MISSING, message)
        now = self.clock()
        if now - self.absent_since.setdefault(name, now) >= ABSENT_TIME:
            self.final.add(name)

    def _cannot_read(self, names: Sequence[ObjectName], api_version: str, kind: str, error: ApiError) -> None:
        if error.status == 404:
            for name in names:
                self._absent(name, f"the cluster does not know kind {kind} of {api_version}")
            return
        message = one_line(error.problem)
        if error.status == 403:
            group = group_of(api_version)
            message = f"may not be read (get and list of {kind}{f' in {group}' if group else ''}): health is not known"
            self.final.update(names)
        for name in names:
            self.healths[name] = Health(HealthState.UNKNOWN, message)


class _Causes:
    """Looks for causes in Pods and events, each namespace's events read once."""

    def __init__(self, client: Client):
        self._client = client
        self._events: dict[str, list[dict[str, Any]]] = {}

    def of(self, name: ObjectName, obj: dict[str, Any]) -> str:
        if not name.namespace:
            return explain(obj)
        return explain(obj, self._namespace_events(name.namespace), self._pods(name, obj))

    def _namespace_events(self, namespace: str) -> list[dict[str, Any]]:
        if namespace not in self._events:
            query = {"fieldSelector": "type!=Normal", "limit": _PAGE}
            self._events[namespace] = self._readable(f"/api/v1/namespaces/{namespace}/events", query)
        return self._events[namespace]

    def _pods(self, name: ObjectName, obj: dict[str, Any]) -> list[dict[str, Any]]:
        labels = match_labels(obj)
        if name.kind not in HAS_PODS or not labels:
            return []
        query = {"labelSelector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())), "limit": _PAGE}
        return self._readable(f"/api/v1/namespaces/{name.namespace}/pods", query)

    def _readable(self, path: str, query: dict[str, str]) -> list[dict[str, Any]]:
        """One page at most; [] where it may not be read: the cause then stays unsaid."""
        try:
            return list(self._client.request("GET", path, query=query).get("items") or [])
        except FleetError:
            return []


def _by_kind(names: Iterable[ObjectName]) -> dict[tuple[str, str], list[ObjectName]]:
    groups: dict[tuple[str, str], list[ObjectName]] = {}
    for name in sorted(names):
        groups.setdefault((name.api_version, name.kind), []).append(name)
    return groups
