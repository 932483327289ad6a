# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files for a child process that exist in memory only: values and kubeconfigs for Helm."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import BinaryIO


class MemoryFile:
    """A file that only this process and a child that inherits its descriptor can open.

    ``path`` is what the child is told. Opening it gives a new offset each time, so it can be read as
    often as the child likes. Where the system has no such files (other than Linux), it is a file of
    mode 0600 in ``directory`` (by default the system's for temporary files).
    """

    def __init__(self, content: bytes = b"", directory: Path | None = None):
        self._is_memory = hasattr(os, "memfd_create")
        if self._is_memory:
            self.descriptor = os.memfd_create("gitops.fleet", os.MFD_CLOEXEC)
            # Helm warns about kubeconfigs that others may read.
            os.fchmod(self.descriptor, 0o600)
            self.path = f"/dev/fd/{self.descriptor}"
        else:
            self.descriptor, self.path = tempfile.mkstemp(dir=directory)
        if content:
            self.write(content)

    def __enter__(self) -> MemoryFile:
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    @property
    def inherited(self) -> list[int]:
        """The descriptors that the child has to inherit to open ``path``."""
        return [self.descriptor] if self._is_memory else []

    def write(self, content: bytes) -> None:
        """Replace the content."""
        with self._open("wb") as file:
            file.truncate(0)
            file.seek(0)
            file.write(content)

    def read(self, limit: int = -1) -> bytes:
        """The content from its beginning, all of it or at most ``limit`` bytes."""
        with self._open("rb") as file:
            file.seek(0)
            return file.read(limit)

    def close(self) -> None:
        """Give the memory back, as soon as the child has ended too."""
        os.close(self.descriptor)
        if not self._is_memory:
            Path(self.path).unlink(missing_ok=True)

    def _open(self, mode: str) -> BinaryIO:
        return open(self.descriptor, mode, closefd=False)
