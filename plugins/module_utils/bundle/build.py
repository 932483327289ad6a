# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Built bundles on their way from the task that reads them to the task that deploys them: a file in the cache."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import FleetError
from ..private_files import cache_errors
from ..source import cache_files
from ..source.git import Fetched
from ..source.gitrepo import GitRepo
from ..source.scan import find_bundles
from .bundle import Bundle
from .charts import ChartLoader, VendoredCharts
from .earlier import NOTHING, EarlierBundles
from .reader import read_bundles
from .settings import COMMIT_LABEL, settings_of

FORMAT = 1
"""The version of the file's layout. Another version is not read."""


@dataclass(frozen=True)
class Build:
    """The bundles of one commit of a GitRepo. ``commit`` is '' where they do not come from git."""

    gitrepo: GitRepo
    commit: str
    bundles: list[Bundle]

    def save(self, cache: Path) -> Path:
        """Write ``<cache>/builds/<digest of the content>.json`` (mode 0600) at once or not at all; return its path.

        Files that nobody has used for 30 days are removed. Raises FleetError.
        """
        content = json.dumps(self._to_json(), separators=(",", ":")).encode()
        directory = cache / "builds"
        path = directory / f"{hashlib.sha256(content).hexdigest()}.json"
        with cache_errors(directory):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (cache_files.use(path) and path.stat().st_size == len(content)):
                cache_files.write(path, content)
            cache_files.sweep(directory)
        return path

    @classmethod
    def load(cls, path: Path) -> Build:
        """Read a file that :meth:`save` wrote. Raises FleetError where it is gone or is something else."""
        path = Path(path)
        again = "Run the task that made it (fleet_gitrepo or fleet_bundle) again, in the same play."
        try:
            data = json.loads(path.read_bytes())
            if data["format"] != FORMAT:
                raise FleetError(
                    f"was made by another version of this collection (format {data['format']})",
                    place=str(path),
                    remedy=again,
                )
            bundles = [_bundle(item) for item in data["bundles"]]
            return cls(GitRepo.from_dict(data["gitrepo"]), data["gitrepo"]["commit"], bundles)
        except OSError as error:
            raise FleetError(f"cannot be read: {error.strerror}", place=str(path), remedy=again) from error
        except (ValueError, KeyError, TypeError) as error:
            raise FleetError("is not a file with built bundles", place=str(path), remedy=again) from error

    def _to_json(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "gitrepo": {**self.gitrepo.to_dict(), "commit": self.commit},
            "bundles": [
                {
                    "metadata": {
                        "name": bundle.name,
                        "namespace": bundle.namespace,
                        "labels": bundle.labels,
                        "annotations": bundle.annotations,
                    },
                    "spec": bundle.spec,
                    "path": bundle.path,
                }
                for bundle in self.bundles
            ],
        }


def build_gitrepo(
    gitrepo: GitRepo, fetched: Fetched, cache: Path, loader: ChartLoader | None = None
) -> tuple[Build, Path]:
    """The bundles of a fetched GitRepo, and the file that they are saved in.

    ``loader`` loads charts that the repository does not hold; without it they are errors. A tree that
    was read before, for the same GitRepo, is not read again, unless charts were loaded for it that may
    be others now; of another tree, the directories that are the same as in the last build are not read
    again. Raises FleetError with the GitRepo, the file and, where there is one, the line as its place.
    """
    loader = loader or VendoredCharts()
    index = BuildIndex(cache, loader.mode)
    build = index.find(fetched.tree.oid, gitrepo, fetched.commit)
    if build is not None:
        path = build.save(cache)
    else:
        latest = LatestBuild(cache, gitrepo, loader.mode)
        try:
            earlier = EarlierBundles(fetched.tree.directories(), latest.bundles(fetched.commit))
            roots = find_bundles(fetched.tree, gitrepo.paths, gitrepo.bundles)
            bundles = read_bundles(fetched.tree, roots, gitrepo, fetched.commit, earlier, loader)
        except FleetError as error:
            raise error if error.place.startswith(gitrepo.place) else error.at(gitrepo.place) from error
        build = Build(gitrepo, fetched.commit, bundles)
        path = build.save(cache)
        latest.remember(path, earlier.names)
    if loader.is_lasting:
        index.remember(fetched.tree.oid, gitrepo, path)
    return build, path


class BuildIndex:
    """Remembers which build a tree gave, so that an unchanged tree is not read again.

    The key is all that reading depends on: the tree's git object id, the GitRepo, the loader's ``mode``,
    and the code that reads. The commit is not part of it: it is in the bundles' label alone.
    """

    def __init__(self, cache: Path, mode: str = ""):
        self._cache = cache
        self._mode = mode
        self._directory = cache / "builds" / "index"

    def find(self, tree_oid: str, gitrepo: GitRepo, commit: str) -> Build | None:
        """The build of this tree, with ``commit`` in its bundles' labels; None if there is none."""
        entry = self._directory / self._key(tree_oid, gitrepo)
        try:
            build = Build.load(self._cache / "builds" / entry.read_text(encoding="ascii"))
        except (OSError, FleetError):
            return None
        cache_files.use(entry)
        return build if build.commit == commit else _with_commit(build, commit)

    def remember(self, tree_oid: str, gitrepo: GitRepo, path: Path) -> None:
        """Let :meth:`find` find the file that :meth:`Build.save` wrote."""
        with cache_errors(self._directory):
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            cache_files.write(self._directory / self._key(tree_oid, gitrepo), path.name.encode())
            cache_files.sweep(self._directory)

    def _key(self, tree_oid: str, gitrepo: GitRepo) -> str:
        parts = [FORMAT, _version_of_readers(), self._mode, tree_oid, gitrepo.to_dict()]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class LatestBuild:
    """The last build of a GitRepo, and which directory each of its bundles was read from (see EarlierBundles)."""

    def __init__(self, cache: Path, gitrepo: GitRepo, mode: str = ""):
        self._cache = cache
        settings = asdict(settings_of(gitrepo, ""))
        parts = [FORMAT, _version_of_readers(), mode, gitrepo.repo, gitrepo.branch, settings]
        name = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        self._file = cache / "builds" / "latest" / name

    def bundles(self, commit: str) -> dict[str, Bundle]:
        """Its bundles by the key of their directory, with ``commit`` in their labels; none where it is gone."""
        try:
            data = json.loads(self._file.read_bytes())
            build = Build.load(self._cache / "builds" / data["build"])
            by_name = {bundle.name: bundle for bundle in _with_commit(build, commit).bundles}
            return {key: by_name[name] if name else NOTHING for key, name in data["names"].items()}
        except (OSError, FleetError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def remember(self, path: Path, names: Mapping[str, str]) -> None:
        """Let the next run find the file that :meth:`Build.save` wrote; ``names`` has its bundles by their keys."""
        with cache_errors(self._file.parent):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            cache_files.write(self._file, json.dumps({"build": path.name, "names": names}).encode())
            cache_files.sweep(self._file.parent)


def _bundle(item: dict[str, Any]) -> Bundle:
    metadata = item["metadata"]
    return Bundle(
        metadata["name"],
        metadata["namespace"],
        item["spec"],
        metadata["labels"],
        metadata.get("annotations") or {},
        item.get("path") or "",
    )


def _with_commit(build: Build, commit: str) -> Build:
    bundles = []
    for bundle in build.bundles:
        labels = dict(bundle.labels)
        # A label of fleet.yaml wins over ours, and then is not the commit.
        if labels.get(COMMIT_LABEL) == build.commit:
            labels[COMMIT_LABEL] = commit
        bundles.append(replace(bundle, labels=labels))
    return Build(build.gitrepo, commit, bundles)


def _version_of_readers() -> str:
    """A digest over the code of the rooms that read and load: code that changed reads anew."""
    rooms = tuple(f"{__package__.rpartition('.')[0]}.{room}." for room in ("source", "bundle", "chart"))
    digest = hashlib.sha256()
    for name in sorted(sys.modules):
        if name.startswith(rooms):
            digest.update((sys.modules[name].__loader__.get_source(name) or "").encode())
    return digest.hexdigest()
