# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging in as a GitHub App: a signed claim is exchanged for a token that is valid for an hour.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

import base64
import json
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any

from ..errors import FleetError
from .url import RepoUrl

USER = "x-access-token"
"""The user name that goes with an installation token."""

_TIMEOUT = 30
_LARGEST_ANSWER = 1024 * 1024
_CLOCK_SKEW = 60
_VALID_FOR = 540
"""Seconds. GitHub takes ten minutes at most."""


@dataclass(frozen=True)
class GitHubApp:
    """An App and its installation, by their numbers. ``private_key`` is PEM.

    ``api_url`` is '' for the API that belongs to the repository's host, ``https://api.HOST``.
    """

    app_id: str
    installation_id: str
    private_key: str = field(repr=False)
    api_url: str = ""

    def check(self) -> None:
        """Raises FleetError where it is not complete."""
        for option, value in (
            ("github_app_id", self.app_id),
            ("github_app_installation_id", self.installation_id),
        ):
            if not value.isascii() or not value.isdigit():
                raise FleetError(f"{option} is not a number", remedy="GitHub shows it on the App's settings page.")
        if not self.private_key.strip():
            raise FleetError("github_app_private_key is missing", remedy="Give the key that GitHub made for the App.")
        if self.api_url and not self.api_url.startswith(("https://", "http://")):
            raise FleetError(f"{self.api_url!r} is not the address of an API", remedy="Write https://HOST/api/v3.")

    def token(self, url: RepoUrl, tls: ssl.SSLContext) -> str:
        """A token for the installation, to be sent as password of :data:`USER`. Raises FleetError."""
        base = (self.api_url or _api_of(url)).rstrip("/")
        request = urllib.request.Request(  # noqa: S310 (check() has seen the scheme)
            f"{base}/app/installations/{self.installation_id}/access_tokens",
            method="POST",
            headers={
                "Authorization": f"Bearer {self._claim()}",
                "Accept": "application/vnd.github+json",
                "User-Agent": "gitops.fleet",
            },
        )
        try:
            with _opener(tls).open(request, timeout=_TIMEOUT) as answer:
                token = json.loads(answer.read(_LARGEST_ANSWER))["token"]
        except urllib.error.HTTPError as error:
            raise self._refused(error.code) from None
        except OSError as error:
            reason = getattr(error, "reason", None) or error
            reason = getattr(reason, "strerror", None) or reason
            raise FleetError(
                f"{base} cannot be reached for the token of a GitHub App: {reason}",
                remedy="Check the network and proxy settings, or github_api_url for a GitHub Enterprise Server.",
            ) from None
        except (ValueError, KeyError, TypeError):
            token = None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
            raise FleetError(
                f"{base} did not answer with a token",
                remedy="Check github_api_url: for a GitHub Enterprise Server it is https://HOST/api/v3.",
            )
        return token

    def _claim(self) -> str:
        """A JSON Web Token (RFC 7519), signed with RS256 (RFC 7518): who we are, for the next minutes."""
        now = int(time.time())
        head = {"alg": "RS256", "typ": "JWT"}
        # Issued a little in the past: clocks differ.
        claims = {"iat": now - _CLOCK_SKEW, "exp": now + _VALID_FOR, "iss": self.app_id}
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (head, claims))
        return f"{signed}.{_base64url(_signature(self.private_key, signed.encode()))}"

    def _refused(self, status: int) -> FleetError:
        if status == 401:
            return FleetError(
                "GitHub does not accept the signature of the App (401)",
                remedy="Check github_app_id and github_app_private_key, and the clock of the machine that runs this "
                "task.",
            )
        if status in (403, 404):
            return FleetError(
                f"the GitHub App has no installation {self.installation_id}, or it is suspended ({status})",
                remedy="Check github_app_installation_id: it is in the address of the installation's settings.",
            )
        return FleetError(f"GitHub gave no token for the App ({status})", remedy="Try again later.")


def _api_of(url: RepoUrl) -> str:
    """As in Fleet (``internal/github/app.go``)."""
    host = url.host + (f":{url.port}" if url.port else "")
    return f"https://{host}" if host.startswith("api.") else f"https://api.{host}"


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The signed claim is for one server."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


def _opener(tls: ssl.SSLContext) -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=tls), _NoRedirects)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signature(private_key: str, data: bytes) -> bytes:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import padding, rsa
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise FleetError(
            "the Python library cryptography is not there, and a GitHub App's claim has to be signed",
            remedy="Install it for the Python that runs this task: pip install cryptography.",
        ) from error
    try:
        key = load_pem_private_key(private_key.replace("\r\n", "\n").strip().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        # Not chained: the library's message may quote the key.
        raise FleetError(
            "github_app_private_key is not an RSA key in PEM form without a passphrase",
            remedy="It is the file that GitHub lets one download for the App, with all its lines.",
        ) from None
    return key.sign(data, padding.PKCS1v15(), SHA256())
