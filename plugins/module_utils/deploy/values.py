# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values that a release is installed with: those of the options, then those that lie on the cluster."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ..bundle.go_yaml import load
from ..chart.hiding import scalars
from ..errors import FleetError
from ..kube.client import ApiError, Client

DEFAULT_KEY = "values.yaml"


@dataclass
class Values:
    """Documents for Helm, of which later ones win; those of them that are read from the cluster; and what comes from
    Secrets: as strings, and as read.
    """

    documents: list[bytes] = field(default_factory=list)
    from_cluster: list[bytes] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    secret_values: list[Any] = field(default_factory=list)

    def formerly(self, config: Any) -> list[str]:
        """What the values of an earlier revision held in the places that are now secret."""
        return [text for secret in self.secret_values for text in _in_places_of(config, secret)]


def read_values(client: Client, release_namespace: str, helm_options: dict[str, Any]) -> Values:
    """``helm.values``, then each entry of ``helm.valuesFrom`` in its order.

    By Fleet's rules: an entry without a namespace is read in the release's, one without a key by
    ``values.yaml``; of an entry that has both, the ConfigMap comes before the Secret. Raises
    :class:`FleetError` where an entry cannot be read.
    """
    values = Values()
    if helm_options.get("values"):
        values.documents.append(json.dumps(helm_options["values"]).encode())
    for kind, reference in _references(helm_options.get("valuesFrom") or []):
        text = _read(client, kind, reference, reference.get("namespace") or release_namespace)
        values.documents.append(text.encode())
        values.from_cluster.append(text.encode())
        if kind == "Secret":
            secret = _load(text, reference)
            values.secrets += [text, *scalars(secret)]
            values.secret_values.append(secret)
    return values


def _in_places_of(config: Any, secret: Any) -> Iterator[str]:
    if isinstance(config, dict) and isinstance(secret, dict):
        for name in secret:
            yield from _in_places_of(config.get(name), secret[name])
    else:
        yield from scalars(config)


def _load(text: str, reference: dict[str, Any]) -> Any:
    try:
        return load(text, "")
    except FleetError as error:
        # The parser's own words quote what it could not read.
        raise FleetError(
            f"key {reference.get('key') or DEFAULT_KEY} of Secret {reference.get('name')}, which helm.valuesFrom "
            "names, is not YAML",
            remedy="Correct the Secret on this cluster.",
        ) from error


def _references(entries: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in entries:
        for field_name, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if entry.get(field_name):
                yield kind, entry[field_name]


def _read(client: Client, kind: str, reference: dict[str, Any], namespace: str) -> str:
    plural = "configmaps" if kind == "ConfigMap" else "secrets"
    name, key = reference.get("name") or "", reference.get("key") or DEFAULT_KEY
    if not name:
        raise FleetError(f"an entry of helm.valuesFrom has no name of a {kind}", remedy="Add it in fleet.yaml.")
    try:
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/{plural}/{quote(name, safe='')}"
        found = client.request("GET", path)
    except ApiError as error:
        raise FleetError(
            f"helm.valuesFrom names {kind} {namespace}/{name}, which cannot be read: {error.problem}",
            remedy="Make it on this cluster, or correct the name in fleet.yaml.",
        ) from error
    data = (found.get("data") or {}).get(key)
    if data is None:
        raise FleetError(
            f"helm.valuesFrom names key {key} of {kind} {namespace}/{name}, which has no such key",
            remedy="Add the key, or correct it in fleet.yaml.",
        )
    try:
        return data if kind == "ConfigMap" else base64.b64decode(data).decode()
    except ValueError as error:
        raise FleetError(
            f"key {key} of Secret {namespace}/{name}, which helm.valuesFrom names, is not text",
            remedy="Correct the Secret on this cluster.",
        ) from error
