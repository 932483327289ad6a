# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running other programs (helm, kustomize) so that none of them outlives the run that started it.

Ansible's workers lead sessions of their own, so neither Ctrl-C nor a kill of ``ansible-playbook``
reaches their children. Therefore all programs of a run are in one process group, whose leader is a
small shell. It waits for the end of a pipe of which only this process holds the other side: however
this process ends, SIGKILL included, the leader sends the group SIGTERM (Helm then marks its release
failed, instead of leaving it pending) and 3 seconds later SIGKILL. Programs write into memory files,
not pipes: with nobody left to read, a pipe would end Helm at its first word.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import FleetError
from .memory_file import MemoryFile

try:
    import resource
except ImportError:
    resource = None

GRACE = 3
"""Seconds between SIGTERM and SIGKILL. Together with PARENT_CHECK it stays under 5."""

PARENT_CHECK = 0.5
"""Seconds between two looks at whether the parent process still lives."""

MEMORY_LIMIT = 4 * 1024 * 1024 * 1024
"""Bytes of address space for one program."""

STDOUT_LIMIT = 256 * 1024 * 1024
"""Bytes that a program may write to stdout, and into any file: more ends it."""

STDERR_LIMIT = 64 * 1024
"""Bytes of stderr that are read."""

_POLL = 0.02
"""Seconds between two looks at a program, where the system cannot tell of its end."""

_LEADER = f"trap '' HUP INT TERM; if read -r _; then exit 0; fi; kill -TERM 0; sleep {GRACE}; kill -KILL 0"


@dataclass(frozen=True)
class Completed:
    """How a program ended: its exit status (negative: killed by that signal) and what it wrote."""

    returncode: int
    stdout: bytes
    stderr: str


class Conversation(Protocol):
    """Something that a running program asks of us: ``answer`` is called when ``fileno`` can be read."""

    def fileno(self) -> int:
        """The descriptor by which the program asks."""

    def answer(self) -> None:
        """Read the question and answer it."""


class TimeLimit(FleetError):
    """A program took longer than it was given, and was ended."""


class Processes:
    """The programs of one run. Safe to be used by many threads at once.

    Use it as a context manager inside any thread pool that uses it: leaving it ends what still
    runs, so that the pool's threads come to an end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leader: subprocess.Popen | None = None
        self._running = 0
        self._ended = False
        self._watching = False

    @property
    def ended(self) -> bool:
        """Whether the run is over: closed, or its parent process is gone."""
        return self._ended

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    def run(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str],
        timeout: float,
        descriptors: Iterable[int] = (),
        conversation: Conversation | None = None,
        directory: str | None = None,
        stdout_limit: int = STDOUT_LIMIT,
    ) -> Completed:
        """Run a program to its end, without input, and return what it wrote.

        ``descriptors`` are inherited under their own numbers; ``timeout`` is in seconds. Raises
        :class:`TimeLimit`, or :class:`FleetError` if the program cannot be started, writes more
        than ``stdout_limit`` bytes, or the run has ended.
        """
        name = os.path.basename(arguments[0])
        with MemoryFile() as stdout, MemoryFile() as stderr:
            process = self._start(
                arguments,
                env=environment,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=stdout.descriptor,
                stderr=stderr.descriptor,
                pass_fds=tuple(descriptors),
            )
            try:
                _limit(process, stdout_limit)
                _wait(process, name, conversation, time.monotonic() + timeout)
            finally:
                _end(process)
                with self._lock:
                    self._running -= 1
            output = stdout.read()
            if len(output) >= stdout_limit:
                raise FleetError(f"{name} wrote more than {stdout_limit // (1024 * 1024)} MiB")
            return Completed(process.returncode, output, stderr.read(STDERR_LIMIT).decode("utf-8", "replace"))

    def close(self) -> None:
        """End the run: programs that still run get SIGTERM and, 3 seconds later, SIGKILL."""
        with self._lock:
            self._ended = True
            self._dismiss_leader()

    def _start(self, arguments: Sequence[str], **settings: Any) -> subprocess.Popen:
        with self._lock:
            for attempt in range(2):
                if self._ended:
                    raise FleetError(f"the run has ended, {os.path.basename(arguments[0])} was not started")
                try:
                    # run_command, which ansible-test wants, belongs to modules and knows no process groups.
                    process = subprocess.Popen(  # pylint: disable=ansible-bad-function
                        arguments, process_group=self._group(), **settings
                    )
                except OSError as error:
                    # Somebody killed the leader: its group is gone, and a new one is needed.
                    if attempt == 0 and isinstance(error, PermissionError) and not self._leader_lives():
                        continue
                    raise FleetError(
                        f"{arguments[0]} cannot be started: {error.strerror}",
                        remedy="Make it executable, or name another one.",
                    ) from error
                self._running += 1
                return process
        raise FleetError(f"{arguments[0]} cannot be started: its process group was ended from outside")

    def _group(self) -> int:
        """The process group of this run; its leader is started when it is first needed."""
        if not self._leader_lives():
            self._dismiss_leader()
            self._leader = subprocess.Popen(  # pylint: disable=ansible-bad-function
                ["/bin/sh", "-c", _LEADER],
                env={"PATH": os.environ.get("PATH", os.defpath)},
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
            self._watch_parent()
        return self._leader.pid

    def _leader_lives(self) -> bool:
        return self._leader is not None and self._leader.poll() is None

    def _dismiss_leader(self) -> None:
        """Close the leader's pipe, after a word that nothing is left to end if that is so."""
        leader, self._leader = self._leader, None
        if leader is None:
            return
        try:
            if not self._running:
                leader.stdin.write(b"\n")
            leader.stdin.close()
        except OSError:
            # It has been killed; then there is nobody to tell.
            pass
        if not self._running:
            leader.wait()

    def _watch_parent(self) -> None:
        """In a worker of Ansible, end the run when ``ansible-playbook`` is gone, be it by SIGKILL."""
        parent = multiprocessing.parent_process()
        if parent is not None and not self._watching:
            self._watching = True
            threading.Thread(target=self._until_parent_ends, args=(parent.pid,), daemon=True).start()

    def _until_parent_ends(self, parent: int) -> None:
        while not self._ended:
            if os.getppid() != parent:
                self.close()
            time.sleep(PARENT_CHECK)


def _wait(process: subprocess.Popen, name: str, conversation: Conversation | None, deadline: float) -> None:
    """Until the process ends, answer what it asks. Raises :class:`TimeLimit` at ``deadline`` (monotonic clock)."""
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        patience: float | None = _POLL
        # Not every system, kernel and sandbox has it.
        with contextlib.suppress(AttributeError, OSError):
            end = os.pidfd_open(process.pid)
            stack.callback(os.close, end)
            selector.register(end, selectors.EVENT_READ)
            patience = None
        if conversation:
            selector.register(conversation, selectors.EVENT_READ)
        while process.poll() is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeLimit(f"{name} did not end in time")
            for key, _mask in selector.select(left if patience is None else min(left, patience)):
                if key.fileobj is conversation:
                    conversation.answer()


def _limit(process: subprocess.Popen, output: int) -> None:
    """Bound what a process may take, where the system can: a template cannot have the machine's memory."""
    if resource is None or not hasattr(resource, "prlimit"):
        return
    # It may have ended already, or a sandbox may not allow it.
    with contextlib.suppress(OSError):
        for kind, wanted in ((resource.RLIMIT_AS, MEMORY_LIMIT), (resource.RLIMIT_FSIZE, output)):
            _soft, hard = resource.prlimit(process.pid, kind)
            limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.prlimit(process.pid, kind, (limit, limit))


def _end(process: subprocess.Popen) -> None:
    """Make sure that a process is gone: SIGTERM, then SIGKILL."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
