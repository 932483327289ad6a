# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a bundle's directory become its resources (``internal/bundlereader`` in rancher/fleet)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..errors import FleetError
from ..source import ignore
from ..source.changed_tree import ChangedTree
from ..source.tree import SYMLINK
from ..source.tree_index import TreeFiles, TreeIndex, join
from . import charts

MAX_BUNDLE = 100 * 1024 * 1024
"""How large all files of a bundle may be together, in bytes. Helm and etcd take far less; this protects the memory."""


def bundle_files(
    files: TreeFiles, directory: str, left_out: frozenset[str], loader: charts.ChartLoader | None, bundle: str
) -> dict[str, bytes]:
    """The files below ``directory`` that become resources, by their path below it, sorted.

    Left out are dot-files and dot-directories, what a .fleetignore names, and ``left_out`` (paths
    below the directory: the options file and values files). ``loader`` gives charts the
    dependencies that are not there; None leaves them as they are. ``bundle`` is the path of the
    bundle's directory as it was spelled. Raises FleetError.
    """
    found = {}
    total = 0
    files, paths = _wanted(files, directory, left_out, loader, bundle)
    for path in paths:
        _check(files.index, path, directory)
        total += files.size(path)
        if total > MAX_BUNDLE:
            raise too_large(path)
        found[_below(directory, path)] = files.read(path)
    return dict(sorted(found.items()))


def too_large(place: str) -> FleetError:
    """The error for a bundle that holds too much."""
    return FleetError(
        f"the bundle holds more than {MAX_BUNDLE // 1024 // 1024} MiB",
        place=place,
        remedy="Leave large files out with a .fleetignore, or move them elsewhere.",
    )


def _wanted(
    files: TreeFiles, directory: str, left_out: frozenset[str], loader: charts.ChartLoader | None, bundle: str
) -> tuple[TreeFiles, Iterable[str]]:
    """The paths of the files that become resources, in the tree, or in one with their charts' dependencies."""
    if loader is None:
        return files, _walk(files, directory, left_out, None)
    found: list[charts.LocalChart] = []
    paths = list(_walk(files, directory, left_out, found))
    changes: dict[str, bytes | None] = {}
    for chart in found:
        changes |= loader.complete(files, chart, bundle)
    if not changes:
        return files, paths
    files = TreeFiles(TreeIndex(ChangedTree(files.index.tree, changes)))
    return files, _walk(files, directory, left_out, None)


def _walk(
    files: TreeFiles, directory: str, left_out: frozenset[str], found: list[charts.LocalChart] | None
) -> Iterator[str]:
    """The paths in the tree, in the order of Go's WalkDir, which decides what ignore files reach.

    The charts on the way are read into ``found``. Of hidden and ignored ones it is only seen that they are good.
    """
    index = files.index
    rules = ignore.IgnoreRules(directory)
    pending = [directory] if index.is_directory(directory) else []
    while pending:
        path = pending.pop()
        is_directory = index.is_directory(path)
        ignored = _ignored(rules, path, is_directory) or path.rpartition("/")[2].startswith(".")
        if not is_directory:
            if not ignored and _below(directory, path) not in left_out:
                yield path
            continue
        chart = charts.read_chart(files, path) if found is not None else None
        if chart and not ignored:
            found.append(chart)
        if not ignored:
            rules.add(path, _ignore_patterns(files, path))
            pending.extend(join(path, child) for child in reversed(index.children(path)))


def _ignored(rules: ignore.IgnoreRules, path: str, is_directory: bool) -> bool:
    try:
        return rules.ignores(path, is_directory)
    except FleetError as error:
        raise error.at(path.rpartition("/")[0]) from error


def _ignore_patterns(files: TreeFiles, directory: str) -> list[str]:
    path = join(directory, ignore.FILE)
    if ignore.FILE not in files.index.children(directory) or not files.index.is_file(path):
        return []
    return ignore.parse(files.read_document(path))


def _check(index: TreeIndex, path: str, directory: str) -> None:
    """Refuse symbolic links that do not lead to a file in the bundle's directory."""
    entry = index.entry(path)
    if entry is None or entry.mode != SYMLINK:
        return
    target = index.resolve(path)
    if target is None:
        raise FleetError("is a symbolic link to nothing", place=path, remedy="Remove it or mend its target.")
    if directory and target != directory and not target.startswith(f"{directory}/"):
        raise FleetError(
            f"is a symbolic link that leaves the bundle's directory {directory}",
            place=path,
            remedy="Copy the file into the bundle, or make the directory above both the bundle.",
        )
    if index.is_directory(target):
        raise FleetError(
            "is a symbolic link to a directory, which a bundle cannot hold",
            place=path,
            remedy="Link to the files, or move the directory here.",
        )


def _below(directory: str, path: str) -> str:
    return path[len(directory) + 1 :] if directory else path
