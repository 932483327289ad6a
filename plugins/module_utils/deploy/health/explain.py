# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an object is not ready, in one line: the cause, which most often stands in another object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .conditions import find_condition, one_line, words
from .pods import pod_problem

HAS_PODS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"})
"""Kinds that run Pods, found by their selector."""

MAX_LENGTH = 400
_REFUSALS = ("ReplicaFailure", "FailedCreate")


def explain(obj: dict[str, Any], events: Iterable[dict[str, Any]] = (), pods: Iterable[dict[str, Any]] = ()) -> str:
    """The cause in one line, '' where nothing that was read tells it.

    ``events`` and ``pods`` may be all of the namespace: those that belong to the object are picked.
    Looked at in this order: creation of Pods refused (quota, admission webhook, security policy),
    what the Pods say (node, image, crash, probe), events of the object.
    """
    own_pods = [pod for pod in pods if selects(obj, pod)] if obj.get("kind") in HAS_PODS else []
    if obj.get("kind") == "Pod":
        own_pods = [obj]
    own_events = _events_of(obj, own_pods, events)
    cause = _refused(obj, own_events) or _worst_pod(own_pods, own_events) or _last_warning(own_events)
    return cause if len(cause) <= MAX_LENGTH else f"{cause[: MAX_LENGTH - 1]}…"


def selects(workload: dict[str, Any], pod: dict[str, Any]) -> bool:
    """Whether the Pod is the workload's, by namespace and selector."""
    if _name(workload, "namespace") != _name(pod, "namespace"):
        return False
    wanted = match_labels(workload)
    labels = (pod.get("metadata") or {}).get("labels") or {}
    return bool(wanted) and all(labels.get(name) == value for name, value in wanted.items())


def match_labels(workload: dict[str, Any]) -> dict[str, str]:
    """The labels of the Pods of a workload, as far as its selector states them one by one."""
    selector = (workload.get("spec") or {}).get("selector") or {}
    if workload.get("kind") == "ReplicationController":
        return selector
    return selector.get("matchLabels") or {}


def _refused(obj: dict[str, Any], events: Sequence[dict[str, Any]]) -> str:
    refused = find_condition(obj, "ReplicaFailure")
    if refused.get("status") == "True":
        return words(refused)
    created = _newest(event for event in events if event.get("reason") in _REFUSALS)
    return one_line(created.get("message")) if created else ""


def _worst_pod(pods: Sequence[dict[str, Any]], events: Sequence[dict[str, Any]]) -> str:
    """What one Pod says that does not run; one that tells a cause goes before one that only waits."""
    waiting = ""
    for pod in sorted(pods, key=lambda pod: _name(pod, "creationTimestamp"), reverse=True):
        if find_condition(pod, "Ready").get("status") == "True":
            continue
        problem = pod_problem(pod)
        said = _newest(event for event in events if _involved(event).get("name") == _name(pod, "name"))
        detail = one_line(said.get("message")) if said else ""
        if problem.endswith("is not ready") or not problem:
            # Only the kubelet knows which probe fails or which volume is missing; it says so in events.
            waiting = waiting or ": ".join(part for part in (problem, detail) if part)
            if detail:
                return f"Pod {_name(pod, 'name')}: {waiting}"
            continue
        return f"Pod {_name(pod, 'name')}: {problem}"
    return waiting


def _last_warning(events: Sequence[dict[str, Any]]) -> str:
    newest = _newest(events)
    if not newest:
        return ""
    return ": ".join(part for part in (str(newest.get("reason") or ""), one_line(newest.get("message"))) if part)


def _events_of(
    obj: dict[str, Any], pods: Sequence[dict[str, Any]], events: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Warnings about the object, its Pods and what stands between (a Deployment's ReplicaSets)."""
    namespace, name, kind = _name(obj, "namespace"), _name(obj, "name"), obj.get("kind")
    pod_names = {_name(pod, "name") for pod in pods}
    found = []
    for event in events:
        involved = _involved(event)
        if event.get("type") == "Normal" or (involved.get("namespace") or "") != namespace:
            continue
        about, its_kind = str(involved.get("name") or ""), involved.get("kind")
        is_replica_set = kind == "Deployment" and its_kind == "ReplicaSet" and about.rpartition("-")[0] == name
        if (its_kind == kind and about == name) or is_replica_set or (its_kind == "Pod" and about in pod_names):
            found.append(event)
    return found


def _newest(events: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    return max(events, key=_time, default=None)


def _time(event: dict[str, Any]) -> str:
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((str(time) for time in times if time), "")


def _involved(event: dict[str, Any]) -> dict[str, Any]:
    return event.get("involvedObject") or {}


def _name(obj: dict[str, Any], field: str) -> str:
    return str((obj.get("metadata") or {}).get(field) or "")
