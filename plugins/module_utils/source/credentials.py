# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who fetches a repository: user and password, an access token, an ssh key, or a GitHub App."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from ..errors import FleetError
from .github_app import GitHubApp
from .url import HTTP, HTTPS, SSH, RepoUrl

_OPENSSH_HEADER = b"openssh-key-v1\0"
_OPENSSH_NO_CIPHER = b"\0\0\0\x04none"


@dataclass(frozen=True)
class Credentials:
    """What a fetch logs in with. All texts, all empty by default, none of them ever shown.

    ``known_hosts`` has the format of the file of that name (``sshd(8)``) and is what the ssh server
    is checked against; nothing is trusted on first use. ``insecure_skip_host_key_checks`` takes any
    server where no ``known_hosts`` are given. A ``github_app`` has to be exchanged for a password
    before anything is fetched.
    """

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    ssh_private_key: str = field(default="", repr=False)
    known_hosts: str = field(default="", repr=False)
    insecure_skip_host_key_checks: bool = False
    github_app: GitHubApp | None = None

    def check(self, url: RepoUrl) -> None:
        """Check that they are complete and fit ``url``. Raises FleetError."""
        if url.scheme == SSH:
            self._check_ssh()
            self._check_other("github_app_id", self.github_app is not None, url)
            self._check_other("username or password", bool(self.username or self.password), url)
            return
        if self.ssh_private_key:
            raise FleetError(
                f"an ssh private key is given, but the repository is reached by {url.scheme}",
                remedy="Write the address as ssh://user@host/path or user@host:path, or give username and password.",
            )
        if url.scheme not in (HTTP, HTTPS):
            self._check_other("github_app_id", self.github_app is not None, url)
            self._check_other("username or password", bool(self.username or self.password), url)
        if self.github_app is not None:
            self.github_app.check()
        if self.username and not self.password:
            raise FleetError("username is given, but no password", remedy="Give the password or access token.")
        for value in (self.username, self.password):
            if any(character in value for character in "\n\r\0"):
                raise FleetError(
                    "username or password contains a line break",
                    remedy="Take the line break off its end; a file often has one.",
                )

    @staticmethod
    def _check_other(what: str, given: bool, url: RepoUrl) -> None:
        if given:
            raise FleetError(
                f"{what} is given, but the repository is reached by {url.scheme}",
                remedy="Write the address as https://host/path, or leave it out.",
            )

    def login(self, url: RepoUrl) -> tuple[str, str] | None:
        """User and password for http(s), or None. A lone token is the user, as Fleet sends it."""
        if not self.password:
            return None
        user = self.username or url.user
        return (user, self.password) if user else (self.password, "")

    def redact(self, text: str) -> str:
        """``text`` without any of the secrets, should a server have repeated one of them."""
        for secret in self._secrets():
            text = text.replace(secret, "***")
        return text

    def _secrets(self) -> list[str]:
        plain = [value for value in (self.password, self.ssh_private_key) if value]
        if self.password:
            plain.append(base64.b64encode(f"{self.username}:{self.password}".encode()).decode())
            plain.append(base64.b64encode(self.password.encode()).decode())
        return sorted(plain, key=len, reverse=True)

    def _check_ssh(self) -> None:
        if not self.ssh_private_key.strip():
            raise FleetError(
                "the repository is reached by ssh, but no private key is given",
                remedy="Give ssh_private_key or ssh_private_key_file. The user's own keys and agent are not used.",
            )
        if "-----BEGIN" not in self.ssh_private_key:
            raise FleetError(
                "ssh_private_key is not a private key",
                remedy="It is a text that begins with '-----BEGIN ... PRIVATE KEY-----'; the public key is another.",
            )
        if _has_passphrase(self.ssh_private_key):
            raise FleetError(
                "ssh_private_key is protected by a passphrase, for which nobody can be asked",
                remedy="Use a deploy key without one ('ssh-keygen -p' removes it) and keep it in a vault.",
            )
        if not self.known_hosts.strip() and not self.insecure_skip_host_key_checks:
            raise FleetError(
                "the repository is reached by ssh, but known_hosts is not given",
                remedy="Give known_hosts or known_hosts_file: 'ssh-keyscan HOST' prints the lines; compare their "
                "fingerprints with those that the server's owner publishes.",
            )


def _has_passphrase(key: str) -> bool:
    """Whether a private key is encrypted, in PEM (RFC 1421, PKCS 8) or OpenSSH's own format."""
    if "ENCRYPTED" in key:
        return True
    body = "".join(line for line in key.splitlines() if not line.startswith("-----"))
    try:
        data = base64.b64decode(body)
    except binascii.Error:
        return False
    cipher = data.removeprefix(_OPENSSH_HEADER)
    return cipher != data and not cipher.startswith(_OPENSSH_NO_CIPHER)
