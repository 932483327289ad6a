# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small API server in memory, for what is hard to make a real one say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.client import ApiError


class Api:
    """Objects by path, as an API server keeps them, in the place of a client.

    ``answers`` gives other answers by (method, path): an object, or what is to be raised.
    """

    def __init__(self):
        self.objects: dict[str, dict[str, Any]] = {}
        self.answers: dict[tuple[str, str], Any] = {}
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self._version = 0

    def request(self, method: str, path: str, *, body: Any = None, **_options: Any) -> Any:
        self.requests.append((method, path))
        self.bodies.append(body)
        if (method, path) in self.answers:
            answer = self.answers[method, path]
            if isinstance(answer, FleetError):
                raise answer
            return answer() if isinstance(answer, Callable) else answer
        if method == "POST":
            return self._post(path, body)
        if path not in self.objects:
            raise refused(404)
        return getattr(self, f"_{method.lower()}")(path, body)

    def list(self, path: str, **_options: Any) -> Iterator[dict[str, Any]]:
        self.requests.append(("LIST", path))
        answer = self.answers.get(("LIST", path))
        if isinstance(answer, FleetError):
            raise answer
        yield from answer if answer is not None else self._below(path)

    def put(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """Keep an object, in a new version."""
        self._version += 1
        metadata = {**(document.get("metadata") or {}), "resourceVersion": str(self._version)}
        self.objects[path] = {**document, "metadata": metadata}
        return self.objects[path]

    def _below(self, path: str) -> Iterator[dict[str, Any]]:
        return (item for place, item in list(self.objects.items()) if place.startswith(f"{path}/"))

    def _get(self, path: str, _body: Any) -> dict[str, Any]:
        return self.objects[path]

    def _post(self, path: str, body: Any) -> dict[str, Any]:
        place = f"{path}/{body['metadata']['name']}"
        if place in self.objects:
            raise refused(409)
        return self.put(place, body)

    def _put(self, path: str, body: Any) -> dict[str, Any]:
        if body["metadata"].get("resourceVersion") != self.objects[path]["metadata"]["resourceVersion"]:
            raise refused(409)
        return self.put(path, body)

    def _patch(self, path: str, body: Any) -> dict[str, Any]:
        return self.put(path, {**self.objects[path], "patched": body})

    def _delete(self, path: str, body: Any) -> dict[str, Any]:
        wanted = ((body or {}).get("preconditions") or {}).get("resourceVersion")
        if wanted and wanted != self.objects[path]["metadata"]["resourceVersion"]:
            raise refused(409)
        return self.objects.pop(path)


def refused(status: int, problem: str = "") -> ApiError:
    return ApiError(problem or f"answered with {status}", status=status)
