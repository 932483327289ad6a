# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfig files: one context out of them, complete in itself.

The rules are those of client-go (``tools/clientcmd``): ``*-data`` fields win over the files named
beside them, ``tokenFile`` wins over ``token``, relative paths count from the kubeconfig's folder, and
so does the command of a credential plugin when it has a slash in it.
"""

from __future__ import annotations

import base64
import functools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..errors import FleetError
from .connection import Connection, ProxiedConnection, SecretConnection, TokenConnection, resolve_path, resolve_variable

try:
    import yaml
except ImportError:
    yaml = None

MAXIMUM_SIZE = 32 * 1024 * 1024
"""Bytes. A kubeconfig of 5,000 clusters has about 20 MB."""

_INLINED_FILES = {
    "certificate-authority": "certificate-authority-data",
    "client-certificate": "client-certificate-data",
    "client-key": "client-key-data",
}
_TEXT_FIELDS = (
    *("server", "proxy-url", "tls-server-name", "token", "tokenFile", "username", "password", "as", "as-uid"),
    *_INLINED_FILES.keys(),
    *_INLINED_FILES.values(),
)


@dataclass(frozen=True)
class Kubeconfig:
    """One context, its cluster and its user; every file that they name is inlined.

    ``document`` is a kubeconfig with nothing else in it. It holds credentials: never print it.
    ``warnings`` are for the user: what the file asks for and is honoured, though it weakens safety.
    """

    path: str
    context: str
    document: dict[str, Any] = field(repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"kubeconfig {self.path}, context {self.context}"

    @property
    def cluster(self) -> dict[str, Any]:
        return self.document["clusters"][0]["cluster"]

    @property
    def user(self) -> dict[str, Any]:
        return self.document["users"][0]["user"]

    def impersonating(self, user: str) -> Kubeconfig:
        """The same, acting as ``user``. Raises FleetError where it acts as somebody else already."""
        if self.user.get("as"):
            raise FleetError(
                f"it acts as {self.user['as']} already, and cannot act as {user} besides",
                place=self.place,
                remedy="Use a user of its own rights, or name no service account.",
            )
        users = [{"name": self.document["users"][0]["name"], "user": {**self.user, "as": user}}]
        return replace(self, document={**self.document, "users": users})

    def to_bytes(self) -> bytes:
        """The kubeconfig as text, for ``helm`` (JSON is YAML too, and many times faster to write)."""
        return json.dumps(self.document).encode()


@dataclass(frozen=True)
class KubeconfigFile:
    """A parsed file: its contexts, clusters and users by name, in the order of the file."""

    path: str
    current_context: str
    contexts: Mapping[str, dict[str, Any]]
    clusters: Mapping[str, dict[str, Any]] = field(repr=False)
    users: Mapping[str, dict[str, Any]] = field(repr=False)


def load(connection: Connection | TokenConnection | ProxiedConnection) -> Kubeconfig:
    """The kubeconfig that ``connection`` stands for. Raises :class:`FleetError` with what is wrong and where.

    For those that lie in a Secret of a hub, which has to be asked: :class:`.hubs.Hubs`.
    """
    if isinstance(connection, TokenConnection):
        return _of_server(connection)
    if isinstance(connection, ProxiedConnection):
        return _proxied(load(connection.hub), connection.path)
    return choose_context(read_file(connection.path()), connection.context, trusted=connection.trusted)


def choose_context(file: KubeconfigFile, context: str, *, trusted: bool) -> Kubeconfig:
    """One context of ``file``, its ``current-context`` where none is named. Raises :class:`FleetError`."""
    context = context or _current_context(file)
    place = f"kubeconfig {file.path}, context {context}"
    try:
        return _single_context(file, context, trusted)
    except FleetError as error:
        raise error if error.place else error.at(place) from error


def from_secret(connection: SecretConnection, content: bytes) -> Kubeconfig:
    """The kubeconfig that a Secret holds. It may hold credentials, and nothing that reads files or runs programs."""
    file = _sorted_out(str(connection), _parsed(str(connection), content))
    return choose_context(file, connection.context, trusted=False)


def _of_server(connection: TokenConnection) -> Kubeconfig:
    place = f"server {connection.server}"
    try:
        token = resolve_variable(connection.token, "the token").strip()
    except FleetError as error:
        raise error.at(place) from error
    cluster: dict[str, Any] = {"server": connection.server}
    if connection.ca_file:
        authorities = _read_reference("ca_file", resolve_path(connection.ca_file), "")
        cluster["certificate-authority-data"] = base64.b64encode(authorities).decode()
    return Kubeconfig(place, "server", _document("server", cluster, {"token": token}), tuple(_warnings(cluster)))


def _proxied(hub: Kubeconfig, path: str) -> Kubeconfig:
    address = urlsplit(str(hub.cluster.get("server") or ""))
    cluster = {**hub.cluster, "server": urlunsplit((address.scheme, address.netloc, path, "", ""))}
    return Kubeconfig(hub.path, hub.context, _document(hub.context, cluster, hub.user), hub.warnings)


def read_file(path: str) -> KubeconfigFile:
    """Parse the kubeconfig at ``path``. A file that has not changed is parsed once in a process."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    return _read_file(path, (status.st_mtime_ns, status.st_size, status.st_ino))


@functools.lru_cache(maxsize=32)
def _read_file(path: str, _signature: tuple[int, int, int]) -> KubeconfigFile:
    try:
        with open(path, "rb") as file:
            content = file.read(MAXIMUM_SIZE + 1)
    except OSError as error:
        raise _unreadable(path, error) from error
    return _sorted_out(path, _parsed(path, content))


def _sorted_out(path: str, document: Any) -> KubeconfigFile:
    if not isinstance(document, dict):
        raise _not_a_kubeconfig(path, "it is not a mapping with clusters, users and contexts")
    current = document.get("current-context")
    return KubeconfigFile(
        path=path,
        current_context=current if isinstance(current, str) else "",
        contexts=_by_name(path, document, "contexts", "context"),
        clusters=_by_name(path, document, "clusters", "cluster"),
        users=_by_name(path, document, "users", "user"),
    )


def _parsed(path: str, content: bytes) -> Any:
    if yaml is None:
        raise FleetError("the Python library PyYAML is missing", remedy="Install it: pip install PyYAML")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if len(content) > MAXIMUM_SIZE:
        raise _not_a_kubeconfig(path, f"it has more than {MAXIMUM_SIZE // 1024**2} MiB")
    try:
        return yaml.load(content, Loader=loader)  # CSafeLoader or SafeLoader: plain data only
    except yaml.MarkedYAMLError as error:
        # The parser's own message quotes the line, which may be a token.
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise _not_a_kubeconfig(f"{path}{line}", f"it is not YAML ({error.problem})") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _not_a_kubeconfig(path, "it is not YAML") from error


def _by_name(path: str, document: dict, section: str, key: str) -> dict[str, dict[str, Any]]:
    """The entries of one section, by name. client-go refuses a name that comes twice, so we do too."""
    found: dict[str, dict[str, Any]] = {}
    entries = document.get(section) or []
    if not isinstance(entries, list):
        raise _not_a_kubeconfig(path, f"{section} is not a list")
    for number, entry in enumerate(entries, 1):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise _not_a_kubeconfig(path, f"entry {number} of {section} has no name (a string)")
        if name in found:
            raise _not_a_kubeconfig(path, f"{section} has two entries named {name}")
        value = entry.get(key) or {}
        if not isinstance(value, dict):
            raise _not_a_kubeconfig(path, f"{key} of entry {name} is not a mapping")
        found[name] = value
    return found


def _current_context(file: KubeconfigFile) -> str:
    if not file.current_context:
        raise FleetError(
            "it has no current-context, and no context is named",
            place=f"kubeconfig {file.path}",
            remedy=f"Name one of its contexts: {_enumerate(file.contexts)}.",
        )
    return file.current_context


def _single_context(file: KubeconfigFile, name: str, trusted: bool) -> Kubeconfig:
    context = file.contexts.get(name)
    if context is None:
        raise FleetError(
            f"there is no context {name}",
            place=f"kubeconfig {file.path}",
            remedy=f"It has: {_enumerate(file.contexts)}.",
        )
    cluster = _referenced(file.clusters, context.get("cluster"), "cluster")
    # A context without a user is allowed: the request is anonymous.
    user = _referenced(file.users, context.get("user"), "user") if context.get("user") else {}
    for part in (cluster, user):
        _check_text_fields(part)
    _refuse_legacy_auth_provider(user)
    if not trusted:
        _refuse_what_needs_trust(cluster, user)
    folder = os.path.dirname(file.path)
    return Kubeconfig(
        path=file.path,
        context=name,
        document=_document(name, _self_contained(cluster, folder), _self_contained(user, folder)),
        warnings=tuple(_warnings(cluster)),
    )


def _referenced(entries: Mapping[str, dict[str, Any]], name: Any, kind: str) -> dict[str, Any]:
    if name not in entries:
        raise FleetError(
            f"it refers to {kind} {name}, which is not in the file", remedy="Correct the context, or add the entry."
        )
    return entries[name]


def _document(name: str, cluster: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    # The context's namespace is left out: what is deployed where never depends on it.
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
    }


def _check_text_fields(part: dict[str, Any]) -> None:
    for key in _TEXT_FIELDS:
        if part.get(key) is not None and not isinstance(part[key], str):
            raise FleetError(f"{key} is not a string", remedy="Put it in quotes.")


def _refuse_legacy_auth_provider(user: dict[str, Any]) -> None:
    if user.get("auth-provider"):
        raise FleetError(
            "it logs in by auth-provider, which Kubernetes removed in 1.26",
            remedy="Use the provider's credential plugin (users[].user.exec), a token or a client certificate.",
        )


def _refuse_what_needs_trust(cluster: dict[str, Any], user: dict[str, Any]) -> None:
    """A kubeconfig that came from a cluster or a repository may hold credentials, and nothing else."""
    refused = [key for key in ("exec", "tokenFile") if user.get(key)]
    refused += [key for key in _INLINED_FILES if cluster.get(key) or user.get(key)]
    if cluster.get("insecure-skip-tls-verify"):
        refused.append("insecure-skip-tls-verify")
    if refused:
        raise FleetError(
            f"it uses {', '.join(sorted(refused))}, which is allowed only in a kubeconfig file that you named yourself",
            remedy="Put a token or certificate data in it, or name the file in the inventory.",
        )


def _self_contained(part: dict[str, Any], folder: str) -> dict[str, Any]:
    part = dict(part)
    for key, data_key in _INLINED_FILES.items():
        path = part.pop(key, None)
        if path and not part.get(data_key):
            part[data_key] = base64.b64encode(_read_reference(key, path, folder)).decode()
    token_file = part.pop("tokenFile", None)
    if token_file:
        part["token"] = _read_reference("tokenFile", token_file, folder).decode(errors="replace").strip()
    if part.get("exec"):
        part["exec"] = _absolute_command(part["exec"], folder)
    return part


def _read_reference(key: str, path: str, folder: str) -> bytes:
    absolute = os.path.join(folder, path)
    try:
        with open(absolute, "rb") as file:
            return file.read(MAXIMUM_SIZE)
    except OSError as error:
        raise FleetError(
            f"{key} names {absolute}, which cannot be read: {error.strerror}",
            remedy="Relative paths count from the kubeconfig's folder.",
        ) from error


def _absolute_command(plugin: Any, folder: str) -> dict[str, Any]:
    command = plugin.get("command") if isinstance(plugin, dict) else None
    if not isinstance(command, str) or not command:
        raise FleetError("users[].user.exec has no command", remedy="Correct the kubeconfig.")
    if os.sep in command:
        command = os.path.join(folder, command)
    return {**plugin, "command": command}


def _warnings(cluster: dict[str, Any]) -> list[str]:
    if cluster.get("insecure-skip-tls-verify"):
        return ["the server's certificate is not verified, because the kubeconfig says insecure-skip-tls-verify: true"]
    if str(cluster.get("server", "")).startswith("http://"):
        return ["the connection is not encrypted, because the kubeconfig's server is an http:// address"]
    return []


def _enumerate(names: Mapping[str, Any], limit: int = 10) -> str:
    if not names:
        return "none"
    shown = sorted(names)[:limit]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _unreadable(path: str, error: OSError) -> FleetError:
    remedies = {
        FileNotFoundError: "Check the path; a relative one counts from the file that names it.",
        PermissionError: f"Let the user that runs the playbook (uid {os.getuid()}) read it.",
        IsADirectoryError: "Name a file in it.",
    }
    return FleetError(
        f"it cannot be read: {error.strerror}", place=f"kubeconfig {path}", remedy=remedies.get(type(error), "")
    )


def _not_a_kubeconfig(place: str, problem: str) -> FleetError:
    return FleetError(problem, place=f"kubeconfig {place}", remedy="Check it with: kubectl config view --kubeconfig …")
