# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of the chart in a release that is up to date, told without building the chart."""

from __future__ import annotations

from ..bundle import go_yaml
from ..bundle.content import decode_resource
from ..chart.style import determine_style
from .labels import COMMIT
from .plan import Step


def deployed_version(step: Step) -> str:
    """The chart's own version, or the one that Fleet makes of the commit for what is no chart ('' without one)."""
    deployment = step.wanted.deployment
    resources = {item.get("name", ""): item for item in deployment.bundle.spec.get("resources") or []}
    style = determine_style(resources, deployment.options)
    if not style.is_helm:
        commit = step.release.labels.get(COMMIT, "")
        return f"v0.0.0+git-{commit[:12]}" if commit else ""
    metadata = go_yaml.load(decode_resource(resources[style.chart_path]), style.chart_path)
    return str(metadata.get("version") or "") if isinstance(metadata, dict) else ""
