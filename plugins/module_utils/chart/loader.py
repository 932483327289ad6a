# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading what bundles need and their repository does not hold (the ``ChartLoader`` of bundle/charts.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..bundle.charts import LocalChart, missing_dependencies
from ..private_files import RunDirectory
from ..source.charts.archive import ArchiveTree
from ..source.charts.cache import ChartCache
from ..source.charts.credentials import ChartAccess, HelmCredentials
from ..source.charts.download import DEFAULT_TIMEOUT
from ..source.tree_index import TreeFiles
from .dependencies import Dependencies, DependencyUpdate
from .helm import Helm
from .remote_charts import RemoteCharts

AUTO, NEVER, ALWAYS = "auto", "never", "always"
"""What is done about dependencies that ``charts/`` does not hold: loaded, refused; loaded anew whatever it holds."""


_MOST_HELD = 256 * 1024 * 1024
"""About how many bytes of fetched charts are held for the bundles that follow."""


class ChartLoader:
    """Loads charts for the bundles of one GitRepo (or for one bundle), each of them once.

    ``owner`` names the GitRepo: what its login gave is kept in the cache for it alone. ``find_helm`` is called when
    Helm is first needed. ``timeout`` is in seconds, for each chart. After reading, ``warnings`` say what was loaded
    that would better be in the repository.
    """

    def __init__(
        self,
        owner: str,
        access: ChartAccess,
        find_helm: Callable[[], Helm],
        cache: Path,
        run: RunDirectory,
        *,
        dependency_update: str = AUTO,
        timeout: float = DEFAULT_TIMEOUT,
    ):
        self.mode = dependency_update
        self.loaded = 0
        self.warnings: list[str] = []
        self._owner = owner
        self._access = access
        self._find_helm = find_helm
        self._cache = ChartCache(cache)
        self._timeout = timeout
        self._remote = RemoteCharts(owner, access, find_helm, cache, run, timeout)
        self._trees: dict[tuple, ArchiveTree] = {}
        self._held = 0
        self._dependencies: dict[tuple, Dependencies] = {}

    @property
    def is_lasting(self) -> bool:
        """A build that warns is made anew too, so that the next run warns again."""
        return self._remote.is_lasting and not self.warnings

    def fetch(self, helm: Mapping[str, Any], bundle: str) -> ArchiveTree:
        """The files of a chart that is elsewhere. Raises FleetError."""
        chart, repository, version = (helm.get(name) or "" for name in ("chart", "repo", "version"))
        credentials = self._access.of_bundle(bundle)
        key = (chart, repository, version, credentials)
        self.loaded += 1
        if key not in self._trees:
            tree = self._remote.fetch(chart, repository, version, credentials)
            self._held += tree.size
            if self._held > _MOST_HELD:
                self._trees.clear()
                self._held = tree.size
            self._trees[key] = tree
        return self._trees[key]

    def complete(self, files: TreeFiles, chart: LocalChart, bundle: str) -> Mapping[str, bytes | None]:
        """What gives a chart its dependencies. Raises FleetError."""
        if self.mode == NEVER and chart.missing:
            raise missing_dependencies(chart)
        if not chart.missing and not (self.mode == ALWAYS and chart.dependencies):
            return {}
        self.loaded += 1
        credentials = self._access.of_bundle(bundle)
        update = DependencyUpdate(files, chart, use_lock=self.mode != ALWAYS)
        key = (update.digest, credentials)
        if key not in self._dependencies:
            self._dependencies[key] = self._load_dependencies(update, credentials)
            self._warn(chart, bundle, self._dependencies[key])
        return self._dependencies[key].changes

    def _load_dependencies(self, update: DependencyUpdate, credentials: HelmCredentials) -> Dependencies:
        owner = self._owner if credentials.has_login else ""
        if update.is_lasting and (kept := self._cache.find(owner, "dependencies", update.digest)):
            return Dependencies.load(kept[1])

        def load_index(repository: str) -> bytes:
            return self._remote.index(repository, credentials)

        found = update.run(self._find_helm(), self._access, credentials, load_index, timeout=self._timeout)
        if found.is_lasting:
            self._cache.keep("dependencies.json", found.dump(), owner, "dependencies", update.digest)
        return found

    def _warn(self, chart: LocalChart, bundle: str, dependencies: Dependencies) -> None:
        versions = ", ".join(dependencies.versions) or ", ".join(chart.missing)
        text = f"{chart.path} (bundle {bundle}): the dependencies of chart {chart.name} were loaded: {versions}. "
        if dependencies.by_lock:
            text += "Chart.lock was followed; Fleet itself takes the newest versions that Chart.yaml allows. "
        self.warnings.append(
            f"{text}Run `helm dependency build {chart.directory or '.'}` and commit charts/, so that what is deployed "
            "is what was reviewed, and needs no network."
        )
