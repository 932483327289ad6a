# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a bundle's files are put into it: as text, or compressed where there are many of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from . import go_json
from .api_types import BUNDLE_SPEC
from .bundle import Bundle
from .content import encode_resource

COMPRESS_FROM = 1_000_000
"""A Bundle whose JSON has this many bytes gets all its resources compressed."""

_STATUS = (
    '"status":{"summary":{"ready":0,"desiredReady":0},"unavailable":0,"unavailablePartitions":0,"maxUnavailable":0,'
    '"maxUnavailablePartitions":0,"display":{},"observedGeneration":0}}'
)
"""The empty status that counts towards the size of a Bundle."""


def with_resources(bundle: Bundle, content: dict[str, bytes], *, compress: bool, own_namespace: str = "") -> Bundle:
    """The bundle with these files as resources, all of them compressed if asked for, or if it is too large else.

    ``own_namespace`` is ``namespace`` in fleet.yaml: when Fleet measures the Bundle, that stands in its metadata.
    """
    encoded = _with_resources(bundle, content, compress)
    if compress or not _is_large(replace(encoded, namespace=own_namespace), content):
        return encoded
    return _with_resources(bundle, content, compress=True)


def _with_resources(bundle: Bundle, content: dict[str, bytes], compress: bool) -> Bundle:
    resources = [encode_resource(path, data, compress) for path, data in content.items()]
    return replace(bundle, spec=bundle.spec | {"resources": resources})


def _is_large(bundle: Bundle, content: dict[str, bytes]) -> bool:
    """Whether the JSON of the Bundle reaches the size from which Fleet compresses it."""
    # Escaped, a byte becomes six at most, and base64 makes less of it: most bundles need no closer look.
    options = len(repr({**bundle.spec, "resources": [], "labels": bundle.labels, "annotations": bundle.annotations}))
    files = sum(len(path) + len(data) + 32 for path, data in content.items())
    return 6 * (options + files + len(_STATUS)) >= COMPRESS_FROM and json_size(bundle) >= COMPRESS_FROM


def json_size(bundle: Bundle) -> int:
    """How many bytes the Bundle has as JSON."""
    metadata: dict[str, Any] = {"name": bundle.name}
    for key, value in (("namespace", bundle.namespace), ("labels", bundle.labels), ("annotations", bundle.annotations)):
        if value:
            metadata[key] = dict(sorted(value.items())) if isinstance(value, dict) else value
    body = go_json.dumps({"metadata": metadata, "spec": BUNDLE_SPEC.canonical(bundle.spec)})
    # The status follows in place of the last brace.
    return len(body.encode("utf-8")) + len(_STATUS)
