# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters and their groups, as targeting sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cluster:
    """A Fleet Cluster: ``namespace`` is its workspace, labels and annotations are the raw ones."""

    name: str
    namespace: str = "fleet-default"
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    template_values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ClusterGroup:
    """A Fleet ClusterGroup: ``selector`` is a LabelSelector, and None selects no cluster."""

    name: str
    namespace: str = "fleet-default"
    labels: dict[str, str] = field(default_factory=dict)
    selector: dict[str, Any] | None = None
