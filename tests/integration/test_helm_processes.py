# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No program that a run started outlives it by more than 5 seconds, however the run ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.chart.processes import Processes, TimeLimit
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE = 20
"""Seconds. Five are the promise, and a second is usual; a machine that is busy with other tests takes its time."""

# A run with four helm processes that wait for their post-renderer, in the shape of an Ansible worker
# (forked, leading a session of its own) or in the process itself. Prints the directory of the run.
RUN = """
import multiprocessing, os, sys, time
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from ansible_collections.gitops.fleet.plugins.module_utils.chart.helm import HelmFinder
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory

def run():
    if sys.argv[4] == "worker":
        os.setsid()
    directory = RunDirectory(Path(sys.argv[3]))
    with directory, ThreadPoolExecutor(4) as pool, HelmFinder(sys.argv[2], directory) as finder:
        helm = finder.find()
        print(directory.path, flush=True)
        wait = lambda manifests: time.sleep(300)
        command = ["template", "x", sys.argv[5]]
        for future in [pool.submit(helm.run, command, post_render=wait, timeout=300) for _ in range(4)]:
            future.result()

if sys.argv[4] == "worker":
    worker = multiprocessing.get_context("fork").Process(target=run)
    worker.start()
    worker.join()
else:
    run()
"""


def programs_of(text: str) -> list[int]:
    """The processes with ``text`` in their arguments or environment: helm, its script, the leader of the group."""
    found = []
    for name in os.listdir("/proc"):
        with suppress(OSError, ValueError):
            content = Path(f"/proc/{int(name)}/cmdline").read_bytes() + Path(f"/proc/{name}/environ").read_bytes()
            if text.encode() in content:
                found.append(int(name))
    return found


def wait_until(condition, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


@pytest.fixture
def chart(tmp_path) -> Path:
    directory = tmp_path / "chart"
    (directory / "templates").mkdir(parents=True)
    (directory / "Chart.yaml").write_text("apiVersion: v2\nname: test\nversion: 1.0.0\n")
    (directory / "templates/a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    return directory


@pytest.fixture
def start(programs, chart, tmp_path) -> Iterator:
    """Starts a run and returns it once its four helm processes are at work, with the directory of the run."""
    runs = []

    def start(shape: str) -> tuple[subprocess.Popen, str]:
        arguments = [str(CHECKOUT / "build/collections"), str(programs / "helm4"), str(tmp_path), shape, str(chart)]
        run = subprocess.Popen(
            [sys.executable, "-c", RUN, *arguments], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        runs.append(run)
        directory = run.stdout.readline().strip()
        assert wait_until(lambda: len(scripts_of(directory)) == 4, 60), "helm did not start"
        return run, directory

    yield start
    for run in runs:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        run.stdout.close()


def scripts_of(directory: str) -> list[int]:
    """The post-renderers' scripts: one for each helm that has got so far."""
    found = []
    for process in programs_of(directory):
        with suppress(OSError):
            command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
            if command[0] == b"/bin/sh" and command[1].endswith(b"ask.sh"):
                found.append(process)
    return found


def group_of(directory: str) -> int:
    """The process group that the programs of a run are in."""
    [group] = {os.getpgid(process) for process in scripts_of(directory)}
    return group


def is_gone(group: int) -> bool:
    """Whether no process of a group lives (one that has ended, and that nobody has asked about, does not)."""
    for name in os.listdir("/proc"):
        with suppress(OSError, ValueError):
            state, _parent, its_group = Path(f"/proc/{int(name)}/stat").read_text().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                return False
    return True


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("shape", ["worker", "alone"])
def test_run_is_killed(start, shape, sent):
    run, directory = start(shape)
    group = group_of(directory)
    run.send_signal(sent)
    assert wait_until(lambda: is_gone(group), PATIENCE), "helm outlived the run"


def test_worker_is_killed(start):
    run, directory = start("worker")
    group = group_of(directory)
    [worker] = [int(pid) for pid in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]
    os.kill(worker, signal.SIGKILL)
    assert wait_until(lambda: is_gone(group), PATIENCE), "helm outlived the worker"


def test_interrupt(start):
    """Ctrl-C: KeyboardInterrupt unwinds, the programs are ended, and the threads that wait for them come back."""
    run, directory = start("alone")
    group = group_of(directory)
    run.send_signal(signal.SIGINT)
    assert wait_until(lambda: is_gone(group), PATIENCE), "helm outlived the run"


def environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}


def test_programs_that_ignore_sigterm_are_killed():
    with Processes() as processes:
        started = time.monotonic()
        with pytest.raises(TimeLimit):
            processes.run(
                ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"], environment=environment(), timeout=0.5
            )
        assert time.monotonic() - started < 6


def test_closing_ends_what_other_threads_wait_for():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool, Processes() as processes:
        waiting = [pool.submit(processes.run, ["sleep", "60"], environment=environment(), timeout=60) for _ in range(2)]
        assert wait_until(lambda: processes._running == 2, 10)
        started = time.monotonic()
        processes.close()
        assert [future.result().returncode for future in waiting] == [-signal.SIGTERM] * 2
        assert time.monotonic() - started < 3
        with pytest.raises(FleetError, match="the run has ended, sleep was not started"):
            processes.run(["sleep", "0"], environment=environment(), timeout=1)


def test_leader_that_was_killed_is_replaced():
    with Processes() as processes:
        processes.run(["true"], environment=environment(), timeout=10)
        os.kill(processes._leader.pid, signal.SIGKILL)
        processes._leader.wait()
        assert processes.run(["echo", "on"], environment=environment(), timeout=10).stdout == b"on\n"


def test_a_child_that_is_left_behind_does_not_hold_us():
    with Processes() as processes:
        started = time.monotonic()
        completed = processes.run(["/bin/sh", "-c", "sleep 30 & echo done"], environment=environment(), timeout=20)
        assert completed.stdout == b"done\n"
        assert time.monotonic() - started < 10


def test_program_that_is_not_there():
    with Processes() as processes, pytest.raises(FleetError, match=r"/nowhere/helm cannot be started: No such file"):
        processes.run(["/nowhere/helm"], environment=environment(), timeout=1)


def test_nothing_is_left_of_a_run_that_ended_well():
    with Processes() as processes:
        processes.run(["true"], environment=environment(), timeout=10)
        leader = processes._leader
    assert leader.returncode == 0


DEPLOY = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from ansible_collections.gitops.fleet.plugins.module_utils.chart.helm import HelmFinder
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory

with RunDirectory(Path(sys.argv[3])) as directory, HelmFinder(sys.argv[2], directory) as finder:
    helm = finder.find()
    wait = "--wait=watcher" if helm.is_helm_4 else "--wait"
    helm.run(
        ["upgrade", "killed", sys.argv[5], "--install", "--namespace", sys.argv[6], "--create-namespace", wait],
        kubeconfig=Path(sys.argv[4]).read_bytes(),
        timeout=300,
    )
"""

NEVER_READY = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: never}
spec:
  selector: {matchLabels: {app: never}}
  template:
    metadata: {labels: {app: never}}
    spec: {nodeSelector: {no: such-node}, containers: [{name: c, image: none}]}
"""


@pytest.mark.parametrize("name", ["helm4", "helm3"])
def test_release_of_a_killed_run_is_failed_and_not_pending(name, programs, lab, chart, tmp_path):
    """SIGTERM comes before SIGKILL, so that Helm can write down how it ended."""
    (chart / "templates/a.yaml").write_text(NEVER_READY)
    cluster = lab.cluster("dev-eu")
    namespace = f"killed-{name}-{os.getpid()}"
    helm = [str(programs / name), "--kubeconfig", str(cluster.kubeconfig), "--namespace", namespace]

    def status() -> str:
        found = subprocess.run([*helm, "status", "killed", "-o", "json"], capture_output=True, check=False)
        return json.loads(found.stdout)["info"]["status"] if found.returncode == 0 else ""

    arguments = [CHECKOUT / "build/collections", programs / name, tmp_path, cluster.kubeconfig, chart, namespace]
    run = subprocess.Popen([sys.executable, "-c", DEPLOY, *map(str, arguments)])
    try:
        assert wait_until(lambda: status() == "pending-install", 60)
        run.kill()
        assert wait_until(lambda: status() == "failed", 5)
    finally:
        run.kill()
        run.wait()
        subprocess.run([*helm, "uninstall", "killed"], check=False)
        kubectl = [str(programs / "kubectl"), "--kubeconfig", str(cluster.kubeconfig)]
        subprocess.run([*kubectl, "delete", "namespace", namespace, "--wait=false"], check=False)
