# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A GitRepo in the options of module fleet_gitrepo: their specification, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ..errors import FleetError
from ..kube.connection import Connection
from ..private_files import RunDirectory
from .credentials import Credentials
from .git import DEFAULT_TIMEOUT
from .github_app import GitHubApp
from .gitrepo import GitRepo
from .secrets import SecretReader, with_api_url

_TEXTS = (
    *("name", "repo", "branch", "revision", "target_namespace", "service_account", "ca_bundle"),
    *("helm_repo_url_regex", "polling_interval", "image_scan_interval"),
)
_SECRET_NAMES = (
    *("client_secret_name", "helm_secret_name", "helm_secret_name_for_paths"),
    *("oci_registry_secret", "webhook_secret"),
)
_FLAGS = ("keep_resources", "delete_namespace", "paused", "insecure_skip_tls_verify", "disable_polling")
_LOGINS = {
    "user and password": ("password", "password_file"),
    "an ssh key": ("ssh_private_key", "ssh_private_key_file"),
    "a GitHub App": ("github_app_id",),
    "a Secret": ("client_secret_name",),
}


def argument_spec() -> dict[str, Any]:
    """The options of one GitRepo. Those that have to be there are checked by :func:`gitrepo_of`."""
    return {
        **{name: {"type": "str"} for name in _TEXTS},
        **{name: {"type": "str", "no_log": False} for name in _SECRET_NAMES},
        **{name: {"type": "bool", "default": False} for name in _FLAGS},
        "workspace": {"type": "str", "default": "fleet-default"},
        "paths": {"type": "list", "elements": "str", "default": []},
        "bundles": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"base": {"type": "str", "required": True}, "options": {"type": "str"}},
        },
        "targets": {"type": "list", "elements": "dict", "default": []},
        "correct_drift": {"type": "dict"},
        "image_scan_commit": {"type": "dict"},
        "force_sync_generation": {"type": "int", "default": 0},
        "labels": {"type": "dict", "default": {}},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "password_file": {"type": "path", "no_log": False},
        "ssh_private_key": {"type": "str", "no_log": True},
        "ssh_private_key_file": {"type": "path", "no_log": False},
        "known_hosts": {"type": "str"},
        "known_hosts_file": {"type": "path"},
        "insecure_skip_host_key_checks": {"type": "bool", "default": False},
        "github_app_id": {"type": "str"},
        "github_app_installation_id": {"type": "str"},
        "github_app_private_key": {"type": "str", "no_log": True},
        "github_app_private_key_file": {"type": "path", "no_log": False},
        "github_api_url": {"type": "str"},
        "secrets_from": {
            "type": "dict",
            "no_log": False,
            "options": {
                "kubeconfig": {"type": "path", "required": True},
                "context": {"type": "str", "default": ""},
                "namespace": {"type": "str"},
            },
        },
        "timeout": {"type": "int", "default": DEFAULT_TIMEOUT},
    }


def gitrepo_of(params: dict[str, Any]) -> GitRepo:
    """Raises FleetError where name or repo is missing."""
    for option in ("name", "repo"):
        if not params[option]:
            place = f"GitRepo {params['name']}" if params["name"] else "GitRepo"
            raise FleetError(f"{option} is missing", place=place, remedy="Each GitRepo has a name and a repo.")
    return GitRepo(
        **{name: params[name] or "" for name in _TEXTS},
        **{name: params[name] for name in (*_FLAGS, "paths", "targets", "correct_drift", "image_scan_commit")},
        namespace=params["workspace"],
        bundles=[{key: value for key, value in bundle.items() if value} for bundle in params["bundles"]],
        force_sync_generation=params["force_sync_generation"],
        labels={key: str(value) for key, value in params["labels"].items()},
    )


def credentials_of(params: dict[str, Any], run: RunDirectory) -> Credentials:
    """What the options log in with: as text, from a file, or from a Secret. Raises FleetError."""
    given = [kind for kind, options in _LOGINS.items() if any(params[option] for option in options)]
    if len(given) > 1:
        raise FleetError(f"both {given[0]} and {given[1]} are given", remedy="Give one of them.")
    known_hosts = _text(params, "known_hosts")
    if params["secrets_from"] and (not given or params["client_secret_name"]):
        with _secrets(params, run) as reader:
            found = reader.client_credentials(params["client_secret_name"] or "")
        credentials = with_api_url(found, params["github_api_url"] or "")
        credentials = replace(credentials, known_hosts=known_hosts or credentials.known_hosts)
    elif params["client_secret_name"]:
        raise _no_cluster("client_secret_name")
    else:
        credentials = Credentials(
            username=params["username"] or "",
            password=_text(params, "password").rstrip("\r\n"),
            ssh_private_key=_text(params, "ssh_private_key"),
            known_hosts=known_hosts,
            github_app=_github_app(params),
        )
    return replace(credentials, insecure_skip_host_key_checks=params["insecure_skip_host_key_checks"])


def helm_secrets_of(params: dict[str, Any], run: RunDirectory) -> dict[str, Any]:
    """What Secrets say about charts, as the options ``helm_credentials`` and ``helm_credentials_for_paths``.

    Only those that a Secret is named for. Raises FleetError.
    """
    one, many = params["helm_secret_name"], params["helm_secret_name_for_paths"]
    if not (one or many):
        return {}
    if not params["secrets_from"]:
        raise _no_cluster("helm_secret_name" if one else "helm_secret_name_for_paths")
    with _secrets(params, run) as reader:
        # As in Fleet, the Secret for paths wins.
        if many:
            found = reader.helm_secrets_for_paths(many)
            return {"helm_credentials_for_paths": [{"path": path, **asdict(item)} for path, item in found.items()]}
        return {"helm_credentials": asdict(reader.helm_secret(one))}


def _github_app(params: dict[str, Any]) -> GitHubApp | None:
    if not params["github_app_id"]:
        return None
    return GitHubApp(
        params["github_app_id"],
        params["github_app_installation_id"] or "",
        _text(params, "github_app_private_key"),
        params["github_api_url"] or "",
    )


@contextmanager
def _secrets(params: dict[str, Any], run: RunDirectory) -> Iterator[SecretReader]:
    source = params["secrets_from"]
    connection = Connection(source["kubeconfig"], source["context"] or "")
    with SecretReader(connection, source["namespace"] or params["workspace"], run.path) as reader:
        yield reader


def _no_cluster(option: str) -> FleetError:
    return FleetError(
        f"{option} names a Secret, and no cluster is named to read it from",
        remedy="Name the cluster that holds it with secrets_from, or give its content in other options.",
    )


def _text(params: dict[str, Any], option: str) -> str:
    """An option, or the text of the file that its sister ``<option>_file`` names. Raises FleetError."""
    file = params[f"{option}_file"]
    if params[option] or not file:
        return params[option] or ""
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise FleetError(f"{option}_file cannot be read: {reason}", place=file) from None
