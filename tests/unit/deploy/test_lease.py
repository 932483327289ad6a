# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Lease by which runs keep apart: who may take it, who has lost it, and whose answers are not to be trusted."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.deploy import lease
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.ending import Ending
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.lease import Leases
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError, Unreachable
from memory_api import refused

NAMESPACE = "/api/v1/namespaces/gitops-fleet"
PATH = "/apis/coordination.k8s.io/v1/namespaces/gitops-fleet/leases/deploy"


@pytest.fixture
def api(api):
    """Without the namespace no Lease can be made, as on a real server."""
    leases = PATH.rpartition("/")[0]

    def make():
        if NAMESPACE not in api.objects:
            raise refused(404)
        return api._post(leases, api.bodies[-1])

    api.answers["POST", leases] = make
    return api


@pytest.fixture
def leases():
    made = []

    def make(sleep=time.sleep):
        made.append(Leases(sleep))
        return made[-1]

    yield make
    for each in made:
        each.release_all()


@pytest.fixture
def quick(monkeypatch):
    """Time in which a test can wait."""
    for name, value in (("DURATION", 0.6), ("RENEW_EVERY", 0.1), ("LAST_WORDS", 0.2), ("TICK", 0.05)):
        monkeypatch.setattr(lease, name, value)


def held(api, holder="other/boot/ns/1/2", **spec):
    api.put(NAMESPACE, {})
    api.put(PATH, {"metadata": {"name": "deploy"}, "spec": {"holderIdentity": holder, "renewTime": "then", **spec}})


def test_it_is_made_with_its_namespace_and_given_back(api):
    run = Leases()
    run.acquire("one", api, 0)
    run.check("one")
    assert api.objects[PATH]["spec"]["holderIdentity"] == lease._identity()
    run.release_all()
    assert list(api.objects) == [NAMESPACE]
    with pytest.raises(FleetError, match="another run took over"):
        run.check("one")


def test_another_run_is_waited_for_and_named(api, leases):
    held(api, acquireTime="noon")
    with pytest.raises(FleetError, match=r"held by other since noon\); waited 0.3 s"):
        leases().acquire("one", api, 0.3)


@pytest.mark.parametrize("document", [{}, {"spec": None}, {"spec": {}}, {"spec": {"holderIdentity": None}}])
def test_a_lease_that_nobody_holds_is_taken(api, leases, document):
    api.put(NAMESPACE, {})
    api.put(PATH, document)
    leases().acquire("one", api, 0)
    assert api.objects[PATH]["spec"]["holderIdentity"] == lease._identity()


def test_what_stands_still_is_taken(api, leases, quick):
    held(api)
    leases().acquire("one", api, 5)
    assert api.objects[PATH]["spec"]["holderIdentity"] == lease._identity()


def test_what_a_dead_process_of_this_machine_left_is_taken_when_its_programs_are_gone_too(api, leases, monkeypatch):
    monkeypatch.setattr(lease, "LAST_WORDS", 0.5)
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    parts = lease._identity().split("/")
    held(api, "/".join([*parts[:3], str(process.pid), parts[4]]))
    begin = time.monotonic()
    leases().acquire("one", api, 5)
    assert 0.5 <= time.monotonic() - begin < 5


@pytest.mark.parametrize(
    ("change", "dead"),
    [
        ({}, False),
        ({4: "1"}, True),
        ({1: "another-boot", 4: "1"}, False),
        ({2: "another-namespace", 4: "1"}, False),
        ({3: "no number"}, False),
        ({3: "9" * 30}, False),
    ],
)
def test_only_what_can_be_seen_from_here_is_called_dead(change, dead):
    parts = dict(enumerate(lease._identity().split("/"))) | change
    assert lease._is_dead_process_here("/".join(parts.values())) is dead


def test_a_process_that_may_not_be_looked_at_is_alive(monkeypatch):
    def forbidden(_pid, _signal):
        raise PermissionError

    monkeypatch.setattr(os, "kill", forbidden)
    monkeypatch.setattr(lease, "_start_time", lambda _pid: "")
    assert not lease._is_dead_process_here("/".join([*lease._identity().split("/")[:4], "1"]))


def test_it_is_renewed_while_the_run_lasts(api, leases, quick, monkeypatch):
    monkeypatch.setattr(lease, "DURATION", 5)
    run = leases()
    run.acquire("one", api, 0)
    first = api.objects[PATH]["metadata"]["resourceVersion"]
    time.sleep(0.9)
    run.check("one")
    assert api.objects[PATH]["metadata"]["resourceVersion"] != first


@pytest.mark.parametrize("answer", [Unreachable("no answer"), refused(500), {"kind": "Status"}, {"metadata": ["x"]}])
def test_what_could_not_be_renewed_in_time_is_lost_even_if_nobody_says_so(api, leases, quick, answer):
    run = leases()
    run.acquire("one", api, 0)
    api.answers["PUT", PATH] = answer
    run.check("one")
    time.sleep(0.8)
    with pytest.raises(FleetError, match="did not renew its Lease"):
        run.check("one")


def test_a_lease_that_another_run_has_is_lost(api, leases, quick):
    run = leases()
    run.acquire("one", api, 0)
    held(api)
    time.sleep(0.5)
    with pytest.raises(FleetError, match="another run took over"):
        run.check("one")
    run.release_all()
    assert api.objects[PATH]["spec"]["holderIdentity"] == "other/boot/ns/1/2"


def test_a_renewal_of_which_the_answer_was_lost_is_still_ours(api, leases, quick, monkeypatch):
    monkeypatch.setattr(lease, "DURATION", 5)
    run = leases()
    run.acquire("one", api, 0)
    api.put(PATH, api.objects[PATH])
    time.sleep(0.9)
    run.check("one")
    run.release_all()
    assert PATH not in api.objects


def test_one_cluster_that_hangs_does_not_keep_the_others_from_being_renewed(api, leases, quick, monkeypatch):
    monkeypatch.setattr(lease, "DURATION", 3)
    hanging = type(api)()
    run = leases()
    run.acquire("one", api, 0)
    hanging.put(NAMESPACE, {})
    run.acquire("two", hanging, 0)
    hanging.answers["PUT", PATH] = lambda: time.sleep(1.5) or {}
    time.sleep(1)
    assert len([request for request in api.requests if request == ("PUT", PATH)]) >= 2
    run.check("one")


def test_a_run_that_is_told_to_end_waits_no_longer(api, leases):
    held(api)
    begin = time.monotonic()
    ending = Ending(lambda: time.monotonic() - begin > 0.3)
    with pytest.raises(FleetError, match="told to end"):
        leases(ending.sleep).acquire("one", api, 60)
    assert time.monotonic() - begin < 2
