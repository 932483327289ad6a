# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client logs in with: a token, a password or a certificate, from the file or from a credential plugin.

Credential plugins (``users[].user.exec``) speak the ExecCredential API:
https://kubernetes.io/docs/reference/config-api/client-authentication.v1/
"""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from ..errors import FleetError
from .kubeconfig import Kubeconfig

PLUGIN_TIMEOUT = 60
"""Seconds that a credential plugin may take."""
_API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_CLUSTER_FIELDS = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
_RENEW_BEFORE = timedelta(seconds=30)


@dataclass(frozen=True)
class Credentials:
    """``headers`` go with every request. ``certificate`` and ``key`` are PEM. ``expires``: None where nobody said.

    ``renewable``: they came from a plugin, which can be asked for others.
    """

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    expires: datetime | None = None
    renewable: bool = False

    @property
    def is_due(self) -> bool:
        """Whether they have to be renewed before the next request."""
        return self.expires is not None and datetime.now(UTC) >= self.expires - _RENEW_BEFORE

    @property
    def secrets(self) -> list[str]:
        """The texts that no message may show."""
        return [value.partition(" ")[2] for name, value in self.headers if name == "Authorization"]


def credentials(kubeconfig: Kubeconfig) -> Credentials:
    """The credentials of the kubeconfig's user. Runs its credential plugin where it has one.

    The order is client-go's: token, password, then the plugin; a certificate goes with any of them.
    Raises :class:`FleetError` where the plugin fails, with what it wrote to stderr.
    """
    user = kubeconfig.user
    certificate = _decoded(user, "client-certificate-data")
    key = _decoded(user, "client-key-data")
    expires = None
    token = user.get("token") or ""
    from_plugin = bool(user.get("exec")) and not token and not user.get("username")
    if from_plugin:
        status = _run_plugin(user["exec"], kubeconfig.cluster)
        token = status.get("token") or ""
        certificate = (status.get("clientCertificateData") or "").encode() or certificate
        key = (status.get("clientKeyData") or "").encode() or key
        expires = _expiry(status.get("expirationTimestamp"))
    return Credentials(
        headers=(*_authorization(token, user), *_impersonation(user)),
        certificate=certificate,
        key=key,
        expires=expires,
        renewable=from_plugin,
    )


def _decoded(user: Mapping[str, Any], key: str) -> bytes:
    try:
        return base64.b64decode(user.get(key) or "")
    except ValueError as error:
        raise FleetError(f"{key} is not base64", remedy="Correct the kubeconfig.") from error


def _authorization(token: str, user: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if token:
        if not token.isascii() or not token.isprintable():
            raise FleetError("the token has characters that no token can have", remedy="Correct the kubeconfig.")
        yield "Authorization", f"Bearer {token}"
    elif user.get("username"):
        pair = f"{user['username']}:{user.get('password') or ''}"
        yield "Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}"


def _impersonation(user: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Helm and kubectl act as the user that ``as`` names; so must we, or we would act with other rights.

    https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/
    """
    if not user.get("as"):
        return
    yield "Impersonate-User", _header(user["as"])
    if user.get("as-uid"):
        yield "Impersonate-Uid", _header(user["as-uid"])
    groups, extra = user.get("as-groups") or [], user.get("as-user-extra") or {}
    if not isinstance(groups, list) or not isinstance(extra, Mapping):
        raise FleetError("as-groups is not a list, or as-user-extra not a mapping", remedy="Correct the kubeconfig.")
    for group in groups:
        yield "Impersonate-Group", _header(group)
    for key, values in extra.items():
        for value in values if isinstance(values, list) else [values]:
            yield f"Impersonate-Extra-{quote(str(key), safe='')}", _header(value)


def _header(value: Any) -> str:
    """A header's value as Go sends it: UTF-8."""
    text = str(value)
    if not text.isprintable():
        raise FleetError("a name that it impersonates has control characters", remedy="Correct the kubeconfig.")
    return text.encode().decode("latin-1")


def _run_plugin(plugin: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, Any]:
    name = os.path.basename(plugin["command"])
    version = plugin.get("apiVersion")
    if version not in _API_VERSIONS:
        raise FleetError(
            f"credential plugin {name} has apiVersion {version}, which is not supported",
            remedy=f"Supported are {' and '.join(_API_VERSIONS)}: make the kubeconfig anew with current tools.",
        )
    for key in ("args", "env"):
        if not isinstance(plugin.get(key) or [], list):
            raise FleetError(f"{key} of credential plugin {name} is not a list", remedy="Correct the kubeconfig.")
    if plugin.get("interactiveMode") == "Always":
        raise FleetError(
            f"credential plugin {name} wants a terminal (interactiveMode: Always)",
            remedy="Use a login that needs no person, such as a service account.",
        )
    output = _output_of(name, _command(plugin), _plugin_environment(plugin, version, cluster), plugin)
    return _status(name, version, output)


def _command(plugin: Mapping[str, Any]) -> list[str]:
    return [plugin["command"], *(str(argument) for argument in plugin.get("args") or [])]


def _plugin_environment(plugin: Mapping[str, Any], version: str, cluster: Mapping[str, Any]) -> dict[str, str]:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = {key: cluster[key] for key in _CLUSTER_FIELDS if cluster.get(key)}
        for extension in cluster.get("extensions") or []:
            if isinstance(extension, dict) and extension.get("name") == "client.authentication.k8s.io/exec":
                spec["cluster"]["config"] = extension.get("extension")
    items = [item for item in plugin.get("env") or [] if isinstance(item, dict)]
    own = {str(item.get("name")): str(item.get("value") or "") for item in items}
    information = {"apiVersion": version, "kind": "ExecCredential", "spec": spec}
    return {**os.environ, **own, "KUBERNETES_EXEC_INFO": json.dumps(information)}


def _output_of(name: str, command: list[str], environment: dict[str, str], plugin: Mapping[str, Any]) -> bytes:
    try:
        # Its own session, so that what it started ends with it when its time is up (run_command knows none).
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:  # ValueError: a null character in an argument or variable
        hint = plugin.get("installHint") or "Install it where the playbook runs, on PATH."
        raise FleetError(
            f"credential plugin {name} cannot be run: {getattr(error, 'strerror', error)}",
            remedy=str(hint).strip()[:500],
        ) from error
    try:
        output, messages = process.communicate(timeout=PLUGIN_TIMEOUT)
    except subprocess.TimeoutExpired as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise FleetError(
            f"credential plugin {name} did not end within {PLUGIN_TIMEOUT} s", remedy="Run it by hand to see why."
        ) from error
    if process.returncode:
        said = " ".join(messages.decode(errors="replace").split())[-500:]
        raise FleetError(
            f"credential plugin {name} failed (exit status {process.returncode})" + (f": {said}" if said else ""),
            remedy="Run it by hand, as the user that runs the playbook.",
        )
    return output


def _status(name: str, version: str, output: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(output)
        status = answer["status"]
        understood = answer["kind"] == "ExecCredential" and answer["apiVersion"] == version
    except (ValueError, KeyError, TypeError, RecursionError):
        status, understood = None, False
    if not understood or not _is_credential(status):
        raise FleetError(
            f"credential plugin {name} did not print an ExecCredential ({version}) with a token or a certificate",
            remedy="Run it by hand, and compare its apiVersion with the kubeconfig's.",
        )
    return status


def _is_credential(status: Any) -> bool:
    if not isinstance(status, dict):
        return False
    texts = [status.get(key) or "" for key in ("token", "clientCertificateData", "clientKeyData")]
    return all(isinstance(text, str) for text in texts) and any(texts)


def _expiry(timestamp: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(timestamp)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
