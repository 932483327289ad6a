# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that outlive the command that started them, and how to end those and no others.

A process is known by its pid together with the moment at which it started, since pids are used again.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# The new process writes its own pid file before it becomes the program, so that there is no moment, not
# even when the starter is killed, in which it runs and no file knows it. Field 22 of the stat file is the
# start time; up to there nothing but "(sh)" could hold a space, and it does not.
_RECORD_AND_RUN = 'echo "$$ $(cut -d" " -f22 /proc/$$/stat)" > "$0.new" && mv "$0.new" "$0" && exec "$@"'

# What this process started itself: kept so that those which end are reaped, and no zombies stay.
_children: list[subprocess.Popen] = []


@dataclass(frozen=True)
class Identity:
    """One process, for ever: ``started`` is in clock ticks since the machine was booted."""

    pid: int
    started: int


def identify(pid: int) -> Identity | None:
    """The identity of the process that has this pid now; None if there is none, or only its remains."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The program's name stands in parentheses and may hold spaces and parentheses itself.
    fields = stat[stat.rindex(")") + 2 :].split()
    state, started = fields[0], int(fields[19])
    return None if state in "ZX" else Identity(pid, started)


def is_running(identity: Identity | None) -> bool:
    """True if this very process, not merely one of the same pid, is alive."""
    return identity is not None and identify(identity.pid) == identity


def read(pid_file: Path) -> Identity | None:
    """What a pid file says; None if there is no file, or not a whole one."""
    try:
        pid, started = pid_file.read_text(encoding="ascii").split()
        return Identity(int(pid), int(started))
    except (FileNotFoundError, ValueError):
        return None


def start(
    command: Sequence[str | Path],
    *,
    pid_file: Path,
    log: Path,
    directory: Path,
    environment: Mapping[str, str] | None = None,
) -> Identity:
    """Start ``command`` in ``directory``, detached from terminal and session, its output in ``log``.

    ``environment`` is added to ours. Returns once the pid file is written.
    """
    pid_file.unlink(missing_ok=True)
    with open(log, "ab", opener=_private) as output:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _RECORD_AND_RUN, pid_file, *command],
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _children.append(process)
    while (identity := read(pid_file)) is None:
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} could not be started; see {log}")
        time.sleep(0.002)
    return identity


def stop(pid_file: Path, grace: float = 10) -> bool:
    """End the process that ``pid_file`` names, by force after ``grace`` seconds, and remove the file.

    Returns True if it was running.
    """
    return stop_all([pid_file], grace) == 1


def stop_all(pid_files: Sequence[Path], grace: float = 10) -> int:
    """The same for many at once, which share the ``grace``. Returns how many were running."""
    running = [identity for path in pid_files if is_running(identity := read(path))]
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 10)):
        for identity in running:
            _send(identity, number)
        deadline = time.monotonic() + seconds
        while any(map(is_running, running)) and time.monotonic() < deadline:
            time.sleep(0.02)
    for path in pid_files:
        path.unlink(missing_ok=True)
    return len(running)


def _send(identity: Identity, number: signal.Signals) -> None:
    """Send a signal to this very process: a pidfd stays with it, should its pid be used again meanwhile."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return
    try:
        if is_running(identity):
            signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        pass  # it ended by itself
    finally:
        os.close(descriptor)


def run(command: Sequence[str | Path], stdin: bytes = b"") -> subprocess.CompletedProcess:
    """Run a command to its end, and catch what it prints."""
    return subprocess.run(command, input=stdin, capture_output=True)


def write_private(path: Path, content: bytes) -> None:
    """Replace ``path`` in one step by a file that only its owner may read."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    with open(new, "wb", opener=_private) as file:
        file.write(content)
    os.replace(new, path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
