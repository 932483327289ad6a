# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloading by http(s), from servers that cannot be trusted: bounded in size and time, the login kept to one."""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import os
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from ...errors import FleetError
from ...kube.proxy import proxy_for
from .address import shown
from .credentials import HelmCredentials

LARGEST_ARCHIVE = 100 * 1024 * 1024
"""Bytes of one archive. A bundle cannot hold more, and a Helm release far less."""

DEFAULT_TIMEOUT = 300
"""Seconds for all of a download (Fleet's ``httpClientTimeout``)."""

MOST_REDIRECTS = 10
"""Go's limit, and thus Fleet's."""

CONNECT_TIMEOUT = 15
"""Seconds until a server must have taken the connection."""

SILENCE_TIMEOUT = 60
"""Seconds that a connected server may send nothing at all."""

_CHUNK = 256 * 1024
_PORTS = {"http": 80, "https": 443}


class NotReached(FleetError):
    """No connection, or none in time: another run may succeed."""


class Refused(FleetError):
    """The server answered that it does not let us (401 or 403)."""


def download(
    url: str, credentials: HelmCredentials, *, timeout: float, largest: int = LARGEST_ARCHIVE, packed: bool = False
) -> bytes:
    """What is at ``url``. ``largest`` is in bytes, ``timeout`` in seconds for all of it, redirects included.

    The login of ``credentials``, or else the one in the address, is sent to the address's own server alone. With
    ``packed`` the server may compress its answer; ``largest`` counts after that. Raises FleetError.
    """
    with _Watch(timeout) as watch:
        try:
            return _download(url, credentials, watch, largest, packed)
        except (FleetError, OSError, http.client.HTTPException, ValueError) as error:
            known = error if isinstance(error, FleetError) else _explain(error)
            if isinstance(known, NotReached) and watch.is_over:
                known = NotReached(
                    f"was not there after {timeout:.0f} s",
                    remedy="Look at the network and the server, or raise timeout.",
                )
            raise known.at(shown(url)) from error


def _download(url: str, credentials: HelmCredentials, watch: _Watch, largest: int, packed: bool) -> bytes:
    address, login = _split_login(url, credentials)
    origin = _server(address)
    for _hop in range(MOST_REDIRECTS + 1):
        headers = {"User-Agent": "gitops.fleet", "Accept-Encoding": "gzip" if packed else "identity"}
        if login and _server(address) == origin:
            headers["Authorization"] = login
        with _open(address, headers, credentials, watch) as answer:
            if answer.status not in (301, 302, 303, 307, 308):
                return _body(answer, largest, packed)
            address = _next_address(address, answer.headers.get("Location") or "")
    raise FleetError(f"was redirected more than {MOST_REDIRECTS} times")


def _split_login(url: str, credentials: HelmCredentials) -> tuple[str, str]:
    """The address without a login in it, and the value of the header Authorization ('' for none)."""
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if credentials.username and credentials.password:
        user, password = credentials.username, credentials.password
    address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    if not user:
        return address, ""
    return address, "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _server(address: str) -> tuple[str, str, int]:
    parts = urlsplit(address)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def _next_address(address: str, location: str) -> str:
    # What is not ASCII in it came as Latin-1, and is to be sent as it came.
    target = urllib.request.urljoin(address, quote(location, safe="%/:=&?~#+!$,;'@()*[]", encoding="latin-1"))
    parts = urlsplit(target)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise FleetError(f"redirects to {shown(target)!r}, which is no http address")
    if urlsplit(address).scheme == "https" and parts.scheme == "http":
        raise FleetError(
            f"redirects from https to {shown(target)}, where anybody on the way could change the chart",
            remedy="Write an address that stays with https.",
        )
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))


@contextmanager
def _open(address: str, headers: dict[str, str], credentials: HelmCredentials, watch: _Watch) -> Iterator[Any]:
    """The response, whatever its status."""
    proxy = proxy_for(address, "", os.environ)
    scheme = urlsplit(address).scheme
    opener = urllib.request.OpenerDirector()
    opener.add_handler(urllib.request.ProxyHandler({scheme: proxy} if proxy else {}))
    opener.add_handler(_Http(watch))
    opener.add_handler(_Https(watch, _tls(credentials)))
    try:
        # The opener has handlers for http and https alone.
        response = opener.open(urllib.request.Request(address, headers=headers), timeout=CONNECT_TIMEOUT)  # noqa: S310
    except urllib.error.URLError as error:
        # It wraps the real reason, which is what our caller wants to see.
        raise error.reason if isinstance(error.reason, Exception) else OSError(error.reason) from error
    with contextlib.closing(response):
        yield response


def _tls(credentials: HelmCredentials) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if credentials.insecure_skip_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif credentials.ca_bundle:
        try:
            context.load_verify_locations(cadata=credentials.ca_bundle)
        except (ssl.SSLError, ValueError) as error:
            raise FleetError("the CA bundle of the Helm credentials holds no certificate in PEM form") from error
    return context


def _body(answer: Any, largest: int, packed: bool) -> bytes:
    if answer.status in (401, 403):
        raise Refused(f"the server answered {answer.status} {answer.reason}", remedy="Check the Helm credentials.")
    if answer.status != 200:
        raise FleetError(f"the server answered {answer.status} {answer.reason}", remedy="Check the address.")
    too_large = FleetError(f"has more than {largest // 1024 // 1024} MiB")
    announced = answer.headers.get("Content-Length") or ""
    if announced.isdigit() and int(announced) > largest:
        raise too_large
    decoder = None
    if packed and (answer.headers.get("Content-Encoding") or "").lower() in ("gzip", "x-gzip"):
        decoder = zlib.decompressobj(wbits=31)
    result = io.BytesIO()
    received = 0
    while chunk := answer.read1(_CHUNK):
        received += len(chunk)
        if decoder:
            try:
                chunk = decoder.decompress(chunk, largest + 1 - result.tell())
            except zlib.error as error:
                raise FleetError("the server sent compressed data that is broken") from error
        result.write(chunk)
        if max(result.tell(), received) > largest or (decoder and decoder.unconsumed_tail):
            raise too_large
    if (announced.isdigit() and received < int(announced)) or (decoder and not decoder.eof):
        raise NotReached("the server broke off", remedy="Run this again.")
    return result.getvalue()


class _Watch:
    """Shuts the connections that are registered with it when the time is over, in whatever they are then busy with.

    A time limit of a socket holds for each of its reads; a server that sends a byte a minute never reaches it.
    """

    def __init__(self, seconds: float):
        self._end = time.monotonic() + seconds
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._shut)
        self._timer.daemon = True

    def __enter__(self) -> _Watch:
        self._timer.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._timer.cancel()
        with self._lock:
            for sock in self._sockets:
                sock.close()
            self._sockets.clear()

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._end

    def watch(self, sock: socket.socket) -> None:
        with self._lock:
            # A copy: TLS takes the original over.
            self._sockets.append(sock.dup())
        sock.settimeout(SILENCE_TIMEOUT)
        if self.is_over:
            self._shut()

    def _shut(self) -> None:
        with self._lock:
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


class _WatchedConnection(http.client.HTTPConnection):
    """A connection that its watch knows before a byte of TLS is sent."""

    watch: _Watch

    def connect(self) -> None:
        super().connect()
        self.watch.watch(self.sock)


class _WatchedTlsConnection(http.client.HTTPSConnection, _WatchedConnection):
    """The same for https: its first parent connects by the second, then begins TLS."""


def _watched(kind: type[_WatchedConnection], watch: _Watch) -> Callable[..., _WatchedConnection]:
    """What makes connections of this kind for urllib."""

    def make(*arguments: Any, **options: Any) -> _WatchedConnection:
        connection = kind(*arguments, **options)
        connection.watch = watch
        return connection

    return make


class _Http(urllib.request.HTTPHandler):
    def __init__(self, watch: _Watch):
        super().__init__()
        self._watch = watch

    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_watched(_WatchedConnection, self._watch), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, watch: _Watch, context: ssl.SSLContext):
        super().__init__(context=context)
        self._watch = watch
        self._tls = context

    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_watched(_WatchedTlsConnection, self._watch), req, context=self._tls)


def _explain(error: Exception) -> FleetError:
    if isinstance(error, ssl.SSLCertVerificationError):
        return FleetError(
            f"the server's certificate is not trusted: {error.verify_message}",
            remedy="Give the authority's certificate as ca_bundle of the Helm credentials.",
        )
    if isinstance(error, socket.gaierror):
        return NotReached("the name of the server is not known", remedy="Check the address, and the DNS.")
    if isinstance(error, TimeoutError):
        return NotReached("the server does not answer", remedy="Check the address, firewalls and proxy settings.")
    if isinstance(error, (http.client.IncompleteRead, http.client.RemoteDisconnected, ConnectionResetError)):
        return NotReached("the server broke off", remedy="Run this again.")
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return NotReached(f"cannot be reached: {reason}", remedy="Check the address, and that the server runs.")
    return FleetError("the server does not speak http", remedy="Check the address.")
