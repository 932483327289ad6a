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
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import ClusterGroup

from .record import LabelCheck
from .snapshot import SnapshotCache
from .yaml_file import line_in


@dataclass(frozen=True)
class Source:
    """``number`` is its place in the list, counted from 0, of the inventory file ``inventory_file``.

    ``workspace`` and ``labels`` are for clusters that do not say their own. ``warnings`` collects
    what the user should know though the source could be read, ``cluster_groups`` the ClusterGroups
    that it knows. ``cache`` keeps what a hub said.
    """

    name: str
    number: int
    inventory_file: str
    options: Mapping[str, Any]
    workspace: str
    labels: Mapping[str, str]
    check_labels: LabelCheck
    cache: SnapshotCache = field(default_factory=SnapshotCache)
    warnings: list[str] = field(default_factory=list)
    cluster_groups: list[ClusterGroup] = field(default_factory=list)

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

    def strings(self, key: str) -> list[str]:
        """An option that is a string or a list of them. Raises FleetError."""
        value = self.options.get(key) or []
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            raise FleetError(f"{key} is not a string or a list of strings", place=self.place(key))
        return values

    def reference(self, written: str, folder: str | None = None) -> str:
        """A path as it is kept: absolute, counted from ``folder`` (the inventory file's). ``env:NAME`` stays."""
        if written.startswith(ENVIRONMENT_PREFIX):
            return written
        return os.path.normpath(os.path.join(folder or self.folder, os.path.expanduser(written)))

    def path(self, written: str) -> str:
        """A path as it is opened: like :meth:`reference`, with the value of an environment variable."""
        return resolve_path(self.reference(written))
