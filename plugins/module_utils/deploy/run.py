# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The push engine's run over a batch of clusters: look, plan, check the budget, apply, wait, report."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ..chart.helm import HelmFinder
from ..chart.kustomize import Kustomize
from ..chart.store import ChartStore
from ..kube.client import Client
from ..kube.hubs import Hubs
from ..private_files import RunDirectory, cache_directory
from . import labels
from .apply import Waits, apply, preview
from .desired import Desired, desired_state
from .downstream import Sources
from .ending import Ending
from .guard import as_fleet_error
from .identity import KnownClusters
from .installation import Installer
from .lease import Leases
from .outcome import HostOutcome
from .plan import Scope
from .request import Request
from .session import ClusterSession
from .work import planned_works

try:
    import resource
except ImportError:
    resource = None


def deploy(request: Request) -> list[HostOutcome]:
    """Carry out ``request``. Raises FleetError only for what concerns the whole run.

    Everything else (a cluster that does not answer, a release that fails) is in the outcome of its
    host. In check mode nothing is written to any cluster.
    """
    cache = cache_directory(request.cache_dir)
    _allow_open_files()
    with (
        RunDirectory() as run,
        ThreadPoolExecutor(request.workers, thread_name_prefix="deploy") as pool,
        HelmFinder(request.helm_binary, run) as helm,
        Hubs(run.path, request.request_timeout) as hubs,
    ):
        desired = desired_state(request, helm, cache, _sources(request, run))
        sessions = [ClusterSession(target, request, run.path, hubs.load) for target in request.targets]
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
    strangers = [HostOutcome(host=host, error=problem) for host, problem in request.not_clusters.items()]
    return [session.outcome for session in sessions] + strangers


def _sources(request: Request, run: RunDirectory) -> Sources:
    hub = request.downstream_resources_from
    client = Client(hub, temp_directory=run.path, timeout=request.request_timeout) if hub else None
    return Sources(request.downstream_resources, client)


def _preview(
    pool: ThreadPoolExecutor, request: Request, sessions: Sequence[ClusterSession], helm: HelmFinder, run: RunDirectory
) -> None:
    works = planned_works(sessions, check_mode=True)
    if request.diff and any(work.step.writes for work in works):
        preview(pool, works, _installer(request, helm, run))


def _write(
    pool: ThreadPoolExecutor,
    request: Request,
    sessions: Sequence[ClusterSession],
    helm: HelmFinder,
    run: RunDirectory,
    known: KnownClusters,
) -> None:
    """Write to the clusters that have something to write, each under its Lease."""
    writing = [session for session in sessions if session.has_writes]
    # Without Helm nothing is begun.
    installer = _installer(request, helm, run) if writing else None
    ending = Ending(lambda: helm.processes.ended)
    leases = Leases(ending.sleep)
    try:
        _for_each(pool, writing, lambda session: session.prepare_writes(known, leases))
        # Counted again: the plans were made again under the Leases.
        _check_budget(request, sessions)
        works = planned_works(sessions, check_mode=False)
        if any(work.step.writes for work in works):
            waits = Waits(request.wait_timeout if request.wait else 0, request.wait_timeout, ending.sleep)
            apply(pool, works, installer, leases, waits)
    except BaseException:
        # Whoever waits for one of the Leases must not meet anything of ours at work.
        helm.processes.close()
        pool.shutdown(cancel_futures=True)
        raise
    finally:
        leases.release_all()


def _installer(request: Request, helm: HelmFinder, run: RunDirectory) -> Installer:
    found = helm.find()
    return Installer(found, Kustomize(request.kustomize_binary, found), ChartStore(run), request.owner, request.adopt)


def _for_each(pool: ThreadPoolExecutor, sessions: Iterable[ClusterSession], work: Callable) -> None:
    """Do ``work`` for every cluster that is still alive, side by side; an error stays with its cluster."""

    def guarded(session: ClusterSession) -> None:
        try:
            work(session)
        except Exception as error:
            session.fail(as_fleet_error(error))

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
    if not session.has_writes:
        session.disconnect()


def _check_budget(request: Request, sessions: list[ClusterSession]) -> None:
    existing: Counter[str] = Counter()
    for session in sessions:
        for release in session.listing.releases.values():
            if release.labels.get(labels.OWNER) == request.owner:
                existing[release.labels.get(labels.GITREPO, "")] += 1
    steps = {session.target.fleet_name: session.steps for session in sessions if session.is_alive}
    request.delete_budget.check(steps, existing)


def _allow_open_files() -> None:
    """As many as the system lets us have: each cluster that is written to keeps a connection open."""
    if resource is not None:
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
