# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running other programs (helm, kustomize) so that none of them outlives the run that started it.

Ansible's workers lead sessions of their own, so neither Ctrl-C nor a kill of ``ansible-playbook``
reaches their children. Therefore all programs of a run are in one process group, whose leader is a
small shell. It waits for the end of a pipe of which only this process holds the other side: however
this process ends, SIGKILL included, the leader sends the group SIGTERM (Helm then marks its release
failed, instead of leaving it pending) and 3 seconds later SIGKILL.
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
from typing import Protocol

from ..errors import FleetError

try:
    import resource
except ImportError:
    resource = None

GRACE = 3
"""Seconds between SIGTERM and SIGKILL. Together with PARENT_CHECK it stays under 5."""

PARENT_CHECK = 0.5
"""Seconds between two looks at whether the parent process still lives."""

MEMORY_LIMIT = 4 * 1024 * 1024 * 1024
"""Bytes of address space for one program: a template cannot take the machine's memory."""

STDOUT_LIMIT = 256 * 1024 * 1024
STDERR_LIMIT = 64 * 1024
"""Bytes that are kept. More output than STDOUT_LIMIT ends the program; of stderr the rest is dropped."""

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
        process = self._start(arguments, environment, tuple(descriptors), directory)
        try:
            return _Watch(process, arguments[0], conversation, stdout_limit).until(time.monotonic() + timeout)
        finally:
            _end(process)
            with self._lock:
                self._running -= 1

    def close(self) -> None:
        """End the run: programs that still run get SIGTERM and, 3 seconds later, SIGKILL."""
        with self._lock:
            self._ended = True
            self._dismiss_leader()

    def _start(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        descriptors: tuple[int, ...],
        directory: str | None,
    ) -> subprocess.Popen:
        with self._lock:
            for attempt in range(2):
                if self._ended:
                    raise FleetError(f"the run has ended, {os.path.basename(arguments[0])} was not started")
                try:
                    process = subprocess.Popen(
                        arguments,
                        env=environment,
                        cwd=directory,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE,
                        pass_fds=descriptors,
                        process_group=self._group(),
                    )
                except OSError as error:
                    # Somebody killed the leader: its group is gone, and a new one is needed.
                    if attempt == 0 and isinstance(error, PermissionError) and not self._leader_lives():
                        continue
                    raise FleetError(
                        f"{arguments[0]} cannot be started: {error.strerror}",
                        remedy="Make it executable, or name another one.",
                    ) from error
                _limit_memory(process)
                self._running += 1
                return process
        raise FleetError(f"{arguments[0]} cannot be started: its process group was ended from outside")

    def _group(self) -> int:
        """The process group of this run; its leader is started when it is first needed."""
        if not self._leader_lives():
            self._dismiss_leader()
            self._leader = subprocess.Popen(
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


class _Watch:
    """Collects the output of one process until it ends."""

    def __init__(self, process: subprocess.Popen, program: str, conversation: Conversation | None, stdout_limit: int):
        self._process = process
        self._program = os.path.basename(program)
        self._conversation = conversation
        self._limits = {process.stdout: stdout_limit, process.stderr: STDERR_LIMIT}
        self._output = {process.stdout: bytearray(), process.stderr: bytearray()}

    def until(self, deadline: float) -> Completed:
        """What the process wrote. Raises :class:`TimeLimit` at ``deadline`` (monotonic clock)."""
        process = self._process
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            selector.register(process.stderr, selectors.EVENT_READ)
            if self._conversation:
                selector.register(self._conversation, selectors.EVENT_READ)
            open_streams = 2
            while open_streams:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeLimit(f"{self._program} did not end in time")
                events = selector.select(min(left, 1.0))
                if not events and process.poll() is not None:
                    # A child that it left behind holds the streams open.
                    break
                for key, _mask in events:
                    if key.fileobj is self._conversation:
                        self._conversation.answer()
                    elif not self._read(key.fileobj):
                        selector.unregister(key.fileobj)
                        open_streams -= 1
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise TimeLimit(f"{self._program} did not end in time") from error
        stderr = bytes(self._output[process.stderr]).decode("utf-8", "replace")
        return Completed(process.returncode, bytes(self._output[process.stdout]), stderr)

    def _read(self, stream) -> bool:
        """Take in what is there. False at the end of the stream."""
        data = os.read(stream.fileno(), 1 << 20)
        output, limit = self._output[stream], self._limits[stream]
        if stream is self._process.stdout and len(output) + len(data) > limit:
            raise FleetError(f"{self._program} wrote more than {limit // (1024 * 1024)} MiB")
        output += data[: limit - len(output)]
        return bool(data)


def _limit_memory(process: subprocess.Popen) -> None:
    if resource is not None and hasattr(resource, "prlimit"):
        # It may have ended already.
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


def _end(process: subprocess.Popen) -> None:
    """Make sure that a process is gone: SIGTERM, then SIGKILL."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    # Only now: a Go program that writes into a closed pipe dies of it before it has tidied up.
    for stream in (process.stdout, process.stderr):
        stream.close()
