# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import time
from pathlib import Path

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source import git_command
from ansible_collections.gitops.fleet.plugins.module_utils.source.git_command import (
    AnswerTooLarge,
    GitCommand,
    GitTimeout,
    check_version,
)


@pytest.fixture
def git(tmp_path):
    return GitCommand(tmp_path, tmp_path)


def shell(command: str) -> tuple[str, ...]:
    """Arguments that make git run a command, which none of our own do."""
    return ("-c", f"alias.run=!{command}", "run")


def test_what_it_wrote_and_how_it_ended(git):
    completed = git.run(*shell("echo out; echo err >&2; exit 3"), timeout=30)
    assert (completed.status, completed.output, completed.errors) == (3, b"out\n", "err\n")


def test_settings_and_variables_reach_git(tmp_path):
    git = GitCommand(tmp_path, tmp_path, {"user.name": "a b"}, {"GREETING": "hello"})
    assert git.run("config", "user.name", timeout=30).output == b"a b\n"
    assert git.run(*shell("echo $GREETING $HOME"), timeout=30).output == f"hello {tmp_path}\n".encode()


def test_variables_of_the_user_do_not(git, monkeypatch):
    for name in ("GIT_TRACE", "GIT_SSL_NO_VERIFY", "GIT_CONFIG_PARAMETERS", "SSH_AUTH_SOCK", "SSH_ASKPASS"):
        monkeypatch.setenv(name, "1")
    environment = git.run(*shell("env"), timeout=30).output.decode()
    for name in ("GIT_TRACE=", "GIT_SSL_NO_VERIFY=", "SSH_AUTH_SOCK=", "SSH_ASKPASS="):
        assert name not in environment
    assert "GIT_CONFIG_GLOBAL=/dev/null" in environment


def test_nothing_is_left_after_the_time_limit(git):
    started = time.monotonic()
    with pytest.raises(GitTimeout, match="did not end within"):
        git.run(*shell("sleep 4711.25 & sleep 4711.25"), timeout=0.5)
    assert time.monotonic() - started < 10
    assert ends("4711.25")


def test_a_background_process_that_keeps_the_output_open_does_not_hold_us(git):
    started = time.monotonic()
    with pytest.raises(GitTimeout):
        git.run(*shell("sleep 4712.25 &"), timeout=1)
    assert time.monotonic() - started < 10
    assert ends("4712.25")


def ends(argument: str) -> bool:
    """Whether no process with this argument is left. One that was killed is there until the kernel comes to it."""
    deadline = time.monotonic() + 5
    while running(argument) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not running(argument)


def running(argument: str) -> list[Path]:
    """Processes with this argument, those left out that have ended and not been waited for."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if argument.encode() in (process / "cmdline").read_bytes().split(b"\0"):
                found.append(process)
        except OSError:
            continue
    return found


def test_an_answer_without_end(git):
    with pytest.raises(AnswerTooLarge, match="more than 100000 bytes"):
        git.run(*shell("yes"), timeout=30, largest=100_000)


def test_of_endless_errors_the_last_are_kept(git):
    completed = git.run(*shell("yes | head -c 300000 >&2; echo last >&2"), timeout=30)
    assert len(completed.errors) <= 64 * 1024
    assert completed.errors.endswith("last\n")


def test_git_that_is_missing_or_too_old(tmp_path, git, monkeypatch):
    monkeypatch.setattr(git_command, "OLDEST_GIT", (99, 0))
    with pytest.raises(FleetError, match=r"git \d+\.\d+ is too old.*Install git"):
        check_version(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FleetError, match="git is not found"):
        git.run("version", timeout=30)
