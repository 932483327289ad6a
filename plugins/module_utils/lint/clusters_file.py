# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file with clusters: a list as the inventory's source ``file`` reads it, or Fleet's own objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..chart.objects import split_documents
from ..errors import FleetError
from ..target.cluster import Cluster, ClusterGroup
from ..target.selector import compile_selector
from .document import Document
from .targeted import Clusters

_KINDS = ("Cluster", "ClusterGroup")
_LARGEST = 64 * 1024 * 1024


def read_clusters(path: Path, workspace: str) -> Clusters:
    """The clusters and groups of a file. ``workspace`` is that of entries which say none.

    The file is a list of clusters, a mapping with ``clusters`` and ``cluster_groups``, an inventory
    file of the plugin ``gitops.fleet.clusters`` whose sources are of type ``file``, or Cluster and
    ClusterGroup objects. Raises FleetError with file and line.
    """
    found = _Found(workspace)
    found.read(path)
    if not found.clusters:
        raise FleetError("there are no clusters in it", place=str(path), remedy="Write a list of name and labels.")
    return Clusters(found.clusters, found.groups)


class _Found:
    """What was read so far."""

    def __init__(self, workspace: str):
        self._workspace = workspace
        self.clusters: list[Cluster] = []
        self.groups: list[ClusterGroup] = []

    def read(self, path: Path) -> None:
        for document in _documents(path):
            value = document.value
            if isinstance(value, dict) and value.get("kind") in (*_KINDS, *(f"{kind}List" for kind in _KINDS)):
                items = value.get("items") if str(value["kind"]).endswith("List") else [value]
                self._objects(items or [], document)
            elif isinstance(value, dict) and "sources" in value:
                self._sources(document, path)
            elif isinstance(value, dict):
                self._lists(document, (), self._workspace, {})
            elif isinstance(value, list):
                self._entries(document, (), self._workspace, {})

    def _objects(self, items: list[Any], document: Document) -> None:
        for item in items:
            metadata = _mapping(item, "metadata", document)
            spec = _mapping(item, "spec", document)
            common = {
                "name": str(metadata.get("name") or ""),
                "namespace": str(metadata.get("namespace") or self._workspace),
                "labels": _strings(metadata.get("labels"), document),
            }
            if item.get("kind") == "ClusterGroup":
                self._add_group(ClusterGroup(**common, selector=spec.get("selector")), document)
            else:
                annotations = _strings(metadata.get("annotations"), document)
                values = spec.get("templateValues") or {}
                self.clusters.append(Cluster(**common, annotations=annotations, template_values=values))

    def _sources(self, document: Document, path: Path) -> None:
        for index, source in enumerate(document.get("sources") or []):
            if not isinstance(source, dict) or source.get("type") != "file":
                place = document.place("sources", index)
                raise FleetError(
                    "this source needs a cluster to be asked, and lint asks none",
                    place=f"{place.path}:{place.line}",
                    remedy="Write the clusters, or a part of them, into a file with name and labels.",
                )
            workspace = str(source.get("workspace") or self._workspace)
            labels = _strings(source.get("labels"), document)
            if "clusters" in source:
                self._entries(document, ("sources", index, "clusters"), workspace, labels)
            elif source.get("path"):
                for inner in _documents(path.parent / str(source["path"])):
                    steps = ("clusters",) if isinstance(inner.value, dict) else ()
                    self._entries(inner, steps, workspace, labels)
        self._group_entries(document)

    def _lists(self, document: Document, steps: tuple, workspace: str, labels: dict[str, str]) -> None:
        if "clusters" not in document.value:
            raise FleetError("there is no list of clusters", place=document.path, remedy="Write clusters: with a list.")
        self._entries(document, (*steps, "clusters"), workspace, labels)
        self._group_entries(document)

    def _entries(self, document: Document, steps: tuple, workspace: str, labels: dict[str, str]) -> None:
        for index, entry in enumerate(document.get(*steps) if steps else document.value):
            place = document.place(*steps, index)
            if not isinstance(entry, dict) or not entry.get("name"):
                raise FleetError("an entry has no name", place=f"{place.path}:{place.line}")
            self.clusters.append(
                Cluster(
                    name=str(entry["name"]),
                    namespace=str(entry.get("workspace") or workspace),
                    labels={**labels, **_strings(entry.get("labels"), document, place.line)},
                    annotations=_strings(entry.get("annotations"), document, place.line),
                    template_values=entry.get("templateValues") or {},
                )
            )

    def _group_entries(self, document: Document) -> None:
        for entry in document.get("cluster_groups") or []:
            group = ClusterGroup(
                name=str(entry.get("name") or ""),
                namespace=str(entry.get("workspace") or self._workspace),
                labels=_strings(entry.get("labels"), document),
                selector=entry.get("selector"),
            )
            self._add_group(group, document)

    def _add_group(self, group: ClusterGroup, document: Document) -> None:
        try:
            compile_selector(group.selector)
        except FleetError as error:
            raise error.at(f"{document.path}, cluster group {group.name}") from error
        self.groups.append(group)


def _documents(path: Path) -> Iterator[Document]:
    try:
        if path.stat().st_size > _LARGEST:
            raise FleetError(f"is larger than {_LARGEST // 1024 // 1024} MiB", place=str(path))
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FleetError(f"cannot be read: {error.strerror}", place=str(path)) from error
    except UnicodeDecodeError as error:
        raise FleetError("is not UTF-8 text", place=str(path)) from error
    for line, document in split_documents(text, str(path)):
        yield Document(str(path), "\n" * (line - 1) + document)


def _mapping(item: Any, key: str, document: Document) -> Mapping[str, Any]:
    value = item.get(key) if isinstance(item, dict) else None
    if value is not None and not isinstance(value, dict):
        raise FleetError(f"{key} is not a mapping", place=document.path)
    return value or {}


def _strings(value: Any, document: Document, line: int = 0) -> dict[str, str]:
    """Labels or annotations. Raises FleetError where one is not a text."""
    place = f"{document.path}:{line}" if line else document.path
    if value is not None and not isinstance(value, dict):
        raise FleetError("labels and annotations are mappings", place=place)
    for key, text in (value or {}).items():
        if not isinstance(text, str):
            raise FleetError(f"{key}: {text!r} is not a text", place=place, remedy="Put it in quotes.")
    return dict(value or {})
