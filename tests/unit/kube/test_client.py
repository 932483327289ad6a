# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import base64
import json
import os
import socket
import stat
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError, Unreachable
from ansible_collections.gitops.fleet.plugins.module_utils.kube.client import METADATA_LIST, ApiError, Client
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import Connection
from recording_server import Answer, Authority, RecordingServer

TOKEN = {"token": "super-secret-token"}


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def certificate_user(authority: Authority, **options) -> dict:
    certificate, key = authority.issue("client", **options)
    return {"client-certificate-data": b64(certificate), "client-key-data": b64(key)}


def test_a_request_is_json_both_ways_and_counted(servers, client_of):
    server = servers()
    server.answer = lambda request: Answer.json({"kind": "Secret"})
    client = client_of(server, TOKEN)
    query = {"fieldManager": "gitops.fleet"}
    assert client.request("POST", "/api/v1/secrets", query=query, body={"a": "ü"}) == {"kind": "Secret"}
    assert client.requests == len(server.requests) == 1
    request = server.requests[0]
    assert (request.method, request.path) == ("POST", "/api/v1/secrets?fieldManager=gitops.fleet")
    assert request.headers["Authorization"] == "Bearer super-secret-token"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == {"a": "ü"}


def test_other_content_types_are_sent_as_they_are_named(servers, client_of):
    server = servers()
    client = client_of(server)
    client.request("PATCH", "/x", body={"a": None}, content_type="application/merge-patch+json", accept=METADATA_LIST)
    client.request("PATCH", "/x", body={"a": 1}, content_type="application/apply-patch+yaml")
    first, second = server.requests
    assert first.headers["Content-Type"] == "application/merge-patch+json"
    assert first.headers["Accept"] == METADATA_LIST
    assert second.headers["Content-Type"] == "application/apply-patch+yaml"
    assert json.loads(second.body) == {"a": 1}


def test_one_connection_serves_many_requests(servers, client_of):
    server = servers()
    peers = set()
    server.answer = lambda request: peers.add(threading.get_ident()) or Answer()
    client = client_of(server)
    for _number in range(5):
        client.request("GET", "/x")
    assert len(peers) == 1


def test_lists_are_read_page_by_page(servers, client_of):
    server = servers()
    pages = {"": (["a", "b"], "t/1"), "t%2F1": (["c"], "")}

    def answer(request):
        assert "limit=500" in request.path
        items, following = pages[request.path.partition("continue=")[2].partition("&")[0]]
        return Answer.json(
            {"items": [{"metadata": {"name": name}} for name in items], "metadata": {"continue": following}}
        )

    server.answer = answer
    found = client_of(server).list("/api/v1/secrets", query={"labelSelector": "owner=helm"})
    assert [item["metadata"]["name"] for item in found] == ["a", "b", "c"]
    assert all("labelSelector=owner%3Dhelm" in request.path for request in server.requests)


@pytest.mark.parametrize("answer", [{"kind": "Secret"}, {"items": ["a"]}, {"items": [], "metadata": ["a"]}])
def test_something_else_than_a_list_is_told(servers, client_of, answer):
    server = servers()
    server.answer = lambda request: Answer.json(answer)
    with pytest.raises(Unreachable, match="not a list"):
        list(client_of(server).list("/api/v1/secrets"))


def test_client_certificates_leave_no_file_behind(servers, client_of, tmp_path):
    server = servers()
    client = client_of(server, certificate_user(server.authority))
    client.request("GET", "/x")
    assert not list(tmp_path.glob("client-*"))


@pytest.mark.parametrize(
    "user", [{"as": "a\nb"}, {"as": "a", "as-groups": "b"}, {"as": "a", "as-user-extra": ["b"]}, {"token": "a\r\nb"}]
)
def test_what_would_not_fit_into_a_header(servers, client_of, user):
    server = servers()
    assert "Correct the kubeconfig" in str(failure(client_of(server, user)))
    assert server.requests == []


def test_password_and_impersonation(servers, client_of):
    server = servers()
    user = {
        "username": "ann",
        "password": "pässword",
        "as": "déployer",
        "as-groups": ["a", "b"],
        "as-user-extra": {"scope/x": ["y"]},
    }
    client_of(server, user).request("GET", "/x")
    headers = server.requests[0].headers
    assert headers["Authorization"] == f"Basic {b64('ann:pässword'.encode())}"
    assert headers["Impersonate-User"].encode("latin-1").decode() == "déployer"
    assert headers["Impersonate-Extra-scope%2Fx"] == "y"


# --- errors ---------------------------------------------------------------------------------------


def failure(client: Client, path: str = "/api/v1/secrets", method: str = "GET") -> FleetError:
    with pytest.raises(FleetError) as caught:
        client.request(method, path)
    assert "super-secret-token" not in str(caught.value)
    assert "Traceback" not in str(caught.value)
    return caught.value


def test_unknown_authority(servers, client_of):
    server = servers()
    other = b64(Authority().pem)
    error = failure(client_of(server, TOKEN, **{"certificate-authority-data": other}))
    assert isinstance(error, Unreachable)
    assert "signed by an authority that the kubeconfig does not name" in str(error)
    assert server.requests == []


def test_wrong_host_name(servers, client_of):
    authority = Authority()
    server = servers(authority=authority, certificate=authority.issue("server", host="api.example.com"))
    error = failure(client_of(server, TOKEN))
    assert isinstance(error, Unreachable)
    assert "for another host name" in str(error)


def test_tls_server_name_is_honoured(servers, client_of):
    authority = Authority()
    server = servers(authority=authority, certificate=authority.issue("server", host="api.example.com"))
    client_of(server, TOKEN, **{"tls-server-name": "api.example.com"}).request("GET", "/x")
    assert len(server.requests) == 1


def test_expired_server_certificate(servers, client_of):
    authority = Authority()
    server = servers(authority=authority, certificate=authority.issue("server", valid_days=-1))
    assert "has expired" in str(failure(client_of(server, TOKEN)))


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_unverified_tls_is_honoured_and_told(servers, client_of):
    server = servers()
    other = {"certificate-authority-data": b64(Authority().pem), "insecure-skip-tls-verify": True}
    client = client_of(server, TOKEN, **other)
    client.request("GET", "/x")
    assert any("insecure-skip-tls-verify" in warning for warning in client.warnings)


def test_expired_client_certificate(servers, client_of):
    server = servers()
    server.answer = lambda request: Answer.refusal(401, "Unauthorized", "Unauthorized")
    error = failure(client_of(server, certificate_user(server.authority, valid_days=-1)))
    assert isinstance(error, ApiError)
    assert error.status == 401
    assert "client certificate in the kubeconfig expired on 20" in str(error)


def test_unauthorized(servers, client_of):
    server = servers()
    server.answer = lambda request: Answer.refusal(401, "Unauthorized", "Unauthorized")
    error = failure(client_of(server, TOKEN))
    assert (error.status, error.reason) == (401, "Unauthorized")
    assert "context context" in str(error)
    assert "Renew the credentials" in str(error)


def test_forbidden_says_verb_and_resource(servers, client_of):
    server = servers()
    text = 'secrets is forbidden: User "x" cannot list resource "secrets" in API group "" at the cluster scope'
    server.answer = lambda request: Answer.refusal(403, "Forbidden", text)
    error = failure(client_of(server, TOKEN))
    assert error.status == 403
    assert 'cannot list resource "secrets"' in str(error)
    assert "GET /api/v1/secrets" in str(error)


@pytest.mark.parametrize(("status", "reason"), [(404, "NotFound"), (409, "AlreadyExists"), (422, "Invalid")])
def test_other_refusals(servers, client_of, status, reason):
    server = servers()
    server.answer = lambda request: Answer.refusal(status, reason, "it is so")
    error = failure(client_of(server, TOKEN), method="POST")
    assert (error.status, error.reason) == (status, reason)
    assert "it is so" in str(error)
    assert error.at("cluster a").status == status
    assert str(error.at("cluster a")).startswith("cluster a: ")


def test_server_error(servers, client_of):
    server = servers()
    server.answer = lambda request: Answer(500, b"<html>oops</html>", content_type="text/html")
    error = failure(client_of(server, TOKEN))
    assert isinstance(error, ApiError)
    assert error.status == 500
    assert len(server.requests) == 1


def test_html_instead_of_json(servers, client_of):
    server = servers()
    server.answer = lambda request: Answer(200, b"<html>login</html>", content_type="text/html")
    error = failure(client_of(server, TOKEN))
    assert isinstance(error, Unreachable)
    assert "text/html" in str(error)


def test_a_login_page_is_no_api_server(servers, client_of):
    server = servers()
    server.answer = lambda request: Answer(404, b"<html>", content_type="text/html")
    assert isinstance(failure(client_of(server, TOKEN)), Unreachable)


def test_redirects_are_not_followed(servers, client_of):
    server, other = servers(), servers()
    server.answer = lambda request: Answer(302, b"", {"Location": f"{other.url}/login"}, "text/html")
    assert "302" in str(failure(client_of(server, TOKEN)))
    assert other.requests == []


def test_truncated_answers(servers, client_of):
    server = servers()
    server.answer = lambda request: Answer(200, b'{"items": [', content_length=11)
    assert "not complete JSON" in str(failure(client_of(server, TOKEN)))
    server.answer = lambda request: Answer(200, b'{"items": [', content_length=1000)
    text = str(failure(client_of(server, TOKEN)))
    assert "broke the connection off" in text or "not complete JSON" in text  # urllib3 1.26 does not count


def test_deeply_nested_answers(servers, client_of):
    server = servers()
    server.answer = lambda request: Answer(200, b'{"a":' * 200_000)
    assert isinstance(failure(client_of(server, TOKEN)), Unreachable)


def test_patience_is_given_and_bounded(servers, client_of):
    server = servers()
    answers = iter([Answer.refusal(429, "TooManyRequests", "slow", Retry_After="0"), Answer.json({"kind": "ok"})])
    server.answer = lambda request: next(answers)
    assert client_of(server, TOKEN).request("POST", "/x", body={}) == {"kind": "ok"}

    server.answer = lambda request: Answer.refusal(429, "TooManyRequests", "slow", Retry_After="3600")
    start = time.monotonic()
    error = failure(client_of(server, TOKEN, timeout=1))
    assert error.status == 429
    assert time.monotonic() - start < 1


def test_refused_connection(tmp_path, write):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        path = write(RecordingServer.plain_kubeconfig(f"https://127.0.0.1:{unused.getsockname()[1]}"))
        error = failure(Client(Connection(path), temp_directory=tmp_path, timeout=2))
    assert isinstance(error, Unreachable)
    assert "refuses the connection" in str(error)


def test_unknown_host(tmp_path, write):
    path = write(RecordingServer.plain_kubeconfig("https://no-such-host.invalid:6443"))
    error = failure(Client(Connection(path), temp_directory=tmp_path, timeout=5))
    assert isinstance(error, Unreachable)
    assert "no-such-host.invalid" in str(error)


def test_a_server_that_hangs(servers, client_of):
    server = servers()
    release = threading.Event()
    server.answer = lambda request: release.wait(20) and None
    start = time.monotonic()
    error = failure(client_of(server, TOKEN, timeout=0.5))
    with pytest.raises(Unreachable, match="gave no answer within 0.4 s"):
        client_of(server, TOKEN, timeout=20).request("GET", "/x", timeout=0.4)
    release.set()
    assert isinstance(error, Unreachable)
    assert "gave no answer within 0.5 s" in str(error)
    assert time.monotonic() - start < 3


def test_one_request_may_have_less_time(servers, client_of):
    server = servers()
    release = threading.Event()
    server.answer = lambda request: release.wait(20) and None
    with pytest.raises(Unreachable, match=r"no answer within 0\.3 s"):
        client_of(server, TOKEN, timeout=30).request("GET", "/x", timeout=0.3)
    release.set()


def test_a_server_that_never_says_hello(tmp_path, write):
    """It takes the connection and stays silent during the TLS handshake."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        path = write(RecordingServer.plain_kubeconfig(f"https://127.0.0.1:{silent.getsockname()[1]}"))
        start = time.monotonic()
        error = failure(Client(Connection(path), temp_directory=tmp_path, timeout=0.5))
    assert isinstance(error, Unreachable)
    assert time.monotonic() - start < 3


def test_a_server_that_drips(tmp_path, write):
    """Each byte comes in time, the answer never ends."""

    def drip(listener):
        connection, _peer = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999\r\n\r\n")
            try:
                while True:
                    connection.sendall(b" ")
                    time.sleep(0.05)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,), daemon=True)
        thread.start()
        document = RecordingServer.plain_kubeconfig(f"http://127.0.0.1:{listener.getsockname()[1]}")
        error = failure(Client(Connection(write(document)), temp_directory=tmp_path, timeout=0.3))
        thread.join(5)
    assert isinstance(error, Unreachable)
    assert "was not complete after 3 s" in str(error)
    assert not thread.is_alive()


def test_a_connection_that_was_closed_meanwhile_is_made_anew_for_reading_only(servers, client_of):
    server = servers()
    answers = iter([Answer(), None, Answer.json({"kind": "ok"}), None])
    server.answer = lambda request: next(answers)
    client = client_of(server, TOKEN)
    client.request("GET", "/x")
    assert client.request("GET", "/x") == {"kind": "ok"}
    assert isinstance(failure(client, method="DELETE"), Unreachable)


def test_a_secret_that_the_server_repeats_is_blanked(servers, client_of):
    server = servers()
    server.answer = lambda request: Answer.refusal(403, "Forbidden", "no super-secret-token\nfor \x1b[31myou")
    text = str(failure(client_of(server, TOKEN)))
    assert "********" in text
    assert "\x1b" not in text
    assert "\n" not in text


def test_warnings_of_the_server_are_kept_once(servers, client_of):
    server = servers()
    server.answer = lambda request: Answer.json({}, Warning='299 - "policy/v1beta1 is deprecated"')
    client = client_of(server, TOKEN)
    client.request("GET", "/x")
    client.request("GET", "/x")
    assert client.warnings == ["policy/v1beta1 is deprecated"]


def test_key_material_that_is_broken(servers, client_of):
    server = servers()
    certificate, _key = server.authority.issue("a")
    _certificate, other_key = server.authority.issue("b")
    user = {"client-certificate-data": b64(certificate), "client-key-data": b64(other_key)}
    assert "with its unencrypted key" in str(failure(client_of(server, user)))
    assert "holds no certificate" in str(failure(client_of(server, **{"certificate-authority-data": b64(b"junk")})))


@pytest.mark.parametrize(
    "address",
    ["", "ftp://x", "https://", "https://x:port", "https://[::1", "https://x:99999", "https://x/\n", "https://x?a=b"],
)
def test_addresses_that_are_none(servers, client_of, address):
    assert "no server that is an https:// address" in str(failure(client_of(servers(), server=address)))


def test_a_login_in_the_address_is_not_shown(servers, client_of):
    text = str(failure(client_of(servers(), server="https://ann:super-secret-token@127.0.0.1")))
    assert "has a user name in it" in text


# --- no state between clusters ----------------------------------------------------------------------

HOSTILE = {
    "K8S_AUTH_API_KEY": "hostile-token",
    "K8S_AUTH_CONTEXT": "hostile",
    "K8S_AUTH_VERIFY_SSL": "no",
    "HELM_KUBETOKEN": "hostile-token",
    "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": "true",
}


@pytest.fixture
def hostile_environment(servers, write, monkeypatch):
    """Everything in the environment points to a third server, which must never be asked."""
    hub = servers()
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("K8S_AUTH_HOST", hub.url)
    monkeypatch.setenv("HELM_KUBEAPISERVER", hub.url)
    path = write(hub.kubeconfig({"token": "hostile-token"}, name="hostile"), "hostile")
    for name in ("KUBECONFIG", "K8S_AUTH_KUBECONFIG"):
        monkeypatch.setenv(name, path)
    yield hub
    assert hub.requests == []


def test_two_clusters_share_nothing(servers, client_of, hostile_environment):
    first, second, anonymous = servers(), servers(), servers()
    users = {first: {"token": "first-token"}, second: {"token": "second-token"}, anonymous: {}}
    clients = {server: client_of(server, user) for server, user in users.items()}
    for _number in range(3):
        for client in clients.values():
            client.request("GET", "/x")
    for server, user in users.items():
        expected = f"Bearer {user['token']}" if user else None
        assert [request.headers.get("Authorization") for request in server.requests] == [expected] * 3


def test_many_clusters_at_once_share_nothing(servers, client_of, hostile_environment):
    started = [servers() for _number in range(6)]
    clients = [client_of(server, {"token": f"token-{server.port}"}) for server in started]

    def work(client):
        for _number in range(20):
            client.request("GET", "/x")

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, clients * 2))
    for server, client in zip(started, clients, strict=True):
        assert {request.headers["Authorization"] for request in server.requests} == {f"Bearer token-{server.port}"}
        assert len(server.requests) == client.requests == 40


def test_the_default_configuration_of_the_library_is_neither_used_nor_set(servers, client_of, hostile_environment):
    import kubernetes.client

    default = kubernetes.client.Configuration()
    default.host = hostile_environment.url
    default.verify_ssl = False
    default.api_key = {"authorization": "Bearer hostile-token", "BearerToken": "Bearer hostile-token"}
    kubernetes.client.Configuration.set_default(default)
    try:
        server = servers()
        client_of(server, {}).request("GET", "/x")
        assert "Authorization" not in server.requests[0].headers
        assert kubernetes.client.Configuration.get_default_copy().host == hostile_environment.url
    finally:
        kubernetes.client.Configuration.set_default(None)


# --- proxy ------------------------------------------------------------------------------------------


class ConnectProxy:
    """Takes CONNECT, notes where to, and passes everything on to ``target``."""

    def __init__(self, target: int):
        self.asked: list[str] = []
        self.heads: list[str] = []
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(connection,), daemon=True).start()

    def _pass_on(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        self.asked.append(head.split(b"\r\n")[0].decode())
        self.heads.append(head.decode())
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        upstream = socket.create_connection(("127.0.0.1", self._target))
        threading.Thread(target=self._copy, args=(connection, upstream), daemon=True).start()
        self._copy(upstream, connection)

    @staticmethod
    def _copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def close(self):
        self._listener.close()


@pytest.fixture
def proxied(servers):
    authority = Authority()
    server = servers(authority=authority, certificate=authority.issue("server", host="api.example.com"))
    proxy = ConnectProxy(server.port)
    yield server, proxy
    proxy.close()


def test_proxy_of_the_kubeconfig_wins(proxied, client_of, monkeypatch):
    server, proxy = proxied
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "*")
    client = client_of(
        server, TOKEN, server="https://api.example.com:6443", **{"proxy-url": f"http://127.0.0.1:{proxy.port}"}
    )
    client.request("GET", "/x")
    assert proxy.asked[0].rsplit(" ", 1)[0] == "CONNECT api.example.com:6443"
    assert len(server.requests) == 1


def test_proxy_of_the_environment(proxied, client_of, monkeypatch):
    server, proxy = proxied
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    client_of(server, TOKEN, server="https://api.example.com:6443").request("GET", "/x")
    assert proxy.asked[0].rsplit(" ", 1)[0] == "CONNECT api.example.com:6443"


def test_login_at_the_proxy(proxied, client_of, monkeypatch):
    server, proxy = proxied
    monkeypatch.setenv("HTTPS_PROXY", f"http://ann:p%40ss@127.0.0.1:{proxy.port}")
    client_of(server, TOKEN, server="https://api.example.com:6443").request("GET", "/x")
    assert f"proxy-authorization: Basic {b64(b'ann:p@ss')}".lower() in proxy.heads[0].lower()
    assert "Proxy-Authorization" not in server.requests[0].headers


@pytest.mark.parametrize("address", ["http://[::1", "nonsense://x", "http://x:port", "socks5://127.0.0.1:1"])
@pytest.mark.filterwarnings("ignore:SOCKS support")
def test_proxies_that_are_none(servers, client_of, address):
    failure(client_of(servers(), TOKEN, server="https://api.example.com", **{"proxy-url": address}))


def test_dead_proxy(client_of, servers):
    error = failure(
        client_of(servers(), TOKEN, timeout=2, server="https://api.example.com", **{"proxy-url": "http://127.0.0.1:1"})
    )
    assert isinstance(error, Unreachable)
    assert "proxy" in str(error)


# --- credential plugins -----------------------------------------------------------------------------


def plugin(tmp_path, text: str) -> dict:
    path = tmp_path / "plugin"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o700)
    return {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin", "interactiveMode": "Never"}
    }


def credential(**status) -> str:
    document = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    return f"echo run >> \"$(dirname $0)/runs\"; cat <<'END'\n{json.dumps(document)}\nEND"


def test_a_plugin_beside_the_kubeconfig_is_run_once(servers, client_of, tmp_path):
    server = servers()
    client = client_of(
        server, plugin(tmp_path, credential(token="from-plugin", expirationTimestamp="2999-01-01T00:00:00Z"))
    )
    client.request("GET", "/x")
    client.request("GET", "/x")
    assert {request.headers["Authorization"] for request in server.requests} == {"Bearer from-plugin"}
    assert (tmp_path / "runs").read_text() == "run\n"


def test_a_plugin_is_asked_again_when_its_token_is_due_or_refused(servers, client_of, tmp_path):
    server = servers()
    client = client_of(server, plugin(tmp_path, credential(token="t", expirationTimestamp="2001-01-01T00:00:00Z")))
    client.request("GET", "/x")
    client.request("GET", "/x")
    assert (tmp_path / "runs").read_text() == "run\nrun\n"

    (tmp_path / "runs").unlink()
    client = client_of(server, plugin(tmp_path, credential(token="t")))
    answers = iter([Answer.refusal(401, "Unauthorized", "Unauthorized"), Answer()])
    server.answer = lambda request: next(answers)
    client.request("GET", "/x")
    assert (tmp_path / "runs").read_text() == "run\nrun\n"


def test_a_plugin_may_give_a_certificate(servers, client_of, tmp_path):
    server = servers()
    certificate, key = server.authority.issue("client")
    status = {"clientCertificateData": certificate.decode(), "clientKeyData": key.decode()}
    client_of(server, plugin(tmp_path, credential(**status))).request("GET", "/x")
    assert len(server.requests) == 1


def test_a_plugin_learns_the_cluster_where_it_asks_for_it(servers, client_of, tmp_path):
    server = servers()
    user = plugin(tmp_path, 'echo "$KUBERNETES_EXEC_INFO" > "$(dirname $0)/info"\n' + credential(token="t"))
    user["exec"] |= {"provideClusterInfo": True, "env": [{"name": "X", "value": "y"}]}
    client_of(server, user).request("GET", "/x")
    information = json.loads((tmp_path / "info").read_text())
    assert information["spec"]["cluster"]["server"] == server.url
    assert information["spec"]["interactive"] is False


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'no login' >&2; exit 3", "exit status 3): no login"),
        ("echo nonsense", "did not print an ExecCredential"),
        (credential(), "did not print an ExecCredential"),
        (credential(token=7), "did not print an ExecCredential"),
        ("exec sleep 30", "did not end within"),
    ],
)
def test_plugins_that_fail(servers, client_of, tmp_path, monkeypatch, script, said):
    monkeypatch.setattr("ansible_collections.gitops.fleet.plugins.module_utils.kube.credentials.PLUGIN_TIMEOUT", 0.5)
    error = failure(client_of(servers(), plugin(tmp_path, script)))
    assert said in str(error)
    assert "credential plugin plugin" in str(error)


def test_a_plugin_that_is_not_there_or_wants_a_person(servers, client_of, tmp_path):
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "not-there", "installHint": "Get it."}}
    error = failure(client_of(servers(), user))
    assert "cannot be run" in str(error)
    assert str(error).endswith("Get it.")
    user = plugin(tmp_path, credential(token="t"))
    user["exec"]["interactiveMode"] = "Always"
    assert "wants a terminal" in str(failure(client_of(servers(), user)))
    user["exec"]["apiVersion"] = "client.authentication.k8s.io/v1alpha1"
    assert "not supported" in str(failure(client_of(servers(), user)))


def test_the_file_that_holds_a_key_for_a_moment_is_private(servers, client_of, tmp_path, monkeypatch):
    import ssl

    server = servers()
    seen = []
    original = ssl.SSLContext.load_cert_chain

    def look(self, certfile, *arguments, **options):
        seen.append(stat.S_IMODE(os.stat(certfile).st_mode))
        return original(self, certfile, *arguments, **options)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", look)
    client_of(server, certificate_user(server.authority)).request("GET", "/x")
    assert seen == [0o600]
