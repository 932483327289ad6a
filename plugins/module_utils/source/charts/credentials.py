# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who fetches charts: the login for chart repositories, and which of them it may be sent to."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ...errors import FleetError
from .. import go_match


@dataclass(frozen=True)
class HelmCredentials:
    """What the Secret of ``helmSecretName`` holds. All of it may be empty, and the texts are never shown.

    ``ca_bundle`` is PEM text, trusted besides what the system trusts. ``basic_http`` lets an OCI registry be
    reached by http. ``ssh_private_key`` and ``known_hosts`` are for charts in git.
    """

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    ca_bundle: str = ""
    insecure_skip_tls_verify: bool = False
    basic_http: bool = False
    ssh_private_key: str = field(default="", repr=False)
    known_hosts: str = field(default="", repr=False)

    def without_login(self) -> HelmCredentials:
        """The same without what logs in: how to reach a server stays."""
        return replace(self, username="", password="", ssh_private_key="")

    @property
    def has_login(self) -> bool:
        return bool(self.username or self.password or self.ssh_private_key)

    @property
    def secrets(self) -> list[str]:
        """What must not come back in an error."""
        login = base64.b64encode(f"{self.username}:{self.password}".encode()).decode() if self.password else ""
        return [secret for secret in (login, self.password, self.ssh_private_key) if secret]


@dataclass(frozen=True)
class ChartAccess:
    """The credentials of a GitRepo for charts (``helmSecretName``, ``helmSecretNameForPaths``, ``helmRepoURLRegex``).

    ``for_paths`` has them by the path of a bundle or a glob, and takes the place of ``default``. ``url_regex`` says
    which addresses they are sent to; '' sends them nowhere.
    """

    default: HelmCredentials = field(default_factory=HelmCredentials)
    for_paths: Mapping[str, HelmCredentials] = field(default_factory=dict)
    url_regex: str = ""

    def of_bundle(self, path: str) -> HelmCredentials:
        """The credentials of the bundle in this directory: its own path first, then the first glob in their order.

        Raises FleetError for a malformed glob.
        """
        if path in self.for_paths:
            return self.for_paths[path]
        for pattern in sorted(self.for_paths):
            try:
                found = go_match.match(pattern, path)
            except go_match.BadPattern as error:
                raise FleetError(
                    f"the path {pattern!r} of Helm credentials is no pattern", remedy="Close every [ with a ]."
                ) from error
            if found:
                return self.for_paths[pattern]
        # As in Fleet, where paths have credentials of their own, the others have none.
        return HelmCredentials() if self.for_paths else self.default

    def for_address(self, credentials: HelmCredentials, address: str) -> HelmCredentials:
        """``credentials``, without the login where ``address`` does not match. Raises FleetError for a bad pattern."""
        return credentials if self._matches(address) else credentials.without_login()

    def hint(self, credentials: HelmCredentials, address: str) -> str:
        """What to say when a server refuses ``address``, for credentials that were not sent; '' if they were."""
        if not credentials.has_login or self._matches(address):
            return ""
        if not self.url_regex:
            return "helm_repo_url_regex is empty, so the Helm credentials were not sent; set it to send them."
        return (
            f"helm_repo_url_regex {self.url_regex!r} does not match {address}, so the Helm credentials were not sent."
        )

    def _matches(self, address: str) -> bool:
        if not self.url_regex:
            return False
        try:
            return re.match(f"(?:{self.url_regex})", address) is not None
        except re.error as error:
            raise FleetError(
                f"helm_repo_url_regex {self.url_regex!r} is no regular expression: {error}",
                remedy=r"Write, say, https://charts\.example\.com/.*",
            ) from error
