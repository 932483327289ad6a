# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What git must be told to reach a server: credentials, host keys, certificates, proxies, time limits."""

from __future__ import annotations

import base64
import json
import os
import shlex
import socket
import ssl
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import FleetError
from ..kube.proxy import proxy_for
from ..private_files import RunDirectory
from . import http_connect
from .credentials import Credentials
from .gitrepo import GitRepo
from .url import HTTP, HTTPS, SSH, RepoUrl

CONNECT_TIMEOUT = 15
"""Seconds until a server must have taken the connection."""

SILENCE_TIMEOUT = 60
"""Seconds that a connected server may send nothing at all."""

_LOGIN_FILE = "GITOPS_FLEET_GIT_LOGIN"

# Git runs it with "get" when the server has asked for a password, and reads the answer from its output.
_CREDENTIAL_HELPER = f'!f() {{ if test "$1" = get; then cat "${_LOGIN_FILE}"; fi; }}; f'

_SSH_OPTIONS = {
    "BatchMode": "yes",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "PreferredAuthentications": "publickey",
    "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": os.devnull,
    "UpdateHostKeys": "no",
    "ConnectTimeout": str(CONNECT_TIMEOUT),
    "ConnectionAttempts": "1",
    "ServerAliveInterval": "15",
    "ServerAliveCountMax": str(SILENCE_TIMEOUT // 15),
    "ClearAllForwardings": "yes",
    "ControlPath": "none",
    "PermitLocalCommand": "no",
}


@dataclass(frozen=True)
class Access:
    """``home`` is a private directory, ``settings`` and ``environment`` are for :class:`GitCommand`."""

    home: Path
    settings: dict[str, str]
    environment: dict[str, str]


def make_home(run: RunDirectory) -> Path:
    """A private directory below ``run``, for git to take for the user's home. Raises FleetError."""
    try:
        return Path(tempfile.mkdtemp(prefix="git-", dir=run.path))
    except OSError as error:
        raise _cannot_write(run, error) from error


def prepare_access(url: RepoUrl, gitrepo: GitRepo, credentials: Credentials, run: RunDirectory, home: Path) -> Access:
    """Write what git needs into ``home``, a directory of :func:`make_home`. Raises FleetError.

    Secrets are in files of mode 0600 there and nowhere else; git knows their paths only.
    """
    # A redirect cannot lead to another protocol, unless to a safer one.
    protocols = {HTTP: f"{HTTP}:{HTTPS}"}.get(url.scheme, url.scheme)
    try:
        access = Access(home, {}, {"GIT_ALLOW_PROTOCOL": protocols})
        if url.scheme in (HTTP, HTTPS):
            _prepare_http(access, url, gitrepo, credentials, run)
        elif url.scheme == SSH:
            _prepare_ssh(access, url, credentials, run)
    except OSError as error:
        raise _cannot_write(run, error) from error
    return access


def _cannot_write(run: RunDirectory, error: OSError) -> FleetError:
    return FleetError(
        f"the directory for temporary files cannot be written: {error.strerror}",
        place=str(run.path),
        remedy="Make room there.",
    )


def tls_context(gitrepo: GitRepo) -> ssl.SSLContext:
    """What the GitRepo says about certificates, for requests that git does not make. Raises FleetError."""
    context = ssl.create_default_context()
    if gitrepo.insecure_skip_tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif gitrepo.ca_bundle:
        _check_certificates(gitrepo.ca_bundle)
        context.load_verify_locations(cadata=gitrepo.ca_bundle)
    return context


def check_connection(url: RepoUrl) -> None:
    """Raise FleetError unless the server takes a connection in time.

    Only for http(s) without a proxy: git waits there for several minutes, and its limits for slow
    transfers do not count before the connection is made.
    """
    if url.scheme not in (HTTP, HTTPS) or _has_proxy(url):
        return
    host, port = _address(url)
    try:
        socket.create_connection((host, port), timeout=CONNECT_TIMEOUT).close()
    except socket.gaierror as error:
        raise FleetError(
            f"the name {host} is not known",
            remedy="Check the host in the address of the repository, and the DNS of the machine that runs this task.",
        ) from error
    except TimeoutError as error:
        raise FleetError(
            f"{host} port {port} did not answer within {CONNECT_TIMEOUT} s",
            remedy="Check the address, firewalls and proxy settings (HTTPS_PROXY, NO_PROXY).",
        ) from error
    except OSError as error:
        raise FleetError(
            f"{host} port {port} cannot be reached: {error.strerror}",
            remedy="Check the address, and that the git server runs.",
        ) from error


def certificate_problem(url: RepoUrl, ca_bundle: str) -> str:
    """What is wrong with the server's certificate, in OpenSSL's words; '' where it cannot be found out.

    Git built with GnuTLS does not tell an unknown authority from an expired certificate.
    """
    context = ssl.create_default_context()
    if ca_bundle:
        context.load_verify_locations(cadata=ca_bundle)
    try:
        with (
            socket.create_connection(_address(url), timeout=CONNECT_TIMEOUT) as connection,
            context.wrap_socket(connection, server_hostname=url.host.strip("[]")),
        ):
            return ""
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except OSError:
        return ""


def _address(url: RepoUrl) -> tuple[str, int]:
    return url.host.strip("[]"), int(url.port or {HTTP: 80, HTTPS: 443}[url.scheme])


def _has_proxy(url: RepoUrl) -> bool:
    proxies = urllib.request.getproxies_environment()
    host = f"{url.host}:{url.port}" if url.port else url.host
    return bool(proxies.get(url.scheme) or proxies.get("all")) and not urllib.request.proxy_bypass_environment(host)


def _prepare_http(access: Access, url: RepoUrl, gitrepo: GitRepo, credentials: Credentials, run: RunDirectory) -> None:
    access.settings["http.lowSpeedLimit"] = "1"
    access.settings["http.lowSpeedTime"] = str(SILENCE_TIMEOUT)
    if gitrepo.insecure_skip_tls_verify:
        access.settings["http.sslVerify"] = "false"
    elif gitrepo.ca_bundle:
        _check_certificates(gitrepo.ca_bundle)
        file = run.write(f"{access.home.name}/ca.pem", _system_certificates() + gitrepo.ca_bundle)
        access.settings["http.sslCAInfo"] = str(file)
    if "HTTP_PROXY" in os.environ and "http_proxy" not in os.environ:
        # Fleet takes both; libcurl takes the lower-case one only.
        access.environment["http_proxy"] = os.environ["HTTP_PROXY"]
    login = credentials.login(url)
    if login:
        file = run.write(f"{access.home.name}/login", f"username={login[0]}\npassword={login[1]}\n")
        access.environment[_LOGIN_FILE] = str(file)
        # For this server alone: after a redirect to another one, git finds no helper.
        access.settings[f"credential.{url.server}.helper"] = _CREDENTIAL_HELPER


def _prepare_ssh(access: Access, url: RepoUrl, credentials: Credentials, run: RunDirectory) -> None:
    # A key that went through a web form may have lost its last line break, or have Windows' ones; ssh wants neither.
    key = credentials.ssh_private_key.replace("\r\n", "\n").strip() + "\n"
    key_file = run.write(f"{access.home.name}/key", key)
    known_hosts = run.write(f"{access.home.name}/known_hosts", credentials.known_hosts.rstrip() + "\n")
    command = ["ssh", "-F", os.devnull, "-i", str(key_file)]
    options = {**_SSH_OPTIONS, "UserKnownHostsFile": f'"{known_hosts}"'}
    if not credentials.known_hosts.strip():
        # Credentials.check() has seen that this was asked for.
        options |= {"StrictHostKeyChecking": "no", "UserKnownHostsFile": os.devnull}
    proxy = ssh_proxy(url, os.environ)
    if proxy:
        options["ProxyCommand"] = _proxy_command(access, proxy, run)
    for name, value in options.items():
        command += ["-o", f"{name}={value}"]
    access.environment["GIT_SSH_COMMAND"] = shlex.join(command)
    access.environment["GIT_SSH_VARIANT"] = "ssh"


def ssh_proxy(url: RepoUrl, environ: Mapping[str, str]) -> str:
    """The proxy for an ssh server, '' for none: ``HTTPS_PROXY``, else ``HTTP_PROXY``, unless ``NO_PROXY`` has it.

    As in Fleet (``pkg/git/proxy.go``).
    """
    port = url.port or "22"
    return proxy_for(f"https://{url.host}:{port}", "", environ) or proxy_for(f"http://{url.host}:{port}", "", environ)


def _proxy_command(access: Access, proxy: str, run: RunDirectory) -> str:
    """The command by which ssh reaches its server through ``proxy``; what it needs is in private files."""
    parts = urlsplit(proxy)
    try:
        default = {"http": 3128, "https": 443}[parts.scheme]
        port = parts.port or default
    except (ValueError, KeyError):
        raise FleetError(
            "the proxy for ssh is neither http://host:port nor https://host:port",
            remedy="Check HTTPS_PROXY and HTTP_PROXY, or name the server in NO_PROXY.",
        ) from None
    login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    settings = {
        "host": parts.hostname or "",
        "port": port,
        "tls": parts.scheme == "https",
        "authorization": f"Basic {base64.b64encode(login.encode()).decode()}" if parts.username else "",
        "timeout": CONNECT_TIMEOUT,
    }
    settings_file = run.write(f"{access.home.name}/proxy.json", json.dumps(settings))
    # A module's code is in an archive, where ssh cannot start it.
    source = http_connect.__loader__.get_source(http_connect.__name__)
    script = run.write(f"{access.home.name}/http_connect.py", source)
    command = [sys.executable or "python3", "-I", "-S", str(script), str(settings_file)]
    # ssh runs it by the user's shell, and puts "exec" before it.
    return shlex.join(command).replace("%", "%%") + " %h %p"


def _check_certificates(pem: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise FleetError(
            "ca_bundle holds no certificate in PEM form",
            remedy="It is a text with one or more parts that begin with '-----BEGIN CERTIFICATE-----'.",
        ) from error


def _system_certificates() -> str:
    """The certificates that the machine trusts: Fleet adds ``caBundle`` to them."""
    file = ssl.get_default_verify_paths().cafile
    try:
        return Path(file).read_text(encoding="utf-8") + "\n" if file else ""
    except (OSError, UnicodeDecodeError):
        return ""
