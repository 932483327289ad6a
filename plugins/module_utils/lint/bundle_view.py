# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle as rules look at it: what its author wrote, with places, beside what Fleet makes of it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from ..bundle import go_yaml
from ..bundle.api_types import FLEET_YAML, METADATA
from ..bundle.bundle import Bundle
from ..bundle.fleet_yaml import FleetYaml, decode, decode_values
from ..bundle.names import bundle_name
from ..bundle.reader import options_only
from ..bundle.resources import bundle_files
from ..bundle.settings import Settings
from ..bundle.values_files import left_out_names, merge_values
from ..chart.objects import split_documents
from ..chart.style import Style, determine_style
from ..errors import FleetError
from ..source.scan import OPTIONS_FILES, BundleRoot
from ..source.tree_index import TreeFiles, join
from .document import Document, Step
from .finding import Place
from .schema import Problem, check_schema

_MANIFESTS = (".yaml", ".yml", ".json")
TEMPLATES = "templates/"
OVERLAYS = "overlays/"


@dataclass(frozen=True)
class Section:
    """The root of a fleet.yaml, or one of its targets: ``steps`` lead there, ``options`` are what it sets.

    ``name`` is the one that Fleet gives a target that has none; '' for the root.
    """

    steps: tuple[Step, ...]
    options: Mapping[str, Any]
    name: str = ""

    @property
    def helm(self) -> Mapping[str, Any]:
        return self.options.get("helm") or {}

    @property
    def is_customization(self) -> bool:
        return bool(self.steps)


@dataclass(frozen=True)
class Manifest:
    """A document of a raw manifest: the file in the bundle, its place, and what it is.

    ``problem`` says why it cannot be read, if so.
    """

    name: str
    place: Place
    value: Any = None
    problem: str = ""

    @property
    def is_readable(self) -> bool:
        return not self.problem


@dataclass
class BundleView:
    """A directory that is a bundle. ``document`` is its fleet.yaml, None where it has none that can be read.

    ``problem`` is why Fleet cannot read the bundle, if so; ``schema`` is what is wrong with the keys
    and types of fleet.yaml.
    """

    files: TreeFiles
    root: BundleRoot
    settings: Settings
    problem: FleetError | None = None
    document: Document | None = None
    schema: list[Problem] = field(default_factory=list)
    options: FleetYaml = field(default_factory=lambda: FleetYaml({}, {}, {}))

    def __post_init__(self) -> None:
        if self.options_path:
            self._read_options()
        elif self.root.options:
            self.problem = FleetError(f"there is no options file {self.root.options}", place=self.directory or ".")

    def _read_options(self) -> None:
        try:
            data = self.files.read_document(self.options_path)
            self.document = Document(self.options_path, data)
        except FleetError as error:
            self.problem = error
            return
        self.schema = check_schema(self.document)
        try:
            fields = decode(self.document.value, FLEET_YAML, data, self.options_path)
            metadata = decode(self.document.value, METADATA, data, self.options_path)
            self.options = FleetYaml(fields, metadata.get("labels") or {}, metadata.get("annotations") or {})
        except FleetError as error:
            self.problem = error

    @property
    def directory(self) -> str:
        """Its path in the repository; '' for the repository's root."""
        return self.root.directory

    @property
    def fields(self) -> dict[str, Any]:
        """What fleet.yaml sets, in Fleet's own keys; empty where it cannot be read."""
        return self.options.fields

    @cached_property
    def options_path(self) -> str:
        """The path of its options file; '' if it has none."""
        names = (self.root.options,) if self.root.options else OPTIONS_FILES
        return next((join(self.directory, name) for name in names if self.has_path(name)), "")

    @cached_property
    def name(self) -> str:
        return self.fields.get("name") or self.name_of_path

    @property
    def name_of_path(self) -> str:
        """The name that Fleet makes of GitRepo and path."""
        return bundle_name(self.settings.name, self.root.spelled, self.root.options)

    def place(self, *steps: Step) -> Place:
        """Where a key of fleet.yaml stands; without one, the first file of the bundle."""
        if self.document is not None:
            return self.document.place(*steps)
        if self.options_path:
            return Place(self.options_path)
        names = [name for name in self.resources if name.endswith(_MANIFESTS)] or list(self.resources)
        return Place(join(self.directory, names[0]) if names else self.directory or ".")

    def value_place(self, *steps: Step) -> Place:
        """Where a value of fleet.yaml begins."""
        return self.document.value_place(*steps) if self.document is not None else self.place()

    @cached_property
    def sections(self) -> list[Section]:
        """The root, then the targets in the order in which Fleet takes them."""
        found = [Section((), self.fields)]
        for key in ("targets", "targetCustomizations"):
            for index, options in enumerate(self.fields.get(key) or []):
                name = options.get("name") or f"target{len(found) - 1:03d}"
                found.append(Section((key, index), options, name))
        return found

    @property
    def customizations(self) -> list[Section]:
        return self.sections[1:]

    @cached_property
    def resources(self) -> dict[str, bytes]:
        """The files that become resources, by their path in the bundle; empty where they cannot be read."""
        left_out = {"fleet.yaml", self.root.options}
        for section in self.sections:
            left_out |= left_out_names(section.options.get("helm"))
        try:
            return bundle_files(self.files, self.directory, frozenset(left_out), None, self.root.spelled)
        except FleetError as error:
            self.problem = self.problem or error
            return {}

    def is_remote(self, helm: Mapping[str, Any]) -> bool:
        """Whether a chart is loaded from elsewhere."""
        if helm.get("repo"):
            return True
        return bool(helm.get("chart")) and not self.has_path(helm["chart"])

    def has_path(self, path: str) -> bool:
        """Whether a path of the bundle's directory is there."""
        try:
            return self.files.index.resolve(join(self.directory, path)) is not None
        except FleetError:
            return False

    @property
    def has_remote_chart(self) -> bool:
        return any(self.is_remote(section.helm) for section in self.sections)

    def style(self, section: Section) -> Style:
        """The style with the options of the root and of one target."""
        helm, kustomize = self.effective_helm(section), section.options.get("kustomize") or self.fields.get("kustomize")
        found = determine_style(self.resources, {"helm": helm, "kustomize": kustomize})
        return replace(found, chart_path="Chart.yaml") if helm and self.is_remote(helm) else found

    def effective_helm(self, section: Section) -> dict[str, Any] | None:
        """``helm`` of the root with the chart, repository and version of one target."""
        root, own = self.fields.get("helm"), section.options.get("helm")
        if root is None and own is None:
            return None
        return {**(root or {}), **{key: value for key, value in (own or {}).items() if value}}

    @cached_property
    def raw_manifests(self) -> list[Manifest]:
        """The documents that are deployed as they stand if the bundle is raw: without overlays and templates."""
        return [
            manifest
            for name in self.resources
            if self.is_raw_manifest(name) and not name.startswith(TEMPLATES)
            for manifest in self._documents(name)
        ]

    def is_raw_manifest(self, name: str) -> bool:
        """Whether a resource is looked at when the bundle is raw."""
        if name in OPTIONS_FILES or not name.endswith(_MANIFESTS) or name.startswith(OVERLAYS):
            return False
        return not name.startswith(self._nested)

    @cached_property
    def _nested(self) -> tuple[str, ...]:
        """Directories that a raw bundle leaves out: they have a fleet.yaml or a chart of their own."""
        return tuple(
            f"{posixpath.dirname(name)}/"
            for name in self.resources
            if "/" in name and posixpath.basename(name) in (*OPTIONS_FILES, "Chart.yaml")
        )

    def _documents(self, name: str) -> Iterator[Manifest]:
        path = join(self.directory, name)
        try:
            for line, text in split_documents(self.resources[name].decode("utf-8", "replace"), path):
                place = Place(path, line + _empty_lines(text))
                try:
                    yield Manifest(name, place, go_yaml.load(text, path))
                except FleetError as error:
                    yield Manifest(name, place, problem=error.problem)
        except FleetError as error:
            yield Manifest(name, Place(path), problem=error.problem)

    @cached_property
    def bundle(self) -> Bundle:
        """The bundle with its options and values, and without its files, to be matched with clusters."""
        bundle = options_only(self.options, self.settings, self.name_of_path)
        spec = dict(bundle.spec)
        sections = [Section((), spec), *(Section(("targets", 0), target) for target in spec["targets"])]
        values = [self.values_of(section) for section in sections]
        spec["targets"] = [
            target if found is None else {**target, "helm": {**target["helm"], "values": found}}
            for target, found in zip(spec["targets"], values[1:], strict=True)
        ]
        if values[0] is not None:
            spec["helm"] = {**spec["helm"], "values": values[0]}
        return replace(bundle, spec=spec)

    def applies_values_files(self, section: Section) -> bool:
        """Whether Fleet reads the values files of a section: the root's only where it names a chart or repository."""
        return section.is_customization or bool(section.helm.get("chart") or section.helm.get("repo"))

    def values_of(self, section: Section) -> dict[str, Any] | None:
        """The values of a section with its values files, where they can be read; None if it has none."""
        values = section.helm.get("values")
        if self.applies_values_files(section):
            for document in self.values_files(section):
                if isinstance(document.value, dict):
                    values = merge_values(values or {}, decode_values(document.value, b"", document.path))
        return values

    def read_all(self) -> None:
        """Read all files that the bundle is made of: what cannot be read is then its ``problem``."""
        if self.resources is not None:
            for section in self.sections:
                self.values_files(section)

    def values_files(self, section: Section) -> list[Document]:
        """The values files of a section that can be read."""
        return [found for path in section.helm.get("valuesFiles") or [] if (found := self._values_file(path))]

    def _values_file(self, path: str) -> Document | None:
        if path not in self._values_documents:
            full = join(self.directory, path)
            try:
                document = Document(full, self.files.read_document(full))
                if document.value is not None:
                    decode_values(document.value, b"", full)
                self._values_documents[path] = document
            except FleetError as error:
                self.problem = self.problem or error
                self._values_documents[path] = None
        return self._values_documents[path]

    @cached_property
    def _values_documents(self) -> dict[str, Document | None]:
        return {}


def _empty_lines(text: str) -> int:
    """How many lines without content a document begins with."""
    for number, line in enumerate(text.split("\n")):
        if line.strip() and not line.lstrip().startswith(("#", "---")):
            return number
    return 0
