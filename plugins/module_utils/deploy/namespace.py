# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release namespace, where a bundle sets its labels or annotations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..kube.client import ApiError, Client
from ..target.deployment import BundleDeployment

_KEPT_LABELS = ("kubernetes.io/metadata.name",)
_KEPT_PREFIX = "pod-security.kubernetes.io/"


def ensure_namespace(client: Client, deployment: BundleDeployment) -> None:
    """Make the namespace's labels and annotations equal to ``namespaceLabels`` and ``namespaceAnnotations``.

    As Fleet's agent does: what is not in the map goes, except ``kubernetes.io/metadata.name`` and
    ``pod-security.kubernetes.io/*`` among the labels, which can't be set this way either; an empty
    map leaves everything as it is. Without either map, making the namespace is Helm's business.
    """
    wanted_labels = deployment.namespace_labels
    wanted_annotations = deployment.namespace_annotations
    if not wanted_labels and not wanted_annotations:
        return
    name = deployment.release_namespace
    path = f"/api/v1/namespaces/{name}"
    try:
        found = client.request("GET", path)
    except ApiError as error:
        if error.status != 404 or deployment.options.get("createNamespace") is False:
            raise
        found = _create(client, name)
    metadata = found.get("metadata") or {}
    patch = {}
    if wanted_labels:
        patch["labels"] = _difference(metadata.get("labels") or {}, wanted_labels, _is_kept)
    if wanted_annotations:
        patch["annotations"] = _difference(metadata.get("annotations") or {}, wanted_annotations, lambda _key: False)
    if any(patch.values()):
        client.request("PATCH", path, body={"metadata": patch}, content_type="application/merge-patch+json")


def _create(client: Client, name: str) -> dict[str, Any]:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    try:
        return client.request("POST", "/api/v1/namespaces", body=body)
    except ApiError as error:
        if error.status != 409:
            raise
        # Another bundle of this run goes there too, and was quicker.
        return client.request("GET", f"/api/v1/namespaces/{name}")


def _is_kept(key: str) -> bool:
    return key in _KEPT_LABELS or key.startswith(_KEPT_PREFIX)


def _difference(found: dict[str, str], wanted: dict[str, str], is_kept: Callable[[str], bool]) -> dict[str, str | None]:
    """A merge patch that makes ``found`` equal to ``wanted``; None removes a key."""
    patch: dict[str, str | None] = {key: None for key in found if key not in wanted and not is_kept(key)}
    patch.update({key: value for key, value in wanted.items() if found.get(key) != value and not is_kept(key)})
    return patch
