# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer says: an object, a refusal, or that no API server stands there."""

from __future__ import annotations

import json
import time
from typing import Any

from ..errors import FleetError, Unreachable
from .errors import ApiError, one_line, refusal

try:
    import urllib3
except ImportError:
    urllib3 = None

IS_DECODED = urllib3 is not None and hasattr(urllib3.response.HTTPResponse, "read1")
"""Whether what :func:`read_body` returns is decompressed. Before urllib3 2.0 it is not, so none may be asked for."""

LARGEST_ANSWER = 256 * 1024 * 1024
_PIECE = 256 * 1024


def read_body(response: Any, seconds: float) -> bytes:
    """The whole body of urllib3's ``response``, and its connection given back to the pool.

    Raises :class:`Unreachable` for one that is not complete after ``seconds`` or endless, and
    urllib3's errors where it breaks off.
    """
    deadline = time.monotonic() + seconds
    # read1 returns what has come. urllib3 1.26 (the last of its line) has none, but http.client below it.
    read = response.read1 if IS_DECODED else response._fp.read1
    pieces: list[bytes] = []
    size = 0
    while piece := read(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST_ANSWER or time.monotonic() > deadline:
            response.close()
            problem = (
                f"has more than {LARGEST_ANSWER // 1024**2} MiB"
                if size > LARGEST_ANSWER
                else f"was not complete after {seconds:g} s"
            )
            raise Unreachable(f"the answer {problem}", remedy="Look at the API server, or the proxy in front of it.")
    response.drain_conn()
    response.release_conn()
    return b"".join(pieces)


def understand(method: str, path: str, response: Any, body: bytes) -> dict[str, Any]:
    """The object in the answer to ``method`` ``path``.

    Raises :class:`ApiError` where it is a refusal, and :class:`Unreachable` where no API server
    would answer so.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if response.status >= 400 and (isinstance(answer, dict) or _may_be_refusal(response)):
        raise refusal(method, path, response.status, response.reason, answer)
    if not isinstance(answer, dict) or not 200 <= response.status < 300:
        raise _not_an_api_server(response, body)
    return answer


def page_of(answer: dict[str, Any]) -> tuple[list[dict[str, Any]], str] | None:
    """The items of an answer to LIST, and where the next page begins; None where it is not such an answer."""
    # An API server writes an empty list of metadata as null.
    items = [] if answer.get("items", "") is None else answer.get("items")
    metadata = answer.get("metadata") or {}
    if not isinstance(items, list) or not isinstance(metadata, dict):
        return None
    if not all(isinstance(item, dict) for item in items):
        return None
    return items, metadata.get("continue") or ""


def warnings_in(response: Any) -> list[str]:
    """The texts of the headers ``Warning``, which look like ``299 - "text"``.

    https://www.rfc-editor.org/rfc/rfc7234#section-5.5
    """
    headers = response.headers.getlist("Warning")
    return [one_line(header.split(" ", 2)[-1].strip('"').replace('\\"', '"')) for header in headers]


def _may_be_refusal(response: Any) -> bool:
    """Whether an answer without a Status object may be an API server's, or a proxy's that says the same.

    For a group that it does not have, an API server answers 404 in plain text.
    """
    if response.status == 404:
        return response.headers.get("Content-Type", "").startswith("text/plain")
    return response.status in (401, 403, 429)


def _not_an_api_server(response: Any, body: bytes) -> FleetError:
    kind = response.headers.get("Content-Type", "").partition(";")[0] or "no content type"
    if response.status >= 500:
        reason = response.reason or ""
        return ApiError(
            f"the server answered {response.status} {reason}".rstrip(),
            remedy="Look at the API server, or at the proxy in front of it.",
            status=response.status,
            reason=reason,
        )
    if "json" in kind and response.status == 200:
        return Unreachable(
            f"the answer is not complete JSON ({len(body)} bytes)",
            remedy="Run again; look at the proxy in front of the API server if it stays.",
        )
    return Unreachable(
        f"it answered {response.status} with {one_line(kind)}, which no API server does",
        remedy="Check the kubeconfig's server: a login page, a proxy or another service stands there.",
    )
