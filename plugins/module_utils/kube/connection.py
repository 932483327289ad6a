# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References by which clusters are reached. None holds a credential: what they lead to is read when it is used."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Union

from ..errors import FleetError

ENVIRONMENT_PREFIX = "env:"


@dataclass(frozen=True)
class Connection:
    """``kubeconfig`` is a path, or ``env:NAME`` for the path that environment variable NAME holds.

    ``context`` "" means the file's ``current-context``. ``trusted`` says that the operator named
    this very file: only then may it run a credential plugin, read further files, or switch the
    verification of the server's certificate off.
    """

    kubeconfig: str
    context: str = ""
    trusted: bool = True

    def __str__(self) -> str:
        place = f"kubeconfig {self.kubeconfig}"
        return f"{place}, context {self.context}" if self.context else place

    def path(self, environ: Mapping[str, str] | None = None) -> str:
        """The absolute path of the kubeconfig. Raises :class:`FleetError` where the variable is not set."""
        return resolve_path(self.kubeconfig, environ)


@dataclass(frozen=True)
class TokenConnection:
    """A server without a kubeconfig: ``token`` is ``env:NAME``, the variable that holds a bearer token.

    ``ca_file`` is the path (or ``env:NAME`` for it) of the authorities that the server's certificate
    is checked against; "" means those of the system.
    """

    server: str
    token: str
    ca_file: str = ""

    def __str__(self) -> str:
        return f"server {self.server}, token {self.token}"


# Not with |, for which ansible-test wants a Python that is newer than what it takes ours for.
Hub = Union[Connection, TokenConnection]  # noqa: UP007
"""The API server at which the way to other clusters is found."""


@dataclass(frozen=True)
class SecretConnection:
    """A kubeconfig in a Secret of ``hub``, and a context in it ("" means its ``current-context``).

    Whoever writes Secrets there is not the operator: the kubeconfig may hold credentials, nothing else.
    """

    hub: Hub
    namespace: str
    name: str
    key: str = "value"
    context: str = ""

    def __str__(self) -> str:
        return f"Secret {self.namespace}/{self.name} of hub ({self.hub})"


@dataclass(frozen=True)
class ProxiedConnection:
    """A cluster behind ``hub``: the server is the hub's with ``path`` in place of its own, the login is the hub's."""

    hub: Hub
    path: str

    def __str__(self) -> str:
        return f"{self.path} of hub ({self.hub})"


AnyConnection = Union[Connection, TokenConnection, SecretConnection, ProxiedConnection]  # noqa: UP007


def resolve_variable(reference: str, purpose: str, environ: Mapping[str, str] | None = None) -> str:
    """What the environment variable of ``env:NAME`` holds. Raises :class:`FleetError` where it is not set."""
    name = reference.removeprefix(ENVIRONMENT_PREFIX)
    value = (os.environ if environ is None else environ).get(name, "")
    if not value:
        raise FleetError(
            f"environment variable {name}, which should hold {purpose}, is not set",
            remedy=f"Set {name} where the playbook runs (in AWX: by the job's credential).",
        )
    return value


def resolve_path(reference: str, environ: Mapping[str, str] | None = None) -> str:
    """The absolute path that a kubeconfig reference (a path or ``env:NAME``) stands for."""
    path = reference
    if reference.startswith(ENVIRONMENT_PREFIX):
        try:
            path = resolve_variable(reference, "the path of a kubeconfig", environ)
        except FleetError as error:
            raise error.at(f"kubeconfig {reference}") from error
    if not path:
        raise FleetError("no kubeconfig is named", remedy="Name the file, or env:NAME for a variable that holds it.")
    return os.path.abspath(os.path.expanduser(path))
