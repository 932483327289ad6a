# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle is taken for, and what of it is deployed."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from ...bundle import go_yaml
from ...chart.style import CHART_YAML, KUSTOMIZATION_YAML
from ...errors import FleetError
from ...source.tree_index import join
from ..bundle_view import OVERLAYS, BundleView, Manifest, Section
from ..finding import ERROR, NOTE, WARNING, Found, Place
from ..rule import rule

_OTHER_KUSTOMIZATIONS = ("kustomization.yml", "Kustomization")
_HELM_TEMPLATE = re.compile(rb"\{\{-?[^{}]*?(?<![\w.$\"])\.(Release|Values|Chart|Capabilities)\.")


def _is_raw(bundle: BundleView) -> bool:
    """Whether the bundle is raw on some cluster."""
    return not bundle.problem and any(bundle.style(section).is_raw for section in bundle.sections)


@rule("document-without-kind", ERROR, BundleView, "a raw manifest of which one document has no kind")
def document_without_kind(bundle: BundleView) -> Iterator[Found]:
    for name, documents in _by_file(bundle).items():
        without = [item for item in documents if _lacks_kind(item)]
        others = [item for item in documents if isinstance(item.value, dict) and item.value.get("kind")]
        if without and others:
            kinds = ", ".join(str(item.value["kind"]) for item in others)
            yield without[0].place.says(
                f"Fleet leaves out the whole file {name} because this document has no kind: {kinds} is not deployed",
                "remove the document, write its kind, or move it to a file of its own",
            )


@rule("manifest-without-kind", WARNING, BundleView, "a raw manifest with an apiVersion and without a kind")
def manifest_without_kind(bundle: BundleView) -> Iterator[Found]:
    for documents in _by_file(bundle).values():
        if len(documents) == 1 and _lacks_kind(documents[0]):
            value = documents[0].value
            if value.get("apiVersion") or (value.get("metadata") and value.get("spec")):
                yield documents[0].place.says("Fleet does not deploy this file, which has no kind", "write its kind")


def _by_file(bundle: BundleView) -> dict[str, list[Manifest]]:
    found: dict[str, list[Manifest]] = {}
    if _is_raw(bundle):
        for manifest in bundle.raw_manifests:
            found.setdefault(manifest.name, []).append(manifest)
    return found


def _lacks_kind(manifest: Manifest) -> bool:
    return isinstance(manifest.value, dict) and bool(manifest.value) and not manifest.value.get("kind")


@rule("template-outside-templates", ERROR, BundleView, "a Helm template in a raw manifest outside of templates/")
def template_outside_templates(bundle: BundleView) -> Iterator[Found]:
    for name, documents in _by_file(bundle).items():
        data = bundle.resources[name]
        match = _HELM_TEMPLATE.search(data)
        # A template in a text of several lines, as in a ConfigMap, is for somebody else.
        if match and (_is_in_one_line(documents) or not all(item.is_readable for item in documents)):
            before = data[: match.start()]
            line = before.count(b"\n") + 1
            column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
            yield Place(join(bundle.directory, name), line, column).says(
                "Fleet renders templates of a raw bundle only in templates/: this one is deployed as it is, or fails",
                "move the file into templates/",
            )


@rule("manifest-not-readable", ERROR, BundleView, "a raw manifest that is no YAML")
def manifest_not_readable(bundle: BundleView) -> Iterator[Found]:
    for name, documents in _by_file(bundle).items():
        for item in documents:
            if item.problem and not _HELM_TEMPLATE.search(bundle.resources[name]):
                yield item.place.says(f"Fleet fails to deploy the bundle: this document {item.problem}", "correct it")


def _is_in_one_line(documents: list[Manifest]) -> bool:
    pending = [item.value for item in documents]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += value.values()
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str) and "\n" not in value and _HELM_TEMPLATE.search(value.encode()):
            return True
    return False


@rule("kustomization-yml", ERROR, BundleView, "a kustomization that is not called kustomization.yaml")
def kustomization_yml(bundle: BundleView) -> Iterator[Found]:
    if bundle.problem:
        return
    for directory in _kustomize_directories(bundle):
        if _below(directory, KUSTOMIZATION_YAML) in bundle.resources:
            continue
        for other in _OTHER_KUSTOMIZATIONS:
            if _below(directory, other) in bundle.resources:
                yield Place(join(bundle.directory, _below(directory, other))).says(
                    f"Fleet looks for kustomization.yaml alone: this {other} is not used, and the manifests are "
                    "deployed as they stand",
                    "call it kustomization.yaml",
                )


@rule("kustomize-dir-without-kustomization", ERROR, BundleView, "a kustomize.dir without a kustomization.yaml")
def kustomize_dir_without_kustomization(bundle: BundleView) -> Iterator[Found]:
    if bundle.problem:
        return
    for section in bundle.sections:
        directory = (section.options.get("kustomize") or {}).get("dir")
        if not directory or any(
            _below(directory, name) in bundle.resources for name in (KUSTOMIZATION_YAML, *_OTHER_KUSTOMIZATIONS)
        ):
            continue
        yield bundle.value_place(*section.steps, "kustomize", "dir").says(
            f"Fleet finds no kustomization.yaml in {directory}, and goes on without Kustomize",
            "name a directory of the bundle that has one",
        )


def _kustomize_directories(bundle: BundleView) -> list[str]:
    named = [(section.options.get("kustomize") or {}).get("dir") or "" for section in bundle.sections]
    return list(dict.fromkeys([named[0], *(directory for directory in named[1:] if directory)]))


def _below(directory: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(directory, name)).lstrip("/")


@rule("chart-without-chart-yaml", ERROR, BundleView, "a helm.chart without a Chart.yaml")
def chart_without_chart_yaml(bundle: BundleView) -> Iterator[Found]:
    if bundle.problem:
        return
    for section in bundle.sections:
        chart = section.helm.get("chart")
        helm = bundle.effective_helm(section) or {}
        if chart and not helm.get("repo") and bundle.has_path(chart):
            path = _below(chart, CHART_YAML)
            if path not in bundle.resources and not chart.endswith((".tgz", ".tar.gz")):
                yield bundle.value_place(*section.steps, "helm", "chart").says(
                    f"Fleet finds no {path} in the bundle, and deploys its manifests as they stand",
                    "name the directory of the chart",
                )


def _overlays(section: Section) -> list[str]:
    return (section.options.get("yaml") or {}).get("overlays") or []


@rule("overlay-missing", ERROR, BundleView, "an overlay that is not there")
def overlay_missing(bundle: BundleView) -> Iterator[Found]:
    if bundle.problem:
        return
    for section in bundle.sections:
        for index, overlay in enumerate(_overlays(section)):
            if not any(name.startswith(f"{OVERLAYS}{overlay}/") for name in bundle.resources):
                yield bundle.value_place(*section.steps, "yaml", "overlays", index).says(
                    f"Fleet finds no file in {OVERLAYS}{overlay}/, and changes nothing",
                    f"put the overlay's files into {join(bundle.directory, OVERLAYS + overlay)}/",
                )


@rule("overlays-not-raw", ERROR, BundleView, "yaml.overlays in a bundle that is not raw")
def overlays_not_raw(bundle: BundleView) -> Iterator[Found]:
    if bundle.problem:
        return
    for section in bundle.sections:
        if _overlays(section) and not bundle.style(section).is_raw:
            yield bundle.place(*section.steps, "yaml", "overlays").says(
                f"Fleet applies overlays to raw manifests only, and this bundle is {bundle.style(section)}",
                "use values or kustomize.dir",
            )


@rule("dependencies-not-vendored", NOTE, BundleView, "a chart whose dependencies are not in charts/")
def dependencies_not_vendored(bundle: BundleView) -> Iterator[Found]:
    if bundle.sections[0].helm.get("disableDependencyUpdate"):
        return
    for name in bundle.resources:
        directory, _unused, base = name.rpartition("/")
        if base == CHART_YAML and "charts" not in directory.split("/"):
            missing = _missing_dependencies(bundle, name, directory)
            if missing:
                where = join(bundle.directory, directory) or "."
                yield Place(join(bundle.directory, name), 1, 1).says(
                    f"Fleet downloads {', '.join(missing)} each time it reads the repository, since charts/ does not "
                    "hold them",
                    f"run helm dependency build {where}, and commit charts/",
                )


def _missing_dependencies(bundle: BundleView, name: str, directory: str) -> list[str]:
    try:
        metadata = go_yaml.load(bundle.resources[name], name)
    except FleetError:
        return []
    wanted = metadata.get("dependencies") if isinstance(metadata, dict) else None
    names = [item["name"] for item in wanted or [] if isinstance(item, dict) and isinstance(item.get("name"), str)]
    prefix = _below(directory, "charts") + "/"
    present = {path[len(prefix) :].partition("/")[0] for path in bundle.resources if path.startswith(prefix)}
    return [item for item in names if not any(_is_chart(entry, item) for entry in present)]


def _is_chart(entry: str, name: str) -> bool:
    """Whether an entry of charts/ is a chart: its directory, or NAME-1.2.3.tgz."""
    return entry == name or re.fullmatch(rf"{re.escape(name)}-v?\d.*\.tgz", entry) is not None


@rule("overlay-patch-drops-documents", WARNING, BundleView, "an overlay that patches a file of several documents")
def overlay_patch_drops_documents(bundle: BundleView) -> Iterator[Found]:
    if not _is_raw(bundle):
        return
    used = {
        overlay for section in bundle.sections for overlay in (section.options.get("yaml") or {}).get("overlays") or []
    }
    counts = {name: len(documents) for name, documents in _by_file(bundle).items()}
    for name in bundle.resources:
        parts = name.removeprefix(OVERLAYS).split("/", 1)
        if not name.startswith(OVERLAYS) or len(parts) < 2 or parts[0] not in used or "_patch." not in parts[1]:
            continue
        target = parts[1].replace("_patch.", ".", 1)
        if counts.get(target, 0) > 1:
            yield Place(join(bundle.directory, name)).says(
                f"Fleet keeps only the first of the {counts[target]} documents of {target}, which this patches",
                f"split {target} into a file for each document",
            )
