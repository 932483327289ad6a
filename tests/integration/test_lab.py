# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab of one cluster, apart from the checkout's own: up, repaired, moved, interrupted, and gone without a trace."""

import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from lab import processes
from lab.api import ApiServer
from lab.components import ALL
from lab.lab import Lab

CHECKOUT = Path(__file__).resolve().parents[2]


def command(state: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "lab", "--state", str(state), *arguments]


def run(state: Path, *arguments: str, environment: dict | None = None) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(state, *arguments),
        cwd=CHECKOUT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=1800,
    )


def up(state: Path) -> None:
    answer = run(state, "up", "--clusters", "1")
    assert answer.returncode == 0, answer.stderr


def processes_in(state: Path) -> list[str]:
    """The command lines of all processes that run in the lab's directory, whoever started them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if Path(os.readlink(entry / "cwd")).is_relative_to(state):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def pids(state: Path) -> dict[str, int]:
    run_directory = state / "prod-eu" / "run"
    return {component.name: processes.read(run_directory / f"{component.name}.pid").pid for component in ALL}


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    directory = tmp_path_factory.mktemp("lab")
    up(directory)
    yield directory
    answer = run(directory, "down")
    assert answer.returncode == 0, answer.stderr
    assert processes_in(directory) == []


@pytest.fixture
def cluster(state):
    return Lab(state).cluster("prod-eu")


def test_up_again_changes_nothing_and_is_quick(state):
    before = pids(state)
    begin = time.monotonic()
    up(state)
    assert time.monotonic() - begin < 5
    assert pids(state) == before


def test_files_are_private_and_the_inventory_points_at_them(state):
    inventory = yaml.safe_load((state / "clusters.yaml").read_text())
    assert inventory["clusters"] == [
        {
            "name": "prod-eu",
            "workspace": "fleet-default",
            "labels": {"env": "prod", "region": "eu"},
            "kubeconfig": str(state / "prod-eu" / "kubeconfig"),
            "context": "prod-eu",
        }
    ]
    assert state.stat().st_mode & 0o777 == 0o700
    for name in ("kubeconfig", "prod-eu/kubeconfig", "prod-eu/limited.kubeconfig"):
        assert (state / name).stat().st_mode & 0o777 == 0o600


def test_certificates_are_needed_on_both_sides(cluster):
    with pytest.raises(ssl.SSLCertVerificationError), socket.create_connection(("127.0.0.1", cluster.port)) as plain:
        ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")
    stranger = ApiServer(cluster.port, cluster.directory / "pki", token="nobody")
    assert stranger.request("GET", "/api/v1/nodes")[0] == 401


def test_the_limited_account_is_limited(cluster):
    user = yaml.safe_load(cluster.limited_kubeconfig.read_text())["users"][0]["user"]
    limited = ApiServer(cluster.port, cluster.directory / "pki", token=user["token"])
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {"verb": "*", "group": "*", "resource": "*"}},
    }
    answer = limited.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
    assert answer["status"]["allowed"] is False


def test_deployments_become_ready_and_jobs_complete(state, cluster):
    container = {"name": "c", "image": "example.com/none:1"}
    labels = {"app": "web"}
    manifests = [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        },
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "once"},
            "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
        },
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "fails"},
            "spec": {
                "backoffLimit": 0,
                "template": {
                    "metadata": {"annotations": {"lab.gitops.fleet/outcome": "fail"}},
                    "spec": {"restartPolicy": "Never", "containers": [container]},
                },
            },
        },
    ]
    cluster.api().create("/apis/apps/v1/namespaces/default/deployments", manifests[0])
    for job in manifests[1:]:
        cluster.api().create("/apis/batch/v1/namespaces/default/jobs", job)

    def status(kind: str, name: str) -> dict:
        return cluster.api().get(f"/apis/{kind}/{name}")["status"]

    wait_until(lambda: status("apps/v1/namespaces/default/deployments", "web").get("readyReplicas") == 2)
    wait_until(lambda: status("batch/v1/namespaces/default/jobs", "once").get("succeeded") == 1)
    wait_until(lambda: status("batch/v1/namespaces/default/jobs", "fails").get("failed") == 1)


def test_the_api_server_can_be_taken_away_and_brought_back(state, cluster):
    before = pids(state)
    assert run(state, "stop", "prod-eu").returncode == 0
    assert not cluster.api().is_ready()
    assert run(state, "start", "prod-eu").returncode == 0
    assert cluster.api().is_ready()
    after = pids(state)
    assert {name for name in after if after[name] != before[name]} == {"kube-apiserver"}


def test_a_part_that_died_is_started_again(state):
    before = pids(state)
    os.kill(before["kube-controller-manager"], signal.SIGKILL)
    up(state)
    after = pids(state)
    assert {name for name in after if after[name] != before[name]} == {"kube-controller-manager"}
    assert len(processes_in(state)) == len(ALL)


def test_a_port_that_somebody_took_is_given_up(state, cluster):
    cluster.stop_api_server()
    old = cluster.port
    with socket.create_server(("127.0.0.1", old)):
        up(state)
    assert cluster.port != old
    assert cluster.api().is_ready()
    assert str(cluster.port) in cluster.limited_kubeconfig.read_text()
    assert str(cluster.port) in (state / "kubeconfig").read_text()


def test_a_cluster_whose_data_is_gone_is_made_anew(state, cluster):
    def uid() -> str:
        return cluster.api().get("/api/v1/namespaces/kube-system")["metadata"]["uid"]

    before = uid()
    shutil.rmtree(cluster.directory / "etcd")
    up(state)
    assert uid() != before
    assert cluster.api().get("/api/v1/nodes/node-1")
    assert len(processes_in(state)) == len(ALL)


def test_down_ends_what_a_killed_up_left(tmp_path):
    """At whatever moment it is killed: nothing that runs is unknown to the pid files."""
    process = subprocess.Popen(command(tmp_path, "up", "--clusters", "1"), cwd=CHECKOUT, stderr=subprocess.DEVNULL)
    delay = random.uniform(0.2, 3)
    time.sleep(delay)
    process.send_signal(random.choice([signal.SIGKILL, signal.SIGINT]))
    process.wait(30)
    answer = run(tmp_path, "down")
    assert answer.returncode == 0, answer.stderr
    assert processes_in(tmp_path) == [], f"killed after {delay:.2f} s"
    assert [path.name for path in tmp_path.iterdir()] in ([], ["lock"])


def test_down_leaves_alone_what_it_did_not_start(tmp_path):
    bystander = subprocess.Popen(["/bin/sleep", "60"])
    try:
        identity = processes.identify(bystander.pid)
        (tmp_path / "prod-eu" / "run").mkdir(parents=True)
        for component in ALL:
            text = f"{identity.pid} {identity.started - 1}\n"
            (tmp_path / "prod-eu" / "run" / f"{component.name}.pid").write_text(text)
        assert run(tmp_path, "down").returncode == 0
        assert processes.is_running(identity)
    finally:
        bystander.kill()
        bystander.wait()


def test_the_users_own_contexts_are_only_described(tmp_path):
    document = {"contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in ("a", "b")]}
    kubeconfig = tmp_path / "user" / "config"
    kubeconfig.parent.mkdir()
    kubeconfig.write_text(json.dumps(document))
    state = tmp_path / "state"
    answer = run(state, "up", "--contexts", "b", environment={"KUBECONFIG": str(kubeconfig)})
    assert answer.returncode == 0, answer.stderr
    clusters = yaml.safe_load((state / "clusters.yaml").read_text())["clusters"]
    assert [(cluster["context"], cluster["kubeconfig"]) for cluster in clusters] == [("b", str(kubeconfig))]
    assert processes_in(state) == []
    assert run(state, "down").returncode == 0
    assert not (state / "clusters.yaml").exists()
    assert kubeconfig.exists()


def wait_until(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "this takes too long"
        time.sleep(0.1)
