# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials from the Secrets of a cluster that the user names: those that a GitRepo names in Fleet.

The keys, and what wins, are Fleet's: ``pkg/git/netutils.go``, ``internal/ssh/knownhosts.go`` and
``internal/bundlereader/auth.go`` in rancher/fleet.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..errors import FleetError
from ..kube.client import ApiError, Client
from ..kube.connection import Connection
from .charts.credentials import HelmCredentials
from .credentials import Credentials
from .github_app import GitHubApp

try:
    import yaml
except ImportError:
    yaml = None

DEFAULT_CLIENT_SECRET = "gitcredential"  # noqa: S105 (a name)
"""The Secret that Fleet takes, if it is there, where a GitRepo names none."""

PATHS_KEY = "secrets-path.yaml"

_BASIC_AUTH, _SSH_AUTH = "kubernetes.io/basic-auth", "kubernetes.io/ssh-auth"
_GITHUB_APP = ("github_app_id", "github_app_installation_id", "github_app_private_key")
_KNOWN_HOSTS = "/api/v1/namespaces/cattle-fleet-system/configmaps/known-hosts"
_TRUE = ("1", "t", "T", "true", "TRUE", "True")


class SecretReader:
    """Reads Secrets of one namespace of one cluster. To be closed."""

    def __init__(self, connection: Connection, namespace: str, temp_directory: Path):
        self.namespace = namespace
        self._client = Client(connection, temp_directory=temp_directory)
        self._place = str(connection)

    def __enter__(self) -> SecretReader:
        return self

    def __exit__(self, *_exception) -> None:
        self._client.close()

    def client_credentials(self, name: str) -> Credentials:
        """What the Secret of ``clientSecretName`` logs in with; '' stands for the one that Fleet takes by itself.

        Raises FleetError where the Secret that was named is not there or holds none of the known kinds.
        """
        secret = self._get(name or DEFAULT_CLIENT_SECRET)
        if secret is None:
            if name:
                raise self._missing(name)
            return Credentials()
        data = self._data(secret, name or DEFAULT_CLIENT_SECRET)
        if secret.get("type") == _BASIC_AUTH:
            return Credentials(username=data.get("username", ""), password=data.get("password", ""))
        if secret.get("type") == _SSH_AUTH:
            known_hosts = data.get("known_hosts") or self._known_hosts()
            return Credentials(ssh_private_key=data.get("ssh-privatekey", ""), known_hosts=known_hosts)
        if all(data.get(key) for key in _GITHUB_APP):
            return Credentials(github_app=GitHubApp(*(data[key].strip() for key in _GITHUB_APP)))
        if not name:
            return Credentials()
        raise FleetError(
            f"Secret {name} holds nothing to log in to git with",
            place=self._of(name),
            remedy=f"It is of type {_BASIC_AUTH} or {_SSH_AUTH}, or has the keys {', '.join(_GITHUB_APP)}.",
        )

    def helm_secret(self, name: str) -> HelmCredentials:
        """The content of the Secret of ``helmSecretName``. Raises FleetError."""
        data = self._data(self._required(name), name)
        if ("username" in data) != ("password" in data):
            raise FleetError(
                "it has one of username and password and not the other", place=self._of(name), remedy="Give both."
            )
        return HelmCredentials(
            username=data.get("username", ""),
            password=data.get("password", ""),
            ca_bundle=data.get("cacerts", ""),
            insecure_skip_tls_verify=data.get("insecureSkipVerify") in _TRUE,
            basic_http=data.get("basicHTTP") in _TRUE,
            ssh_private_key=data.get("ssh-privatekey", ""),
            known_hosts=data.get("known_hosts") or (self._known_hosts() if data.get("ssh-privatekey") else ""),
        )

    def helm_secrets_for_paths(self, name: str) -> dict[str, HelmCredentials]:
        """The content of the Secret of ``helmSecretNameForPaths``, by path or glob. Raises FleetError."""
        data = self._data(self._required(name), name)
        if PATHS_KEY not in data:
            raise FleetError(f"it has no key {PATHS_KEY}", place=self._of(name), remedy="Fleet reads that key alone.")
        return parse_helm_secrets_for_paths(data[PATHS_KEY], f"{self._of(name)}, {PATHS_KEY}")

    def _required(self, name: str) -> dict[str, Any]:
        secret = self._get(name)
        if secret is None:
            raise self._missing(name)
        return secret

    def _get(self, name: str) -> dict[str, Any] | None:
        namespace = quote(self.namespace, safe="")
        return self._request(f"/api/v1/namespaces/{namespace}/secrets/{quote(name, safe='')}")

    def _known_hosts(self) -> str:
        found = self._request(_KNOWN_HOSTS) or {}
        return (found.get("data") or {}).get("known_hosts") or ""

    def _request(self, path: str) -> dict[str, Any] | None:
        try:
            return self._client.request("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise error.at(self._place) from error

    def _data(self, secret: dict[str, Any], name: str) -> dict[str, str]:
        try:
            return {
                key: base64.b64decode(value, validate=True).decode("utf-8")
                for key, value in (secret.get("data") or {}).items()
            }
        except (ValueError, TypeError, AttributeError):
            # Not chained: such an error shows what it could not decode.
            raise FleetError("it holds something that is not text", place=self._of(name)) from None

    def _missing(self, name: str) -> FleetError:
        return FleetError(
            "there is no such Secret", place=self._of(name), remedy="Check its name, and namespace of secrets_from."
        )

    def _of(self, name: str) -> str:
        return f"{self._place}, Secret {self.namespace}/{name}"


def parse_helm_secrets_for_paths(text: str, place: str) -> dict[str, HelmCredentials]:
    """From the YAML of the key ``secrets-path.yaml``: certificates and keys in it are base64. Raises FleetError."""
    remedy = "It is a mapping of paths to {username, password, caBundle, sshPrivateKey, sshKnownHosts, …}."
    if yaml is None:
        raise FleetError("the Python library PyYAML is missing", remedy="Install it: pip install PyYAML.")
    try:
        document = yaml.safe_load(text)
        return {str(path): _from_fleet(item or {}) for path, item in (document or {}).items()}
    except (yaml.YAMLError, AttributeError, TypeError, ValueError, binascii.Error, RecursionError):
        # Not chained: a parser quotes what it could not read.
        raise FleetError("is not what Fleet reads", place=place, remedy=remedy) from None


def _from_fleet(item: dict[str, Any]) -> HelmCredentials:
    def decoded(key: str) -> str:
        return base64.b64decode(item.get(key) or "", validate=True).decode("utf-8")

    return HelmCredentials(
        username=item.get("username") or "",
        password=item.get("password") or "",
        ca_bundle=decoded("caBundle"),
        insecure_skip_tls_verify=item.get("insecureSkipVerify") is True,
        basic_http=item.get("basicHTTP") is True,
        ssh_private_key=decoded("sshPrivateKey"),
        known_hosts=decoded("sshKnownHosts"),
    )


def with_api_url(credentials: Credentials, api_url: str) -> Credentials:
    """The credentials with the address of a GitHub Enterprise Server's API, where they are those of an App."""
    if credentials.github_app is None or not api_url:
        return credentials
    return replace(credentials, github_app=replace(credentials.github_app, api_url=api_url))
