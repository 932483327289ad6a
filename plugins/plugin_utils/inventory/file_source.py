# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source ``file``: clusters from a list that somebody wrote, in a file of its own or in the inventory file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import Connection
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster

from .record import Record, check_name, check_workspace
from .source import Source
from .yaml_file import YamlFile

OPTIONS = frozenset({"path", "clusters", "kubeconfig"})

_FIELDS = frozenset({"name", "workspace", "labels", "annotations", "templateValues", "kubeconfig", "context", "uid"})


def read(source: Source) -> list[Record]:
    """The clusters of the list. Raises :class:`FleetError` with file and line of what is wrong in it."""
    written = source.text("path")
    inline = source.options.get("clusters")
    if bool(written) == (inline is not None):
        raise FleetError(
            "it needs either path or clusters", place=source.place(), remedy="Name a file, or write the list here."
        )
    if inline is not None:
        return _clusters(source, inline, source.folder, lambda *keys: source.place("clusters", *keys))
    file = YamlFile(source.path(written))
    document = file.document
    keys: tuple[str, ...] = ()
    if isinstance(document, Mapping):
        document, keys = document.get("clusters"), ("clusters",)
    return _clusters(source, document, os.path.dirname(file.path), lambda *more: file.place(*keys, *more))


def _clusters(source: Source, entries: Any, folder: str, place: Callable[..., str]) -> list[Record]:
    if not isinstance(entries, list):
        raise FleetError("there is no list of clusters", place=place(), remedy="Write a list, or clusters: with one.")
    records = []
    for number, entry in enumerate(entries):
        try:
            records.append(_record(source, entry, folder))
        except FleetError as error:
            raise error.at(place(number)) from error
    return records


def _record(source: Source, entry: Any, folder: str) -> Record:
    if not isinstance(entry, Mapping):
        raise FleetError("an entry of the list is not a mapping", remedy="Begin it with - name: …")
    unknown = sorted(set(entry) - _FIELDS, key=str)
    if unknown:
        raise FleetError(f"a cluster has no field {unknown[0]}", remedy=f"It may have: {', '.join(sorted(_FIELDS))}.")
    name = check_name(entry.get("name"), "a cluster")
    kubeconfig = _text(entry, "kubeconfig") or source.text("kubeconfig")
    if not kubeconfig:
        raise FleetError(
            f"cluster {name} has no kubeconfig", remedy="Give it one, or give the source one for all its clusters."
        )
    return Record(
        cluster=Cluster(
            name=name,
            namespace=check_workspace(entry.get("workspace") or source.workspace),
            labels={**source.labels, **source.check_labels(entry.get("labels") or {})},
            annotations=_strings(entry, "annotations"),
            template_values=_mapping(entry, "templateValues"),
        ),
        connection=Connection(
            source.reference(kubeconfig, folder if entry.get("kubeconfig") else None), _text(entry, "context")
        ),
        uid=_text(entry, "uid"),
        source=source.name,
    )


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FleetError(f"{key} is not a string: {value!r}", remedy="Put it in quotes.")
    return value


def _mapping(entry: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = entry.get(key) or {}
    if not isinstance(value, Mapping):
        raise FleetError(f"{key} is not a mapping")
    return dict(value)


def _strings(entry: Mapping[str, Any], key: str) -> dict[str, str]:
    found = _mapping(entry, key)
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise FleetError(f"{name} of {key} is not a string: {value!r}", remedy="Put it in quotes.")
    return found
