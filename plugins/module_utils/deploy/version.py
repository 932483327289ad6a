# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of the charts in releases that are up to date, told without building the charts."""

from __future__ import annotations

from ..bundle import go_yaml
from ..bundle.content import decode_resource
from ..chart.style import determine_style
from ..errors import FleetError
from ..target.deployment import BundleDeployment
from .labels import COMMIT
from .plan import Step


class DeployedVersions:
    """Looks once at what many clusters share. The steps must outlive this: their bundles are told apart by identity."""

    def __init__(self):
        self._versions: dict[tuple[int, int], str | None] = {}

    def of(self, step: Step) -> str:
        """The chart's own version, or the one that Fleet makes of the commit for what is no chart; '' if unknown."""
        deployment = step.wanted.deployment
        key = id(deployment.bundle), id(deployment.options)
        if key not in self._versions:
            try:
                self._versions[key] = _chart_version(deployment)
            except FleetError:
                self._versions[key] = ""
        version = self._versions[key]
        if version is not None:
            return version
        commit = step.release.labels.get(COMMIT, "")
        return f"v0.0.0+git-{commit[:12]}" if commit else ""


def _chart_version(deployment: BundleDeployment) -> str | None:
    """The version in the bundle's own Chart.yaml, None where Fleet makes one of the commit."""
    resources = {item.get("name", ""): item for item in deployment.bundle.spec.get("resources") or []}
    style = determine_style(resources, deployment.options)
    if not style.is_helm:
        # Where overlays apply, Fleet makes a version of the content.
        overlays = style.is_raw and (deployment.options.get("yaml") or {}).get("overlays")
        return "" if overlays else None
    metadata = go_yaml.load(decode_resource(resources[style.chart_path]), style.chart_path)
    return str(metadata.get("version") or "") if isinstance(metadata, dict) else ""
