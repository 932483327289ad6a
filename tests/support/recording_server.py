# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that behaves as a test tells it and records what it is asked, over TLS with its own authority."""

import base64
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """A certificate authority that signs whatever a test needs."""

    def __init__(self, name: str = "authority"):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=2))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, name: str, *, host: str = "127.0.0.1", valid_days: float = 1) -> tuple[bytes, bytes]:
        """A certificate and its key (PEM). Negative ``valid_days``: it expired that long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=valid_days))
            .add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return certificate.public_bytes(serialization.Encoding.PEM), private


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """``content_length`` differs from the body's where an answer is to be cut short."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    content_length: int | None = None

    @classmethod
    def json(cls, document: object, status: int = 200, **headers: str) -> "Answer":
        return cls(
            status, json.dumps(document).encode(), {key.replace("_", "-"): value for key, value in headers.items()}
        )

    @classmethod
    def refusal(cls, status: int, reason: str, message: str, **headers: str) -> "Answer":
        document = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message}
        return cls.json({**document, "code": status}, status, **headers)


class _QuietServer(ThreadingHTTPServer):
    """Clients that break off are what the tests are about."""

    def handle_error(self, request, client_address) -> None:
        return


class RecordingServer:
    """Listens on a free port of 127.0.0.1 until closed. ``answer`` decides what each request gets."""

    def __init__(self, authority: Authority | None = None, *, certificate: tuple[bytes, bytes] | None = None):
        self.authority = authority or Authority()
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Answer | None] = lambda request: Answer()
        self._server = _QuietServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._certificate = certificate or self.authority.issue("server")
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self, folder: Path) -> "RecordingServer":
        path = folder / f"server-{self.port}.pem"
        path.write_bytes(b"".join(self._certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._thread.start()
        return self

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def kubeconfig(self, user: dict | None = None, *, name: str = "context", **cluster: object) -> dict:
        """A kubeconfig with one context for this server. ``cluster`` adds to its cluster, ``user`` is its user."""
        authority = base64.b64encode(self.authority.pem).decode()
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [
                {"name": name, "cluster": {"server": self.url, "certificate-authority-data": authority, **cluster}}
            ],
            "users": [{"name": name, "user": user or {}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        }

    @staticmethod
    def plain_kubeconfig(server: str) -> dict:
        """A kubeconfig for an address that a test made up, with a token."""
        return {
            "current-context": "context",
            "clusters": [{"name": "cluster", "cluster": {"server": server}}],
            "users": [{"name": "user", "user": {"token": "super-secret-token"}}],
            "contexts": [{"name": "context", "context": {"cluster": "cluster", "user": "user"}}],
        }

    def _handler(outer) -> type:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
                outer.requests.append(request)
                answer = outer.answer(request)
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", answer.content_type)
                size = len(answer.body) if answer.content_length is None else answer.content_length
                self.send_header("Content-Length", str(size))
                self.end_headers()
                self.wfile.write(answer.body)
                if size != len(answer.body):
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *arguments) -> None:
                return

        return Handler
