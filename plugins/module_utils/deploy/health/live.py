# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading live objects by kind: one LIST a kind and namespace, or one over all namespaces."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from ...kube.client import METADATA, METADATA_LIST, ApiError, Client
from ...kube.discovery import Discovery
from .kinds import needs_status

_HELM_ONLY = "app.kubernetes.io/managed-by=Helm"
"""Helm puts this label on all that it deploys."""


class ObjectName(NamedTuple):
    """An object, in the version of its manifest. ``namespace`` is '' for cluster-wide kinds."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class LiveObjects:
    """Reads what is needed for health: of kinds that are ready as soon as they are there, the metadata only."""

    def __init__(self, client: Client, discovery: Discovery):
        self._client = client
        self._discovery = discovery
        self._unfiltered: set[tuple[str, str]] = set()
        self._by_namespace: set[tuple[str, str]] = set()

    def read(self, names: Collection[ObjectName]) -> dict[ObjectName, dict[str, Any]]:
        """Those of ``names``, all of one kind, that are there. Raises what the client and discovery raise."""
        names = frozenset(names)
        [kind] = {(name.api_version, name.kind) for name in names}
        if len(names) == 1:
            found = {name: self._get(name) for name in names}
            return {name: obj for name, obj in found.items() if obj is not None}
        found = self._list(kind, names)
        if len(found) < len(names) and kind not in self._unfiltered:
            # Somebody may have taken Helm's label away: from now on without it.
            self._unfiltered.add(kind)
            found = self._list(kind, names)
        return found

    def _get(self, name: ObjectName) -> dict[str, Any] | None:
        path = self._discovery.path(name.api_version, name.kind, name.namespace, name.name)
        accept = None if needs_status(name.api_version, name.kind) else METADATA
        try:
            return self._client.request("GET", path, accept=accept)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def _list(self, kind: tuple[str, str], names: Collection[ObjectName]) -> dict[ObjectName, dict[str, Any]]:
        namespaces = sorted({name.namespace for name in names})
        if len(namespaces) > 1 and kind not in self._by_namespace:
            try:
                return self._list_in(kind, "", names)
            except ApiError as error:
                if error.status != 403:
                    raise
                self._by_namespace.add(kind)
        found = {}
        for namespace in namespaces:
            found.update(self._list_in(kind, namespace, names))
        return found

    def _list_in(
        self, kind: tuple[str, str], namespace: str, names: Collection[ObjectName]
    ) -> dict[ObjectName, dict[str, Any]]:
        path = self._discovery.path(*kind, namespace)
        query = {} if kind in self._unfiltered else {"labelSelector": _HELM_ONLY}
        accept = None if needs_status(*kind) else METADATA_LIST
        found = {}
        for item in self._client.list(path, query=query, accept=accept):
            metadata = item.get("metadata") or {}
            name = ObjectName(*kind, metadata.get("namespace") or "", metadata.get("name") or "")
            if name in names:
                found[name] = item
        return found
