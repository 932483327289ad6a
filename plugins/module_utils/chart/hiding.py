# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeping secrets out of messages: Helm and API servers quote the values that they were given."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

HIDDEN = "********"

SHORTEST = 3
"""Shorter strings are in every text, and hide nothing."""


def hide(text: str, secrets: Iterable[str]) -> str:
    """The text without the secrets, however they are written there: as they are, quoted, or in base64."""
    forms = {form for secret in secrets for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    return text


def scalars(value: Any) -> Iterator[str]:
    """Every string and number in a document, as text: what there is to hide in values that are secret."""
    if isinstance(value, dict):
        for item in value.values():
            yield from scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from scalars(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _forms(secret: str) -> Iterator[str]:
    for part in {secret, secret.strip(), *secret.splitlines()}:
        if len(part) < SHORTEST:
            continue
        yield part
        yield json.dumps(part)[1:-1]
        yield json.dumps(part, ensure_ascii=False)[1:-1]
    if len(secret) >= SHORTEST:
        yield base64.b64encode(secret.encode()).decode()
