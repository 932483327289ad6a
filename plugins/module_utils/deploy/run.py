# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The push engine's run over a batch of clusters: look, plan, check the budget, apply, wait, report."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..chart.helm import HelmFinder
from ..errors import FleetError, Unreachable
from ..private_files import RunDirectory, cache_directory
from ..status.table import Row, render_table
from . import labels
from .apply import Applier, planned_outcome
from .desired import Desired, desired_state
from .identity import KnownClusters
from .lease import Leases
from .plan import Action, Scope
from .report import HostOutcome, batch_result, save_details
from .request import Request
from .session import ClusterSession


@dataclass(frozen=True)
class Outcome:
    """What the batch task returns, and the table that it shows."""

    result: dict[str, Any]
    table: list[str]


def deploy(request: Request) -> Outcome:
    """Carry out ``request``. Raises :class:`FleetError` only for what concerns the whole run.

    Everything else (a cluster that does not answer, a release that fails) is in the outcome. In
    check mode nothing is written to any cluster.
    """
    cache = cache_directory(request.cache_dir)
    with RunDirectory() as run, ThreadPoolExecutor(request.workers, thread_name_prefix="deploy") as pool:
        helm = HelmFinder(request.helm_binary, run)
        desired = desired_state(request, helm, cache)
        sessions = [ClusterSession(target, request, run.path) for target in request.targets]
        try:
            _for_each(pool, sessions, lambda session: _look(session, request, desired))
            _check_budget(request, sessions)
            works = planned_works(sessions, request.check_mode)
            if request.check_mode and request.diff:
                with _installer(request, helm, run) as installer:
                    preview(pool, works, installer)
            elif not request.check_mode:
                _write(pool, request, works, helm, run, KnownClusters(cache))
        finally:
            for session in sessions:
                session.close()
    outcomes = [session.outcome for session in sessions]
    outcomes += [HostOutcome(host=host, error=problem) for host, problem in request.not_clusters.items()]
    directory = save_details(cache, outcomes, request.check_mode)
    return Outcome(batch_result(outcomes, directory), table_lines(outcomes, request.check_mode))


def _write(pool, request: Request, works: list[Work], helm: HelmFinder, run: RunDirectory, known) -> None:
    """Write to the clusters that have something to write, each under its Lease."""
    writing = list({id(work.session): work.session for work in works if work.step.writes}.values())
    if not writing:
        return
    leases = Leases()
    try:
        _for_each(pool, writing, lambda session: session.prepare_writes(known, leases))
        with _installer(request, helm, run) as installer:
            apply(pool, works, installer, leases, request.wait_timeout)
    finally:
        leases.release_all()


def _for_each(pool: ThreadPoolExecutor, sessions: Iterable[ClusterSession], work: Callable) -> None:
    """Do ``work`` for every cluster that is still alive, side by side; an error stays with its cluster."""

    def guarded(session: ClusterSession) -> None:
        try:
            work(session)
        except FleetError as error:
            session.fail(error)

    list(pool.map(guarded, [session for session in sessions if session.is_alive]))


def _look(session: ClusterSession, request: Request, desired: Desired) -> None:
    name = session.target.fleet_name
    scope = Scope(
        owner=request.owner,
        cluster=name,
        gitrepos=desired.gitrepos,
        kept_bundles=desired.kept_bundles,
        adopt=request.adopt,
        prune=request.prune,
        accept_identity=name in request.accept_identity,
    )
    session.plan(scope, desired.wanted[name])


def _check_budget(request: Request, sessions: list[ClusterSession]) -> None:
    existing: Counter[str] = Counter()
    for session in sessions:
        for release in session.listing.releases.values():
            if release.labels.get(labels.OWNER) == request.owner:
                existing[release.labels.get(labels.GITREPO, "")] += 1
    steps = {session.target.fleet_name: session.steps for session in sessions if session.is_alive}
    request.delete_budget.check(steps, existing)
