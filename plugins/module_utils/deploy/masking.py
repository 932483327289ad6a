# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets in differences: which keys there are and which changed is shown, a value never.

Nothing that depends on a value gets out, neither its length nor a digest: a short one is guessed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import Any

HIDDEN = "(hidden)"
CHANGED = "(hidden, changed)"
NEW = "(hidden, new)"

_DATA = ("data", "stringData")
_SHORTEST = 4
"""A value of fewer characters is not looked for in other fields: it would be found everywhere."""


def is_secret(obj: dict[str, Any] | None) -> bool:
    """Whether the object is a Secret, of whatever API group."""
    return obj is not None and obj.get("kind") == "Secret"


def plain_data(secret: dict[str, Any]) -> dict[str, Any]:
    """The Secret with ``data`` decoded to bytes and ``stringData`` merged into it, as the API server does."""
    data = {}
    for name, value in _items(secret.get("data")):
        data[name] = _decoded(value)
    for name, value in _items(secret.get("stringData")):
        data[name] = str(value).encode()
    result = {name: value for name, value in secret.items() if name not in _DATA}
    if data:
        result["data"] = data
    return result


def masked(
    before: dict[str, Any] | None, after: dict[str, Any] | None, values: Iterable[str]
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Both Secrets (of :func:`plain_data`) without a value in them.

    ``values`` are all that :func:`secret_values` found: what else in the two repeats one of them is
    hidden as well (an annotation with the last applied configuration).
    """
    old = (before or {}).get("data") or {}
    new = (after or {}).get("data") or {}
    values = tuple(values)
    shown_before = dict.fromkeys(old, HIDDEN)
    shown_after = {name: _word(old.get(name), value) for name, value in new.items()}
    return _with_data(before, shown_before, values), _with_data(after, shown_after, values)


def secret_values(*secrets: dict[str, Any] | None) -> set[str]:
    """Every value of these Secrets (as the API or a manifest gives them), encoded and decoded."""
    values: set[str] = set()
    for secret in secrets:
        for name in _DATA:
            for _key, value in _items((secret or {}).get(name)):
                text = str(value)
                values.add(text)
                values.add(_decoded(text).decode("utf-8", "replace"))
                values.add(base64.b64encode(text.encode()).decode())
    return {value for value in values if len(value) >= _SHORTEST}


def _word(old: Any, new: Any) -> str:
    if old is None:
        return NEW
    return HIDDEN if old == new else CHANGED


def _with_data(secret: dict[str, Any] | None, data: dict[str, str], values: tuple[str, ...]) -> dict[str, Any] | None:
    if secret is None:
        return None
    rest = {name: value for name, value in secret.items() if name not in _DATA}
    result = {name: _scrubbed(value, values) for name, value in rest.items()}
    # Names are how the object is found; they are no place for a secret.
    for name in ("apiVersion", "kind"):
        if name in rest:
            result[name] = rest[name]
    metadata = result.get("metadata")
    if isinstance(metadata, dict):
        for name in ("name", "namespace"):
            if name in rest["metadata"]:
                metadata[name] = rest["metadata"][name]
    if data:
        result["data"] = data
    return result


def _scrubbed(value: Any, values: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {name: _scrubbed(item, values) for name, item in value.items()}
    if isinstance(value, list):
        return [_scrubbed(item, values) for item in value]
    if isinstance(value, str) and any(secret in value for secret in values):
        return HIDDEN
    return value


def _items(data: Any) -> Iterable[tuple[str, Any]]:
    return ((name, value) for name, value in data.items() if value is not None) if isinstance(data, dict) else ()


def _decoded(value: Any) -> bytes:
    text = str(value)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return text.encode()
