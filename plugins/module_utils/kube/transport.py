# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to one API server, by the REST layer of the Kubernetes Python client.

Everything that the client would take from elsewhere is set here: its default configuration carries
the last cluster's address and token over to the next, its kubeconfig loader shares temporary files
between clusters and only logs it when a credential plugin fails, and what it makes of proxy
variables changes from version to version.
"""

from __future__ import annotations

import base64
import os
import ssl
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ..errors import FleetError
from .credentials import Credentials
from .kubeconfig import Kubeconfig
from .proxy import proxy_for

try:
    import urllib3
except ImportError:
    urllib3 = None

_IMPORT = threading.Lock()
"""The library's parts import each other in a circle: a second thread would find it half loaded."""


class Transport:
    """A pool of connections to the server of ``kubeconfig``, logged in with ``credentials``.

    ``temp_directory`` holds the client's key for the moment in which it is read: Python's TLS takes
    keys from files only. ``server`` is the address as it may be shown.
    """

    def __init__(self, kubeconfig: Kubeconfig, credentials: Credentials, temp_directory: Path):
        cluster = kubeconfig.cluster
        self.server = _checked_address(cluster.get("server") or "")
        self._pool = _pool(self.server, cluster)
        if self.server.startswith("https://"):
            self._pool.connection_pool_kw["ssl_context"] = _tls(cluster, credentials, temp_directory)
            self._pool.connection_pool_kw["server_hostname"] = cluster.get("tls-server-name")

    def send(self, method: str, path: str, **options: Any) -> Any:
        """urllib3's response, its body not read yet. Raises urllib3's errors."""
        return self._pool.request(
            method, self.server + path, retries=False, redirect=False, preload_content=False, **options
        )

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._pool.clear()


def _checked_address(server: str) -> str:
    """The server's address without a trailing slash. A user name or password in it would end up in messages."""
    try:
        parts = urlsplit(server)
        is_address = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or not server.isprintable() or parts.query or parts.fragment:
        raise FleetError("its cluster has no server that is an https:// address", remedy="Correct the kubeconfig.")
    if "@" in parts.netloc:
        raise FleetError(
            "the address of its server has a user name in it", remedy="Put the login under users, as for kubectl."
        )
    return server.rstrip("/")


def _pool(server: str, cluster: dict[str, Any]) -> Any:
    """urllib3's pool manager (or proxy manager), as the Kubernetes client makes it."""
    try:
        with _IMPORT:
            from kubernetes.client import Configuration, rest
    except ImportError as error:
        raise FleetError(
            f"the Python library kubernetes is missing for {sys.executable}",
            remedy="Install it there: pip install kubernetes",
        ) from error
    configuration = Configuration()
    configuration.host = server
    configuration.verify_ssl = not cluster.get("insecure-skip-tls-verify")
    configuration.proxy, configuration.proxy_headers = _proxy(server, cluster)
    configuration.no_proxy = None
    configuration.retries = False
    try:
        return rest.RESTClientObject(configuration).pool_manager
    except ImportError as error:
        raise FleetError("a SOCKS proxy needs the Python library PySocks", remedy="pip install PySocks") from error
    except (ValueError, urllib3.exceptions.HTTPError) as error:
        raise _bad_proxy() from error


def _proxy(server: str, cluster: dict[str, Any]) -> tuple[str | None, dict[str, str] | None]:
    """The proxy and the headers with its login, which urllib3 does not take from the address by itself."""
    proxy = proxy_for(server, cluster.get("proxy-url") or "", os.environ)
    if not proxy:
        return None, None
    try:
        parts = urlsplit(proxy)
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    except ValueError as error:
        raise _bad_proxy() from error
    if not login or parts.scheme.startswith("socks"):
        return proxy, None
    address = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return address, urllib3.util.make_headers(proxy_basic_auth=login)


def _bad_proxy() -> FleetError:
    return FleetError(
        "the address of the proxy is not understood", remedy="Write it as http://host:port or socks5://host:port."
    )


def _tls(cluster: dict[str, Any], credentials: Credentials, temp_directory: Path) -> ssl.SSLContext:
    """As strict as Go's TLS, which Helm uses, and no stricter."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # urllib3 1.26 tells OpenSSL no name for a server that is an IP address, and compares the names itself.
    context.check_hostname = not urllib3.__version__.startswith("1.")
    context.hostname_checks_common_name = False
    # A kubeconfig may name an intermediate authority as the one to trust.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    _trust(context, cluster)
    if credentials.certificate:
        _load_certificate(context, credentials, temp_directory)
    return context


def _trust(context: ssl.SSLContext, cluster: dict[str, Any]) -> None:
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return
    authority = cluster.get("certificate-authority-data")
    if not authority:
        context.load_default_certs()
        return
    try:
        context.load_verify_locations(cadata=base64.b64decode(authority).decode())
    except (ValueError, ssl.SSLError) as error:
        raise FleetError(
            "certificate-authority-data holds no certificate in PEM form", remedy="Correct the kubeconfig."
        ) from error


def _load_certificate(context: ssl.SSLContext, credentials: Credentials, temp_directory: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=temp_directory, prefix="client-") as file:
        file.write(credentials.certificate + b"\n" + credentials.key)
        file.flush()
        try:
            # The empty password makes an encrypted key an error; without it OpenSSL would ask at the terminal.
            context.load_cert_chain(file.name, password="")
        except (ValueError, ssl.SSLError) as error:
            raise FleetError(
                "client-certificate-data and client-key-data are no certificate with its unencrypted key",
                remedy="Correct the kubeconfig.",
            ) from error
