# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a kind to its REST path: asked once for each API version that is used, never kept on disk."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from urllib.parse import quote

from ..errors import FleetError
from .client import ApiError, Client


@dataclass(frozen=True)
class _Resource:
    plural: str
    namespaced: bool


class Discovery:
    """What kinds one cluster serves. Several threads may use it at once.

    A kind that is not found is looked up anew each time: its CRD may have been installed meanwhile.
    """

    def __init__(self, client: Client):
        self._client = client
        self._guard = threading.Lock()
        self._known: dict[tuple[str, str], _Resource] = {}

    def path(self, api_version: str, kind: str, namespace: str, name: str = "") -> str:
        """The path of an object, or of all of its kind in ``namespace`` where ``name`` is empty.

        ``namespace`` does not matter for kinds that have none; "" means all namespaces. Raises
        :class:`FleetError` where the cluster does not know the kind.
        """
        resource = self._resource(api_version, kind)
        parts = [_root(api_version)]
        if resource.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(resource.plural)
        if name:
            # RBAC names may have colons, which stand for themselves in a path.
            parts.append(quote(name, safe=":"))
        return "/".join(parts)

    def namespaced(self, api_version: str, kind: str) -> bool:
        """Whether objects of the kind live in namespaces. Raises as :meth:`path` does."""
        return self._resource(api_version, kind).namespaced

    def _resource(self, api_version: str, kind: str) -> _Resource:
        key = (api_version, kind)
        with self._guard:
            if key not in self._known:
                self._known.update(self._read(api_version))
            if key in self._known:
                return self._known[key]
        raise FleetError(
            f"the cluster does not know {kind} of {api_version}",
            remedy="Install its CustomResourceDefinition first, or use an API version that this cluster has.",
        )

    def _read(self, api_version: str) -> dict[tuple[str, str], _Resource]:
        try:
            answer = self._client.request("GET", _root(api_version))
        except ApiError as error:
            if error.status == 404:
                return {}
            raise
        return {
            (api_version, item["kind"]): _Resource(item["name"], bool(item.get("namespaced")))
            for item in answer.get("resources") or []
            # A name with a slash is a subresource (deployments/scale).
            if "/" not in item["name"]
        }


def _root(api_version: str) -> str:
    prefix = "/apis" if "/" in api_version else "/api"
    return f"{prefix}/{quote(api_version)}"
