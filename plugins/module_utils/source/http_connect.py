# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries ssh through an HTTP proxy: the command that ssh runs as its ProxyCommand.

It is copied to where ssh can start it, so it imports nothing but the standard library. Its arguments
are a private file with the proxy's address, and host and port of the ssh server; the proxy's
password is in the file only. Its messages are those of curl, which ``git_errors`` knows.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import ssl
import sys

_LARGEST_ANSWER = 64 * 1024
_CHUNK = 64 * 1024


def main(proxy_file: str, host: str, port: str) -> str:
    """Connect standard input and output with ``host``. Returns what went wrong, '' if nothing did."""
    with open(proxy_file, encoding="utf-8") as file:
        proxy = json.load(file)
    try:
        connection = _through(proxy, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except socket.gaierror:
        return f"Could not resolve proxy: {proxy['host']}"
    except ValueError as error:
        return str(error)
    except (OSError, ssl.SSLError) as error:
        return f"Failed to connect to proxy {proxy['host']} port {proxy['port']}: {error}"
    with connection:
        # From here on, ssh says itself what is wrong.
        try:
            _relay(connection)
        except OSError:
            pass
    return ""


def _through(proxy: dict, target: str) -> socket.socket:
    """A connection to ``target``. Raises ValueError where the proxy does not make it."""
    connection = socket.create_connection((proxy["host"], proxy["port"]), timeout=proxy["timeout"])
    if proxy["tls"]:
        connection = ssl.create_default_context().wrap_socket(connection, server_hostname=proxy["host"])
    request = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"
    if proxy["authorization"]:
        request += f"Proxy-Authorization: {proxy['authorization']}\r\n"
    connection.sendall(f"{request}\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        # One byte after the other: what follows the empty line is the ssh server's.
        byte = connection.recv(1)
        answer += byte
        if not byte or len(answer) > _LARGEST_ANSWER:
            raise ValueError("Proxy CONNECT aborted")
    status = answer.split(b" ", 2)[1:2]
    if not answer.startswith(b"HTTP/") or status != [b"200"]:
        raise ValueError(f"CONNECT tunnel failed, response {b''.join(status).decode(errors='replace')[:3]}")
    connection.settimeout(None)
    return connection


def _relay(connection: socket.socket) -> None:
    """Copy in both directions until the server ends, or ssh does."""
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        selector.register(connection, selectors.EVENT_READ)
        while True:
            for key, _events in selector.select():
                if key.fileobj is not connection:
                    data = os.read(sys.stdin.fileno(), _CHUNK)
                    if not data:
                        return
                    connection.sendall(data)
                elif not _receive(connection):
                    return


def _receive(connection: socket.socket) -> bool:
    """Hand on what has arrived; False at its end."""
    data = connection.recv(_CHUNK)
    while data:
        view = memoryview(data)
        while view:
            view = view[os.write(sys.stdout.fileno(), view) :]
        # TLS may hold more that select() does not see.
        if not (isinstance(connection, ssl.SSLSocket) and connection.pending()):
            return True
        data = connection.recv(_CHUNK)
    return False


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
