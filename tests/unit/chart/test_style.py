# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The style of a bundle, by Fleet's rules."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.charts import chart_directory
from ansible_collections.gitops.fleet.plugins.module_utils.chart.style import (
    Style,
    determine_style,
)

REMOTE = {"chart": "web", "repo": "https://charts.example.com", "version": "1.x"}
FETCHED = chart_directory(REMOTE)


@pytest.mark.parametrize(
    ("names", "options", "style"),
    [
        ([], {}, Style()),
        (["a.yaml"], {}, Style()),
        (["Chart.yaml", "values.yaml"], {}, Style("Chart.yaml")),
        (["Chart.yaml"], {"helm": {}}, Style("Chart.yaml")),
        (["sub/Chart.yaml"], {}, Style()),
        (["sub/Chart.yaml"], {"helm": {"chart": "sub"}}, Style("sub/Chart.yaml")),
        (["sub/Chart.yaml"], {"helm": {"chart": "./sub/"}}, Style("sub/Chart.yaml")),
        (["sub/Chart.yaml"], {"helm": {"chart": "/sub"}}, Style("sub/Chart.yaml")),
        (["sub/Chart.yaml"], {"helm": {"repo": "sub"}}, Style("sub/Chart.yaml")),
        ([f"{FETCHED}/web/Chart.yaml"], {"helm": REMOTE}, Style(f"{FETCHED}/web/Chart.yaml")),
        ([f"{FETCHED}/Chart.yaml"], {"helm": REMOTE}, Style(f"{FETCHED}/Chart.yaml")),
        # The chart in charts/ of a fetched chart is not the chart itself.
        ([f"{FETCHED}/web/charts/db/Chart.yaml"], {"helm": REMOTE}, Style()),
        ([f"{FETCHED}/web/Chart.yaml"], {"helm": {**REMOTE, "version": "2.x"}}, Style()),
        (["kustomization.yaml"], {}, Style(kustomize=True)),
        (["kustomization.yml"], {}, Style()),
        (["Kustomization"], {}, Style()),
        (["over/kustomization.yaml"], {}, Style()),
        (["over/kustomization.yaml"], {"kustomize": {"dir": "over"}}, Style(kustomize=True)),
        (["over/kustomization.yaml"], {"kustomize": {"dir": "./over/"}}, Style(kustomize=True)),
        (["Chart.yaml", "kustomization.yaml"], {}, Style("Chart.yaml", kustomize=True)),
    ],
)
def test_style(names, options, style):
    assert determine_style(names, options) == style


def test_kinds_of_styles():
    assert Style("Chart.yaml").is_helm
    assert not Style("Chart.yaml").is_raw
    assert Style().is_raw
    assert not Style(kustomize=True).is_raw
    assert str(Style("Chart.yaml", kustomize=True)) == "Helm and Kustomize"
