# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The charts of one run as files that Helm reads: each built once, however many clusters it goes to."""

from __future__ import annotations

import io
import json
import tarfile
import threading
import zlib
from pathlib import Path

from ..private_files import RunDirectory
from ..target.deployment import BundleDeployment
from .chart import Chart, build_chart

_OPTIONS = ("yaml", "kustomize", "serviceAccount", "keepResources")
_HELM_OPTIONS = ("chart", "repo", "version")
"""The options that a chart depends on."""


class ChartStore:
    """Builds and keeps the charts of one run. Safe to be used by many threads."""

    def __init__(self, run: RunDirectory):
        self._directory = run.path / "charts"
        self._lock = threading.Lock()
        self._charts: dict[tuple, tuple[object, Chart]] = {}
        self._paths: dict[int, tuple[Chart, Path]] = {}

    def chart(self, deployment: BundleDeployment, commit: str = "") -> Chart:
        """The chart of a deployment: the same one for all clusters where the same options hold."""
        bundle = deployment.bundle
        key = (id(bundle), _key(deployment.options), commit)
        with self._lock:
            # The bundle is kept too, so that its id stays its own.
            if key not in self._charts:
                self._charts[key] = (bundle, build_chart(bundle, deployment.options, commit))
            return self._charts[key][1]

    def path(self, chart: Chart) -> Path:
        """The chart as an archive in the run's directory."""
        with self._lock:
            if id(chart) not in self._paths:
                self._directory.mkdir(mode=0o700, exist_ok=True)
                path = self._directory / f"{len(self._paths)}.tgz"
                path.write_bytes(pack(chart))
                self._paths[id(chart)] = (chart, path)
            return self._paths[id(chart)][1]


def pack(chart: Chart) -> bytes:
    """The chart as a .tgz. Not a directory: Helm would apply the chart's ``.helmignore``, as Fleet does not."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in chart.files.items():
            member = tarfile.TarInfo(f"chart/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    packing = zlib.compressobj(level=1, wbits=31)
    return packing.compress(buffer.getvalue()) + packing.flush()


def _key(options: dict) -> str:
    helm = options.get("helm")
    parts = [options.get(name) for name in _OPTIONS]
    parts.append(helm and [helm.get(name) for name in _HELM_OPTIONS])
    return json.dumps(parts, sort_keys=True)
