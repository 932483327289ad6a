# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As whom a bundle is deployed: its option ``serviceAccount``.

Fleet's rules are those of ``getServiceAccount`` in ``internal/helmdeployer/impersonate.go``.
"""

from __future__ import annotations

from urllib.parse import quote

from ..errors import FleetError
from ..kube.client import METADATA, ApiError, Client

DEFAULT_NAME = "fleet-default"
"""The service account that is used where a bundle names none, if there is one."""


def user_of(client: Client, namespace: str, name: str) -> str:
    """The user name of a bundle's service account, '' where it is deployed as whoever the kubeconfig says.

    ``namespace`` is where service accounts for deploying lie (with Fleet the agent's own). Raises
    FleetError where the account that the bundle names is not there.
    """
    wanted = name or DEFAULT_NAME
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/serviceaccounts/{quote(wanted, safe='')}"
    try:
        client.request("GET", path, accept=METADATA)
    except ApiError as error:
        # Rights that do not reach that far were given for the release's namespace alone.
        if not name and error.status in (403, 404):
            return ""
        if error.status not in (403, 404):
            raise
        raise FleetError(
            f"service account {namespace}/{name}, as which it is to be deployed, "
            + ("is not there" if error.status == 404 else "may not be looked at"),
            remedy="Make it on this cluster, or correct serviceAccount in fleet.yaml or the GitRepo.",
        ) from None
    return f"system:serviceaccount:{namespace}:{wanted}"
