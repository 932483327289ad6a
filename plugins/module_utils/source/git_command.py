# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running git, with nothing of the user's or the machine's git settings, and never without an end."""

from __future__ import annotations

import functools
import importlib
import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import FleetError

OLDEST_GIT = (2, 32)
"""The first version that can be told by environment to read no settings of the user (GIT_CONFIG_GLOBAL)."""

_SETTINGS = {
    # Nothing that a repository or a server brings along may run a command.
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.askPass": "",
    "core.attributesFile": os.devnull,
    "credential.helper": "",
    "protocol.ext.allow": "never",
    "fetch.recurseSubmodules": "false",
    "transfer.bundleURI": "false",
    # One pack for each fetch, and no work in the background.
    "fetch.unpackLimit": "1",
    "fetch.writeCommitGraph": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    # Larger files are written to disk as they arrive instead of being held in memory.
    "core.bigFileThreshold": "16m",
}

_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ALLOW_PROTOCOL": "",
}

_NOT_INHERITED = ("GIT_", "SSH_")
"""Variables of these names are hidden from git. Some count by being there at all (GIT_SSL_NO_VERIFY)."""

_environment_lock = threading.Lock()

_CHUNK = 64 * 1024
_LARGEST_ERROR_TEXT = 64 * 1024
_LARGEST_ANSWER = 64 * 1024 * 1024


class GitTimeout(FleetError):
    """Git did not end in time, and was killed."""


class AnswerTooLarge(FleetError):
    """Git wrote more than was asked to be kept, and was killed."""


@dataclass(frozen=True)
class Completed:
    """A git process that ended by itself. ``errors`` is what it wrote to stderr, at most its last 64 KiB."""

    status: int
    output: bytes
    errors: str


@dataclass(frozen=True)
class GitCommand:
    """Git, ready to run in one bare repository.

    ``home`` is a private directory that takes the place of the user's home. ``settings`` are
    further git settings and ``environment`` further variables; neither ends up in a file or in
    arguments.
    """

    repository: Path
    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, timeout: float, largest: int = _LARGEST_ANSWER) -> Completed:
        """Run git to its end.

        ``timeout`` is in seconds, ``largest`` the number of bytes that it may write to stdout.
        Raises GitTimeout, AnswerTooLarge, or FleetError where git cannot be started. Whatever
        happens, no process of it is left.
        """
        deadline = time.monotonic() + timeout
        running = self.start(*arguments)
        try:
            output, errors = _collect(running.proc, deadline, largest)
            status = running.proc.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise GitTimeout(
                f"git {arguments[0]} did not end within {timeout:.0f} s",
                remedy="Run this again when the machine is less busy.",
            ) from None
        finally:
            end(running)
        return Completed(status, output, errors.decode(errors="replace"))

    def start(self, *arguments: str, stdin: int | None = None) -> Any:
        """Start git in a session of its own.

        Returns GitPython's handle: its ``proc`` is a :class:`subprocess.Popen`, and git is ended when
        the handle is no longer used. ``stdin`` may be ``subprocess.PIPE``. Raises FleetError.
        """
        git = _gitpython()
        try:
            with _hidden_variables():
                return git.cmd.Git(str(self.repository)).execute(
                    [git.cmd.Git.GIT_PYTHON_GIT_EXECUTABLE or "git", *arguments],
                    istream=stdin,
                    as_process=True,
                    env=self._environment(),
                    start_new_session=True,
                )
        except git.exc.GitCommandNotFound as error:
            raise FleetError(
                "git is not found", remedy="Install git, version 2.32 or later, on the machine that runs this task."
            ) from error
        except OSError as error:
            raise FleetError(f"git cannot be started: {error.strerror}") from error

    def _environment(self) -> dict[str, str]:
        variables = {
            **_ENVIRONMENT,
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home),
            "GIT_DIR": str(self.repository),
            **self.environment,
        }
        settings = {**_SETTINGS, **self.settings}
        variables["GIT_CONFIG_COUNT"] = str(len(settings))
        for number, (key, value) in enumerate(settings.items()):
            variables[f"GIT_CONFIG_KEY_{number}"] = key
            variables[f"GIT_CONFIG_VALUE_{number}"] = value
        return variables


def check_version(home: Path) -> None:
    """Raise FleetError unless git is there and new enough to be kept from the user's settings."""
    version = _version(home)
    if version < OLDEST_GIT:
        raise FleetError(
            f"git {'.'.join(map(str, version))} is too old: it cannot be kept from the user's git settings",
            remedy="Install git, version 2.32 or later, on the machine that runs this task.",
        )


@functools.cache
def _version(home: Path) -> tuple[int, ...]:
    completed = GitCommand(home, home).run("version", timeout=30)
    found = re.search(rb"(\d+)\.(\d+)", completed.output)
    return tuple(int(part) for part in found.groups()) if found else (0,)


def end(running: Any) -> None:
    """Kill what :meth:`GitCommand.start` started, with all its children, unless it has ended; close its pipes."""
    process = running.proc
    # Not poll(): as long as git has not been waited for, its process ID cannot be that of somebody else.
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            with suppress(BrokenPipeError):
                stream.close()


def _gitpython() -> Any:
    # Else the import itself fails where git is missing, with advice for programmers.
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    try:
        return importlib.import_module("git")
    except ImportError as error:
        raise FleetError(
            "the Python library GitPython is not there",
            remedy="Install it for the Python that runs this task: pip install GitPython.",
        ) from error


@contextmanager
def _hidden_variables() -> Iterator[None]:
    """Hide the user's git variables while a process starts, for GitPython hands on all of os.environ."""
    with _environment_lock:
        hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(_NOT_INHERITED)}
        try:
            yield
        finally:
            os.environ.update(hidden)


def _collect(process: subprocess.Popen, deadline: float, largest: int) -> tuple[bytes, bytes]:
    """Read stdout whole and the last part of stderr, until both end."""
    output, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, output)
        selector.register(process.stderr, selectors.EVENT_READ, errors)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise subprocess.TimeoutExpired(process.args, 0)
            for key, _events in ready:
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                key.data.extend(chunk)
            if len(output) > largest:
                raise AnswerTooLarge(f"git wrote more than {largest} bytes")
            del errors[:-_LARGEST_ERROR_TEXT]
    return bytes(output), bytes(errors)
