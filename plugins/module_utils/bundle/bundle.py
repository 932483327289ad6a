# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Bundle, Fleet's unit of deployment, as it travels from reading to deploying."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Bundle:
    """A Bundle in the shape of the custom resource ``bundles.fleet.cattle.io/v1alpha1``.

    ``namespace`` is the workspace. ``spec`` is a BundleSpec in Fleet's own JSON keys, with
    ``resources`` ({name, content, encoding}), ``targets``, ``targetRestrictions`` and the root
    options (``helm``, ``namespace``, …) inline. ``path`` is its directory in the repository as it was
    come to (see BundleRoot), for messages: it is no part of the resource.
    """

    name: str
    namespace: str
    spec: dict[str, Any]
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    path: str = field(default="", compare=False)

    def to_object(self) -> dict[str, Any]:
        """The whole custom resource, empty metadata left out."""
        metadata: dict[str, Any] = {"name": self.name}
        if self.namespace:
            metadata["namespace"] = self.namespace
        for key, value in (("labels", self.labels), ("annotations", self.annotations)):
            if value:
                metadata[key] = value
        return {"apiVersion": "fleet.cattle.io/v1alpha1", "kind": "Bundle", "metadata": metadata, "spec": self.spec}
