# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A few requests to an API server, made without the code that the lab is there to test."""

import http.client
import json
import ssl
from pathlib import Path


class ApiServer:
    """The API server on ``port`` of 127.0.0.1, called as the administrator of its ``pki`` directory.

    With ``token`` the bearer of that token calls instead. Failures to connect are raised as OSError.
    """

    def __init__(self, port: int, pki: Path, token: str = ""):
        self._port = port
        self._context = ssl.create_default_context(cafile=pki / "ca.crt")
        self._headers = {"Accept": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        else:
            self._context.load_cert_chain(pki / "admin.crt", pki / "admin.key")

    def request(
        self, method: str, path: str, body: dict | list | None = None, content_type: str = "application/json"
    ) -> tuple[int, bytes]:
        """Make one request; returns the status and the answer."""
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=30, context=self._context)
        try:
            connection.request(
                method,
                path,
                body=json.dumps(body) if body else None,
                headers={**self._headers, "Content-Type": content_type},
            )
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def is_ready(self) -> bool:
        """True if the server says that it is ready to serve everything."""
        try:
            return self.request("GET", "/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def get(self, path: str) -> dict | None:
        """Read what is at ``path``; None if there is nothing."""
        status, answer = self.request("GET", path)
        if status == 404:
            return None
        if status != 200:
            raise OSError(f"GET {path} was answered {status}: {answer[:500].decode(errors='replace')}")
        return json.loads(answer)

    def create(self, path: str, body: dict) -> dict:
        """Create an object below the collection at ``path``; one that exists already is left as it is."""
        status, answer = self.request("POST", path, body)
        if status not in (200, 201, 409):
            raise OSError(f"POST {path} was answered {status}: {answer[:500].decode(errors='replace')}")
        return json.loads(answer)
