# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The push engine's run over a batch of clusters: look, plan, check the budget, apply, wait, report."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..chart.helm import HelmFinder
from ..chart.post_renderer import PostRenderers
from ..chart.store import ChartStore
from ..errors import FleetError
from ..private_files import RunDirectory, cache_directory
from . import labels
from .apply import apply, planned_works, preview
from .desired import Desired, desired_state
from .identity import KnownClusters
from .installation import Installer
from .lease import Leases
from .plan import Scope
from .report import HostOutcome, batch_result, save_details
from .request import Request
from .session import ClusterSession
from .summary import table_lines


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
            if request.check_mode:
                _preview(pool, request, sessions, helm, run)
            else:
                _write(pool, request, sessions, helm, run, KnownClusters(cache))
        finally:
            for session in sessions:
                session.close()
    outcomes = [session.outcome for session in sessions]
    outcomes += [HostOutcome(host=host, error=problem) for host, problem in request.not_clusters.items()]
    directory = save_details(cache, outcomes, request.check_mode)
    return Outcome(batch_result(outcomes, directory), table_lines(outcomes))


def _preview(
    pool: ThreadPoolExecutor, request: Request, sessions: Sequence[ClusterSession], helm: HelmFinder, run: RunDirectory
) -> None:
    works = planned_works(sessions, check_mode=True)
    if request.diff and any(work.step.writes for work in works):
        with _installer(request, helm, run) as installer:
            preview(pool, works, installer)


def _write(
    pool: ThreadPoolExecutor,
    request: Request,
    sessions: Sequence[ClusterSession],
    helm: HelmFinder,
    run: RunDirectory,
    known: KnownClusters,
) -> None:
    """Write to the clusters that have something to write, each under its Lease."""
    writing = [session for session in sessions if any(step.writes for step in session.steps)]
    leases = Leases()
    try:
        _for_each(pool, writing, lambda session: session.prepare_writes(known, leases))
        # Counted again: the plans were made again under the Leases.
        _check_budget(request, sessions)
        works = planned_works(sessions, check_mode=False)
        if any(work.step.writes for work in works):
            with _installer(request, helm, run) as installer:
                apply(pool, works, installer, leases, request.wait_timeout)
    finally:
        leases.release_all()


@contextmanager
def _installer(request: Request, helm: HelmFinder, run: RunDirectory) -> Iterator[Installer]:
    with PostRenderers(run) as post_renderers:
        yield Installer(helm.find(), ChartStore(run), post_renderers, request.owner)


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
