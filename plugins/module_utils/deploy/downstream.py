# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``downstreamResources``: Secrets and ConfigMaps that are copied into the release's namespace before it is deployed.

With Fleet they come from the bundle's namespace on the manager
(``copyResourcesFromUpstream`` in ``internal/cmd/agent/controller/bundledeployment_controller.go``). Here
they are given by whoever deploys, or read from that namespace of a cluster that is named.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ..chart.hiding import hide
from ..errors import FleetError
from ..kube.client import METADATA_LIST, ApiError, Client
from . import labels

PLURALS = {"Secret": "secrets", "ConfigMap": "configmaps"}

_KINDS = {kind.lower(): kind for kind in PLURALS}
_CONTENT = {"Secret": ("type", "data"), "ConfigMap": ("data", "binaryData")}
_FLEETS_MARK = "fleet.cattle.io/bundledeployment"
_DEFAULT_WORKSPACE = "fleet-default"


@dataclass(frozen=True)
class Copy:
    """An object to be copied: everything but its namespace."""

    kind: str
    name: str
    content: Mapping[str, Any] = field(repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprint(self) -> list[Any]:
        """What a copy that has to be made anew differs in."""
        return [self.kind, self.name, self.content, self.labels, self.annotations]

    @property
    def secrets(self) -> list[str]:
        """What must not come back in a message."""
        if self.kind != "Secret":
            return []
        encoded = list((self.content.get("data") or {}).values())
        decoded = [base64.b64decode(value).decode(errors="replace") for value in encoded]
        return [text for text in (*encoded, *decoded) if text]


class Sources:
    """Where copies come from: objects that were ``given``, else the workspace's namespace on ``hub``."""

    def __init__(self, given: Sequence[Mapping[str, Any]] = (), hub: Client | None = None):
        self._copies: dict[tuple[str, str, str], Copy] = {}
        self._hub = hub
        self._guard = threading.Lock()
        for number, item in enumerate(given, 1):
            workspace, copy = _given(item, f"downstream_resources, entry {number}")
            self._copies[workspace, copy.kind, copy.name] = copy

    def of(self, options: Mapping[str, Any], workspace: str) -> tuple[Copy, ...]:
        """What the options of a deployment want copied. Raises FleetError where one is nowhere to be found."""
        return tuple(self._find(workspace, entry) for entry in options.get("downstreamResources") or ())

    def _find(self, workspace: str, entry: Mapping[str, Any]) -> Copy:
        kind, name = _KINDS.get(str(entry.get("kind") or "").lower()), str(entry.get("name") or "")
        if kind is None or not name:
            raise FleetError(
                f"downstreamResources has {entry.get('kind')} {name or 'without a name'}",
                remedy="Write kind: Secret or ConfigMap, and name.",
            )
        with self._guard:
            if (workspace, kind, name) not in self._copies:
                self._copies[workspace, kind, name] = self._read(workspace, kind, name)
            return self._copies[workspace, kind, name]

    def _read(self, workspace: str, kind: str, name: str) -> Copy:
        missing = FleetError(
            f"{kind} {workspace}/{name}, which downstreamResources wants copied, is not given",
            remedy="Give it in downstream_resources, or name the cluster that has it with downstream_resources_from.",
        )
        if self._hub is None:
            raise missing
        path = f"/api/v1/namespaces/{quote(workspace, safe='')}/{PLURALS[kind]}/{quote(name, safe='')}"
        try:
            return _copy(self._hub.request("GET", path), kind, name)
        except ApiError as error:
            raise FleetError(
                f"{kind} {workspace}/{name}, which downstreamResources wants copied, cannot be read: {error.problem}",
                remedy=missing.remedy,
            ) from error


def copy_all(
    client: Client, copies: Iterable[Copy], namespace: str, release: str, *, adopt: bool, create_namespace: bool
) -> None:
    """Make the copies in ``namespace``, or bring them up to date. Raises FleetError."""
    copies = list(copies)
    if copies and create_namespace:
        _ensure_namespace(client, namespace)
    for copy in copies:
        try:
            _write(client, copy, namespace, _mark(namespace, release), adopt)
        except ApiError as error:
            problem = hide(error.problem, copy.secrets)
            raise FleetError(f"{copy.kind} {namespace}/{copy.name} cannot be copied there: {problem}") from None


def delete_copies(client: Client, namespace: str, release: str) -> None:
    """Remove the copies that were made for a release. Where they may not be listed, none can have been made."""
    query = {"labelSelector": f"{labels.COPIED_FOR}={_mark(namespace, release)}"}
    for plural in PLURALS.values():
        path = f"/api/v1/namespaces/{namespace}/{plural}"
        try:
            for item in list(client.list(path, query=query, accept=METADATA_LIST)):
                client.request("DELETE", f"{path}/{item['metadata']['name']}")
        except ApiError as error:
            if error.status not in (403, 404):
                raise


def _mark(namespace: str, release: str) -> str:
    return labels.label_value(f"{namespace}.{release}")


def _write(client: Client, copy: Copy, namespace: str, mark: str, adopt: bool) -> None:
    collection = f"/api/v1/namespaces/{namespace}/{PLURALS[copy.kind]}"
    wanted = {
        "apiVersion": "v1",
        "kind": copy.kind,
        "metadata": {
            "name": copy.name,
            "labels": {**copy.labels, labels.COPIED_FOR: mark},
            "annotations": dict(copy.annotations),
        },
        **copy.content,
    }
    try:
        found = client.request("GET", f"{collection}/{copy.name}")
    except ApiError as error:
        if error.status != 404:
            raise
        client.request("POST", collection, body=wanted)
        return
    metadata = found.get("metadata") or {}
    marks = metadata.get("labels") or {}
    if not adopt and labels.COPIED_FOR not in marks and _FLEETS_MARK not in marks:
        raise FleetError(
            f"{copy.kind} {namespace}/{copy.name} is there already, and is not a copy that was made for a bundle",
            remedy="Remove or rename it, or take it over by naming the bundle in adopt.",
        )
    if _copy(found, copy.kind, copy.name) == _copy(wanted, copy.kind, copy.name):
        return
    wanted["metadata"]["resourceVersion"] = metadata.get("resourceVersion")
    client.request("PUT", f"{collection}/{copy.name}", body=wanted)


def _ensure_namespace(client: Client, name: str) -> None:
    try:
        client.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})
    except ApiError as error:
        # There, or it may not be made: then it has to be there, or the copies fail and say so.
        if error.status not in (403, 409):
            raise


def _copy(obj: Mapping[str, Any], kind: str, name: str) -> Copy:
    metadata = obj.get("metadata") or {}
    return Copy(
        kind=kind,
        name=name,
        content={key: obj[key] for key in _CONTENT[kind] if obj.get(key)},
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
    )


def _given(item: Mapping[str, Any], place: str) -> tuple[str, Copy]:
    """An object as Kubernetes writes it; its namespace is the workspace."""
    kind = item.get("kind") if isinstance(item, Mapping) else None
    metadata = item.get("metadata") if isinstance(item, Mapping) else None
    if kind not in PLURALS or not isinstance(metadata, Mapping) or not metadata.get("name"):
        raise FleetError("this is no Secret or ConfigMap with a name", place=place, remedy="Give whole objects.")
    for key in ("data", "stringData", "binaryData"):
        values = item.get(key) or {}
        if not isinstance(values, Mapping) or not all(isinstance(value, str) for value in values.values()):
            raise FleetError(f"{key} is not a mapping of strings", place=place, remedy="Put the values in quotes.")
    content = dict(item)
    if kind == "Secret":
        content["data"] = {**(item.get("data") or {}), **dict(_encoded(item.get("stringData") or {}))}
        content.setdefault("type", "Opaque")
        _check_base64(content["data"], place)
    return str(metadata.get("namespace") or _DEFAULT_WORKSPACE), _copy(content, kind, str(metadata["name"]))


def _encoded(strings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, value in strings.items():
        yield key, base64.b64encode(value.encode()).decode()


def _check_base64(data: Mapping[str, str], place: str) -> None:
    for key, value in data.items():
        try:
            base64.b64decode(value, validate=True)
        except ValueError:
            raise FleetError(f"{key} is not base64", place=place, remedy="Write plain text in stringData.") from None
