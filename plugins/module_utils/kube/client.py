# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One thin client for one cluster: plain REST paths, JSON in and out, errors that say what to do."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from ..errors import FleetError, Unreachable
from .answer import IS_DECODED, page_of, read_body, understand, warnings_in
from .connection import AnyConnection
from .credentials import Credentials, credentials
from .errors import ApiError, expired_certificate, no_answer
from .kubeconfig import Kubeconfig, load
from .transport import Transport

try:
    import urllib3
    from urllib3._collections import HTTPHeaderDict  # urllib3.HTTPHeaderDict from 2.0 on
except ImportError:
    urllib3 = HTTPHeaderDict = None

__all__ = ["METADATA", "METADATA_LIST", "ApiError", "Client"]

METADATA_LIST = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
"""Value of ``accept`` for a LIST that returns metadata only."""
METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
"""Value of ``accept`` for a GET that returns metadata only."""

_CONNECT_TIMEOUT = 10
_LONGEST_ANSWER = 10
"""Times the time limit: a server that sends a byte now and then is given up after that."""
_PAGE_SIZE = 500
_MOST_PAGES = 4000
_MOST_ATTEMPTS = 5
_LONGEST_PAUSE = 10
_MOST_WARNINGS = 50


class Client:
    """A client for the cluster that ``connection`` leads to. Several threads may use it at once.

    ``timeout`` is in seconds: for an answer to begin, and for each further piece of it. Nothing is
    opened before the first request. ``requests`` counts what was sent, ``warnings`` holds what the
    API server (headers ``Warning``) and the kubeconfig want the user to know. ``read`` makes the
    kubeconfig of the connection; for one in a Secret of a hub, that is :meth:`.hubs.Hubs.load`.
    """

    def __init__(
        self,
        connection: AnyConnection,
        *,
        temp_directory: Path,
        timeout: float = 30,
        read: Callable[[AnyConnection], Kubeconfig] = load,
    ):
        self.connection = connection
        self.timeout = timeout
        self.requests = 0
        self.warnings: list[str] = []
        self._temp_directory = temp_directory
        self._read = read
        self._guard = threading.Lock()
        self._kubeconfig: Kubeconfig | None = None
        self._credentials = Credentials()
        self._transport: Transport | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str | None = None,
        accept: str | None = None,
        timeout: float | None = None,
    ) -> dict[str, Any]:
        """Send one request and return the answer's object.

        ``path`` begins with ``/api`` or ``/apis``. ``body`` is anything that JSON knows;
        ``content_type`` is JSON where none is given, ``timeout`` the client's. Raises
        :class:`Unreachable` where no answer, or none of an API server, came in time, and
        :class:`ApiError` where the server refused. A server that asks for patience (429, or
        ``Retry-After``) gets it, up to the time limit.
        """
        if query:
            path = f"{path}?{urlencode(query)}"
        headers = {"Accept": accept or "application/json", "User-Agent": "gitops.fleet"}
        if IS_DECODED:
            headers["Accept-Encoding"] = "gzip"
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = content_type or "application/json"
        try:
            return self._request(method, path, headers, content, self.timeout if timeout is None else timeout)
        except FleetError as error:
            raise self._presentable(error) from error

    def list(
        self, path: str, *, query: Mapping[str, str] | None = None, accept: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """The items of a LIST, page by page (``limit`` of ``query``, or 500 in a page)."""
        query = {"limit": str(_PAGE_SIZE), **(query or {})}
        for _page in range(_MOST_PAGES):
            page = page_of(self.request("GET", path, query=query, accept=accept))
            if page is None:
                raise Unreachable(f"GET {path} was answered with something that is not a list", place=self._place)
            items, query["continue"] = page
            yield from items
            if not query["continue"]:
                return
        raise Unreachable(f"GET {path} does not come to an end", place=self._place)

    def close(self) -> None:
        """Close the connections. The client may be used again."""
        with self._guard:
            if self._transport is not None:
                self._transport.close()
                self._transport = None

    @property
    def _place(self) -> str:
        return self._kubeconfig.place if self._kubeconfig else str(self.connection)

    def _request(
        self, method: str, path: str, headers: dict[str, str], content: bytes | None, timeout: float
    ) -> dict[str, Any]:
        give_up = time.monotonic() + timeout
        renewed = reconnected = False
        for attempt in range(1, _MOST_ATTEMPTS + 1):
            transport, login = self._connect()
            try:
                response, data = self._exchange(transport, login, method, path, headers, content, timeout)
            except _Broken as broken:
                # A connection that was kept open may have been closed meanwhile. Reading again does no harm.
                if broken.may_repeat and method == "GET" and not reconnected:
                    reconnected = True
                    continue
                raise broken.error from broken
            if response.status == 401 and login.renewable and not renewed:
                renewed = True
                self._forget(login)
                continue
            pause = _pause(response, attempt)
            if pause is not None and attempt < _MOST_ATTEMPTS and time.monotonic() + pause < give_up:
                time.sleep(pause)
                continue
            self._collect(warnings_in(response))
            return understand(method, path.partition("?")[0], response, data)
        raise Unreachable(f"{method} {path} got no answer")

    def _connect(self) -> tuple[Transport, Credentials]:
        with self._guard:
            if self._kubeconfig is None:
                self._kubeconfig = self._read(self.connection)
                self.warnings += self._kubeconfig.warnings
            if self._transport is None or self._credentials.is_due:
                login = credentials(self._kubeconfig)
                transport = Transport(self._kubeconfig, login, self._temp_directory)
                if self._transport is not None:
                    self._transport.close()
                self._transport, self._credentials = transport, login
            return self._transport, self._credentials

    def _forget(self, login: Credentials) -> None:
        """Let the next request log in anew, unless another thread has done so already."""
        with self._guard:
            if self._credentials is login and self._transport is not None:
                self._transport.close()
                self._transport = None

    def _exchange(
        self,
        transport: Transport,
        login: Credentials,
        method: str,
        path: str,
        headers: dict[str, str],
        content: bytes | None,
        timeout: float,
    ) -> tuple[Any, bytes]:
        with self._guard:
            self.requests += 1
        all_headers = HTTPHeaderDict(headers)
        for name, value in login.headers:
            all_headers.add(name, value)
        limits = urllib3.Timeout(connect=min(timeout, _CONNECT_TIMEOUT), read=timeout)
        try:
            response = transport.send(method, path, headers=all_headers, body=content, timeout=limits)
            return response, read_body(response, timeout * _LONGEST_ANSWER)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            failure = no_answer(error, transport.server, timeout, login.certificate)
            raise _Broken(failure, isinstance(error, urllib3.exceptions.ProtocolError)) from error

    def _collect(self, warnings: list[str]) -> None:
        with self._guard:
            for text in warnings:
                if text not in self.warnings and len(self.warnings) < _MOST_WARNINGS:
                    self.warnings.append(text)

    def _presentable(self, error: FleetError) -> FleetError:
        """The error with its place, and without the credentials, which a server may have written into its message."""
        refused_login = isinstance(error, ApiError) and error.status == 401
        if refused_login:
            error.problem = expired_certificate(self._credentials.certificate) or error.problem
        for secret in self._credentials.secrets:
            error.problem = error.problem.replace(secret, "********")
        # Whose login failed, or what could not be reached, is told by the kubeconfig; a refusal tells the object.
        if error.place or (isinstance(error, ApiError) and not refused_login):
            return error
        return error.at(self._place)


class _Broken(Exception):
    """No answer came. ``may_repeat``: the connection broke, rather than that time ran out."""

    def __init__(self, error: Unreachable, may_repeat: bool):
        super().__init__()
        self.error = error
        self.may_repeat = may_repeat


def _pause(response: Any, attempt: int) -> float | None:
    """Seconds to wait before the request is sent again, or None if it is not to be.

    As client-go does: on 429, and on any 5xx that says ``Retry-After``. A little randomness keeps
    many clients from coming back at the same moment.
    """
    asked = response.headers.get("Retry-After", "")
    if response.status != 429 and not (response.status >= 500 and asked):
        return None
    seconds = float(asked) if asked.isdigit() else 0.25 * 2**attempt
    return min(seconds, _LONGEST_PAUSE) * random.uniform(1, 1.2)
