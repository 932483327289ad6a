# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong on the way to an API server, in words that say what to do."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from typing import Any

from ..errors import FleetError, Unreachable

try:
    import urllib3
except ImportError:
    urllib3 = None

_LONGEST_MESSAGE = 600

# Codes of OpenSSL's X509_V_ERR_*, as SSLCertVerificationError.verify_code has them.
_NOT_YET_VALID, _EXPIRED = 9, 10
_UNKNOWN_ISSUER = {2, 7, 18, 19, 20, 21}
_WRONG_HOST = {62, 64}


class ApiError(FleetError):
    """The API server answered, and refused: ``status`` is HTTP's, ``reason`` that of the Status object."""

    def __init__(self, problem: str, *, place: str = "", remedy: str = "", status: int = 0, reason: str = ""):
        super().__init__(problem, place=place, remedy=remedy)
        self.status = status
        self.reason = reason

    def at(self, place: str) -> ApiError:
        inner = f"{place}, {self.place}" if self.place else place
        return type(self)(self.problem, place=inner, remedy=self.remedy, status=self.status, reason=self.reason)


_REMEDIES = {
    401: "Renew the credentials in the kubeconfig.",
    403: "Grant it (docs/rbac has what push needs), or use other credentials.",
    409: "Something else changed it at the same time: run again.",
    429: "The API server is overloaded: run again later, or with fewer workers.",
}


def refusal(method: str, path: str, status: int, reason_phrase: str, answer: Any) -> ApiError:
    """The error for an answer of 400 or more. ``answer`` is the body: a Status object, or anything else."""
    answer = answer if isinstance(answer, dict) and answer.get("kind") == "Status" else {}
    reason = str(answer.get("reason") or reason_phrase or "")
    message = one_line(str(answer.get("message") or ""))
    problem = f"{method} {path} was answered with {status} {reason}".rstrip()
    return ApiError(
        f"{problem}: {message}" if message else problem, remedy=_REMEDIES.get(status, ""), status=status, reason=reason
    )


def one_line(text: str) -> str:
    """A message from outside in one line of limited length, without control characters."""
    text = "".join(character if character.isprintable() else " " for character in text[: 4 * _LONGEST_MESSAGE])
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"


def no_answer(error: Exception, server: str, timeout: float, certificate: bytes) -> Unreachable:
    """The error for a request that got no answer. ``certificate`` is the client's own (PEM) or empty."""
    if isinstance(error, urllib3.exceptions.ProxyError):
        return Unreachable(
            f"the proxy on the way to {server} does not let the connection through",
            remedy="Check proxy-url in the kubeconfig, or HTTPS_PROXY and NO_PROXY.",
        )
    if isinstance(error, urllib3.exceptions.NewConnectionError):  # a ConnectTimeoutError too, by name only
        return _no_connection(error, server)
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
        return Unreachable(f"{server} cannot be connected to within the time limit", remedy=_LOOK_AT_THE_NETWORK)
    if isinstance(error, (urllib3.exceptions.TimeoutError, TimeoutError)):
        return Unreachable(f"{server} gave no answer within {timeout:g} s", remedy="Look at its load and its etcd.")
    if isinstance(error, urllib3.exceptions.SSLError):
        return _tls_failure(error, server, certificate)
    return Unreachable(f"{server} broke the connection off", remedy="Run again; look at the API server if it stays.")


_LOOK_AT_THE_NETWORK = "Is the cluster up, and do firewall and proxy let this machine through?"


def _no_connection(error: Exception, server: str) -> Unreachable:
    if _cause_of_type(error, ConnectionRefusedError):
        return Unreachable(f"{server} refuses the connection", remedy="Is its API server up, and the port right?")
    if _cause_of_type(error, socket.gaierror):
        return Unreachable(f"the host name of {server} is not known", remedy="Check the kubeconfig's server, and DNS.")
    return Unreachable(f"{server} cannot be connected to", remedy=_LOOK_AT_THE_NETWORK)


def _tls_failure(error: Exception, server: str, certificate: bytes) -> Unreachable:
    cause = _cause_of_type(error, ssl.SSLCertVerificationError)
    code = cause.verify_code if cause else None
    if code in _UNKNOWN_ISSUER:
        return Unreachable(
            f"the certificate of {server} is signed by an authority that the kubeconfig does not name",
            remedy="Put the cluster's current CA into certificate-authority-data.",
        )
    if code in _WRONG_HOST or "doesn't match" in str(error):  # the latter says urllib3 1.26
        return Unreachable(
            f"the certificate of {server} is for another host name",
            remedy="Use a name that it is made for, or set tls-server-name in the kubeconfig.",
        )
    if code in (_EXPIRED, _NOT_YET_VALID):
        state = "has expired" if code == _EXPIRED else "is not valid yet"
        return Unreachable(f"the certificate of {server} {state}", remedy="Renew it, or set this machine's clock.")
    if cause:
        return Unreachable(
            f"the certificate of {server} is not accepted: {cause.verify_message}", remedy="Renew it on the cluster."
        )
    own = expired_certificate(certificate)
    if own:
        return Unreachable(own, remedy=_REMEDIES[401])
    return Unreachable(
        f"no TLS connection to {server} comes about", remedy="Is it an API server, and https the right scheme?"
    )


def _cause_of_type(error: BaseException | None, kind: type) -> Any:
    """The first of the errors that led to ``error`` which is a ``kind``."""
    pending, seen = [error], set()
    while pending:
        current = pending.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        if isinstance(current, kind):
            return current
        seen.add(id(current))
        pending += [current.__cause__, current.__context__, *current.args]
    return None


def expired_certificate(pem: bytes) -> str:
    """Says since when the client certificate is expired, or "" where it is not (or cannot be read here)."""
    if not pem:
        return ""
    try:
        from cryptography import x509

        expiry = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except (ImportError, ValueError, AttributeError):
        return ""
    if expiry > datetime.now(UTC):
        return ""
    return f"the client certificate in the kubeconfig expired on {expiry:%Y-%m-%d %H:%M} UTC"
