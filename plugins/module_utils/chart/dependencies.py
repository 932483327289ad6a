# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading the dependencies of a chart with ``helm dependency``, in a copy: the source tree is never written to."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bundle import go_gzip
from ..bundle.charts import LOCK_FILES, LocalChart, declared_dependencies, packed_name
from ..bundle.resources import MAX_BUNDLE, too_large
from ..errors import FleetError
from ..source.charts.address import OCI_PREFIX
from ..source.charts.credentials import ChartAccess, HelmCredentials
from ..source.charts.semver import is_exact
from ..source.tree_index import TreeFiles, join
from .helm import Helm, HelmError
from .helm_access import access_arguments

FILE_PREFIX = "file://"

_OUT_OF_SYNC = re.compile(r"is out of sync|failed to load lock")
_GENERATED = re.compile(rb"^generated: .*$", re.MULTILINE)
_NO_TIME = b'generated: "0001-01-01T00:00:00Z"'


@dataclass(frozen=True)
class Dependencies:
    """What ``charts/`` of a chart is to hold: contents by path in the tree, None for a file that is to go.

    ``versions`` are lines such as ``redis 1.2.3``. ``by_lock`` says that the versions are those of Chart.lock, and
    ``is_lasting`` that they would be the same another time.
    """

    changes: Mapping[str, bytes | None]
    versions: list[str]
    by_lock: bool
    is_lasting: bool

    def dump(self) -> bytes:
        """For the cache."""
        changes = {
            path: None if data is None else base64.b64encode(data).decode("ascii")
            for path, data in self.changes.items()
        }
        return json.dumps({"changes": changes, "versions": self.versions, "by_lock": self.by_lock}).encode()

    @classmethod
    def load(cls, data: bytes) -> Dependencies:
        """The reverse of :meth:`dump`; only lasting ones are kept."""
        document = json.loads(data)
        changes = {path: None if text is None else base64.b64decode(text) for path, text in document["changes"].items()}
        return cls(changes, document["versions"], document["by_lock"], True)


@dataclass(frozen=True)
class _Copy:
    """The files that Helm needs to see, by path: the chart's, and those of charts that it names by ``file://``.

    ``local`` are the names of the latter, ``addresses`` those of repositories and registries that it may ask.
    """

    chart: LocalChart
    files: dict[str, bytes]
    local: set[str]
    addresses: list[str]

    @property
    def lock(self) -> bytes | None:
        return next(
            (self.files[path] for name in LOCK_FILES if (path := join(self.chart.directory, name)) in self.files), None
        )


class DependencyUpdate:
    """Completes one chart. ``use_lock`` takes the versions of Chart.lock where it fits Chart.yaml, as Helm's build."""

    def __init__(self, files: TreeFiles, chart: LocalChart, *, use_lock: bool):
        """Reads what Helm will need. Raises FleetError, also for a ``file://`` that leaves the tree."""
        self._chart = chart
        self._copy = _copy(files, chart)
        self._use_lock = use_lock and self._copy.lock is not None

    @property
    def digest(self) -> str:
        """Of all that the result depends on but what repositories hold."""
        parts = [str(self._use_lock), self._chart.directory]
        parts += [f"{path} {hashlib.sha256(data).hexdigest()}" for path, data in sorted(self._copy.files.items())]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()

    @property
    def is_lasting(self) -> bool:
        """Whether the versions are all told: by Chart.lock, or as whole versions of what does not change."""
        return self._use_lock or all(
            (item.get("repository") or "").startswith(FILE_PREFIX) or is_exact(item.get("version") or "")
            for item in self._chart.dependencies
            if item.get("repository")
        )

    def run(
        self,
        helm: Helm,
        access: ChartAccess,
        credentials: HelmCredentials,
        load_index: Callable[[str], bytes],
        *,
        timeout: float,
    ) -> Dependencies:
        """Let Helm load the dependencies. ``timeout`` is in seconds. Raises FleetError.

        ``load_index`` gives the index.yaml of a repository.
        """
        with tempfile.TemporaryDirectory(prefix="dependencies-", dir=helm.directory) as name:
            work = Path(name)
            tree = work / "tree"
            for path, data in self._copy.files.items():
                _write(tree / path, data)
            try:
                arguments = access_arguments(work, access, credentials, self._copy.addresses, load_index)
                by_lock = self._run(helm, tree, arguments, credentials, timeout)
            except FleetError as error:
                raise self._failure(error, tree) from error
            changes = self._changes(tree)
        return Dependencies(
            changes, _versions(changes, self._copy.lock), by_lock, self.is_lasting and by_lock is self._use_lock
        )

    def _run(self, helm: Helm, tree: Path, arguments: list[str], credentials: HelmCredentials, timeout: float) -> bool:
        """Returns whether the lock file was followed."""
        options = [str(tree / self._chart.directory), "--skip-refresh", *arguments]
        if self._use_lock:
            try:
                helm.run(["dependency", "build", *options], timeout=timeout, secrets=credentials.secrets)
                return True
            except HelmError as error:
                if not _OUT_OF_SYNC.search(error.problem):
                    raise
        helm.run(["dependency", "update", *options], timeout=timeout, secrets=credentials.secrets)
        return False

    def _failure(self, error: FleetError, tree: Path) -> FleetError:
        reason = f"{error.place}: {error.problem}" if error.place else error.problem
        reason = reason.replace(f"{tree}/", "").replace(f"{tree.parent}/", "").rstrip(".")
        remedy = f"{error.remedy} Or run" if error.remedy else "Run"
        return FleetError(
            f"the dependencies of chart {self._chart.name} cannot be loaded: {reason}",
            place=self._chart.path,
            remedy=f"{remedy} `helm dependency build {self._chart.directory or '.'}` where they can be reached, and "
            "commit charts/.",
        )

    def _changes(self, tree: Path) -> dict[str, bytes | None]:
        """What Helm wrote into the chart and took out of it. What tells of the time of the run is taken away."""
        changes: dict[str, bytes | None] = {}
        size = 0
        for path in self._written(tree):
            file = tree / path
            size += file.stat().st_size
            if size > MAX_BUNDLE:
                raise too_large(path)
            data = file.read_bytes()
            if data != self._copy.files.get(path):
                changes[path] = self._without_time(path, data)
        charts = join(self._chart.directory, "charts") + "/"
        for path in self._copy.files:
            if path.startswith(charts) and not (tree / path).is_file():
                changes[path] = None
        return changes

    def _written(self, tree: Path) -> Iterator[str]:
        for name in LOCK_FILES:
            path = join(self._chart.directory, name)
            if (tree / path).is_file():
                yield path
        for file in sorted((tree / self._chart.directory / "charts").glob("*.tgz")):
            if file.is_file() and not file.is_symlink():
                yield file.relative_to(tree).as_posix()

    def _without_time(self, path: str, data: bytes) -> bytes:
        """Helm writes the time into Chart.lock and into charts that it packs itself: every run would give others."""
        if path.endswith(LOCK_FILES):
            return _GENERATED.sub(_NO_TIME, data)
        return _repacked(data) if packed_name(data, path) in self._copy.local else data


def _copy(files: TreeFiles, chart: LocalChart) -> _Copy:
    found = _below(files, chart.directory, chart.directory)
    local, addresses = set(), []
    for item in declared_dependencies(files, chart.directory):
        name, repository = item.get("name") or "", item.get("repository") or ""
        if "/" in name or name in (".", ".."):
            raise FleetError(f"{name!r} is no name of a dependency", place=chart.path, remedy="Write a plain name.")
        if repository.startswith(FILE_PREFIX):
            local.add(name)
            found |= _local_dependency(files, chart, name, repository)
        elif repository.startswith(("http://", "https://", OCI_PREFIX)):
            addresses.append(repository.rstrip("/"))
    if sum(map(len, found.values())) > MAX_BUNDLE:
        raise too_large(chart.path)
    return _Copy(chart, found, local, addresses)


def _local_dependency(files: TreeFiles, chart: LocalChart, name: str, repository: str) -> dict[str, bytes]:
    path = repository.removeprefix(FILE_PREFIX)
    problem = f"the dependency {name} ({repository}) of chart {chart.name} "
    if path.startswith("/"):
        raise FleetError(
            problem + "is an absolute path, and only what the repository holds is read",
            place=chart.path,
            remedy="Write a path relative to the chart, such as file://../common.",
        )
    try:
        directory = files.index.resolve(join(chart.directory, path))
    except FleetError as error:
        raise FleetError(
            problem + "leads out of the repository",
            place=chart.path,
            remedy="Copy that chart into the repository.",
        ) from error
    if directory is None or not files.index.is_directory(directory):
        raise FleetError(problem + "is no directory of the repository", place=chart.path)
    return _below(files, directory, join(chart.directory, path))


def _below(files: TreeFiles, directory: str, written: str) -> dict[str, bytes]:
    """The files below a directory, links followed, by their path below ``written``."""
    found = {}
    size = 0
    for path in files.index.files_below(directory):
        if not files.index.is_file(path):
            continue
        size += files.size(path)
        if size > MAX_BUNDLE:
            raise too_large(path)
        found[join(written, path[len(directory) :].lstrip("/"))] = files.read(path)
    return found


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_bytes(data)


def _repacked(data: bytes) -> bytes:
    """The same packed chart without times and owners, so that the same files are the same bytes."""
    result = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as source,
        tarfile.open(fileobj=result, mode="w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in source:
            if member.isreg():
                plain = tarfile.TarInfo(member.name)
                plain.size = member.size
                target.addfile(plain, source.extractfile(member))
    return go_gzip.compress(result.getvalue())


def _versions(changes: Mapping[str, bytes | None], lock: bytes | None) -> list[str]:
    """``redis 1.2.3`` for each dependency, as the lock file says that Helm wrote, or that was there."""
    written = next((data for path, data in changes.items() if path.endswith(LOCK_FILES) and data), lock) or b""
    found: list[dict[str, Any]] = []
    for line in written.decode("utf-8", "replace").splitlines():
        key, _colon, value = line.removeprefix("- ").strip().partition(": ")
        if line.startswith("- "):
            found.append({})
        if found and key in ("name", "version"):
            found[-1][key] = value.strip("\"'")
    return [f"{item.get('name', '')} {item.get('version', '')}".strip() for item in found]
