# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs that lie in Secrets of hubs: read when a cluster is used, and kept in memory only."""

from __future__ import annotations

import base64
import threading
from pathlib import Path
from urllib.parse import quote

from ..errors import FleetError, Unreachable
from .client import ApiError, Client
from .connection import AnyConnection, Hub, SecretConnection
from .kubeconfig import Kubeconfig, from_secret, load


class Hubs:
    """The hubs of one run, each with one client for all of its clusters. Several threads may use it at once.

    ``timeout`` is in seconds, for one request. A hub that did not answer once is not asked again: a
    thousand clusters would wait for it one after another.
    """

    def __init__(self, temp_directory: Path, timeout: float = 30):
        self._temp_directory = temp_directory
        self._timeout = timeout
        self._guard = threading.Lock()
        self._clients: dict[Hub, Client] = {}
        self._unreachable: dict[Hub, Unreachable] = {}
        self._known: dict[SecretConnection, Kubeconfig] = {}

    def __enter__(self) -> Hubs:
        return self

    def __exit__(self, *_exception) -> None:
        for client in self._clients.values():
            client.close()

    def load(self, connection: AnyConnection) -> Kubeconfig:
        """The kubeconfig that any ``connection`` stands for; one in a Secret is read once. Raises FleetError."""
        if not isinstance(connection, SecretConnection):
            return load(connection)
        if connection not in self._known:
            self._known[connection] = from_secret(connection, self._content(connection))
        return self._known[connection]

    def client(self, hub: Hub) -> Client:
        """The client of a hub."""
        with self._guard:
            if hub not in self._clients:
                self._clients[hub] = Client(hub, temp_directory=self._temp_directory, timeout=self._timeout)
            return self._clients[hub]

    def _content(self, connection: SecretConnection) -> bytes:
        hub = connection.hub
        if hub in self._unreachable:
            raise self._unreachable[hub]
        namespace, name = quote(connection.namespace, safe=""), quote(connection.name, safe="")
        try:
            secret = self.client(hub).request("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
        except Unreachable as error:
            self._unreachable[hub] = error
            raise
        except ApiError as error:
            raise _not_to_be_had(connection, error) from None
        try:
            content = base64.b64decode((secret.get("data") or {})[connection.key], validate=True)
        except (KeyError, TypeError, ValueError) as error:
            raise FleetError(
                f"its key {connection.key} does not hold a kubeconfig",
                place=str(connection),
                remedy="Correct the Secret, or leave the cluster out.",
            ) from error
        return content


def _not_to_be_had(connection: SecretConnection, error: ApiError) -> FleetError:
    if error.status == 404:
        remedy = "The cluster may have been removed, or is not ready yet: read the inventory again."
        return FleetError("it does not exist", place=str(connection), remedy=remedy)
    return ApiError(error.problem, place=str(connection), remedy=error.remedy, status=error.status, reason=error.reason)
