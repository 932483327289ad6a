# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Pod's status says about why it does not run."""

from __future__ import annotations

from typing import Any

from .conditions import find_condition, one_line


def pod_problem(pod: dict[str, Any]) -> str:
    """What keeps a Pod from running, in one line, '' where nothing is seen: the node, images, crashes."""
    status = pod.get("status") or {}
    for container in containers(pod):
        problem = _container_problem(container)
        if problem:
            return problem
    scheduled = find_condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return f"no node takes it: {one_line(scheduled.get('message') or scheduled.get('reason'))}"
    if status.get("phase") == "Failed":
        return one_line(status.get("message") or status.get("reason") or "has failed")
    unready = [str(container.get("name")) for container in containers(pod) if _runs_unready(container)]
    return f"container {', '.join(unready)} runs but is not ready" if unready else ""


def _container_problem(container: dict[str, Any]) -> str:
    state = container.get("state") or {}
    name = container.get("name")
    waiting = state.get("waiting") or {}
    reason = waiting.get("reason") or ""
    if reason and reason not in ("ContainerCreating", "PodInitializing"):
        ended = _ended((container.get("lastState") or {}).get("terminated"))
        detail = ended or one_line(waiting.get("message"))
        if "Image" in reason:
            detail = " ".join(
                part for part in (f"image {container.get('image')}", one_line(waiting.get("message"))) if part
            )
        return f"container {name}: {reason}" + (f" ({detail})" if detail else "")
    terminated = state.get("terminated") or {}
    if terminated and terminated.get("exitCode") != 0:
        return f"container {name} ended: {_ended(terminated)}"
    return ""


def _ended(terminated: dict[str, Any] | None) -> str:
    if not terminated:
        return ""
    return f"{terminated.get('reason') or 'Error'}, exit code {terminated.get('exitCode')}"


def _runs_unready(container: dict[str, Any]) -> bool:
    return "running" in (container.get("state") or {}) and container.get("ready") is False


def waiting_reason(container: dict[str, Any]) -> str:
    return ((container.get("state") or {}).get("waiting") or {}).get("reason") or ""


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
