# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of the API that need more than a method and a path.

https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

from typing import Any

from .client import Client

FIELD_MANAGER = "gitops.fleet"


def create(client: Client, path: str, body: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
    """POST ``body`` to the collection at ``path``. A name that is taken raises ApiError with status 409."""
    return client.request("POST", path, query=_query(dry_run), body=body)


def merge_patch(client: Client, path: str, patch: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
    """JSON merge patch (RFC 7386): None removes a field, a list is replaced as a whole."""
    content_type = "application/merge-patch+json"
    return client.request("PATCH", path, query=_query(dry_run), body=patch, content_type=content_type)


def apply(
    client: Client, path: str, body: dict[str, Any], *, force: bool = False, dry_run: bool = False
) -> dict[str, Any]:
    """Server-side apply. A field that another manager owns raises ApiError 409 unless ``force``."""
    query = {**_query(dry_run), "force": "true" if force else "false"}
    return client.request("PATCH", path, query=query, body=body, content_type="application/apply-patch+yaml")


def delete(
    client: Client, path: str, *, propagation: str = "Background", uid: str = "", resource_version: str = ""
) -> dict[str, Any]:
    """DELETE one object. ``uid`` and ``resource_version`` are preconditions: another object raises ApiError 409.

    ``propagation`` says what becomes of the objects that it owns: Background, Foreground or Orphan.
    """
    preconditions = {key: value for key, value in (("uid", uid), ("resourceVersion", resource_version)) if value}
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
    if preconditions:
        body["preconditions"] = preconditions
    return client.request("DELETE", path, body=body)


def _query(dry_run: bool) -> dict[str, str]:
    query = {"fieldManager": FIELD_MANAGER}
    if dry_run:
        query["dryRun"] = "All"
    return query
