# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlays of raw manifests."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import FleetError


def apply_overlays(resources: dict[str, bytes], overlays: Sequence[str], place: str) -> dict[str, bytes]:
    """The resources of a raw bundle after its overlays; what lies below ``overlays/`` is not among them."""
    result = dict(resources)
    for overlay in overlays:
        prefix = f"overlays/{overlay}/"
        for name in sorted(resources):
            if name.startswith(prefix):
                if "_patch." in name:
                    raise FleetError("patches: not yet", place=place)
                result[name[len(prefix) :]] = resources[name]
    return {name: content for name, content in result.items() if not name.startswith("overlays/")}
