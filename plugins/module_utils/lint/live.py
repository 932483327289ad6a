# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan has in its hands, for the rules that need objects of a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..target.deployment import BundleDeployment


@dataclass(frozen=True)
class LiveDeployment:
    """A bundle on a cluster, and what is there now.

    ``namespace_labels`` and ``namespace_annotations`` are those of the release's namespace (None: it
    is not there yet). ``values_from`` is what ``helm.valuesFrom`` gives, merged. ``modified`` are
    the objects that differ from the release: ``apiVersion``, ``kind``, ``namespace``, ``name``.
    """

    deployment: BundleDeployment
    namespace_labels: Mapping[str, str] | None = None
    namespace_annotations: Mapping[str, str] | None = None
    values_from: Mapping[str, Any] = field(default_factory=dict)
    modified: Sequence[Mapping[str, str]] = ()

    @property
    def place(self) -> str:
        """Cluster and bundle, for messages: a plan has no files."""
        cluster = self.deployment.cluster
        return f"cluster {cluster.namespace}/{cluster.name}, bundle {self.deployment.bundle.name}"
