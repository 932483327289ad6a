# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts that lie in a bundle's directory: are they whole, or were their dependencies left out?"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator
from typing import Any

from ..errors import FleetError
from ..source.tree_index import TreeFiles, join
from . import go_yaml

CHART_FILE = "Chart.yaml"

MAX_CHART_FILE = 1024 * 1024
"""How large the Chart.yaml of a packed dependency may be, in bytes."""

_VERSION = re.compile(
    r"v?(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))?(\.(0|[1-9][0-9]*))?(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
    r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)


def check_dependencies(files: TreeFiles, directory: str) -> None:
    """Refuse a chart in this directory that is malformed or whose dependencies are not in ``charts/``.

    Fleet would load them from the internet here, and write them into the source tree. Does nothing
    where there is no Chart.yaml. Raises FleetError.
    """
    path = join(directory, CHART_FILE)
    if CHART_FILE not in files.index.children(directory) or files.index.resolve(path) is None:
        return
    chart = _metadata(files.read(path), path)
    name = chart["name"]
    wanted = [item.get("name") or "" for item in chart.get("dependencies") or [] if isinstance(item, dict)]
    if not wanted:
        wanted = _requirements(files, directory)
    if not wanted:
        return
    present = set(_vendored(files, directory))
    missing = [item for item in wanted if item not in present]
    if missing:
        raise FleetError(
            f"chart {name} needs {', '.join(missing)}, and charts/ does not hold {_it(missing)}",
            place=path,
            remedy=f"Run `helm dependency build {directory or '.'}` and commit charts/, or set "
            "helm.disableDependencyUpdate: true in fleet.yaml if the chart works without.",
        )


def require_local(files: TreeFiles, directory: str, helm: dict[str, Any], place: str) -> None:
    """Refuse a chart that is not in the repository: nothing is loaded from the internet. Raises FleetError."""
    chart, repository = helm.get("chart") or "", helm.get("repo") or ""
    if not repository and files.index.resolve(join(directory, chart)) is not None:
        return
    if repository.startswith("oci://"):
        source = f"{repository}/{chart}" if chart else repository
        pull = f"helm pull {source}"
    elif repository:
        source = f"{chart} from {repository}"
        pull = f"helm pull {chart} --repo {repository}"
    else:
        source = chart
        pull = f"helm pull {chart}"
    version = f" --version {helm['version']}" if helm.get("version") else ""
    raise FleetError(
        f"helm.chart is {source}, which is not in the repository, and charts are not loaded from elsewhere yet",
        place=place,
        remedy=f"Run `{pull}{version} --untar` in the bundle's directory, commit the chart, and write its directory "
        "as helm.chart, without helm.repo and helm.version.",
    )


def _metadata(data: bytes, path: str) -> dict[str, Any]:
    """Chart.yaml, with what Helm insists on checked."""
    chart = go_yaml.load(data, path)
    if not isinstance(chart, dict):
        raise FleetError("is not a mapping", place=path, remedy="Write name and version of the chart.")
    name, version = chart.get("name"), chart.get("version")
    if not isinstance(name, str) or not name or "/" in name:
        raise FleetError("has no name that a chart can have", place=path, remedy="Write name: and a plain name.")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise FleetError(
            f"version {version!r} is not a semantic version", place=path, remedy='Write version: and, say, "1.0.0".'
        )
    return chart


def _requirements(files: TreeFiles, directory: str) -> list[str]:
    """The dependencies in requirements.yaml, where charts of API version v1 have them."""
    path = join(directory, "requirements.yaml")
    if not files.index.is_file(path):
        return []
    document = go_yaml.load(files.read(path), path)
    items = document.get("dependencies") if isinstance(document, dict) else None
    return [item.get("name") or "" for item in items or [] if isinstance(item, dict)]


def _vendored(files: TreeFiles, directory: str) -> Iterator[str]:
    """The names of the charts in ``charts/``, unpacked or packed."""
    charts = join(directory, "charts")
    if not files.index.is_directory(charts):
        return
    for entry, is_directory in files.index.children(charts).items():
        path = join(charts, entry)
        if entry.startswith(("_", ".")):
            continue
        if is_directory and CHART_FILE in files.index.children(path):
            yield _metadata(files.read(join(path, CHART_FILE)), join(path, CHART_FILE))["name"]
        elif entry.endswith(".tgz") and files.index.is_file(path):
            yield _packed_name(files.read(path), path)


def _packed_name(data: bytes, path: str) -> str:
    """The name of a packed chart, from the Chart.yaml in its top directory."""
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r|gz") as archive:
            for member in archive:
                parts = member.name.removeprefix("./").split("/")
                if len(parts) == 2 and parts[1] == CHART_FILE and member.isfile() and member.size <= MAX_CHART_FILE:
                    return _metadata(archive.extractfile(member).read(), f"{path}!{member.name}")["name"]
    except (tarfile.TarError, OSError, EOFError) as error:
        raise FleetError(f"is not a packed chart: {error}", place=path) from error
    raise FleetError("is not a packed chart: it holds no Chart.yaml", place=path)


def _it(missing: list[str]) -> str:
    return "it" if len(missing) == 1 else "them"
