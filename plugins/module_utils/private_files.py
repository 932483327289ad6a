# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that may hold secrets, and the cache: where they lie, who may read them, how they go."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import FleetError

PREFIX = "gitops-fleet-"

KEPT_DAYS = 30
"""What nobody has used for so long is removed from the cache."""

CACHE_REMEDY = "Make room there or make it writable, or name another directory with cache_dir."


def cache_directory(configured: str | None = None) -> Path:
    """The directory for mirrors and builds (mode 0700): ``configured``, or the user's cache.

    Nothing in it is needed by the next run; an AWX job starts with an empty one.
    """
    if configured:
        path = Path(configured).expanduser()
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        path = Path(base) / "gitops.fleet"
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise FleetError(
            f"the cache directory cannot be made: {error.strerror}",
            place=str(path),
            remedy="Make it writable, or name another one with cache_dir.",
        ) from error
    return path


@contextmanager
def cache_errors(path: Path) -> Iterator[None]:
    """Turn errors of the file system into FleetErrors that name the cache."""
    try:
        yield
    except OSError as error:
        raise FleetError(
            f"the cache cannot be written: {error.strerror}", place=str(path), remedy=CACHE_REMEDY
        ) from error


class RunDirectory:
    """A directory of mode 0700 for one run, in memory where the system has /dev/shm.

    It is removed when the run ends; what a killed run left is removed by the next one to start.
    A lock held on the file ``lock`` for as long as the process lives tells the two apart.
    """

    def __init__(self, base: Path | None = None):
        self._base = base or _memory_backed_base()
        _sweep(self._base)
        try:
            self.path, self._lock = _locked_directory(self._base)
        except OSError as error:
            raise FleetError(
                f"no directory for the files of this run can be made: {error.strerror}",
                place=str(self._base),
                remedy="Make room there, or name another directory with the environment variable TMPDIR.",
            ) from error

    def __enter__(self) -> RunDirectory:
        return self

    def __exit__(self, *_exception) -> None:
        self.remove()

    def remove(self) -> None:
        """Delete the directory and everything in it. Harmless when called twice."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write(self, name: str, content: str | bytes, mode: int = 0o600) -> Path:
        """Write a private file into the directory; ``name`` may have parent directories."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        data = content.encode() if isinstance(content, str) else content
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        return path


def _memory_backed_base() -> Path:
    shm = Path("/dev", "shm")
    if shm.is_dir() and os.access(shm, os.W_OK | os.X_OK):
        return shm
    return Path(tempfile.gettempdir())


def _locked_directory(base: Path) -> tuple[Path, int | None]:
    """A new directory, and the descriptor of its lock file, which is held.

    Another run that starts may take it for a dead one's before it is locked; then another is made.
    """
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        lock = os.open(path / "lock", os.O_WRONLY | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (path / "lock").exists():
            return path, lock
        os.close(lock)


def _sweep(base: Path) -> None:
    """Remove the run directories in ``base`` that are ours and whose process is gone."""
    for path in base.glob(f"{PREFIX}*"):
        try:
            if path.is_symlink() or path.lstat().st_uid != os.getuid():
                continue
            with open(path / "lock", "r+", encoding="ascii") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            # Still locked, already gone, or between its mkdir and its lock: not ours to remove now.
            continue
