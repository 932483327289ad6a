# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""serial, --limit, rescue, max_fail_percentage and the recap mean what they always mean, whatever a cluster does."""

from __future__ import annotations

import pytest
from fleet import ControlNode, bundle, dead_cluster, failing_on

CLUSTERS = ("prod-eu", "prod-us", "dev-eu", "bare")
DEPLOY = {
    "name": "Deploy to the batch",
    "gitops.fleet.fleet_deploy": {"builds": "{{ fleet_built.results | map(attribute='build') }}"},
    "run_once": True,
    "changed_when": False,
    "register": "fleet_deployed",
}
RESULT = {"name": "Result of each cluster", "gitops.fleet.fleet_result": {}}


@pytest.fixture
def node(core, make_node) -> ControlNode:
    """Four clusters, with each ansible-core."""
    return make_node(core=core)


@pytest.fixture
def namespace(node) -> str:
    """A bundle for all clusters, in a namespace of its own."""
    namespace = node.namespace()
    node.repository().commit(bundle("app", namespace))
    return namespace


@pytest.fixture
def mixed(node) -> str:
    """The same, but it fails on prod-us, and dev-eu cannot be reached."""
    namespace = node.namespace()
    node.only("prod-eu", "prod-us", "bare")
    node.clusters.insert(2, dead_cluster(node.directory, "dev-eu"))
    node.repository().commit(failing_on("prod-us", "app", namespace))
    return namespace


def deployed(node: ControlNode, namespace: str) -> set[str]:
    """The clusters on which the bundle's ConfigMap is."""
    return {name for name in CLUSTERS if node.config_map(name, namespace, "app") == {"value": "one"}}


def counted(run, name: str) -> dict[str, int]:
    """One of the recap's counters by host."""
    return {host: counters[name] for host, counters in run.recap.items()}


def test_each_host_has_its_own_result(node, mixed):
    run = node.deploy().failed("bundle repo-", "Not_A_Name", "cluster", "refuses the connection")
    assert deployed(node, mixed) == {"prod-eu", "bare"}
    assert counted(run, "changed") == {"prod-eu": 1, "prod-us": 0, "dev-eu": 0, "bare": 1}
    # The unreachable one fails in the closing play; that is also reached by those that are well.
    assert counted(run, "failed") == {"prod-eu": 0, "prod-us": 1, "dev-eu": 1, "bare": 0}
    assert counted(run, "unreachable") == dict.fromkeys(CLUSTERS, 0)
    assert "[WARNING]: [dev-eu] unreachable: " in run.message
    assert "Fail the clusters that did not answer" in run.message.partition("fatal: [dev-eu]")[0]


def test_serial_1_goes_on_after_an_unreachable_cluster_and_fails_it_at_the_end(node, namespace):
    node.only("prod-eu", "prod-us", "bare")
    node.clusters.insert(1, dead_cluster(node.directory, "dev-eu"))
    run = node.deploy(fleet_serial=1).failed("refuses the connection")
    assert deployed(node, namespace) == {"prod-eu", "prod-us", "bare"}
    assert counted(run, "failed") == {"prod-eu": 0, "dev-eu": 1, "prod-us": 0, "bare": 0}
    assert counted(run, "changed") == {"prod-eu": 1, "dev-eu": 0, "prod-us": 1, "bare": 1}


def test_serial_1_ends_at_a_failed_cluster_as_it_does_for_every_task(node, mixed):
    run = node.deploy(fleet_serial=1).failed("Not_A_Name")
    assert deployed(node, mixed) == {"prod-eu"}, "a batch that failed as a whole ends the play, says Ansible"
    assert counted(run, "failed")["prod-us"] == 1


def test_on_unreachable_fail_fails_at_once(node, mixed):
    run = node.deploy(fleet_on_unreachable="fail", fleet_serial=[2, 2], fleet_max_fail_percentage=49).failed()
    # prod-us fails half of the first batch, which is more than 49 %.
    assert deployed(node, mixed) == {"prod-eu"}
    assert "dev-eu" not in counted(run, "failed") or counted(run, "failed")["dev-eu"] == 0
    node.only("dev-eu", "bare")
    run = node.deploy(fleet_on_unreachable="fail").failed("refuses the connection")
    assert counted(run, "failed") == {"dev-eu": 1, "bare": 0}
    assert counted(run, "changed") == {"dev-eu": 0, "bare": 1}
    assert "Close the run" in run.output
    assert "fatal: [dev-eu]" in run.output.partition("Close the run")[0]


def test_limit_deploys_to_those_clusters_alone(node, namespace):
    run = node.deploy("--limit", "prod-us:bare").succeeded()
    assert deployed(node, namespace) == {"prod-us", "bare"}
    assert counted(run, "changed") == {"prod-us": 1, "bare": 1}
    again = node.deploy().succeeded()
    assert counted(again, "changed") == {"prod-eu": 1, "prod-us": 0, "dev-eu": 1, "bare": 0}
    assert deployed(node, namespace) == set(CLUSTERS)


def test_rescue_takes_up_the_host_that_failed_and_no_other(node, mixed):
    note = {"name": "Take note", "ansible.builtin.debug": {"msg": "rescued {{ ansible_failed_result.msg }}"}}
    playbook = node.playbook([{"name": "Try", "block": [DEPLOY, RESULT], "rescue": [note]}])
    run = node.deploy(playbook=playbook).succeeded()
    assert counted(run, "rescued") == {"prod-eu": 0, "prod-us": 1, "dev-eu": 0, "bare": 0}
    assert "rescued 1 of 1 release failed" in run.message
    assert deployed(node, mixed) == {"prod-eu", "bare"}


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_strategies_without_batches_are_refused(node, namespace, strategy):
    run = node.deploy(playbook=node.playbook([DEPLOY, RESULT], strategy=strategy))
    # Ansible's own words, for all strategies that are made like free.
    run.failed("fleet_deploy", "bypasses the host loop", "not supported in the free strategy")
    assert deployed(node, namespace) == set()


def test_run_once_forgotten_is_refused(node, namespace):
    task = {key: value for key, value in DEPLOY.items() if key != "run_once"}
    run = node.deploy(playbook=node.playbook([task, RESULT]))
    run.failed("Give the task run_once: true, register it")
    assert deployed(node, namespace) == set()


def test_result_without_deploy_says_what_is_missing(node, namespace):
    run = node.deploy(playbook=node.playbook([RESULT]))
    run.failed("variable fleet_deployed does not hold what fleet_deploy returned", "with run_once: true")
    assert counted(run, "failed") == dict.fromkeys(CLUSTERS, 1)
