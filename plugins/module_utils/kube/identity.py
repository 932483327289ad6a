# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster this is, whatever it is called here: the UID of its namespace kube-system."""

from __future__ import annotations

from ..errors import FleetError
from .client import METADATA, ApiError, Client


def cluster_uid(client: Client) -> str:
    """The UID of namespace kube-system. It is made with the cluster and never changes.

    Raises :class:`FleetError` where it may not be read or is not there.
    """
    try:
        answer = client.request("GET", "/api/v1/namespaces/kube-system", accept=METADATA)
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        raise FleetError(
            f"the cluster cannot be told from others: namespace kube-system cannot be read ({error.status})",
            place=error.place,
            remedy="Grant get on namespace kube-system (docs/rbac).",
        ) from None
    return str((answer.get("metadata") or {}).get("uid") or "")
