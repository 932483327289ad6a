# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``helm.valuesFiles``: values that lie in files beside ``fleet.yaml``."""

from __future__ import annotations

from typing import Any

from ..errors import FleetError
from ..source.tree_index import TreeFiles
from . import go_yaml
from .fleet_yaml import decode_values
from .names import go_base


def merge_values(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """Mappings are merged, everything else is replaced, lists too. Neither argument is changed."""
    result = dict(base)
    for key, value in overlay.items():
        present = result.get(key)
        result[key] = merge_values(present, value) if isinstance(present, dict) and isinstance(value, dict) else value
    return result


def read_values(files: TreeFiles, directory: str, helm: dict[str, Any], place: str) -> dict[str, Any] | None:
    """``helm.values`` with every values file merged over them, a later one over an earlier one.

    Paths are relative to ``directory``. Raises FleetError.
    """
    values = helm.get("values")
    for path in helm.get("valuesFiles") or []:
        where = f"{directory}/{path}" if directory else path
        try:
            data = files.read_document(where)
        except FleetError as error:
            raise FleetError(
                f"helm.valuesFiles: {error}", place=place, remedy="Paths are relative to the bundle's directory."
            ) from error
        values = merge_values(values or {}, decode_values(go_yaml.load(data, where), data, where))
    return values or helm.get("values")


def left_out_names(helm: dict[str, Any] | None) -> set[str]:
    """What values files keep out of the bundle: each path, and each base name at the bundle's root."""
    paths = (helm or {}).get("valuesFiles") or []
    return {*paths, *(go_base(path) for path in paths)}
