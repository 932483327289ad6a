# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A planned step on its way: with the cluster that it belongs to, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import FleetError, Unreachable
from .installation import Applied
from .outcome import ReleaseOutcome
from .plan import Action, Step
from .session import ClusterSession
from .version import DeployedVersions


@dataclass
class Work:
    """A step of a cluster on its way: what is to be done, what was done, what is said of it."""

    session: ClusterSession
    step: Step
    outcome: ReleaseOutcome
    applied: Applied | None = None

    def fail(self, error: FleetError) -> None:
        if isinstance(error, Unreachable):
            self.session.fail(error)
        self.outcome.error = str(error)


def planned_works(sessions: Sequence[ClusterSession], check_mode: bool) -> list[Work]:
    """The steps of all clusters that answered, with the outcome that each has before anything is done."""
    works = []
    versions = DeployedVersions()
    for session in sessions:
        if not session.is_alive:
            continue
        for step in session.steps:
            outcome = _planned_outcome(step, check_mode)
            if step.action is Action.NONE:
                outcome.version = versions.of(step)
            session.outcome.releases.append(outcome)
            works.append(Work(session, step, outcome))
    return works


def _planned_outcome(step: Step, check_mode: bool) -> ReleaseOutcome:
    release = step.release
    outcome = ReleaseOutcome(
        bundle=step.bundle,
        namespace=step.namespace,
        release=step.name,
        action=step.action,
        reason=step.reason,
        revision=release.revision if release else 0,
        updated=release.updated if release else "",
        commit=step.wanted.commit if step.wanted else "",
        changed=check_mode and step.writes,
    )
    if step.action is Action.REFUSED:
        outcome.error = f"{step.reason}. {step.remedy}" if step.remedy else step.reason
    return outcome


def object_name(item: dict[str, Any]) -> dict[str, Any]:
    """Of an object, what is needed to look for it."""
    metadata = item.get("metadata") or {}
    return {
        "apiVersion": item["apiVersion"],
        "kind": item["kind"],
        "metadata": {name: metadata[name] for name in ("name", "namespace") if name in metadata},
    }


def ignored_conditions(step: Step) -> list[dict[str, str]]:
    """The bundle's option ``ignore.conditions``."""
    return (step.wanted.deployment.options.get("ignore") or {}).get("conditions") or []
