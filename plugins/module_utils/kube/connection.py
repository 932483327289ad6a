# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference by which a cluster is reached: a kubeconfig and a context in it, never a credential."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

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


def resolve_path(reference: str, environ: Mapping[str, str] | None = None) -> str:
    """The absolute path that a kubeconfig reference (a path or ``env:NAME``) stands for."""
    path = reference
    if reference.startswith(ENVIRONMENT_PREFIX):
        name = reference.removeprefix(ENVIRONMENT_PREFIX)
        path = (os.environ if environ is None else environ).get(name, "")
        if not path:
            raise FleetError(
                f"environment variable {name}, which should hold the path of a kubeconfig, is not set",
                place=f"kubeconfig {reference}",
                remedy=f"Set {name} where the playbook runs (in AWX: by the job's credential).",
            )
    if not path:
        raise FleetError("no kubeconfig is named", remedy="Name the file, or env:NAME for a variable that holds it.")
    return os.path.abspath(os.path.expanduser(path))
