# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cached copy of a repository: a bare git repository without work tree, safe to share between runs.

Two locks stand beside each mirror. Whoever fetches holds the first one alone. Whoever reads holds
the second one together with other readers; it is held alone by whoever removes objects. Reading
and fetching go on at the same time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import FleetError
from ..private_files import CACHE_REMEDY, KEPT_DAYS, cache_errors
from .git_command import GitCommand, GitTimeout
from .url import RepoUrl

_MARKER = "gitops-fleet-unfinished"
_WRITES_INTO = "GITOPS_FLEET_WRITES_INTO"
_FETCH_LOCK, _READ_LOCK = ".fetch.lock", ".read.lock"
_MOST_PACKS = 30
_PAUSE = 0.05
_LONGEST_PAUSE = 1.0


class Deadline:
    """A point in time ``seconds`` from now."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds until then, at least 0."""
        return max(0.0, self._at - time.monotonic())


class Lock:
    """A lock on a file, shared or not, that ends with the last process that has it open."""

    def __init__(self, path: Path):
        with cache_errors(path):
            self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def try_to_take(self, *, shared: bool = False) -> bool:
        try:
            fcntl.flock(self.descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def mark_used(self) -> None:
        """Set the time at which the file was last used."""
        os.utime(self.descriptor)

    def release(self) -> None:
        """Harmless when called twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class Mirror:
    """The mirror of one repository, at ``<cache>/git/<digest of its address>``."""

    def __init__(self, cache: Path, url: RepoUrl):
        digest = hashlib.sha256(url.for_git().encode()).hexdigest()
        self.cache = cache
        self._directory = cache / "git"
        with cache_errors(self._directory):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = (self._directory / digest).resolve()

    @contextmanager
    def fetching(self, deadline: Deadline) -> Iterator[Lock]:
        """Hold the lock of those who fetch. Raises FleetError where another run holds it for too long."""
        lock = Lock(self.path.with_suffix(_FETCH_LOCK))
        try:
            self._wait_for(lock, deadline)
            lock.mark_used()
            yield lock
        finally:
            lock.release()

    def reading(self, deadline: Deadline) -> Lock:
        """Take the lock of those who read; the caller releases it. Raises FleetError."""
        lock = Lock(self.path.with_suffix(_READ_LOCK))
        try:
            self._wait_for(lock, deadline, shared=True)
        except BaseException:
            lock.release()
            raise
        return lock

    @property
    def writer_environment(self) -> dict[str, str]:
        """For git processes that write into the mirror, so that those of a killed run can be told."""
        return {_WRITES_INTO: str(self.path)}

    def prepare(self, home: Path, deadline: Deadline) -> bool:
        """Make the mirror ready to fetch into; True if it is new. To be called while ``fetching``.

        One that a killed fetch may have left broken is made anew.
        """
        with cache_errors(self._directory):
            if self._is_whole():
                return False
            if self.path.exists():
                self._end_orphans()
                self.discard(deadline)
            new = Path(tempfile.mkdtemp(prefix="new-", dir=self._directory))
            try:
                completed = GitCommand(new, home).run("init", "--quiet", "--bare", "--template=", timeout=30)
                if completed.status != 0:
                    raise FleetError(
                        f"a mirror cannot be made: {completed.errors.strip()}",
                        place=str(self._directory),
                        remedy=CACHE_REMEDY,
                    )
                new.rename(self.path)
            finally:
                shutil.rmtree(new, ignore_errors=True)
        return True

    def _is_whole(self) -> bool:
        there = (self.path / "HEAD").is_file() and (self.path / "objects").is_dir()
        return there and not (self.path / _MARKER).exists()

    @contextmanager
    def unfinished(self) -> Iterator[None]:
        """Mark the mirror as broken while git writes into it. The mark stays where git, or we, are killed."""
        with cache_errors(self.path):
            (self.path / _MARKER).touch(mode=0o600)
            yield
            (self.path / _MARKER).unlink()

    def mark_broken(self) -> None:
        """Let the next run make the mirror anew."""
        with suppress(OSError):
            (self.path / _MARKER).touch(mode=0o600)

    def discard(self, deadline: Deadline) -> None:
        """Remove the mirror, when nobody reads it any more. To be called while ``fetching``."""
        lock = Lock(self.path.with_suffix(_READ_LOCK))
        try:
            self._wait_for(lock, deadline)
            with cache_errors(self.path):
                # Renamed first: a removal that is interrupted leaves no half of a mirror in its place.
                old = Path(tempfile.mkdtemp(prefix="old-", dir=self._directory))
                self.path.rename(old / "mirror")
                shutil.rmtree(old, ignore_errors=True)
        finally:
            lock.release()

    def tidy(self, git: GitCommand, deadline: Deadline) -> None:
        """Remove leftovers, and put many packs together unless somebody reads. To be called while ``fetching``."""
        self._sweep()
        for leftover in (*self._directory.glob("old-*"), *self._directory.glob("new-*")):
            with suppress(FileNotFoundError):
                if time.time() - leftover.stat().st_mtime > 3600:
                    shutil.rmtree(leftover, ignore_errors=True)
        if sum(1 for _pack in self.path.glob("objects/pack/*.pack")) <= _MOST_PACKS:
            return
        lock = Lock(self.path.with_suffix(_READ_LOCK))
        try:
            if lock.try_to_take():
                with suppress(GitTimeout), self.unfinished():
                    git.run("gc", "--quiet", "--prune=now", timeout=deadline.left)
        finally:
            lock.release()

    def _sweep(self) -> None:
        """Remove the mirrors of repositories that no run has asked for in a long time.

        Their lock files stay: another run may be about to take them.
        """
        oldest = time.time() - KEPT_DAYS * 24 * 3600
        for file in self._directory.glob(f"*{_FETCH_LOCK}"):
            mirror = file.with_name(file.name.removesuffix(_FETCH_LOCK))
            with suppress(OSError):
                if file.stat().st_mtime < oldest and mirror.is_dir():
                    _remove_unless_used(mirror)

    def _wait_for(self, lock: Lock, deadline: Deadline, *, shared: bool = False) -> None:
        pause = _PAUSE
        while not lock.try_to_take(shared=shared):
            if not deadline.left:
                raise FleetError(
                    f"another run has been busy with this repository for {deadline.seconds:.0f} s",
                    place=str(self.path),
                    remedy="Wait until it ends, or raise timeout.",
                )
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _end_orphans(self) -> None:
        """Kill the git processes that write into this mirror. While we are ``fetching``, their run is gone."""
        mark = f"{_WRITES_INTO}={self.path}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            # An OSError: of another user, or gone in the meantime.
            with suppress(OSError):
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    os.kill(int(process.name), signal.SIGKILL)


def _remove_unless_used(mirror: Path) -> None:
    locks = [Lock(mirror.with_name(mirror.name + suffix)) for suffix in (_FETCH_LOCK, _READ_LOCK)]
    try:
        if all(lock.try_to_take() for lock in locks):
            # Renamed first, as in Mirror.discard.
            old = Path(tempfile.mkdtemp(prefix="old-", dir=mirror.parent))
            mirror.rename(old / "mirror")
            shutil.rmtree(old, ignore_errors=True)
    finally:
        for lock in locks:
            lock.release()
