# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GitHub Apps, against a server that checks their claims, and ssh through a proxy."""

import base64
import json
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.credentials import Credentials
from ansible_collections.gitops.fleet.plugins.module_utils.source.github_app import GitHubApp
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from lab.git_server import GitHttpServer

TOKEN = "ghs_planted4711"


@pytest.fixture(scope="module")
def app_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey, form=serialization.PrivateFormat.TraditionalOpenSSL) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


class GitHubApi:
    """GitHub's exchange of a claim for a token; ``answer`` replaces what it says."""

    def __init__(self, key: rsa.RSAPublicKey):
        self.claims: list[dict] = []
        self.answer: tuple[int, dict[str, str], bytes] | None = None
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                status, headers, body = api.answer or api.exchange(self.path, self.headers["Authorization"], key)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/v3"

    def exchange(self, path: str, authorization: str, key: rsa.RSAPublicKey) -> tuple[int, dict[str, str], bytes]:
        head, claims, signature = (
            base64.urlsafe_b64decode(part + "==") for part in authorization.removeprefix("Bearer ").split(".")
        )
        signed = authorization.removeprefix("Bearer ").rpartition(".")[0]
        try:
            key.verify(signature, signed.encode(), padding.PKCS1v15(), SHA256())
        except Exception:
            return 401, {}, b"{}"
        assert json.loads(head)["alg"] == "RS256"
        self.claims.append(json.loads(claims))
        if path != "/api/v3/app/installations/77/access_tokens":
            return 404, {}, b"{}"
        return 201, {}, json.dumps({"token": TOKEN, "expires_at": "2030-01-01T00:00:00Z"}).encode()

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exception):
        self._server.shutdown()
        self._server.server_close()


class TestGitHubApp:
    @pytest.fixture
    def api(self, app_key):
        with GitHubApi(app_key.public_key()) as api:
            yield api

    @pytest.fixture
    def address(self, repository, tmp_path):
        with GitHttpServer(tmp_path / "served", users={"x-access-token": TOKEN}) as server:
            yield f"{server.url}/team/apps.git"

    @pytest.mark.parametrize(
        "form", [serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8]
    )
    def test_a_claim_is_exchanged_for_a_token(self, snapshot, api, address, app_key, form):
        credentials = Credentials(github_app=GitHubApp("4711", "77", pem(app_key, form), api.url))
        assert snapshot(repo=address, branch="main", credentials=credentials).files
        (claim,) = api.claims
        assert claim["iss"] == "4711"
        assert claim["iat"] <= time.time() < claim["exp"] <= time.time() + 600

    def test_a_pinned_commit_that_is_there_asks_nobody(self, snapshot, api, address, app_key, repository):
        credentials = Credentials(github_app=GitHubApp("4711", "77", pem(app_key), api.url))
        commit = repository.git("rev-parse", "main")
        for _time in range(2):
            assert snapshot(repo=address, revision=commit, credentials=credentials).files
        assert len(api.claims) == 1

    def test_refusals(self, snapshot, api, address, app_key):
        other = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))
        elsewhere = (302, {"Location": f"{api.url}/elsewhere"}, b"")
        for fields, answer, expected in [
            (("4711", "77", other), None, "does not accept the signature of the App"),
            (("4711", "78", pem(app_key)), None, "no installation 78"),
            (("4711", "77", "-----BEGIN RSA PRIVATE KEY-----\nxyz-planted\n"), None, "not an RSA key in PEM form"),
            (("a", "77", pem(app_key)), None, "github_app_id is not a number"),
            (("4711", "77", pem(app_key)), elsewhere, "gave no token for the App"),
            (("4711", "77", pem(app_key)), (200, {}, b"<html>"), "did not answer with a token"),
            (("4711", "77", pem(app_key)), (200, {}, b'{"token": "a\\nb"}'), "did not answer with a token"),
        ]:
            api.answer = answer
            with pytest.raises(FleetError, match=expected) as raised:
                snapshot(repo=address, branch="main", credentials=Credentials(github_app=GitHubApp(*fields, api.url)))
            assert "planted" not in str(raised.value)

    def test_an_api_that_is_not_there(self, snapshot, address, app_key):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}"
            with pytest.raises(FleetError, match="cannot be reached for the token"):
                snapshot(
                    repo=address,
                    branch="main",
                    credentials=Credentials(github_app=GitHubApp("1", "77", pem(app_key), url)),
                )


class ConnectProxy(socketserver.ThreadingTCPServer):
    """An HTTP proxy for CONNECT that leads every name to one port here; ``login`` is what it wants, if anything."""

    daemon_threads = True

    def __init__(self, target: int, login: str = ""):
        self.target, self.login = target, login
        self.heads: list[str] = []
        super().__init__(("127.0.0.1", 0), _Tunnel)

    @property
    def url(self) -> str:
        user = f"{self.login}@" if self.login else ""
        return f"http://{user}127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return super().__enter__()

    def __exit__(self, *exception):
        self.shutdown()
        super().__exit__(*exception)


class _Tunnel(socketserver.BaseRequestHandler):
    def handle(self):
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.request.recv(1024)
        self.server.heads.append(head.decode())
        login = base64.b64encode(self.server.login.encode()).decode()
        if self.server.login and f"Proxy-Authorization: Basic {login}" not in head.decode():
            self.request.sendall(b"HTTP/1.1 407 Who are you\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.server.target)) as onward:
            self.request.sendall(b"HTTP/1.1 200 Connected\r\nX-Note: a\r\n\r\n")
            back = threading.Thread(target=self._copy, args=(onward, self.request), daemon=True)
            back.start()
            self._copy(self.request, onward)
            back.join(5)

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return


class TestSshThroughAProxy:
    """The server has a name that only the proxy knows."""

    ADDRESS = "ssh://git@git.internal.invalid/team/apps.git"

    @pytest.fixture
    def credentials(self, ssh_server, ssh_key):
        known_hosts = ssh_server.known_hosts.replace(f"[127.0.0.1]:{ssh_server.port}", "git.internal.invalid")
        return Credentials(ssh_private_key=ssh_key[0], known_hosts=known_hosts)

    @pytest.mark.parametrize(("variable", "login"), [("HTTPS_PROXY", ""), ("http_proxy", "me:s%33cret")])
    def test_it_leads_to_the_repository(self, snapshot, ssh_server, credentials, monkeypatch, variable, login):
        with ConnectProxy(ssh_server.port, login.replace("%33", "3")) as proxy:
            monkeypatch.setenv(variable, proxy.url.replace("s3cret", "s%33cret"))
            assert snapshot(repo=self.ADDRESS, branch="main", credentials=credentials).files
            scp_form = "git@git.internal.invalid:team/apps.git"
            assert snapshot(repo=scp_form, branch="main", credentials=credentials).files
        assert {head.splitlines()[0] for head in proxy.heads} == {"CONNECT git.internal.invalid:22 HTTP/1.1"}

    def test_a_large_repository(self, snapshot, repository, ssh_server, credentials, monkeypatch):
        content = bytes(range(256)) * 20_000
        repository.commit({"large": content[::-1], "larger": content * 2})
        with ConnectProxy(ssh_server.port) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            taken = snapshot(repo=self.ADDRESS, branch="main", credentials=credentials)
        assert taken.files == {"large": content[::-1], "larger": content * 2}

    def test_failures(self, snapshot, ssh_server, credentials, monkeypatch):
        with ConnectProxy(ssh_server.port, "me:other") as proxy:
            for value, expected in [
                (proxy.url.replace("other", "wr0ng-planted"), "the proxy refuses the connection"),
                ("http://127.0.0.1:1", "cannot be reached"),
                ("http://proxy.invalid:3128", "is not known"),
                ("socks5://127.0.0.1:1", "neither http://host:port nor https://host:port"),
            ]:
                monkeypatch.setenv("HTTPS_PROXY", value)
                with pytest.raises(FleetError, match=expected) as raised:
                    snapshot(repo=self.ADDRESS, branch="main", credentials=credentials)
                assert "planted" not in str(raised.value)
            monkeypatch.setenv("NO_PROXY", "internal.invalid")
            with pytest.raises(FleetError, match="is not known"):
                snapshot(repo=self.ADDRESS, branch="main", credentials=credentials)


def test_host_keys_are_not_checked_where_that_is_said(snapshot, ssh_server, ssh_key):
    address = f"{ssh_server.url}/team/apps.git"
    with pytest.raises(FleetError, match="known_hosts is not given"):
        snapshot(repo=address, branch="main", credentials=Credentials(ssh_private_key=ssh_key[0]))
    unchecked = Credentials(ssh_private_key=ssh_key[0], insecure_skip_host_key_checks=True)
    assert snapshot(repo=address, branch="main", credentials=unchecked).files
    # Keys that are given are checked nevertheless.
    other = "[127.0.0.1]:1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJkVxn5Dz0jFcYyuPD0dGP2DNqGfxKW9eOF2+8fpkDrH\n"
    strict = Credentials(ssh_private_key=ssh_key[0], known_hosts=other, insecure_skip_host_key_checks=True)
    with pytest.raises(FleetError, match="is not in known_hosts"):
        snapshot(repo=address, branch="main", credentials=strict)
