# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Source ``kubeconfig``: the contexts of kubeconfig files are the clusters."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import Connection
from ansible_collections.gitops.fleet.plugins.module_utils.kube.kubeconfig import KubeconfigFile, read_file
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster

from .record import Record
from .source import Source

OPTIONS = frozenset({"path", "contexts", "names_from"})

_FILE_SUFFIXES = (".yaml", ".yml", ".kubeconfig", ".conf", ".config")


def read(source: Source) -> list[Record]:
    """A cluster for each context. Raises :class:`FleetError` where a file is no kubeconfig.

    A file of a directory that is none is skipped with a warning: it may be anything.
    """
    names_from = source.text("names_from") or "context"
    if names_from not in ("context", "file"):
        raise FleetError(
            f"names_from is {names_from}", place=source.place("names_from"), remedy="It may be context or file."
        )
    patterns = source.strings("contexts") or ["*"]
    paths = source.strings("path")
    if not paths:
        raise FleetError("it has no path", place=source.place(), remedy="Name a kubeconfig, a directory, or env:NAME.")
    records = []
    for reference, path in _files(source, paths):
        try:
            file = read_file(path)
        except FleetError as error:
            if reference is None:
                source.warnings.append(f"{error} It is skipped.")
                continue
            raise
        for context in _contexts(file, names_from, patterns):
            records.append(_record(source, reference or path, path, context, names_from))
    return records


def _files(source: Source, written: list[str]) -> Iterator[tuple[str | None, str]]:
    """(reference, path) of each file; no reference for those that were found in a directory."""
    for text in written:
        path = source.path(text)
        if not os.path.isdir(path):
            yield source.reference(text), path
            continue
        names = sorted(os.listdir(path))
        found = [os.path.join(path, name) for name in names if name.endswith(_FILE_SUFFIXES) or name == "config"]
        if not found:
            source.warnings.append(
                f"{path} holds no kubeconfig (*.yaml, *.yml, *.kubeconfig, *.conf, *.config, config)"
            )
        for file in found:
            yield None, file


def _contexts(file: KubeconfigFile, names_from: str, patterns: list[str]) -> list[str]:
    if names_from == "file":
        # One cluster a file: its current context, or its only one.
        chosen = file.current_context or (next(iter(file.contexts)) if len(file.contexts) == 1 else "")
        if chosen not in file.contexts:
            raise FleetError(
                "it has no current-context by which one of its contexts is chosen",
                place=f"kubeconfig {file.path}",
                remedy="Set one: kubectl config use-context …",
            )
        return [chosen]
    return [name for name in file.contexts if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _record(source: Source, reference: str, path: str, context: str, names_from: str) -> Record:
    stem = os.path.basename(path).removesuffix("".join(suffix for suffix in _FILE_SUFFIXES if path.endswith(suffix)))
    return Record(
        cluster=Cluster(
            name=cluster_name(stem if names_from == "file" else context),
            namespace=source.workspace,
            labels=dict(source.labels),
        ),
        connection=Connection(reference, context),
        source=source.name,
        place=f"context {context} of {path}",
    )


def cluster_name(text: str) -> str:
    """A name that Kubernetes allows, made from any text: ``gke_shop_eu_Prod`` becomes ``gke-shop-eu-prod``."""
    name = re.sub(r"[^a-z0-9.]+", "-", text.lower())
    name = ".".join(part.strip("-") for part in name.split("."))
    return re.sub(r"\.+", ".", name).strip(".")[:253].strip("-.") or "cluster"
