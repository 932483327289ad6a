# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts of a bundle: those in its directory and what they depend on, and those that come from elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..errors import FleetError
from ..source.charts import address
from ..source.tree import FileTree
from ..source.tree_index import TreeFiles, join
from . import go_yaml
from .fleet_yaml import decode, decode_values
from .go_types import BOOL, STRING, STRING_LIST, STRING_MAP, Field, Slice, Struct

CHART_FILE = "Chart.yaml"

LOCK_FILES = ("Chart.lock", "requirements.lock")

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


@dataclass(frozen=True)
class LocalChart:
    """A chart that lies in ``directory`` of a tree.

    ``dependencies`` are those of its Chart.yaml ({name, version, repository, alias}), or requirements.yaml; ``missing``
    are the names of those that ``charts/`` does not hold.
    """

    name: str
    directory: str
    dependencies: list[dict[str, Any]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return join(self.directory, CHART_FILE)


class ChartLoader(Protocol):
    """Loads what a bundle needs and its directory does not hold. Whoever reads bundles hands one in.

    ``mode`` tells loaders apart that make other bundles of the same files. ``loaded`` counts what was given out so far.
    """

    mode: str
    loaded: int

    @property
    def is_lasting(self) -> bool:
        """Whether all that was given out will be the same whenever it is loaded again."""

    def fetch(self, helm: Mapping[str, Any], bundle: str) -> FileTree:
        """The files of the chart that ``chart``, ``repo`` and ``version`` of these Helm options name.

        ``bundle`` is the bundle's directory, on which credentials may depend. Raises FleetError.
        """

    def complete(self, files: TreeFiles, chart: LocalChart, bundle: str) -> Mapping[str, bytes | None]:
        """The files that give a chart its dependencies, by path in the tree; None for one to be removed.

        Nothing where there is nothing to do. Raises FleetError.
        """


class VendoredCharts:
    """The loader that loads nothing: every chart, and every dependency of one, has to be in the repository."""

    mode = "vendored"
    loaded = 0
    is_lasting = True

    def fetch(self, helm: Mapping[str, Any], bundle: str) -> FileTree:
        """Raises FleetError, with the command that gets the chart."""
        raise FleetError(
            f"helm.chart is {_source(helm)}, which is not in the repository, and charts are not loaded from elsewhere "
            "here",
            remedy=f"Run `{_pull_command(helm)} --untar` in the bundle's directory, commit the chart, and write its "
            "directory as helm.chart, without helm.repo and helm.version.",
        )

    def complete(self, files: TreeFiles, chart: LocalChart, bundle: str) -> Mapping[str, bytes | None]:
        """Raises FleetError where a dependency is missing, with the command that gets it."""
        if chart.missing:
            raise missing_dependencies(chart)
        return {}


def missing_dependencies(chart: LocalChart) -> FleetError:
    """The error for a chart whose dependencies are not in ``charts/`` and are not to be loaded."""
    it = "it" if len(chart.missing) == 1 else "them"
    return FleetError(
        f"chart {chart.name} needs {', '.join(chart.missing)}, and charts/ does not hold {it}",
        place=chart.path,
        remedy=f"Run `helm dependency build {chart.directory or '.'}` and commit charts/, or set "
        "helm.disableDependencyUpdate: true in fleet.yaml if the chart works without.",
    )


def read_chart(files: TreeFiles, directory: str) -> LocalChart | None:
    """The chart in this directory, None where there is no Chart.yaml. Raises FleetError for a malformed one."""
    path = join(directory, CHART_FILE)
    if CHART_FILE not in files.index.children(directory) or files.index.resolve(path) is None:
        return None
    chart = _metadata(files.read_document(path), path)
    for link in files.index.broken_links(directory):
        raise FleetError(
            "is a symbolic link to nothing, and Helm reads no chart that holds one",
            place=link,
            remedy="Remove it or mend its target.",
        )
    _check_values(files, join(directory, "values.yaml"))
    dependencies = chart.get("dependencies") or _requirements(files, directory)
    present = set(_vendored(files, directory))
    missing = [name for item in dependencies if (name := item.get("name") or "") not in present]
    return LocalChart(chart["name"], directory, dependencies, missing)


def declared_dependencies(files: TreeFiles, directory: str) -> list[dict[str, Any]]:
    """All that Helm may come to load for the chart in this directory, whichever of its files says so.

    Helm mixes Chart.yaml with requirements.yaml where both have dependencies, and believes the addresses in a lock
    file whose digest is right, which anybody can make. Raises FleetError.
    """
    found: list[dict[str, Any]] = []
    for name in (CHART_FILE, "requirements.yaml", *LOCK_FILES):
        path = join(directory, name)
        if files.index.is_file(path):
            data = files.read_document(path)
            found += decode(go_yaml.load(data, path), _METADATA, data, path).get("dependencies") or []
    return found


def is_remote(files: TreeFiles, directory: str, helm: Mapping[str, Any]) -> bool:
    """Whether the chart of these Helm options has to be fetched: it has a repository, or is not in the directory."""
    if not (helm.get("chart") or helm.get("repo")):
        return False
    chart = helm.get("chart") or ""
    if helm.get("repo"):
        return True
    try:
        return files.index.resolve(join(directory, chart)) is None
    except FleetError:
        # What leads out of the repository as a path may be an address.
        if address.is_remote(chart):
            return True
        raise


def chart_directory(helm: Mapping[str, Any]) -> str:
    """Where a bundle holds a chart that was fetched from elsewhere (``checksum`` in Fleet's ``resources.go``)."""
    triple = ":".join(helm.get(name) or "" for name in ("chart", "repo", "version"))
    return ".chart/" + hashlib.sha256(triple.encode()).hexdigest()


def describe(helm: Mapping[str, Any]) -> str:
    """The chart of Helm options, for messages. As in Fleet, a chart in a registry is named by ``repo`` alone."""
    version = f", version {helm['version']}" if helm.get("version") else ""
    repository = helm.get("repo") or ""
    source = repository if repository.startswith(address.OCI_PREFIX) else _source(helm)
    return f"chart {source}{version}"


def _source(helm: Mapping[str, Any]) -> str:
    chart, repository = helm.get("chart") or "", helm.get("repo") or ""
    if repository.startswith(address.OCI_PREFIX) and chart:
        return f"{repository}/{chart}"
    if repository and chart:
        return f"{chart} from {address.shown(repository)}"
    return address.shown(repository or chart)


def _pull_command(helm: Mapping[str, Any]) -> str:
    chart, repository = helm.get("chart") or "", helm.get("repo") or ""
    version = f" --version {helm['version']}" if helm.get("version") else ""
    if repository and not repository.startswith(address.OCI_PREFIX):
        return f"helm pull {chart} --repo {repository}{version}"
    return f"helm pull {_source(helm)}{version}"


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
            yield packed_name(files.read_document(path), path)
        elif is_directory and CHART_FILE in files.index.children(path):
            yield _metadata(files.read_document(join(path, CHART_FILE)), join(path, CHART_FILE))["name"]
        elif not files.index.is_file(join(directory, ".helmignore")):
            raise FleetError(
                "is not a chart, and Helm takes everything in charts/ for one",
                place=path,
                remedy="Move it elsewhere, or let its name begin with '_'.",
            )


def packed_name(data: bytes, path: str) -> str:
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
