# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real git server over HTTP, on loopback: ``git http-backend`` behind Python's own web server.

In a test, as a context manager that serves every repository below a directory::

    with GitHttpServer(root, users={"reader": "secret"}) as server:
        subprocess.run(["git", "clone", f"{server.url}/team/app.git"])
        server.requests                       # ["GET /team/app.git/info/refs?service=...", ...]

For the demo, as a process of its own that outlives the command that started it: ``start`` and ``stop``.
"""

import base64
import hmac
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from . import processes

CHUNK = 64 * 1024


class GitHttpServer:
    """Serves the bare repositories below ``root`` at ``http://127.0.0.1:<port>/<path below root>``.

    ``users`` maps names to passwords; without users nobody is asked. Whoever may read may push.
    ``certificate`` and ``key`` (PEM files) make it https. ``port`` 0 takes a free one.
    """

    def __init__(
        self,
        root: Path,
        *,
        users: Mapping[str, str] | None = None,
        port: int = 0,
        certificate: Path | None = None,
        key: Path | None = None,
    ):
        self.root = Path(root).resolve()
        self.users = dict(users or {})
        # Every request that came in, as "METHOD path?query", also those that were refused.
        self.requests: list[str] = []
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.git = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self._server.tls = context
        scheme = "https" if certificate else "http"
        self.port: int = self._server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Serve in a thread, until ``stop``."""
        threading.Thread(target=self._server.serve_forever, name="git-http", daemon=True).start()
        return self

    def serve_forever(self) -> None:
        """Serve in this thread, for as long as the process lives."""
        self._server.serve_forever()

    def stop(self) -> None:
        """Stop listening. Requests that are being answered are finished first."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception) -> None:
        self.stop()

    def admits(self, authorization: str) -> bool:
        """True if the ``Authorization`` header names one of our users with the right password."""
        if not self.users:
            return True
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return False
        expected = self.users.get(user)
        return expected is not None and hmac.compare_digest(expected.encode(), password.encode())


class _Server(ThreadingHTTPServer):
    git: GitHttpServer
    tls: ssl.SSLContext | None = None

    def finish_request(self, request, client_address) -> None:
        """The TLS handshake belongs to the connection's own thread, so that a slow one stops no other."""
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        try:
            encrypted = self.tls.wrap_socket(request, server_side=True)
        except OSError:
            return  # a client that does not trust our certificate, which tests do on purpose
        with encrypted:
            super().finish_request(encrypted, client_address)

    def handle_error(self, request, client_address) -> None:
        """Clients that hang up early (a killed git) are no news; anything else is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *arguments) -> None:
        """The list of requests is the log."""

    def _serve(self) -> None:
        git = self.server.git
        git.requests.append(f"{self.command} {self.path}")
        if git.admits(self.headers.get("Authorization", "")):
            self._run_backend(git)
            return
        self.close_connection = True  # a body that nobody reads would be taken for the next request
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _run_backend(self, git: GitHttpServer) -> None:
        backend = subprocess.Popen(
            ["git", "http-backend"],
            env=self._cgi_environment(git),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        # Git answers while it still reads (a push with a long pack), hence the thread.
        sender = threading.Thread(target=self._send_body, args=(backend.stdin,), daemon=True)
        sender.start()
        try:
            self._relay_answer(backend.stdout)
        finally:
            backend.stdout.close()
            backend.wait()
            sender.join()

    def _cgi_environment(self, git: GitHttpServer) -> dict[str, str]:
        """The variables that RFC 3875 and git-http-backend(1) ask for."""
        path, _, query = self.path.partition("?")
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "GIT_PROJECT_ROOT": str(git.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "http.receivepack",
            "GIT_CONFIG_VALUE_0": "true",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": self.headers.get("Content-Length", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": self.client_address[0],
            "REMOTE_USER": "git",
        }

    def _send_body(self, stdin) -> None:
        try:
            for data in self._body():
                stdin.write(data)
        except (BrokenPipeError, ConnectionError):
            self.close_connection = True  # the backend refused the request before it was read
        finally:
            try:
                stdin.close()
            except BrokenPipeError:
                pass

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left and (data := self.rfile.read(min(left, CHUNK))):
            left -= len(data)
            yield data

    def _relay_answer(self, stdout) -> None:
        headers = {}
        while line := stdout.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip()] = value.strip()
        status, _, reason = headers.pop("Status", "200 OK" if headers else "500 No answer").partition(" ")
        self.send_response(int(status), reason)
        headers.pop("Content-Length", None)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while data := stdout.read1(CHUNK):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.write(b"0\r\n\r\n")


def start(root: Path, state: Path, *, users: Mapping[str, str] | None = None) -> str:
    """Serve ``root`` from a process of its own, and return its URL. One that already runs is kept.

    ``state`` is a directory (made with mode 0700) for its pid file and its address. A server that died is
    started again on the port that it had, if it is still free, so that clones keep their remote.
    """
    state = Path(state)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    address = state / "address.json"
    pid_file = state / "pid"
    wanted = {"root": str(Path(root).resolve()), "users": dict(users or {})}
    known = _read_json(address)
    same = {name: known.get(name) for name in wanted} == wanted
    if same and known.get("url") and processes.is_running(processes.read(pid_file)):
        return known["url"]
    processes.stop(pid_file)
    # The process finds the passwords in this file: arguments could be read by every user of the machine.
    _write_json(address, {**wanted, "port": known.get("port", 0)})
    log = state / "log"
    processes.start(
        [sys.executable, "-m", "lab.git_server", str(address)],
        pid_file=pid_file,
        log=log,
        directory=Path(__file__).parent.parent,
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and processes.is_running(processes.read(pid_file)):
        if url := _read_json(address).get("url"):
            return url
        time.sleep(0.02)
    raise RuntimeError(f"the git server did not start; see {log}")


def stop(state: Path) -> None:
    """End the server that ``start`` started with this ``state``. Harmless when there is none."""
    processes.stop(Path(state) / "pid")


def _main(address: Path) -> None:
    """The server's own process: serve what ``address`` says, and write the URL into it."""
    known = _read_json(address)
    try:
        server = GitHttpServer(Path(known["root"]), users=known["users"], port=known["port"])
    except OSError:  # its port was taken in the meantime
        server = GitHttpServer(Path(known["root"]), users=known["users"])
    _write_json(address, {**known, "port": server.port, "url": server.url})
    server.serve_forever()


def _read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def _write_json(path: Path, content: dict) -> None:
    processes.write_private(path, json.dumps(content).encode())


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
