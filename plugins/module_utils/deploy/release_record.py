# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Helm wrote down about one revision of a release: its manifest, values, chart and hooks."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from ..errors import FleetError
from ..kube.client import ApiError, Client

MAX_BYTES = 64 * 1024 * 1024
"""No record is unpacked further than this. A Secret holds 1 MiB, which can unpack to a thousand."""

_GZIP_MAGIC = b"\x1f\x8b\x08"
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True)
class ReleaseRecord:
    """One revision of a Helm release, from the Secret ``sh.helm.release.v1.<name>.v<revision>``.

    ``config`` are the values given to Helm (not the chart's own). ``labels`` are those of the
    Secret, Helm's own among them. ``hooks`` are as Helm keeps them ({name, kind, path, manifest,
    events, …}). ``updated`` is when the revision was made (RFC 3339). Values and manifest may hold
    secrets.
    """

    name: str
    namespace: str
    revision: int
    status: str
    manifest: str
    config: dict[str, Any] = field(default_factory=dict)
    chart_name: str = ""
    chart_version: str = ""
    chart_annotations: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    description: str = ""
    hooks: tuple[dict[str, Any], ...] = ()
    updated: str = ""


def read_release(client: Client, namespace: str, secret_name: str) -> ReleaseRecord | None:
    """The record in that Secret of a cluster, None where it is not there (any more)."""
    try:
        return decode(client.request("GET", f"/api/v1/namespaces/{namespace}/secrets/{secret_name}"))
    except ApiError as error:
        if error.status == 404:
            return None
        raise


def decode(secret: dict[str, Any]) -> ReleaseRecord:
    """The record in a release Secret as the API gives it. Raises :class:`FleetError` where it is not one."""
    metadata = secret.get("metadata") or {}
    place = f"Secret {metadata.get('namespace', '')}/{metadata.get('name', '')}"
    encoded = (secret.get("data") or {}).get("release")
    if not isinstance(encoded, str):
        raise _unreadable(place, "it has no key release")
    return _record(_document(encoded, place), metadata, place)


def _document(encoded: str, place: str) -> dict[str, Any]:
    """base64 (of every Secret), base64 (of Helm), gzip (of Helm since version 2.7), JSON."""
    try:
        packed = base64.b64decode(base64.b64decode(encoded, validate=True), validate=True)
        document = json.loads(_unpack(packed, place))
    except (binascii.Error, zlib.error, ValueError) as error:
        raise _unreadable(place, "its content is damaged") from error
    except RecursionError as error:
        raise _unreadable(place, "it is nested too deeply") from error
    if not isinstance(document, dict):
        raise _unreadable(place, "its content is not a release")
    return document


def _unpack(packed: bytes, place: str) -> bytes:
    if not packed.startswith(_GZIP_MAGIC):
        return packed
    unpacker = zlib.decompressobj(_GZIP)
    unpacked = unpacker.decompress(packed, MAX_BYTES)
    if unpacker.unconsumed_tail:
        raise _unreadable(place, f"it unpacks to more than {MAX_BYTES // 1024 // 1024} MiB")
    return unpacked


def _record(document: dict[str, Any], metadata: dict[str, Any], place: str) -> ReleaseRecord:
    info = _mapping(document.get("info"))
    chart = _mapping(_mapping(document.get("chart")).get("metadata"))
    try:
        revision = int(document.get("version") or 0)
    except (TypeError, ValueError) as error:
        raise _unreadable(place, "its revision is not a number") from error
    return ReleaseRecord(
        name=str(document.get("name") or ""),
        namespace=str(document.get("namespace") or metadata.get("namespace") or ""),
        revision=revision,
        status=str(info.get("status") or ""),
        manifest=str(document.get("manifest") or ""),
        config=_mapping(document.get("config")),
        chart_name=str(chart.get("name") or ""),
        chart_version=str(chart.get("version") or ""),
        chart_annotations=_mapping(chart.get("annotations")),
        labels=_mapping(metadata.get("labels")),
        description=str(info.get("description") or ""),
        hooks=tuple(hook for hook in document.get("hooks") or () if isinstance(hook, dict)),
        updated=str(info.get("last_deployed") or ""),
    )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _unreadable(place: str, why: str) -> FleetError:
    return FleetError(
        f"this release of Helm cannot be read: {why}",
        place=place,
        remedy="See what helm history says about it.",
    )
