# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes are known by pid and start time, and nothing else is ever ended."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from lab import processes
from lab.processes import Identity


def start(directory: Path, *command: str) -> Identity:
    return processes.start(command, pid_file=directory / "pid", log=directory / "log", directory=directory)


def test_a_process_is_itself_and_no_other():
    this = processes.identify(os.getpid())
    assert this is not None
    assert processes.is_running(this)
    assert not processes.is_running(Identity(this.pid, this.started + 1))
    assert not processes.is_running(None)


def test_a_program_name_with_spaces_and_parentheses(tmp_path):
    program = tmp_path / "a) S 1 (b"
    shutil.copy("/bin/sleep", program)
    process = subprocess.Popen([program, "60"])
    try:
        assert processes.identify(process.pid).started >= processes.identify(os.getpid()).started
    finally:
        process.kill()
        process.wait()


def test_the_remains_of_a_process_are_not_running():
    process = subprocess.Popen(["/bin/true"])
    deadline = time.monotonic() + 10
    while processes.identify(process.pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert processes.identify(process.pid) is None
    process.wait()


def test_start_detaches_and_stop_ends(tmp_path):
    identity = start(tmp_path, "/bin/sleep", "60")
    assert processes.read(tmp_path / "pid") == identity
    assert os.getsid(identity.pid) == identity.pid
    assert processes.stop(tmp_path / "pid")
    assert not processes.is_running(identity)
    assert not (tmp_path / "pid").exists()
    assert not processes.stop(tmp_path / "pid")


def test_what_does_not_end_by_itself_is_killed(tmp_path):
    identity = start(tmp_path, "/bin/sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 60; done")
    while "deaf" not in (tmp_path / "log").read_text():
        time.sleep(0.01)
    child = subprocess.run(["pgrep", "-P", str(identity.pid)], capture_output=True, text=True).stdout.split()
    assert processes.stop(tmp_path / "pid", grace=0.2)
    assert not processes.is_running(identity)
    subprocess.run(["kill", *child], check=False)


def test_a_pid_that_is_used_again_is_left_alone(tmp_path):
    bystander = subprocess.Popen(["/bin/sleep", "60"])
    try:
        identity = processes.identify(bystander.pid)
        (tmp_path / "pid").write_text(f"{identity.pid} {identity.started - 1}\n")
        assert not processes.stop(tmp_path / "pid")
        assert processes.is_running(identity)
    finally:
        bystander.kill()
        bystander.wait()


def test_a_pid_file_that_is_not_whole_names_nobody(tmp_path):
    for content in ("", "1", "1 x", "one two three"):
        (tmp_path / "pid").write_text(content)
        assert processes.read(tmp_path / "pid") is None
    assert processes.read(tmp_path / "none") is None


def test_private_files_are_private(tmp_path):
    processes.write_private(tmp_path / "key", b"secret")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
