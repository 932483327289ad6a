# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who owns which field of an object, where a release changes hands from Fleet's agent to us.

Fleet's agent applies as field manager ``fleetagent``, the Helm command as ``helm``. What only the
former owner may remove would stay for good, and what both set would be a conflict. So the owner's
entry is handed over before the first upgrade.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import FleetError
from ..kube.client import ApiError, Client
from ..kube.discovery import Discovery
from .manifest import ObjectKey

FLEET_AGENT, HELM = "fleetagent", "helm"

_JSON_PATCH = "application/json-patch+json"
_ATTEMPTS = 3


def hand_over(
    client: Client,
    discovery: Discovery,
    objects: Mapping[ObjectKey, Mapping[str, Any]],
    *,
    former: str = FLEET_AGENT,
    new: str = HELM,
) -> None:
    """Make ``new`` the owner of all that ``former`` applied in these objects. What is not there is passed over.

    Nothing but the entries in ``metadata.managedFields`` changes. Raises FleetError.
    """
    for key, item in objects.items():
        try:
            path = discovery.path(item["apiVersion"], key.kind, key.namespace, key.name)
        except ApiError:
            raise
        except FleetError:
            # The cluster does not know the kind any more.
            continue
        _hand_over(client, path, former, new)


def _hand_over(client: Client, path: str, former: str, new: str) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            metadata = client.request("GET", path).get("metadata") or {}
            entries = renamed(metadata.get("managedFields") or [], former, new)
            if entries is None:
                return
            client.request("PATCH", path, body=_patch(metadata, entries), content_type=_JSON_PATCH)
            return
        except ApiError as error:
            if error.status == 404:
                return
            # Somebody wrote to it meanwhile.
            if error.status not in (409, 422) or attempt == _ATTEMPTS:
                raise


def _patch(metadata: Mapping[str, Any], entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"op": "test", "path": "/metadata/resourceVersion", "value": metadata.get("resourceVersion")},
        {"op": "replace", "path": "/metadata/managedFields", "value": entries},
    ]


def renamed(entries: Iterable[Mapping[str, Any]], former: str, new: str) -> list[dict[str, Any]] | None:
    """The entries with what ``former`` applied given to ``new``, or None where it applied nothing."""
    entries = [dict(entry) for entry in entries]
    given = [entry for entry in entries if _applied_by(entry, former)]
    if not given:
        return None
    left = [entry for entry in entries if not _applied_by(entry, former)]
    for entry in given:
        own = next((item for item in left if _applied_by(item, new) and _same_kind(item, entry)), None)
        if own is None:
            left.append({**entry, "manager": new})
        else:
            own["fieldsV1"] = _union(own.get("fieldsV1") or {}, entry.get("fieldsV1") or {})
    return left


def _applied_by(entry: Mapping[str, Any], manager: str) -> bool:
    return entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")


def _same_kind(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.get("apiVersion") == other.get("apiVersion")


def _union(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Both sets of fields: nested mappings whose leaves are empty."""
    return {**one, **{name: _union(one.get(name) or {}, fields) for name, fields in other.items()}}
