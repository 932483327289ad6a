# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Fleet's API server would refuse in a Bundle, found before anything is deployed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import FleetError
from .bundle import Bundle
from .names import MAX_RELEASE_NAME

MAX_NAME = 63
"""The name of a bundle is also the value of a label."""

MODES = ("FirstMatch", "AllMatches")

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def validate(bundle: Bundle) -> None:
    """Check names and choices. Raises FleetError that names the bundle."""
    place = f"bundle {bundle.name}"
    if not _NAME.fullmatch(bundle.name) or len(bundle.name) > MAX_NAME:
        raise FleetError(
            "is not the name of a Kubernetes object",
            place=place,
            remedy=f"Write name: in its fleet.yaml, with at most {MAX_NAME} lower-case letters, digits, '-' and '.'.",
        )
    for field, name in _release_names(bundle.spec):
        if not _NAME.fullmatch(name) or len(name) > MAX_RELEASE_NAME:
            raise FleetError(
                f"{field} {name!r} is not the name of a Helm release",
                place=place,
                remedy=f"Use at most {MAX_RELEASE_NAME} lower-case letters, digits, '-' and '.'.",
            )
    mode = bundle.spec.get("targetCustomizationMode") or MODES[0]
    if mode not in MODES:
        raise FleetError(f"targetCustomizationMode is {mode!r}", place=place, remedy=f"Use {' or '.join(MODES)}.")


def _release_names(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for number, options in enumerate([spec, *(spec.get("targets") or [])], -1):
        name = (options.get("helm") or {}).get("releaseName")
        if name:
            yield ("helm.releaseName" if number < 0 else f"targets[{number}].helm.releaseName"), name
