# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out the planned steps over all clusters: install and upgrade, wait for health, delete; or preview them."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from ..chart.helm import HelmError
from ..chart.processes import TimeLimit
from ..errors import FleetError, Unreachable
from .dependencies import unmet
from .guard import as_fleet_error
from .health.waiting import wait_for_health
from .installation import Applied, Installer
from .lease import Leases
from .live_deployment import live_deployment
from .order import level_of
from .plan import Action, Key
from .preview import object_differences
from .session import ClusterSession
from .work import Work, ignored_conditions, object_name

WAITERS = 64
"""Clusters whose health is waited for at the same time."""


@dataclass(frozen=True)
class Waits:
    """Seconds to wait for health at the end (0: not at all), and for what a bundle depends on.

    ``sleep`` is how waiting passes the time; what it raises ends the waiting.
    """

    health: float
    dependencies: float
    sleep: Callable[[float], None]


def apply(
    pool: ThreadPoolExecutor,
    works: Sequence[Work],
    installer: Installer,
    leases: Leases,
    waits: Waits,
) -> None:
    """Do all steps: every install and upgrade first, then one wait for each cluster, then the deletes.

    A step whose bundle depends on others comes when these are in a state that it accepts. A release
    that fails stays by itself; nothing more is done on a cluster that stopped answering.
    """
    works = _in_turns(works)
    changes = [work for work in works if work.step.action in (Action.INSTALL, Action.UPGRADE)]
    deletes = [work for work in works if work.step.action is Action.DELETE]
    _install_in_order(pool, changes, works, lambda work: _install(work, installer, leases), waits)
    if waits.health:
        _wait_for_all([work for work in changes if work.applied is not None], waits)
    _for_each(pool, deletes, lambda work: _delete(work, installer, leases))


def _install_in_order(
    pool: ThreadPoolExecutor,
    changes: Sequence[Work],
    works: Sequence[Work],
    install: Callable[[Work], None],
    waits: Waits,
) -> None:
    """What depends on nothing at once, side by side over all clusters; then each cluster goes on by itself."""
    changing: dict[int, list[Work]] = {}
    for work in changes:
        changing.setdefault(id(work.session), []).append(work)
    by_session = {session: _levels(group) for session, group in changing.items()}
    first = {id(work) for levels in by_session.values() for work in levels[0]}
    begun: dict[int, list[Future]] = {session: [] for session in by_session}
    for work in changes:
        if id(work) in first:
            begun[id(work.session)].append(pool.submit(_guarded, work, install))
    chains = [session for session, levels in by_session.items() if len(levels) > 1]
    by_key: dict[int, dict[Key, Work]] = {session: {} for session in chains}
    for work in works:
        if work.step.wanted and id(work.session) in by_key:
            by_key[id(work.session)][work.step.wanted.key] = work
    with _waiters() as waiters:
        list(
            waiters.map(
                lambda session: _go_on(pool, begun[session], by_session[session][1:], by_key[session], install, waits),
                chains,
            )
        )
    for futures in begun.values():
        for future in futures:
            future.result()


def _levels(changes: Sequence[Work]) -> list[list[Work]]:
    """The steps of one cluster, those that depend on nothing first; each level depends on what is before it."""
    graph = {work.step.wanted.key: [dependency.key for dependency in work.step.wanted.depends_on] for work in changes}
    levels: dict[int, list[Work]] = {0: []}
    for work in changes:
        levels.setdefault(level_of(work.step.wanted.key, graph), []).append(work)
    return [levels[number] for number in sorted(levels)]


def _go_on(
    pool: ThreadPoolExecutor,
    begun: list[Future],
    levels: Sequence[Sequence[Work]],
    works: Mapping[Key, Work],
    install: Callable[[Work], None],
    waits: Waits,
) -> None:
    """The levels of one cluster after the first."""
    for level in levels:
        for future in begun:
            future.result()
        session = level[0].session
        try:
            reasons = unmet(session, level, works, waits.dependencies, waits.sleep) if session.is_alive else {}
        except Exception as error:
            for work in level:
                work.fail(as_fleet_error(error))
            continue
        for work in level:
            if work.step.wanted.key in reasons:
                work.fail(FleetError(reasons[work.step.wanted.key], remedy="Run again when that is mended."))
            else:
                begun.append(pool.submit(_guarded, work, install))


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
        work.outcome.live = live_deployment(work.session, work.step, planned)

    _for_each(pool, [work for work in works if work.step.writes], look)


def _for_each(pool: ThreadPoolExecutor, works: Sequence[Work], do: Callable[[Work], None]) -> None:
    list(pool.map(lambda work: _guarded(work, do), works))


def _guarded(work: Work, do: Callable[[Work], None]) -> None:
    """Do something of a step; an error stays with it."""
    try:
        if not work.session.is_alive:
            raise FleetError("not tried: the cluster stopped answering", remedy="Run again when it is back.")
        do(work)
    except Exception as error:
        work.outcome.changed = False
        work.fail(_cause(work.session, as_fleet_error(error)))


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
    objects = [object_name(item) for item in work.applied.objects]
    work.applied = Applied(objects, work.applied.revision, work.applied.version)
    work.outcome.seconds = _since(started)
    work.outcome.changed = True
    work.outcome.revision = work.applied.revision
    work.outcome.version = work.applied.version
    work.outcome.updated = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _since(started: float) -> float:
    """Seconds; not 0, which says that nothing was done."""
    return max(0.01, round(time.monotonic() - started, 2))


def _delete(work: Work, installer: Installer, leases: Leases) -> None:
    leases.check(work.session.target.fleet_name)
    started = time.monotonic()
    installer.uninstall(work.session, work.step)
    work.outcome.seconds = _since(started)
    work.outcome.changed = True


def _wait_for_all(works: Sequence[Work], waits: Waits) -> None:
    by_session: dict[int, list[Work]] = {}
    for work in works:
        by_session.setdefault(id(work.session), []).append(work)
    with _waiters() as waiters:
        list(waiters.map(lambda group: _wait(group, waits), by_session.values()))


@contextlib.contextmanager
def _waiters() -> Iterator[ThreadPoolExecutor]:
    """Threads for waiting, more than deploy: it costs next to nothing. Nobody waits for them if the run is to end."""
    waiters = ThreadPoolExecutor(WAITERS, thread_name_prefix="wait")
    try:
        yield waiters
    finally:
        waiters.shutdown(wait=False, cancel_futures=True)


def _wait(works: Sequence[Work], waits: Waits) -> None:
    """Wait for all releases of one cluster together."""
    session = works[0].session
    # Bundles of two GitRepos may have one name; releases are told apart by namespace and name.
    by_release = {f"{work.step.namespace}/{work.step.name}": work for work in works}
    try:
        results = wait_for_health(
            session.client,
            session.discovery,
            {name: work.applied.objects for name, work in by_release.items()},
            waits.health,
            namespaces={name: work.step.namespace for name, work in by_release.items()},
            ignored_conditions={name: ignored_conditions(work.step) for name, work in by_release.items()},
            sleep=waits.sleep,
        )
    except Exception as error:
        for work in works:
            work.fail(as_fleet_error(error))
        return
    for name, work in by_release.items():
        work.outcome.healthy = results[name].ready
        work.outcome.error = results[name].message
