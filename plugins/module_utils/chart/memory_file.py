# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files for a child process that exist in memory only: values and kubeconfigs for Helm."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


class MemoryFile:
    """A file that only this process and the child that inherits ``descriptor`` can open.

    ``path`` is what the child is told. Opening it gives a new offset each time, so it can be read
    as often as the child likes. Where the system has no such files (other than Linux), it is a file
    of mode 0600 in ``directory``, and ``descriptor`` is None.
    """

    def __init__(self, content: bytes, directory: Path):
        self.descriptor: int | None = None
        if hasattr(os, "memfd_create"):
            self.descriptor = os.memfd_create("gitops.fleet", os.MFD_CLOEXEC)
            # Helm warns about kubeconfigs that others may read.
            os.fchmod(self.descriptor, 0o600)
            self.path = f"/dev/fd/{self.descriptor}"
        else:
            descriptor, self.path = tempfile.mkstemp(dir=directory)
            os.close(descriptor)
        self.write(content)

    def __enter__(self) -> MemoryFile:
        return self

    def __exit__(self, *_exception) -> None:
        self.close()

    def write(self, content: bytes) -> None:
        """Replace the content."""
        with self._open("wb") as file:
            file.truncate(0)
            file.seek(0)
            file.write(content)

    def read(self) -> bytes:
        """The whole content."""
        with self._open("rb") as file:
            file.seek(0)
            return file.read()

    def close(self) -> None:
        """Give the memory back, as soon as the child has ended too. Harmless when called twice."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None
        elif self.path.startswith("/dev/fd/"):
            return
        else:
            Path(self.path).unlink(missing_ok=True)

    def _open(self, mode: str):
        if self.descriptor is None:
            return open(self.path, mode)
        return open(self.descriptor, mode, closefd=False)
