# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who deploys: the name that keeps the releases of two control nodes apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ..errors import FleetError
from .labels import label_value


def owner(configured: str | None, environment: Mapping[str, str], machine_id: Path = Path("/etc/machine-id")) -> str:
    """The owner's name as a label value.

    ``configured`` wins. An AWX or AAP job, whose machine is new each time, is named by its
    controller's address and its inventory; any other control node by its machine ID.
    """
    if configured:
        return label_value(configured)
    if environment.get("AWX_HOST"):
        host = re.sub(r"^https?://", "", environment["AWX_HOST"]).strip("/")
        return label_value(f"{host}.inventory-{environment.get('INVENTORY_ID', '0')}".replace(":", "-"))
    try:
        identity = machine_id.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        identity = ""
    if not re.fullmatch(r"[0-9a-fA-F]{32}", identity):
        raise FleetError(
            "this control node has no machine ID by which its releases could be told from those of others",
            place=str(machine_id),
            remedy="Give fleet_deploy an owner (or set GITOPS_FLEET_OWNER): any name, "
            "the same for all control nodes and jobs that deploy the same fleet.",
        )
    return f"node-{identity[:12]}"
