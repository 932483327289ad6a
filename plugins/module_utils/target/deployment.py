# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A BundleDeployment: one bundle on one cluster, with the options that hold there."""

from dataclasses import dataclass
from typing import Any

from ..bundle.bundle import Bundle
from .cluster import Cluster


@dataclass(frozen=True)
class BundleDeployment:
    """``options`` are BundleDeploymentOptions in Fleet's JSON keys, merged for this cluster."""

    bundle: Bundle
    cluster: Cluster
    options: dict[str, Any]
