# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out steps: what goes wrong stays with its release and cluster, and no result is lost or mixed up."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.chart.helm import HelmError
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.apply import Waits, _in_turns, apply, preview
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.guard import as_fleet_error
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.installation import Applied
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.outcome import HostOutcome
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.plan import Action, Dependency, Step, Wanted
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.releases import Release
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.work import planned_works
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError, Unreachable
from ansible_collections.gitops.fleet.plugins.module_utils.kube.discovery import Discovery
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster
from ansible_collections.gitops.fleet.plugins.module_utils.target.deployment import BundleDeployment
from memory_api import Api, refused

CONFIG_MAPS = {
    "kind": "APIResourceList",
    "resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}],
}


class Session:
    """A cluster as far as steps are concerned."""

    def __init__(self, name="one"):
        self.client = Api()
        self.client.objects["/version"] = {}
        self.client.objects["/api/v1"] = CONFIG_MAPS
        self.discovery = Discovery(self.client)
        self.outcome = HostOutcome(name)
        self.steps = []
        self.target = type("Target", (), {"fleet_name": f"fleet-default.{name}", "host": name})

    @property
    def is_alive(self):
        return not self.outcome.unreachable

    def fail(self, error):
        self.outcome.unreachable = str(error)

    def wants(self, bundle, namespace="web", action=Action.INSTALL, options=None, release=None, after=()):
        deployment = BundleDeployment(Bundle(bundle, "fleet-default", {}), Cluster("one"), options or {})
        depends_on = tuple(Dependency(name, (namespace, name), frozenset(states)) for name, *states in after)
        wanted = Wanted(bundle, "apps", namespace, bundle, deployment, depends_on=depends_on)
        self.steps.append(Step(action, bundle, namespace, bundle, "because", wanted, release))
        return self


class Installer:
    """In the place of Helm: makes a ConfigMap of the bundle's name, or raises what it is told to."""

    def __init__(self, **errors):
        self.errors = errors

    def install_or_upgrade(self, session, step, dry_run=False):
        if step.bundle in self.errors:
            raise self.errors[step.bundle]
        path = f"/api/v1/namespaces/{step.namespace}/configmaps/{step.name}"
        obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": step.name}, "data": {"k": "v"}}
        if not dry_run:
            session.client.put(path, {**obj, "metadata": {"name": step.name, "namespace": step.namespace}})
        return Applied([obj], 1, "1.0.0")

    uninstall = install_or_upgrade


class Leases:
    def check(self, cluster):
        pass


@pytest.fixture
def run():
    with ThreadPoolExecutor(4) as pool:

        def do(installer, *sessions, wait=5, sleep=time.sleep):
            works = planned_works(sessions, check_mode=False)
            apply(pool, works, installer, Leases(), Waits(wait, wait, sleep))
            return {(work.session.outcome.host, work.step.namespace, work.step.bundle): work.outcome for work in works}

        yield do


def test_bundles_of_one_name_in_two_gitrepos_each_get_their_own_health(run):
    session = Session().wants("web", "good").wants("web", "bad")
    # Only the first one's object is there.
    session.client.answers["LIST", "/api/v1/configmaps"] = [{"metadata": {"name": "web", "namespace": "good"}}]
    session.client.answers["GET", "/api/v1/namespaces/bad/configmaps/web"] = refused(404)
    outcomes = run(Installer(), session, wait=0.2)
    assert outcomes["one", "good", "web"].healthy is True
    assert outcomes["one", "bad", "web"].healthy is False
    assert "good" not in outcomes["one", "bad", "web"].error


@pytest.mark.parametrize("error", [KeyError("hunter2"), TypeError("hunter2"), OSError(28, "No space left on device")])
def test_what_nobody_foresaw_concerns_its_release_only(run, error):
    outcomes = run(Installer(bad=error), Session().wants("bad").wants("good"), Session("two").wants("bad2"))
    failed = outcomes.pop(("one", "web", "bad"))
    assert failed.failed
    assert not failed.changed
    assert "hunter2" not in failed.error
    assert type(error).__name__ in failed.error or "No space left on device" in failed.error
    assert all(outcome.changed and outcome.healthy for outcome in outcomes.values())


def test_the_way_to_what_nobody_foresaw_is_told():
    try:
        raise_in_the_collection()
    except AttributeError as error:
        text = str(as_fleet_error(error))
    assert "AttributeError in " in text
    assert "report it" in text
    known = FleetError("known")
    assert as_fleet_error(known) is known


def raise_in_the_collection():
    # No object has a metadata that is a number.
    from ansible_collections.gitops.fleet.plugins.module_utils.deploy.manifest import key

    key({"apiVersion": "v1", "kind": "Pod", "metadata": 7})


def test_helms_own_words_stay_where_the_cluster_answers(run):
    session = Session().wants("bad")
    session.client.answers["GET", "/version"] = refused(403)
    outcome = run(Installer(bad=HelmError("no such value")), session)["one", "web", "bad"]
    assert outcome.error == "no such value"
    assert session.is_alive


@pytest.mark.parametrize("action", [Action.INSTALL, Action.DELETE])
def test_a_cluster_that_stopped_answering_is_told_from_helms_failure(run, action):
    session = Session().wants("bad", action=action).wants("never", action=action)
    session.client.answers["GET", "/version"] = Unreachable("nobody there")
    with ThreadPoolExecutor(1) as one_by_one:
        works = planned_works([session], check_mode=False)
        apply(one_by_one, works, Installer(bad=HelmError("dial tcp …")), Leases(), Waits(5, 5, time.sleep))
    assert session.outcome.unreachable == "nobody there"
    assert "not tried" in works[1].outcome.error


def test_conditions_that_the_bundle_ignores_do_not_count(run):
    ignored = {"ignore": {"conditions": [{"type": "Stalled"}]}}
    session = Session().wants("app", options=ignored).wants("other")
    stalled = {"status": {"conditions": [{"type": "Stalled", "status": "True", "message": "stalled"}]}}

    class Stalling(Installer):
        def install_or_upgrade(self, session, step, dry_run=False):
            applied = super().install_or_upgrade(session, step)
            path = f"/api/v1/namespaces/{step.namespace}/configmaps/{step.name}"
            session.client.put(path, {**session.client.objects[path], **stalled})
            return applied

    outcomes = run(Stalling(), session, wait=0.2)
    assert outcomes["one", "web", "app"].healthy is True
    assert outcomes["one", "web", "other"].healthy is False


def test_what_was_applied_is_kept_by_name_only(run):
    session = Session().wants("app")
    works = planned_works([session], check_mode=False)
    with ThreadPoolExecutor(1) as pool:
        apply(pool, works, Installer(), Leases(), Waits(0, 0, time.sleep))
    assert works[0].applied.objects == [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}}]


def test_a_run_that_is_told_to_end_waits_for_no_health(run):
    session = Session().wants("app")
    session.client.answers["LIST", "/api/v1/namespaces/web/configmaps"] = []
    session.client.answers["GET", "/api/v1/namespaces/web/configmaps/app"] = refused(404)

    def sleep(_seconds):
        raise FleetError("the run was told to end")

    begin = time.monotonic()
    outcome = run(Installer(), session, wait=60, sleep=sleep)["one", "web", "app"]
    assert outcome.error == "the run was told to end"
    assert outcome.changed
    assert time.monotonic() - begin < 5


def test_more_clusters_are_waited_for_than_are_deployed_to(run):
    sessions = [Session(str(number)).wants("app") for number in range(12)]
    for session in sessions:
        session.client.answers["LIST", "/api/v1/namespaces/web/configmaps"] = []
        session.client.answers["GET", "/api/v1/namespaces/web/configmaps/app"] = refused(404)
    begin = time.monotonic()
    run(Installer(), *sessions, wait=1)
    assert time.monotonic() - begin < 3


def test_a_preview_of_what_an_interrupted_run_left_asks_no_helm():
    release = Release("web", "app", 1, "pending-install", {})
    session = Session().wants("app", action=Action.UPGRADE, release=release)
    works = planned_works([session], check_mode=True)
    with ThreadPoolExecutor(1) as pool:
        preview(pool, works, Installer(app=HelmError("another operation is in progress")))
    assert works[0].outcome.changed
    assert not works[0].outcome.failed


def test_a_cluster_with_many_steps_does_not_come_before_all_others():
    sessions = [Session(str(number)) for number in range(3)]
    for session in sessions:
        session.wants("a").wants("b")
    order = [(work.session.outcome.host, work.step.bundle) for work in _in_turns(planned_works(sessions, False))]
    assert order == [("0", "a"), ("1", "a"), ("2", "a"), ("0", "b"), ("1", "b"), ("2", "b")]


class Recorder(Installer):
    """Notes in which order the releases come."""

    def __init__(self, **errors):
        super().__init__(**errors)
        self.order = []

    def install_or_upgrade(self, session, step, dry_run=False):
        self.order.append(step.bundle)
        return super().install_or_upgrade(session, step, dry_run)


READY = "Ready"


def test_what_depends_on_others_comes_after_them_on_its_cluster(run):
    installer = Recorder()
    session = Session().wants("a", after=[("b", READY)]).wants("b", after=[("c", READY)]).wants("c").wants("d")
    outcomes = run(installer, session)
    assert [name for name in installer.order if name != "d"] == ["c", "b", "a"]
    assert all(outcome.healthy and outcome.changed for outcome in outcomes.values())


def missing(session, bundle):
    """The bundle's object is gone as soon as it is made: the bundle is not ready."""
    session.client.answers["LIST", "/api/v1/namespaces/web/configmaps"] = []
    session.client.answers["GET", f"/api/v1/namespaces/web/configmaps/{bundle}"] = refused(404)
    return session


def test_what_depends_on_a_bundle_that_does_not_become_ready_is_not_deployed(run):
    installer = Recorder()
    session = missing(
        Session().wants("db").wants("app", after=[("db", READY)]).wants("web", after=[("app", READY)]), "db"
    )
    outcomes = run(installer, session, wait=0.2)
    assert installer.order == ["db"]
    assert outcomes["one", "web", "app"].error.startswith(
        "it depends on bundle db, which is NotReady: ConfigMap web/db: is not there"
    )
    assert "it depends on bundle app, which is ErrApplied" in outcomes["one", "web", "web"].error
    assert not outcomes["one", "web", "app"].changed


def test_a_bundle_that_is_waited_for_holds_up_its_own_cluster_only(run):
    slow = missing(Session("slow").wants("db").wants("app", after=[("db", READY)]), "db")
    begin = time.monotonic()
    done = {}

    class Timed(Installer):
        def install_or_upgrade(self, session, step, dry_run=False):
            done[session.outcome.host, step.bundle] = time.monotonic() - begin
            return super().install_or_upgrade(session, step)

    run(Timed(), slow, Session("quick").wants("db").wants("app", after=[("db", READY)]), wait=1)
    assert ("slow", "app") not in done
    assert done["quick", "app"] < 0.5


def test_states_that_are_accepted_besides_ready(run):
    installer = Recorder()
    session = missing(Session().wants("db").wants("app", after=[("db", READY, "NotReady")]), "db")
    assert run(installer, session, wait=0)["one", "web", "app"].changed
    failing = Session("two").wants("db").wants("app", after=[("db", "ErrApplied")])
    assert run(Recorder(db=FleetError("no")), failing)["two", "web", "app"].changed


def test_what_a_bundle_depends_on_is_looked_at_even_where_nothing_is_done_to_it(run):
    release = Release("web", "db", 1, "deployed", {})
    session = Session().wants("db", action=Action.NONE, release=release).wants("app", after=[("db", READY)])
    document = {"name": "db", "version": 1, "manifest": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: db}\n"}
    packed = base64.b64encode(base64.b64encode(json.dumps(document).encode())).decode()
    session.client.objects["/api/v1/namespaces/web/secrets/sh.helm.release.v1.db.v1"] = {"data": {"release": packed}}
    assert "is NotReady" in run(Installer(), session, wait=0.1)["one", "web", "app"].error
    session.client.put("/api/v1/namespaces/web/configmaps/db", {"metadata": {"name": "db", "namespace": "web"}})
    session.outcome.releases.clear()
    outcomes = run(Installer(), session, wait=0.1)
    assert outcomes["one", "web", "app"].changed
    assert outcomes["one", "web", "db"].healthy is True


def test_what_depends_on_a_paused_bundle_that_was_never_deployed_waits(run):
    session = Session().wants("db", action=Action.PAUSED).wants("app", after=[("db", READY)])
    assert "which is Pending" in run(Installer(), session, wait=0.1)["one", "web", "app"].error


def test_a_run_that_is_told_to_end_does_not_go_on_to_the_next_level():
    installer = Recorder()
    session = missing(Session().wants("db").wants("app", after=[("db", READY)]), "db")

    def sleep(_seconds):
        raise FleetError("the run was told to end")

    with ThreadPoolExecutor(1) as pool:
        works = planned_works([session], check_mode=False)
        apply(pool, works, installer, Leases(), Waits(0, 60, sleep))
    assert installer.order == ["db"]
    assert works[1].outcome.error == "the run was told to end"
