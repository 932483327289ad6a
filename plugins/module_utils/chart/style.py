# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of Fleet's styles a bundle has on a cluster: a Helm chart, a kustomization, raw manifests, or two of them.

Fleet's rules: ``internal/bundlereader/style.go``.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..bundle.charts import chart_directory

CHART_YAML = "Chart.yaml"
KUSTOMIZATION_YAML = "kustomization.yaml"


@dataclass(frozen=True)
class Style:
    """``chart_path`` is the Chart.yaml to deploy, '' if there is none; ``kustomize`` is whether a kustomization is."""

    chart_path: str = ""
    kustomize: bool = False

    @property
    def is_helm(self) -> bool:
        return bool(self.chart_path)

    @property
    def is_raw(self) -> bool:
        return not self.is_helm and not self.kustomize

    def __str__(self) -> str:
        if self.is_helm:
            return "Helm and Kustomize" if self.kustomize else "Helm"
        return "Kustomize" if self.kustomize else "raw YAML"


def determine_style(names: Iterable[str], options: dict[str, Any]) -> Style:
    """The style of a bundle with resources of these names, under the options that hold for a cluster."""
    helm = options.get("helm")
    chart_path = CHART_YAML
    fetched = ""
    if helm is not None:
        chart_path = _below(helm.get("chart") or helm.get("repo") or "", CHART_YAML)
        fetched = chart_directory(helm) + "/"
    kustomization = _below(kustomize_directory(options), KUSTOMIZATION_YAML)
    found = ""
    kustomize = False
    for name in names:
        if name == chart_path or (fetched and _is_fetched_chart(name, fetched)):
            # As in Fleet, the last one of several counts.
            found = name
        elif name == kustomization:
            kustomize = True
    return Style(found, kustomize)


def kustomize_directory(options: dict[str, Any]) -> str:
    """The directory of the kustomization, relative to the bundle."""
    return (options.get("kustomize") or {}).get("dir") or "."


def _below(directory: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(directory, name)).lstrip("/")


def _is_fetched_chart(name: str, directory: str) -> bool:
    if not name.startswith(directory):
        return False
    parts = name[len(directory) :].split("/")
    return len(parts) <= 2 and parts[-1] == CHART_YAML
