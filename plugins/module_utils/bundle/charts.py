# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts that lie in a bundle's directory: are they whole, or were their dependencies left out?"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from typing import Any

from ..errors import FleetError
from ..source.tree_index import TreeFiles, join
from . import go_yaml
from .fleet_yaml import decode, decode_values
from .go_types import BOOL, STRING, STRING_LIST, STRING_MAP, Field, Slice, Struct

CHART_FILE = "Chart.yaml"

MAX_UNPACKED = 16 * 1024 * 1024
"""How many bytes of a packed dependency are unpacked to find its Chart.yaml."""

_VERSION = re.compile(
    r"v?[0-9]+(\.[0-9]+)?(\.[0-9]+)?"
    r"(-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?"
    r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)
"""A version as lenient as Helm is."""

_METADATA = Struct(
    "Metadata",
    (
        *(Field(name, STRING) for name in ("name", "home", "version", "description", "icon", "apiVersion")),
        *(Field(name, STRING) for name in ("condition", "tags", "appVersion", "kubeVersion", "type")),
        Field("sources", STRING_LIST),
        Field("keywords", STRING_LIST),
        Field("annotations", STRING_MAP),
        Field("deprecated", BOOL),
        Field(
            "dependencies",
            Slice(
                Struct(
                    "Dependency",
                    tuple(Field(name, STRING) for name in ("name", "version", "repository", "condition", "alias")),
                )
            ),
        ),
    ),
)
_ALIAS = re.compile(r"[a-zA-Z0-9_-]*")


def check_dependencies(files: TreeFiles, directory: str) -> None:
    """Refuse a chart in this directory that is malformed or whose dependencies are not in ``charts/``.

    Fleet would load them from the internet here, and write them into the source tree. Does nothing
    where there is no Chart.yaml. Raises FleetError.
    """
    path = join(directory, CHART_FILE)
    if CHART_FILE not in files.index.children(directory) or files.index.resolve(path) is None:
        return
    chart = _metadata(files.read_document(path), path)
    for link in files.index.broken_links(directory):
        raise FleetError(
            "is a symbolic link to nothing, and Helm reads no chart that holds one",
            place=link,
            remedy="Remove it or mend its target.",
        )
    _check_values(files, join(directory, "values.yaml"))
    wanted = [item.get("name") or "" for item in chart.get("dependencies") or _requirements(files, directory)]
    present = set(_vendored(files, directory))
    missing = [item for item in wanted if item not in present]
    if missing:
        raise FleetError(
            f"chart {chart['name']} needs {', '.join(missing)}, and charts/ does not hold {_it(missing)}",
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
    chart = decode(go_yaml.load(data, path), _METADATA, data, path)
    name, version, kind = chart.get("name", ""), chart.get("version", ""), chart.get("type", "")
    if name in ("", ".", "..") or "/" in name:
        raise FleetError(f"name {name!r} is no name of a chart", place=path, remedy="Write name: and a plain name.")
    if not _VERSION.fullmatch(version):
        raise FleetError(
            f"version {version!r} is not a semantic version", place=path, remedy='Write version: and, say, "1.0.0".'
        )
    if kind not in ("", "application", "library"):
        raise FleetError(f"type {kind!r} is no type of a chart", place=path, remedy="Write application or library.")
    _check_dependency_names(chart.get("dependencies") or [], path)
    return chart


def _check_dependency_names(dependencies: list[dict[str, Any]], path: str) -> None:
    names: set[str] = set()
    for item in dependencies:
        alias = item.get("alias") or ""
        if not _ALIAS.fullmatch(alias):
            raise FleetError(
                f"the alias {alias!r} of a dependency is not allowed",
                place=path,
                remedy="Use letters, digits, '-' and '_'.",
            )
        name = alias or item.get("name") or ""
        if name in names:
            raise FleetError(
                f"two dependencies have the name or alias {name}", place=path, remedy="Give one of them an alias."
            )
        names.add(name)


def _check_values(files: TreeFiles, path: str) -> None:
    """See that the chart's values are YAML: Helm loads them together with Chart.yaml."""
    if not files.index.is_file(path):
        return
    for document in re.split(rb"^---[^\n]*\n", files.read_document(path), flags=re.MULTILINE):
        if document.strip():
            decode_values(go_yaml.load(document, path), document, path)


def _requirements(files: TreeFiles, directory: str) -> list[dict[str, Any]]:
    """The dependencies in requirements.yaml, where charts of API version v1 have them."""
    path = join(directory, "requirements.yaml")
    if not files.index.is_file(path):
        return []
    data = files.read_document(path)
    return decode(go_yaml.load(data, path), _METADATA, data, path).get("dependencies") or []


def _vendored(files: TreeFiles, directory: str) -> Iterator[str]:
    """The names of the charts in ``charts/``, unpacked or packed."""
    charts = join(directory, "charts")
    if not files.index.is_directory(charts):
        return
    for entry, is_directory in files.index.children(charts).items():
        path = join(charts, entry)
        if entry.startswith(("_", ".")) or (entry.endswith(".prov") and not is_directory):
            continue
        if entry.endswith(".tgz") and files.index.is_file(path):
            yield _packed_name(files.read_document(path), path)
        elif is_directory and CHART_FILE in files.index.children(path):
            yield _metadata(files.read_document(join(path, CHART_FILE)), join(path, CHART_FILE))["name"]
        elif not files.index.is_file(join(directory, ".helmignore")):
            raise FleetError(
                "is not a chart, and Helm takes everything in charts/ for one",
                place=path,
                remedy="Move it elsewhere, or let its name begin with '_'.",
            )


def _packed_name(data: bytes, path: str) -> str:
    """The name of a packed chart, from the Chart.yaml in its top directory."""
    try:
        # Only so much is unpacked: it may be a bomb, and Helm puts Chart.yaml first.
        with gzip.open(io.BytesIO(data)) as stream:
            head = stream.read(MAX_UNPACKED)
        with tarfile.open(fileobj=io.BytesIO(head), mode="r:") as archive:
            for member in archive:
                parts = member.name.removeprefix("./").split("/")
                if len(parts) == 2 and parts[1] == CHART_FILE and member.isfile():
                    return _metadata(archive.extractfile(member).read(), f"{path}!{member.name}")["name"]
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise FleetError(f"is not a packed chart: {error}", place=path) from error
    raise FleetError("is not a packed chart: it holds no Chart.yaml", place=path)


def _it(missing: list[str]) -> str:
    return "it" if len(missing) == 1 else "them"
