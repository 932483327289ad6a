# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From directories of a tree to Bundles (``internal/bundlereader`` in rancher/fleet)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..errors import FleetError
from ..source.gitrepo import GitRepo
from ..source.ignore import FILE as IGNORE_FILE
from ..source.scan import OPTIONS_FILES, BundleRoot
from ..source.tree import FileTree
from ..source.tree_index import TreeFiles, TreeIndex, join
from . import charts, fleet_yaml
from .api_types import BUNDLE_SPEC
from .bundle import Bundle
from .earlier import EarlierBundles
from .encoding import with_resources
from .fleet_yaml import FleetYaml
from .names import bundle_name
from .resources import MAX_BUNDLE, bundle_files, too_large
from .settings import DEFAULT_TARGET, Settings, settings_of
from .validation import validate
from .values_files import left_out_names, read_values

_PREFETCH = 64 * 1024 * 1024
"""About how many bytes of files are held at once."""

_NOTHING_LOADED = charts.VendoredCharts()

_SPEC_FIELDS = frozenset(item.name for item in BUNDLE_SPEC.fields) - {"resources"}


def read_bundles(
    tree: FileTree,
    roots: Sequence[BundleRoot],
    gitrepo: GitRepo,
    commit: str,
    earlier: EarlierBundles | None = None,
    loader: charts.ChartLoader = _NOTHING_LOADED,
) -> list[Bundle]:
    """The bundles of these directories, sorted by name. Those that ``earlier`` has are not read again; ``loader``
    loads charts that the tree does not hold.

    Directories that hold nothing to deploy are passed over. Raises FleetError for the first
    directory that cannot be read, for two different bundles of one name, for what Fleet's API would
    not take, and if no bundle is left: a repository that suddenly holds nothing is more likely a
    mistake than a wish.
    """
    bundles = read_all(tree, roots, settings_of(gitrepo, commit), earlier, loader)
    if not bundles:
        paths = [item["base"] for item in gitrepo.bundles if item.get("base")] or gitrepo.paths or ["."]
        raise FleetError(
            f"no resources to deploy were found at: {', '.join(paths)}",
            place=gitrepo.place,
            remedy="Name directories that hold YAML files or a fleet.yaml with files beside it.",
        )
    for bundle in bundles:
        validate(bundle)
    return bundles


def read_all(
    tree: FileTree,
    roots: Iterable[BundleRoot],
    settings: Settings,
    earlier: EarlierBundles | None = None,
    loader: charts.ChartLoader = _NOTHING_LOADED,
) -> list[Bundle]:
    """As :func:`read_bundles`, with settings of any origin; the list may be empty."""
    found: dict[str, tuple[Bundle, BundleRoot]] = {}
    files = TreeFiles(TreeIndex(tree))
    for root, bundle in _read_each(files, roots, settings, earlier or EarlierBundles(), loader):
        if not bundle.spec.get("resources"):
            continue
        known, place = found.setdefault(bundle.name, (bundle, root))
        if known != bundle:
            raise FleetError(
                f"the name {bundle.name} is also that of the bundle in {place.spelled}",
                place=root.spelled,
                remedy="Give one of them another name in its fleet.yaml.",
            )
    return [found[name][0] for name in sorted(found)]


def _read_each(
    files: TreeFiles,
    roots: Iterable[BundleRoot],
    settings: Settings,
    earlier: EarlierBundles,
    loader: charts.ChartLoader,
) -> Iterator[tuple[BundleRoot, Bundle]]:
    """The bundle of each directory, in their order."""
    roots = list(roots)
    known = {root: earlier.find(root) for root in roots}
    for root in _prefetched(files, [root for root in roots if known[root] is None]):
        files.index.resolved.clear()
        loaded = loader.loaded
        known[root] = read_bundle(files, root, settings, loader)
        if files.index.stayed_below(root.directory) and loader.loaded == loaded:
            earlier.note(root, known[root])
    return ((root, known[root]) for root in roots)


def read_bundle(
    files: TreeFiles, root: BundleRoot, settings: Settings, loader: charts.ChartLoader = _NOTHING_LOADED
) -> Bundle:
    """The bundle in one directory; its spec has no ``resources`` if it holds nothing. Raises FleetError."""
    place, options = read_options(files, root)
    name = bundle_name(settings.name, root.spelled, root.options)
    return make_bundle(files, root, options, settings, name=name, place=place, loader=loader)


def make_bundle(
    files: TreeFiles,
    root: BundleRoot,
    options: FleetYaml,
    settings: Settings,
    *,
    name: str,
    place: str,
    loader: charts.ChartLoader = _NOTHING_LOADED,
) -> Bundle:
    """A bundle of one directory with options of any origin.

    ``name`` is the bundle's, if the options have none; ``place`` names the options in errors.
    Raises FleetError.
    """
    fields = dict(options.fields)
    spec = {field_name: value for field_name, value in fields.items() if field_name in _SPEC_FIELDS}
    spec["targets"] = _named([*fields.get("targets", ()), *fields.get("targetCustomizations", ())])
    _pass_on_chart(spec)
    _add_values(files, root.directory, spec, place)
    content = _content(files, root, spec, place, loader)
    _apply_settings(spec, fields, settings)
    labels = options.labels | settings.labels | fields.get("labels", {})
    bundle = Bundle(
        name=fields.get("name") or name,
        namespace=settings.namespace,
        spec=BUNDLE_SPEC.canonical(spec),
        labels=labels,
        annotations=options.annotations,
        path=root.spelled,
    )
    return with_resources(bundle, content, compress=settings.compress, own_namespace=fields.get("namespace", ""))


def options_only(options: FleetYaml, settings: Settings, name: str) -> Bundle:
    """The bundle as its options alone tell it: no resources, and nothing of its values files."""
    spec = {field_name: value for field_name, value in options.fields.items() if field_name in _SPEC_FIELDS}
    spec["targets"] = _named([*options.fields.get("targets", ()), *options.fields.get("targetCustomizations", ())])
    _pass_on_chart(spec)
    _apply_settings(spec, options.fields, settings)
    labels = options.labels | settings.labels | options.fields.get("labels", {})
    return Bundle(options.fields.get("name") or name, settings.namespace, spec, labels, options.annotations)


def _prefetched(files: TreeFiles, roots: Iterable[BundleRoot]) -> Iterator[BundleRoot]:
    """The roots, the files of as many as fit into memory fetched together before the first of them."""
    waiting: list[BundleRoot] = []
    wanted: set[str] = set()
    size = 0
    for root in roots:
        for path, length in _likely_files(files.index, root.directory):
            if path not in wanted:
                wanted.add(path)
                size += length
        waiting.append(root)
        if size > _PREFETCH:
            files.prefetch(wanted)
            yield from waiting
            waiting, wanted, size = [], set(), 0
    files.prefetch(wanted)
    yield from waiting


def _likely_files(index: TreeIndex, directory: str) -> Iterator[tuple[str, int]]:
    """The files of a bundle and their sizes, as far as their names tell: hidden ones are not read."""
    if not index.is_directory(directory):
        return
    for path in index.files_below(directory):
        below = path[len(directory) :] if directory else f"/{path}"
        if "/." not in below.removesuffix(f"/{IGNORE_FILE}"):
            yield path, index.entry(path).size


def read_options(files: TreeFiles, root: BundleRoot) -> tuple[str, FleetYaml]:
    """The options file of a bundle, read, and its path for errors."""
    if root.options:
        path = join(root.directory, root.options)
        if files.index.resolve(path) is None:
            raise FleetError(
                f"there is no options file {root.options}",
                place=root.spelled,
                remedy="Name it relative to the bundle's base.",
            )
        return path, fleet_yaml.parse(files.read_document(path), path)
    for name in OPTIONS_FILES:
        path = join(root.directory, name)
        if files.index.resolve(path) is not None:
            return path, fleet_yaml.parse(files.read_document(path), path)
    return root.directory or ".", FleetYaml({}, {}, {})


def _helm(options: Mapping[str, Any]) -> dict[str, Any]:
    return options.get("helm") or {}


def _named(targets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The targets of fleet.yaml, each with a name."""
    return [
        target if target.get("name") else target | {"name": f"target{number:03d}"}
        for number, target in enumerate(targets)
    ]


def _pass_on_chart(spec: dict[str, Any]) -> None:
    """Give the root's chart to each target with Helm options of its own, so that it can name just a version."""
    helm = spec.get("helm")
    if helm is None:
        return
    for number, target in enumerate(spec["targets"]):
        if target.get("helm") is not None:
            inherited = {key: helm[key] for key in ("chart", "repo", "version") if helm.get(key)}
            own = {key: value for key, value in target["helm"].items() if value not in ("", None)}
            spec["targets"][number] = target | {"helm": target["helm"] | inherited | own}


def _add_values(files: TreeFiles, directory: str, spec: dict[str, Any], place: str) -> None:
    """Read values files into the values.

    The root's values files count only where it names a chart or repository; a target's always do.
    """
    helm = _helm(spec)
    if helm.get("chart") or helm.get("repo"):
        spec["helm"] = _with_values(files, directory, helm, place)
    for number, target in enumerate(spec["targets"]):
        helm = _helm(target)
        if not helm:
            continue
        spec["targets"][number] = target | {"helm": _with_values(files, directory, helm, place)}


def _with_values(files: TreeFiles, directory: str, helm: dict[str, Any], place: str) -> dict[str, Any]:
    values = read_values(files, directory, helm, place)
    return helm if values is None else helm | {"values": values}


def _content(
    files: TreeFiles, root: BundleRoot, spec: dict[str, Any], place: str, loader: charts.ChartLoader
) -> dict[str, bytes]:
    """The files of the bundle: those in its directory, and below ``.chart/`` the charts that are fetched for it."""
    left_out = _left_out(root, spec)
    completing = None if _helm(spec).get("disableDependencyUpdate") else loader
    fetched: dict[str, bytes] = {}
    for directory, helm in _remote_charts(files, root, spec).items():
        try:
            chart = TreeFiles(TreeIndex(loader.fetch(helm, root.spelled)))
            found = bundle_files(chart, "", left_out, completing, root.spelled)
        except FleetError as error:
            raise _of_chart(error, place, charts.describe(helm)) from error
        fetched |= {f"{directory}/{path}": data for path, data in found.items()}
        if sum(map(len, fetched.values())) > MAX_BUNDLE:
            raise too_large(place)
    own = bundle_files(files, root.directory, left_out, completing, root.spelled)
    return dict(sorted((own | fetched).items())) if fetched else own


def _of_chart(error: FleetError, place: str, chart: str) -> FleetError:
    """The error with the chart's description in its place, its address not said twice."""
    inner = "" if error.place in chart else f", {error.place}"
    return type(error)(error.problem, place=f"{place}, {chart}{inner}", remedy=error.remedy)


def _remote_charts(files: TreeFiles, root: BundleRoot, spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The Helm options that name charts from elsewhere, the root's and those of targets, by where the charts go."""
    found: dict[str, dict[str, Any]] = {}
    for helm in (_helm(spec), *(_helm(target) for target in spec["targets"])):
        if charts.is_remote(files, root.directory, helm):
            found.setdefault(charts.chart_directory(helm), helm)
    return found


def _left_out(root: BundleRoot, spec: dict[str, Any]) -> frozenset[str]:
    """Files that were read as options and are no resources."""
    names = {"fleet.yaml", root.options} | left_out_names(spec.get("helm"))
    for target in spec["targets"]:
        names |= left_out_names(target.get("helm"))
    return frozenset(names)


def _apply_settings(spec: dict[str, Any], fields: dict[str, Any], settings: Settings) -> None:
    if settings.service_account:
        spec["serviceAccount"] = settings.service_account
    spec["forceSyncGeneration"] = settings.force_sync_generation
    overriding = fields.get("overrideTargets")
    targets = settings.targets if overriding is None else overriding
    restrictions = settings.restrictions if overriding is None else overriding
    spec["targets"] = [*spec["targets"], *targets] or [DEFAULT_TARGET]
    spec["targetRestrictions"] = [*spec.get("targetRestrictions", ()), *restrictions]
    if settings.target_namespace:
        spec["namespace"] = settings.target_namespace
        spec["targets"] = [target | {"namespace": settings.target_namespace} for target in spec["targets"]]
    for name, value in (
        ("paused", settings.paused),
        ("keepResources", settings.keep_resources),
        ("deleteNamespace", settings.delete_namespace),
    ):
        if value:
            spec[name] = True
    if settings.correct_drift and settings.correct_drift.get("enabled"):
        spec["correctDrift"] = dict(settings.correct_drift)
