# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle's content: how resources are encoded, and the ID of all of them together."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from typing import Any

from ..errors import FleetError
from . import go_gzip, go_json
from .api_types import BUNDLE_SPEC
from .bundle import Bundle

COMPRESSED = "base64+gz"
"""The encoding of a resource that is not UTF-8, or of every resource of a large bundle."""

MAX_RESOURCE = 256 * 1024 * 1024
"""How large one resource may be when it is decompressed, in bytes. A guard, not a rule of Fleet's."""

_RESOURCES = next(item.type for item in BUNDLE_SPEC.fields if item.name == "resources")


def encode_resource(name: str, data: bytes, compress: bool = False) -> dict[str, str]:
    """A file as a resource ({name, content, encoding}); text stays as it is unless ``compress`` is asked for.

    What is not UTF-8 in the name becomes U+FFFD, as Go writes it.
    """
    if not name.isascii():
        name = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if not compress:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            return {"name": name, "content": text} if text else {"name": name}
    return {"name": name, "content": base64.b64encode(go_gzip.compress(data)).decode("ascii"), "encoding": COMPRESSED}


def decode_resource(resource: dict[str, Any]) -> bytes:
    """The bytes of a resource. Raises FleetError where the encoding is broken or unknown."""
    content = resource.get("content") or ""
    encoding = resource.get("encoding") or ""
    if not encoding:
        return content.encode("utf-8")
    try:
        if encoding not in ("base64", COMPRESSED):
            raise ValueError(f"there is no encoding {encoding!r}")
        data = base64.b64decode(content, validate=True)
        return data if encoding == "base64" else _gunzip(data)
    except (ValueError, binascii.Error, zlib.error) as error:
        raise FleetError(f"the resource cannot be decoded: {error}", place=resource.get("name") or "") from error


def content_id(bundle: Bundle) -> str:
    """The name of Fleet's Content object with these resources: ``s-`` and 61 hex digits."""
    return content_id_of(bundle.spec.get("resources") or [])


def content_id_of(resources: list[dict[str, Any]]) -> str:
    """The content ID of resources (Go: ``manifest.ID``)."""
    return f"s-{hashlib.sha256(content_json(resources)).hexdigest()}"[:63]


def content_json(resources: list[dict[str, Any]]) -> bytes:
    """The JSON that the ID is the digest of, and that a Content object holds compressed."""
    body = {"resources": _RESOURCES.canonical(resources)} if resources else {}
    return (go_json.dumps(body) + "\n").encode("utf-8")


def _gunzip(data: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    result = stream.decompress(data, MAX_RESOURCE + 1)
    if len(result) > MAX_RESOURCE:
        raise ValueError(f"it is larger than {MAX_RESOURCE} bytes when decompressed")
    if not stream.eof:
        raise ValueError("the compressed data ends too early")
    return result
