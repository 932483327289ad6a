# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Helm values: which files count, what wins, and templates in them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from ...chart.style import CHART_YAML
from ...chart.template_text import TemplateSyntax, has_actions, rewrite
from ...chart.templating import LABEL_PREFIX
from ...source.tree_index import join
from ..bundle_view import TEMPLATES, BundleView, Section
from ..document import Step, texts_below
from ..finding import ERROR, NOTE, WARNING, Found
from ..rule import rule


@rule("valuesfiles-without-chart", ERROR, BundleView, "helm.valuesFiles beside no helm.chart")
def valuesfiles_without_chart(bundle: BundleView) -> Iterator[Found]:
    root = bundle.sections[0]
    if root.helm.get("valuesFiles") and not bundle.applies_values_files(root):
        yield bundle.place("helm", "valuesFiles").says(
            "Fleet reads helm.valuesFiles only where helm.chart or helm.repo is set, and leaves the files out of the "
            "bundle all the same",
            _chart_to_write(bundle),
        )


def _chart_to_write(bundle: BundleView) -> str:
    charts = [posixpath.dirname(name) or "." for name in bundle.resources if posixpath.basename(name) == CHART_YAML]
    if charts:
        return f"write chart: {min(charts, key=len)}"
    return "remove them, as there is no chart here that could use them"


@rule("values-file-drops-namesake", WARNING, BundleView, "a file that is left out because a values file has its name")
def values_file_drops_namesake(bundle: BundleView) -> Iterator[Found]:
    for section in bundle.sections:
        for index, path in enumerate(section.helm.get("valuesFiles") or []):
            name = posixpath.basename(path)
            if name != posixpath.normpath(path) and bundle.has_path(name):
                yield bundle.value_place(*section.steps, "helm", "valuesFiles", index).says(
                    f"Fleet leaves {join(bundle.directory, name)} out of the bundle too, which has the same name",
                    "give one of them another name",
                )


@rule("values-overridden-by-file", NOTE, BundleView, "a value that a values file overrides")
def values_overridden_by_file(bundle: BundleView) -> Iterator[Found]:
    for section in bundle.sections:
        if bundle.document is None or not bundle.applies_values_files(section):
            continue
        for document in bundle.values_files(section):
            inline = bundle.document.get(*section.steps, "helm", "values")
            for path in _overridden(inline, document.value, ()):
                yield bundle.place(*section.steps, "helm", "values", *path).says(
                    f"Fleet puts values files over helm.values: {_dotted(path)} of {document.path} wins",
                    f"change it in {document.path}, or remove it there",
                )


def _overridden(inline: Any, file: Any, path: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    if not isinstance(inline, dict) or not isinstance(file, dict):
        return
    for key, value in inline.items():
        if key not in file or value == file[key]:
            continue
        if isinstance(value, dict) and isinstance(file[key], dict):
            yield from _overridden(value, file[key], (*path, key))
        else:
            yield (*path, key)


@rule("values-list-replaced", NOTE, BundleView, "a list in a customization's values that replaces the bundle's")
def values_list_replaced(bundle: BundleView) -> Iterator[Found]:
    base = bundle.sections[0].helm.get("values")
    for section in bundle.customizations:
        for path in _shorter_lists(base, section.helm.get("values"), ()):
            yield bundle.place(*section.steps, "helm", "values", *path).says(
                f"Fleet replaces lists: for these clusters nothing is left of the bundle's own {_dotted(path)}",
                "write the whole list, or use a mapping, which is merged",
            )


def _shorter_lists(base: Any, custom: Any, path: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Lists that do not hold what the base's list holds, so that somebody may have counted on both."""
    if isinstance(base, list) and isinstance(custom, list) and base and custom:
        if not any(item in custom for item in base):
            yield path
    elif isinstance(base, dict) and isinstance(custom, dict):
        for key in custom.keys() & base.keys():
            yield from _shorter_lists(base[key], custom[key], (*path, key))


@rule("values-without-chart", WARNING, BundleView, "helm.values of a bundle without a chart or templates")
def values_without_chart(bundle: BundleView) -> Iterator[Found]:
    if bundle.problem or any(name.startswith(TEMPLATES) for name in bundle.resources):
        return
    styles = [bundle.style(section) for section in bundle.sections]
    if any(style.is_helm for style in styles) or not bundle.resources:
        return
    for section in bundle.sections:
        if section.helm.get("values"):
            yield bundle.place(*section.steps, "helm", "values").says(
                f"Fleet takes this bundle for {styles[0]}, in which values are not used",
                "name the chart's directory as helm.chart, or move manifests that are templates into templates/",
            )


@rule("label-in-list", ERROR, BundleView, "global.fleet.clusterLabels.* as an item of a list")
def label_in_list(bundle: BundleView) -> Iterator[Found]:
    for section, path, text in _texts(bundle):
        if text.startswith(LABEL_PREFIX) and isinstance(path[-1], int):
            yield bundle.value_place(*section.steps, "helm", "values", *path).says(
                "Fleet does not look at texts that are items of a list: this one is deployed as it stands",
                f"write {_template(text)}",
            )


@rule("label-inside-text", WARNING, BundleView, "global.fleet.clusterLabels.* with other text before it")
def label_inside_text(bundle: BundleView) -> Iterator[Found]:
    for section, path, text in _texts(bundle):
        if LABEL_PREFIX in text and not text.startswith(LABEL_PREFIX):
            yield bundle.value_place(*section.steps, "helm", "values", *path).says(
                f"Fleet replaces {LABEL_PREFIX}* only where it is the whole text: this is deployed as it stands",
                "write ${ .ClusterLabels.<label> } inside of a text",
            )


def _template(text: str) -> str:
    label = text.removeprefix(LABEL_PREFIX)
    return f"${{ .ClusterLabels.{label} }}" if label.isidentifier() else f'${{ index .ClusterLabels "{label}" }}'


@rule("templates-not-processed", WARNING, BundleView, "templates in values beside helm.disablePreProcess")
def templates_not_processed(bundle: BundleView) -> Iterator[Found]:
    root = bundle.sections[0]
    for section in bundle.sections:
        if not (root.helm.get("disablePreProcess") or section.helm.get("disablePreProcess")):
            continue
        if section.helm.get("templateValues"):
            yield bundle.place(*section.steps, "helm", "templateValues").says(
                "Fleet drops helm.templateValues where helm.disablePreProcess is set", "remove one of the two"
            )


@rule("template-fails", ERROR, BundleView, "a template in values that Fleet cannot evaluate on any cluster")
def template_fails(bundle: BundleView) -> Iterator[Found]:
    for section, path, text in _templates(bundle):
        try:
            rewrite(text, "")
        except TemplateSyntax as error:
            yield bundle.value_place(*section.steps, "helm", *path).says(
                f"Fleet cannot evaluate this template, and then deploys the bundle nowhere: {error.problem}",
                "use sprig's functions alone, or set helm.disablePreProcess: true where ${ } is plain text",
            )


def _templates(bundle: BundleView) -> Iterator[tuple[Section, tuple[Step, ...], str]]:
    """The templates of a bundle, with their path below helm."""
    if bundle.fields.get("helm", {}) and bundle.sections[0].helm.get("disablePreProcess"):
        return
    for section, path, text in _texts(bundle):
        if has_actions(text):
            yield section, ("values", *path), text
    for section in bundle.sections:
        for key, text in (section.helm.get("templateValues") or {}).items():
            if has_actions(text):
                yield section, ("templateValues", key), text


def _texts(bundle: BundleView) -> Iterator[tuple[Section, tuple[Step, ...], str]]:
    """All texts in helm.values, with their path in them."""
    for section in bundle.sections:
        for path, text in texts_below(section.helm.get("values")):
            yield section, path, text


def _dotted(path: tuple[Step, ...]) -> str:
    return ".".join(map(str, path))
