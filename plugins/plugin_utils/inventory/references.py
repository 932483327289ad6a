# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a cluster is reached, as host variables say it: references only, of which none holds a credential."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import (
    ENVIRONMENT_PREFIX,
    AnyConnection,
    Connection,
    Hub,
    ProxiedConnection,
    SecretConnection,
    TokenConnection,
)

_PROXY_PATH = re.compile(r"(/[A-Za-z0-9][-A-Za-z0-9_.]*)+")


def to_variables(connection: AnyConnection | None) -> dict[str, Any]:
    """The part of the variable ``fleet_cluster`` that says how the cluster is reached.

    ``kubeconfig`` is empty for a cluster that is reached by way of a hub: whoever knows nothing of
    hubs must not take the hub for the cluster.
    """
    if isinstance(connection, SecretConnection):
        secret = {"namespace": connection.namespace, "name": connection.name, "key": connection.key}
        return {"kubeconfig": "", "context": connection.context, "hub": _hub(connection.hub), "secret": secret}
    if isinstance(connection, ProxiedConnection):
        return {"kubeconfig": "", "context": "", "hub": _hub(connection.hub), "proxy_path": connection.path}
    if isinstance(connection, Connection):
        return {"kubeconfig": connection.kubeconfig, "context": connection.context}
    return {"kubeconfig": "", "context": ""}


def from_variables(facts: Mapping[str, Any]) -> AnyConnection | None:
    """What :func:`to_variables` wrote; None where it says no way. Raises :class:`FleetError` for what it cannot be."""
    context = _text(facts, "context")
    if facts.get("kubeconfig"):
        return Connection(kubeconfig=_text(facts, "kubeconfig"), context=context)
    if facts.get("secret"):
        secret = _mapping(facts, "secret")
        namespace, name = _text(secret, "namespace"), _text(secret, "name")
        if not namespace or not name:
            raise FleetError("secret of its variable fleet_cluster has no namespace or no name")
        return SecretConnection(_read_hub(facts), namespace, name, _text(secret, "key") or "value", context)
    if facts.get("proxy_path"):
        path = _text(facts, "proxy_path")
        if not _PROXY_PATH.fullmatch(path):
            raise FleetError("proxy_path of its variable fleet_cluster is no path", remedy="It looks like /k8s/…")
        return ProxiedConnection(_read_hub(facts), path)
    return None


def hub_reference(options: Mapping[str, Any]) -> Hub:
    """The hub that ``server`` and ``token``, or ``kubeconfig`` and ``context``, lead to. Raises FleetError."""
    if not options.get("server"):
        if not options.get("kubeconfig"):
            raise FleetError("the hub has no kubeconfig", remedy="Name a kubeconfig file, or env:NAME.")
        return Connection(_text(options, "kubeconfig"), _text(options, "context"))
    token = _text(options, "token")
    if not token.startswith(ENVIRONMENT_PREFIX):
        # A token itself would be stored with the inventory.
        raise FleetError("token does not begin with env:", remedy="Name the variable that holds it: env:RANCHER_TOKEN.")
    return TokenConnection(_text(options, "server"), token, _text(options, "ca_file"))


def _hub(hub: Hub) -> dict[str, str]:
    if isinstance(hub, TokenConnection):
        return {"server": hub.server, "token": hub.token, "ca_file": hub.ca_file}
    return {"kubeconfig": hub.kubeconfig, "context": hub.context}


def _read_hub(facts: Mapping[str, Any]) -> Hub:
    return hub_reference(_mapping(facts, "hub"))


def _mapping(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = facts.get(name)
    if not isinstance(value, Mapping):
        raise FleetError(f"{name} of its variable fleet_cluster is not a mapping", remedy="Write it as key: value.")
    return value


def _text(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FleetError(f"{name} of its variable fleet_cluster is not a string", remedy="Put it in quotes.")
    return value
