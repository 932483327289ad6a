# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One entry of the inventory file's ``sources``, as its reader gets it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import ENVIRONMENT_PREFIX, resolve_path

from .record import LabelCheck
from .yaml_file import line_in


@dataclass(frozen=True)
class Source:
    """``number`` is its place in the list, counted from 0, of the inventory file ``inventory_file``.

    ``workspace`` and ``labels`` are for clusters that do not say their own. ``warnings`` collects
    what the user should know though the source could be read.
    """

    name: str
    number: int
    inventory_file: str
    options: Mapping[str, Any]
    workspace: str
    labels: Mapping[str, str]
    check_labels: LabelCheck
    warnings: list[str] = field(default_factory=list)

    @property
    def folder(self) -> str:
        """The folder from which relative paths in the inventory file count."""
        return os.path.dirname(self.inventory_file)

    def place(self, *keys: str | int) -> str:
        """Where in the inventory file this source stands, or something in it: ``path:line``."""
        return line_in(self.inventory_file, "sources", self.number, *keys)

    def text(self, key: str) -> str:
        """An option that is a string, "" where it is not set. Raises FleetError."""
        value = self.options.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise FleetError(f"{key} is not a string", place=self.place(key))
        return value

    def reference(self, written: str, folder: str | None = None) -> str:
        """A path as it is kept: absolute, counted from ``folder`` (the inventory file's). ``env:NAME`` stays."""
        if written.startswith(ENVIRONMENT_PREFIX):
            return written
        return os.path.normpath(os.path.join(folder or self.folder, os.path.expanduser(written)))

    def path(self, written: str) -> str:
        """A path as it is opened: like :meth:`reference`, with the value of an environment variable."""
        return resolve_path(self.reference(written))
