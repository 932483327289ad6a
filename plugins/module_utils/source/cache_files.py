# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the cache: written at once or not at all, and gone when nobody has used them for long."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path

from ..private_files import KEPT_DAYS


def write(path: Path, content: bytes) -> None:
    """Write a file (mode 0600), at once or not at all. Raises OSError."""
    descriptor, temporary = tempfile.mkstemp(prefix="new-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def use(path: Path) -> bool:
    """Whether the file is there; if so, it counts as used now. Raises OSError."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def sweep(directory: Path) -> None:
    """Remove the files in ``directory`` that nobody has used for 30 days."""
    oldest = time.time() - KEPT_DAYS * 24 * 3600
    for entry in os.scandir(directory):
        with contextlib.suppress(OSError):
            if entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime < oldest:
                os.unlink(entry.path)
