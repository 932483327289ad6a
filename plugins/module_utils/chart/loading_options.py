# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of modules that read bundles, for charts that are elsewhere; documented in doc_fragments/charts.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import FleetError
from ..private_files import RunDirectory
from ..source.charts.credentials import ChartAccess, HelmCredentials
from .helm import Helm
from .loader import ALWAYS, AUTO, NEVER, ChartLoader

_CREDENTIALS = {
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "ca_bundle": {"type": "str"},
    "insecure_skip_tls_verify": {"type": "bool", "default": False},
    "basic_http": {"type": "bool", "default": False},
    "ssh_private_key": {"type": "str", "no_log": True},
    "known_hosts": {"type": "str"},
}


def argument_spec() -> dict[str, Any]:
    """Of the doc fragment ``charts``, and ``helm_binary``."""
    return {
        "dependency_update": {"type": "str", "choices": [AUTO, NEVER, ALWAYS], "default": AUTO},
        "helm_credentials": {"type": "dict", "options": _CREDENTIALS, "required_together": [("username", "password")]},
        "helm_repo_url_regex": {"type": "str"},
        "helm_binary": {"type": "path"},
    }


def credentials_for_paths_spec() -> dict[str, Any]:
    """Of the option ``helm_credentials_for_paths``, which only a GitRepo has."""
    return {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"path": {"type": "str", "required": True}, **_CREDENTIALS},
        "required_together": [("username", "password")],
    }


def chart_loader(
    params: Mapping[str, Any],
    owner: str,
    find_helm: Callable[[], Helm],
    cache: Path,
    run: RunDirectory,
    *,
    insecure_skip_tls_verify: bool = False,
) -> ChartLoader:
    """The loader that a module's options ask for; see :class:`ChartLoader`. Raises FleetError.

    ``insecure_skip_tls_verify`` is the GitRepo's own, which holds for charts too, as in Fleet.
    """
    return ChartLoader(
        owner,
        chart_access(params, insecure_skip_tls_verify=insecure_skip_tls_verify),
        find_helm,
        cache,
        run,
        dependency_update=params["dependency_update"],
    )


def chart_access(params: Mapping[str, Any], *, insecure_skip_tls_verify: bool = False) -> ChartAccess:
    """The credentials for charts in a module's options. Raises FleetError for two with one path."""
    for_paths: dict[str, HelmCredentials] = {}
    for item in params.get("helm_credentials_for_paths") or []:
        if item["path"] in for_paths:
            raise FleetError(f"helm_credentials_for_paths has the path {item['path']} twice")
        for_paths[item["path"]] = _credentials(item, False)
    default = _credentials(params["helm_credentials"] or {}, insecure_skip_tls_verify)
    return ChartAccess(default, for_paths, params["helm_repo_url_regex"] or "")


def _credentials(item: Mapping[str, Any], insecure_skip_tls_verify: bool) -> HelmCredentials:
    return HelmCredentials(
        username=item.get("username") or "",
        password=item.get("password") or "",
        ca_bundle=item.get("ca_bundle") or "",
        insecure_skip_tls_verify=bool(item.get("insecure_skip_tls_verify")) or insecure_skip_tls_verify,
        basic_http=bool(item.get("basic_http")),
        ssh_private_key=item.get("ssh_private_key") or "",
        known_hosts=item.get("known_hosts") or "",
    )
