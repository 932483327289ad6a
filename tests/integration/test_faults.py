# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that meet each other, are killed, or lose a cluster: nothing is left behind, and the next run converges."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fleet import LabCluster, bundle, kill_tree, processes

from lab.lab import Lab

KILLS = int(os.environ.get("FLEET_KILLS", "20"))
SEED = int(os.environ.get("FLEET_SEED", "0")) or random.randrange(1, 2**32)

LEASE = "/apis/coordination.k8s.io/v1/namespaces/gitops-fleet/leases/deploy"

ENDLESS = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "endless", "annotations": {"helm.sh/hook": "pre-install,pre-upgrade"}},
    "spec": {
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "nodeSelector": {"no": "such-node"},
                "containers": [{"name": "wait", "image": "example.com/wait:1"}],
            }
        }
    },
}
"""A hook for which Helm waits until it is told to stop."""


@pytest.fixture(scope="module")
def mortal(programs, tmp_path_factory) -> Iterator[LabCluster]:
    """A cluster of these tests alone: its API server is stopped and started."""
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.up(1)
    yield lab.clusters()[0]
    lab.down()


def slow_bundle(directory: str, namespace: str, quick_on: str = "", **helm: Any) -> dict[str, str]:
    """A chart whose installation does not come to an end, save on one cluster. ``helm`` are fields of fleet.yaml."""
    quick = {"name": "quick", "clusterName": quick_on, "helm": {"values": {"endless": False}}}
    fleet = {"namespace": namespace, "helm": helm, "targetCustomizations": [quick] if quick_on else []}
    return {
        f"{directory}/Chart.yaml": f"apiVersion: v2\nname: {directory}\nversion: 1.0.0\n",
        f"{directory}/values.yaml": "endless: true\n",
        f"{directory}/templates/job.yaml": f"{{{{ if .Values.endless }}}}\n{yaml.safe_dump(ENDLESS)}{{{{ end }}}}\n",
        f"{directory}/templates/configmap.yaml": bundle(directory, namespace)[f"{directory}/configmap.yaml"],
        f"{directory}/fleet.yaml": yaml.safe_dump(fleet),
    }


def wait_for(condition, seconds: float, what: str):
    """What ``condition`` returns as soon as that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds:g} s for {what}")


def start_and_wait_for_hook(node, namespace: str, cluster: str = "prod-eu") -> subprocess.Popen:
    """A run whose Helm is waiting for its hook."""
    process = node.start()
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs/endless"
    try:
        wait_for(lambda: node.get(cluster, path) or process.poll() is not None, 60, "the hook's Job")
        assert process.poll() is None, process.communicate()[0]
    except BaseException:
        kill_tree(process, node)
        raise
    assert processes(node, "/helm4")
    return process


def assert_no_helm_after(node, seconds: float) -> None:
    wait_for(lambda: not processes(node, "/helm4"), seconds, f"helm to end; it runs as {processes(node, '/helm4')}")


def is_held(lease: dict) -> bool:
    """Whether the process that holds a Lease is alive (that of another test, then)."""
    return Path("/proc", lease["spec"]["holderIdentity"].split("/")[3]).exists()


def assert_converges(node, namespace: str, clusters=("prod-eu",)) -> None:
    """The next run puts right what was left, and the one after has nothing to do."""
    run = node.deploy().succeeded()
    for cluster in clusters:
        for release in (release["release"] for release in run.details(cluster)["releases"]):
            states = [state for _revision, state in node.history(cluster, namespace, release)]
            assert states[-1] == "deployed", (cluster, release, states)
            assert not [state for state in states if state.startswith("pending")], (cluster, release, states)
    again = node.deploy().succeeded()
    assert again.changed == 0, again.output
    assert again.helms == []


@pytest.mark.parametrize("owners", ["one owner", "two owners"])
def test_two_runs_at_once_end_well(make_node, owners):
    nodes = [make_node(), make_node()]
    namespace = nodes[0].namespace()
    for node in nodes:
        node.only("prod-eu", "prod-us")
        if owners == "one owner":
            node.owner = nodes[0].owner
    if owners == "one owner":
        repository = nodes[0].repository()
        repository.commit({**bundle("app", namespace), **bundle("other", namespace)})
        nodes[1].gitrepos = nodes[0].gitrepos
        nodes[1].cache = nodes[0].cache
    else:
        for number, node in enumerate(nodes):
            node.repository().commit(bundle(f"app-{number}", namespace))
    started = [node.start() for node in nodes]
    outputs = [process.communicate(timeout=120)[0] for process in started]
    runs = [node.ended(*ended).succeeded() for node, *ended in zip(nodes, started, outputs, strict=True)]
    for cluster in ("prod-eu", "prod-us"):
        secrets = nodes[0].releases(cluster, namespace)
        assert len(secrets) == 2
        assert {secret["metadata"]["labels"]["status"] for secret in secrets.values()} == {"deployed"}
        assert {secret["metadata"]["labels"]["version"] for secret in secrets.values()} == {"1"}, (
            "nothing was done twice"
        )
    assert sum(run.changed for run in runs) == (2 if owners == "one owner" else 4)
    for node in nodes:
        assert node.deploy().succeeded().changed == 0


@pytest.mark.parametrize("whole_tree", [True, False], ids=["whole tree", "main process"])
def test_killed_at_any_moment_the_next_run_converges(node, whole_tree):
    """Half of the kills hit everything at once, as a power cut; the others ansible-playbook alone."""
    chance = random.Random(f"{SEED} {whole_tree}")
    node.only("prod-eu", "prod-us")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit({**bundle("app", namespace, "0"), **bundle("other", namespace, "0")})
    begin = time.monotonic()
    node.deploy().succeeded()
    usual = time.monotonic() - begin
    for number in range(1, KILLS // 2 + 1):
        after = chance.uniform(0.3, 1.1) * usual
        print(f"FLEET_SEED={SEED}: kill {number} after {after:.2f} s")
        # In turns: upgrades, a bundle more, a bundle less.
        repository.commit(bundle("app", namespace, str(number)) | bundle("other", namespace, str(number)))
        more = bundle("more", namespace)
        repository.commit(more if number % 2 else dict.fromkeys(more))
        process = node.start()
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            pass
        if whole_tree:
            kill_tree(process, node)
        else:
            process.kill()
            process.wait()
            assert_no_helm_after(node, 5)
        process.stdout.close()

        run = node.deploy("--diff").succeeded()
        for cluster in ("prod-eu", "prod-us"):
            assert node.config_map(cluster, namespace, "app") == {"value": str(number)}, (number, run.output)
            assert node.config_map(cluster, namespace, "other") == {"value": str(number)}
            assert (node.config_map(cluster, namespace, "more") is not None) == bool(number % 2)
            states = {secret["metadata"]["labels"]["status"] for secret in node.releases(cluster, namespace).values()}
            assert states <= {"deployed", "superseded", "failed"}, (number, states)
    again = node.deploy().succeeded()
    assert (again.changed, again.helms) == (0, [])
    assert left_behind() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_no_helm_outlives_a_run_that_is_told_to_stop(make_node, core, number):
    node = make_node(core=core)
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit(slow_bundle("slow", namespace))
    process = start_and_wait_for_hook(node, namespace)
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # what a terminal does
    else:
        process.send_signal(number)
    assert_no_helm_after(node, 5)
    output = process.communicate(timeout=10)[0]
    assert process.returncode != 0
    assert "Traceback" not in output, output
    wait_for(lambda: not processes(node), 5, "the worker to tidy up")
    lease = node.get("prod-eu", LEASE)
    assert lease is None or is_held(lease), f"whoever comes next has to wait: {lease}"

    repository.commit({"slow/values.yaml": "endless: false\n"})
    assert_converges(node, namespace)


def test_no_helm_outlives_a_run_whose_main_process_is_killed(node):
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit(slow_bundle("slow", namespace))
    process = start_and_wait_for_hook(node, namespace)
    process.kill()
    process.wait()
    assert_no_helm_after(node, 5)
    wait_for(lambda: not processes(node), 5, "the workers to end")
    process.stdout.close()
    repository.commit({"slow/values.yaml": "endless: false\n"})
    assert_converges(node, namespace)


def test_helm_that_is_killed_fails_its_release_and_no_other(node):
    node.only("prod-eu", "prod-us")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit({**slow_bundle("slow", namespace, quick_on="prod-us"), **bundle("other", namespace)})
    process = start_and_wait_for_hook(node, namespace)
    for pid in processes(node, "/helm4"):
        os.kill(pid, signal.SIGKILL)
    output = process.communicate(timeout=60)[0]
    run = node.ended(process, output).failed(
        f"bundle {repository.name}-slow", "helm was killed by signal 9", "Run again"
    )
    assert run.failed_hosts == {"prod-eu"}, run.output
    assert node.config_map("prod-eu", namespace, "other") == {"value": "one"}
    assert node.config_map("prod-us", namespace, "slow") == {"value": "one"}
    repository.commit({"slow/values.yaml": "endless: false\n"})
    assert_converges(node, namespace, ("prod-eu", "prod-us"))


def test_a_stopped_api_server_is_reported_and_the_others_are_deployed(node, mortal):
    node.add(mortal, "mortal")
    namespace = node.namespace()
    node.repository().commit(bundle("app", namespace))
    mortal.stop_api_server()
    try:
        run = node.deploy().failed("[mortal] unreachable", "refuses the connection", "Is its API server up")
        assert run.failed_hosts == {"mortal"}, run.output
        for cluster in ("prod-eu", "prod-us", "dev-eu", "bare"):
            assert node.config_map(cluster, namespace, "app") == {"value": "one"}
    finally:
        mortal.start_api_server(node.programs)
    assert node.deploy().succeeded().changed == 1
    assert node.config_map("mortal", namespace, "app") == {"value": "one"}


def test_an_api_server_that_stops_in_mid_run_is_reported_as_such(node, mortal):
    """The most that a cluster can do: it answers, takes the first objects, and is gone."""
    node.only("prod-eu")
    node.add(mortal, "mortal")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit(slow_bundle("slow", namespace, quick_on="prod-eu", timeoutSeconds=10))
    process = start_and_wait_for_hook(node, namespace, "mortal")
    try:
        mortal.stop_api_server()
        output = process.communicate(timeout=60)[0]
    finally:
        kill_tree(process, node)
        mortal.start_api_server(node.programs)
    run = node.ended(process, output).failed("unreachable")
    assert run.failed_hosts == {"mortal"}, run.output
    repository.commit({"slow/values.yaml": "endless: false\n"})
    assert_converges(node, namespace, ("mortal", "prod-eu"))


def left_behind() -> list[Path]:
    """The private directories of runs that are over."""
    base = Path("/dev/shm") if os.path.isdir("/dev/shm") else Path(tempfile.gettempdir())
    return [path for path in base.glob("gitops-fleet-*") if not _is_held(path / "lock")]


def _is_held(lock: Path) -> bool:
    try:
        with open(lock, "r+", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False
