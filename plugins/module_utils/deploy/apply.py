# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out the planned steps over all clusters: install and upgrade, wait for health, delete; or preview them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..chart.helm import HelmError
from ..chart.processes import TimeLimit
from ..errors import FleetError, Unreachable
from .guard import as_fleet_error
from .health.waiting import wait_for_health
from .installation import Applied, Installer
from .lease import Leases
from .outcome import ReleaseOutcome
from .plan import Action, Step
from .preview import object_differences
from .session import ClusterSession
from .version import DeployedVersions

WAITERS = 64
"""Clusters whose health is waited for at the same time."""


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


def apply(
    pool: ThreadPoolExecutor,
    works: Sequence[Work],
    installer: Installer,
    leases: Leases,
    wait_timeout: float,
    sleep: Callable[[float], None],
) -> None:
    """Do all steps: every install and upgrade first, then one wait for each cluster, then the deletes.

    A release that fails stays by itself; nothing more is done on a cluster that stopped answering.
    ``sleep`` is how waiting passes the time; what it raises ends the waiting.
    """
    works = _in_turns(works)
    changes = [work for work in works if work.step.action in (Action.INSTALL, Action.UPGRADE)]
    deletes = [work for work in works if work.step.action is Action.DELETE]
    _for_each(pool, changes, lambda work: _install(work, installer, leases))
    if wait_timeout:
        _wait_for_all([work for work in changes if work.applied is not None], wait_timeout, sleep)
    _for_each(pool, deletes, lambda work: _delete(work, installer, leases))


def _in_turns(works: Sequence[Work]) -> list[Work]:
    """The first step of each cluster, then the second of each: one that hangs does not hold up all workers."""
    turns: Counter[int] = Counter()
    numbered = []
    for work in works:
        numbered.append((turns[id(work.session)], work))
        turns[id(work.session)] += 1
    return [work for _turn, work in sorted(numbered, key=lambda pair: pair[0])]


def preview(pool: ThreadPoolExecutor, works: Sequence[Work], installer: Installer) -> None:
    """For each step that would write, the differences of its objects (check mode with ``--diff``)."""

    def look(work: Work) -> None:
        if work.step.action is Action.DELETE:
            work.outcome.diff = object_differences(work.session, work.step, Applied())
            return
        if work.step.release is not None and work.step.release.is_pending:
            # Helm tries nothing on a release that an interrupted run left like that.
            return
        planned = installer.install_or_upgrade(work.session, work.step, dry_run=True)
        work.outcome.version = planned.version
        work.outcome.diff = object_differences(work.session, work.step, planned)

    _for_each(pool, [work for work in works if work.step.writes], look)


def _for_each(pool: ThreadPoolExecutor, works: Sequence[Work], do: Callable[[Work], None]) -> None:
    def guarded(work: Work) -> None:
        try:
            if not work.session.is_alive:
                raise FleetError("not tried: the cluster stopped answering", remedy="Run again when it is back.")
            do(work)
        except Exception as error:
            work.outcome.changed = False
            work.fail(_cause(work.session, as_fleet_error(error)))

    list(pool.map(guarded, works))


def _cause(session: ClusterSession, error: FleetError) -> FleetError:
    """Helm tells a dead API server in many words; asking it is surer than reading them."""
    if isinstance(error, HelmError | TimeLimit):
        try:
            session.client.request("GET", "/version")
        except Unreachable as unreachable:
            return unreachable
        except FleetError:
            # It answers, if only that it will not say.
            pass
    return error


def _install(work: Work, installer: Installer, leases: Leases) -> None:
    leases.check(work.session.target.fleet_name)
    started = time.monotonic()
    work.applied = installer.install_or_upgrade(work.session, work.step)
    # Of all that was applied, no more is needed than what to look for.
    objects = [_name_of(item) for item in work.applied.objects]
    work.applied = Applied(objects, work.applied.revision, work.applied.version)
    work.outcome.seconds = _since(started)
    work.outcome.changed = True
    work.outcome.revision = work.applied.revision
    work.outcome.version = work.applied.version
    work.outcome.updated = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _since(started: float) -> float:
    """Seconds; not 0, which says that nothing was done."""
    return max(0.01, round(time.monotonic() - started, 2))


def _name_of(item: dict[str, Any]) -> dict[str, Any]:
    metadata = item.get("metadata") or {}
    return {
        "apiVersion": item["apiVersion"],
        "kind": item["kind"],
        "metadata": {name: metadata[name] for name in ("name", "namespace") if name in metadata},
    }


def _delete(work: Work, installer: Installer, leases: Leases) -> None:
    leases.check(work.session.target.fleet_name)
    started = time.monotonic()
    installer.uninstall(work.session, work.step)
    work.outcome.seconds = _since(started)
    work.outcome.changed = True


def _wait_for_all(works: Sequence[Work], timeout: float, sleep: Callable[[float], None]) -> None:
    """Wait for many clusters side by side, more than are deployed to: waiting costs next to nothing."""
    by_session: dict[int, list[Work]] = {}
    for work in works:
        by_session.setdefault(id(work.session), []).append(work)
    waiters = ThreadPoolExecutor(WAITERS, thread_name_prefix="wait")
    try:
        list(waiters.map(lambda group: _wait(group, timeout, sleep), by_session.values()))
    finally:
        waiters.shutdown(wait=False, cancel_futures=True)


def _wait(works: Sequence[Work], timeout: float, sleep: Callable[[float], None]) -> None:
    """Wait for all releases of one cluster together."""
    session = works[0].session
    # Bundles of two GitRepos may have one name; releases are told apart by namespace and name.
    by_release = {f"{work.step.namespace}/{work.step.name}": work for work in works}
    try:
        results = wait_for_health(
            session.client,
            session.discovery,
            {name: work.applied.objects for name, work in by_release.items()},
            timeout,
            namespaces={name: work.step.namespace for name, work in by_release.items()},
            ignored_conditions={name: _ignored_conditions(work.step) for name, work in by_release.items()},
            sleep=sleep,
        )
    except Exception as error:
        for work in works:
            work.fail(as_fleet_error(error))
        return
    for name, work in by_release.items():
        work.outcome.healthy = results[name].ready
        work.outcome.error = results[name].message


def _ignored_conditions(step: Step) -> list[dict[str, str]]:
    return (step.wanted.deployment.options.get("ignore") or {}).get("conditions") or []


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
