# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Secret in which Fleet keeps a bundle's Helm values, and its hash (``pkg/helmvalues`` in rancher/fleet)."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from ..errors import FleetError
from . import go_json
from .api_types import GENERIC_MAP

SECRET_TYPE = "fleet.cattle.io/bundle-values/v1alpha1"  # noqa: S105 - the name of a type, no secret


def extract_values(spec: dict[str, Any]) -> dict[str, str]:
    """The values of a BundleSpec as JSON: ``values.yaml`` and, under its name, those of each target.

    Raises FleetError for a target with values and without a name.
    """
    data = {}
    if (spec.get("helm") or {}).get("values"):
        data["values.yaml"] = _json(spec["helm"]["values"])
    for target in spec.get("targets") or []:
        values = (target.get("helm") or {}).get("values")
        if not values:
            continue
        if not target.get("name"):
            raise FleetError("a target that has Helm values must have a name")
        data[target["name"]] = _json(values)
    return data


def values_hash(data: dict[str, str]) -> str:
    """``spec.valuesHash`` of the Bundle; empty if there are no values."""
    if not data:
        return ""
    # Go writes the bytes of a Secret's values as base64.
    encoded = {key: base64.b64encode(data[key].encode("utf-8")).decode("ascii") for key in sorted(data)}
    return hashlib.sha256(go_json.dumps(encoded).encode("utf-8")).hexdigest()


def without_values(spec: dict[str, Any]) -> dict[str, Any]:
    """The BundleSpec as it is stored beside such a Secret: no values and no values files in it."""
    result = dict(spec)
    if spec.get("helm") is not None:
        result["helm"] = _bare(spec["helm"])
    if spec.get("targets"):
        result["targets"] = [
            target | {"helm": _bare(target["helm"])} if target.get("helm") is not None else target
            for target in spec["targets"]
        ]
    return result


def _bare(helm: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in helm.items() if key not in ("values", "valuesFiles")}


def _json(values: dict[str, Any]) -> str:
    return go_json.dumps(GENERIC_MAP.canonical(values))
