# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching from real git servers: by file, http and ssh; which commit; and what goes wrong."""

import functools
import os
import re
import socket
import subprocess
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source import access
from ansible_collections.gitops.fleet.plugins.module_utils.source.credentials import Credentials
from git_repositories import ENVIRONMENT, Repository
from recording_server import Answer, Authority, RecordingServer

from lab.git_server import GitHttpServer

PASSWORD = "correct horse 1729"
BASIC = Credentials(username="reader", password=PASSWORD)


def failure(snapshot, **arguments) -> str:
    with pytest.raises(FleetError) as caught:
        snapshot(**arguments)
    text = str(caught.value)
    assert text.startswith("GitRepo apps: ")
    assert PASSWORD not in text
    return text


class TestTransports:
    def test_a_plain_path(self, snapshot, repository):
        taken = snapshot(repo=str(repository.path), branch="main")
        assert taken.commit == repository.git("rev-parse", "main")
        assert taken.files == {"app/cm.yaml": b"kind: ConfigMap\n"}

    def test_a_file_address_and_a_path_with_a_space_and_a_percent_sign(self, snapshot, tmp_path):
        odd = Repository(tmp_path / "a b%20c.git")
        odd.commit({"x": "1"})
        assert snapshot(repo=str(odd.path), branch="main").files == {"x": b"1"}
        address = f"file://{tmp_path}/a%20b%2520c.git"
        assert snapshot(repo=address, branch="main").files == {"x": b"1"}

    def test_a_work_tree_and_a_shallow_clone(self, snapshot, repository, tmp_path):
        repository.commit({"app/cm.yaml": "kind: Secret\n"})
        clone = tmp_path / "clone"
        subprocess.run(
            ["git", "clone", "-q", "--depth=1", f"file://{repository.path}", str(clone)], env=ENVIRONMENT, check=True
        )
        assert snapshot(repo=str(clone), branch="main").files == {"app/cm.yaml": b"kind: Secret\n"}

    def test_http_with_basic_auth_on_one_connection(self, snapshot, repository, http_server):
        address = f"{http_server.url}/team/apps.git"
        first = snapshot(repo=address, branch="main", credentials=BASIC)
        assert first.files == {"app/cm.yaml": b"kind: ConfigMap\n"}
        http_server.requests.clear()
        commit = repository.commit({"app/cm.yaml": "kind: Secret\n"})
        second = snapshot(repo=address, branch="main", credentials=BASIC)
        assert (second.commit, second.files) == (commit, {"app/cm.yaml": b"kind: Secret\n"})
        # Refused without a password, then let in; the wanted ref; its commit.
        assert [request.partition(" ")[0] for request in http_server.requests] == ["GET", "GET", "POST", "POST"]

    def test_a_lone_token_is_sent_as_the_user(self, snapshot, repository, tmp_path):
        with GitHttpServer(tmp_path / "served", users={"token-1": ""}) as server:
            taken = snapshot(
                repo=f"{server.url}/team/apps.git", branch="main", credentials=Credentials(password="token-1")
            )
        assert taken.files

    def test_the_user_of_the_address_is_taken_where_none_is_given(self, snapshot, http_server):
        address = f"{http_server.url}/team/apps.git".replace("://", "://reader@")
        assert snapshot(repo=address, branch="main", credentials=Credentials(password=PASSWORD)).files

    def test_https_with_a_private_authority(self, snapshot, repository, tmp_path):
        authority = Authority()
        with tls_server(tmp_path, authority) as server:
            address = f"{server.url}/team/apps.git"
            taken = snapshot(repo=address, branch="main", credentials=BASIC, ca_bundle=authority.pem.decode())
            assert taken.files
            assert "unknown authority" in failure(snapshot, repo=address, branch="main", credentials=BASIC)
            other = Authority("other").pem.decode()
            assert "unknown authority" in failure(
                snapshot, repo=address, branch="main", credentials=BASIC, ca_bundle=other
            )
            assert "no certificate in PEM form" in failure(
                snapshot, repo=address, branch="main", credentials=BASIC, ca_bundle="nonsense"
            )
            assert snapshot(repo=address, branch="main", credentials=BASIC, insecure_skip_tls_verify=True).files

    def test_https_certificates_that_are_no_good(self, snapshot, repository, tmp_path):
        authority = Authority()
        known = {"ca_bundle": authority.pem.decode(), "branch": "main", "credentials": BASIC}
        with tls_server(tmp_path, authority, valid_days=-1) as server:
            assert "not valid at this time" in failure(snapshot, repo=f"{server.url}/team/apps.git", **known)
        with tls_server(tmp_path, authority, host="git.example.com") as server:
            assert "another name" in failure(snapshot, repo=f"{server.url}/team/apps.git", **known)
        with GitHttpServer(tmp_path / "served") as plain:
            address = f"{plain.url}/team/apps.git".replace("http:", "https:")
            assert "no TLS connection" in failure(snapshot, repo=address, branch="main")

    def test_ssh_in_both_forms(self, snapshot, repository, ssh_server, ssh_key):
        credentials = Credentials(ssh_private_key=ssh_key[0], known_hosts=ssh_server.known_hosts)
        taken = snapshot(repo=f"{ssh_server.url}/team/apps.git", branch="main", credentials=credentials)
        assert taken.commit == repository.git("rev-parse", "main")
        assert "git-upload-pack" in ssh_server.requests[0]

    def test_the_scp_form_reaches_ssh(self, snapshot, ssh_key):
        """It knows no ports, so the refusal of port 22 must do."""
        credentials = Credentials(ssh_private_key=ssh_key[0], known_hosts="127.0.0.1 ssh-ed25519 AAAA\n")
        text = failure(snapshot, repo="git@127.0.0.1:team/apps.git", branch="main", credentials=credentials)
        assert "127.0.0.1 cannot be reached" in text or "known_hosts" in text

    def test_a_key_with_windows_line_breaks_and_no_end(self, snapshot, repository, ssh_server, ssh_key):
        key = ssh_key[0].strip().replace("\n", "\r\n")
        credentials = Credentials(ssh_private_key=key, known_hosts=ssh_server.known_hosts.strip())
        assert snapshot(repo=f"{ssh_server.url}/team/apps.git", branch="main", credentials=credentials).files

    def test_an_http_proxy_of_the_environment_is_used(self, snapshot, http_server, monkeypatch):
        """The server itself takes the proxy's part: it is asked for an absolute address."""
        monkeypatch.setenv("HTTP_PROXY", http_server.url)
        failure(snapshot, repo="http://git.invalid/team/apps.git", branch="main", credentials=BASIC)
        assert http_server.requests[0].startswith("GET http://git.invalid/team/apps.git/info/refs")

    def test_nothing_of_the_users_settings_is_used(self, snapshot, repository, http_server, tmp_path, monkeypatch):
        home = tmp_path / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(f'[url "file:///nowhere/"]\n\tinsteadOf = {http_server.url}/\n')
        (home / ".netrc").write_text("machine 127.0.0.1 login reader password wrong\n")
        monkeypatch.setenv("HOME", str(home))
        for name, value in {
            "GIT_DIR": "/nowhere",
            "GIT_SSL_NO_VERIFY": "1",
            "GIT_CONFIG_PARAMETERS": "'core.bare=x'",
            "GIT_SSH_COMMAND": "false",
            "SSH_ASKPASS": "false",
            "GIT_TRACE": "1",
        }.items():
            monkeypatch.setenv(name, value)
        assert snapshot(repo=f"{http_server.url}/team/apps.git", branch="main", credentials=BASIC).files
        assert os.environ["GIT_DIR"] == "/nowhere"


def tls_server(tmp_path, authority, **certificate):
    pem, key = authority.issue("server", **certificate)
    (tmp_path / "server.pem").write_bytes(pem)
    (tmp_path / "server.key").write_bytes(key)
    return GitHttpServer(
        tmp_path / "served",
        users={"reader": PASSWORD},
        certificate=tmp_path / "server.pem",
        key=tmp_path / "server.key",
    )


class TestWhichCommit:
    def test_master_where_nothing_is_named(self, snapshot, tmp_path):
        classic = Repository(tmp_path / "classic.git", branch="master")
        commit = classic.commit({"a": "1"})
        assert snapshot(repo=str(classic.path)).commit == commit

    def test_no_master_and_nothing_named(self, snapshot, repository):
        repository.commit({"a": "1"}, branch="dev")
        text = failure(snapshot, repo=str(repository.path))
        assert "no branch 'master'" in text
        assert "dev, main" in text
        assert "HEAD is main" in text

    def test_a_branch_with_slashes_after_one_of_a_shorter_name(self, snapshot, repository):
        repository.commit({"a": "1"}, branch="release")
        assert snapshot(repo=str(repository.path), branch="release").files == {"a": b"1"}
        repository.git("update-ref", "-d", "refs/heads/release")
        repository.commit({"a": "2"}, branch="release/1.0")
        assert snapshot(repo=str(repository.path), branch="release/1.0").files == {"a": b"2"}

    def test_a_branch_that_was_force_pushed(self, snapshot, repository):
        snapshot(repo=str(repository.path), branch="main")
        repository.git("update-ref", "-d", "refs/heads/main")
        commit = repository.commit({"new": "1"})
        assert snapshot(repo=str(repository.path), branch="main").commit == commit

    @pytest.mark.parametrize("annotated", [False, True])
    def test_a_tag_is_peeled(self, snapshot, repository, annotated):
        commit = repository.git("rev-parse", "main")
        repository.git("tag", *(["-a", "-m", "one"] if annotated else []), "v1", commit)
        repository.git("tag", "-a", "-m", "tag of a tag", "v1-again", "v1")
        repository.commit({"later": "1"})
        assert snapshot(repo=str(repository.path), revision="v1").commit == commit
        assert snapshot(repo=str(repository.path), revision="v1-again").commit == commit

    def test_a_tag_that_was_moved(self, snapshot, repository):
        repository.git("tag", "v1", "main")
        snapshot(repo=str(repository.path), revision="v1")
        commit = repository.commit({"later": "1"})
        repository.git("tag", "-f", "v1", commit)
        assert snapshot(repo=str(repository.path), revision="v1").commit == commit

    def test_a_tag_that_names_no_commit(self, snapshot, repository):
        repository.git("tag", "picture", repository.blob("x"))
        assert "not name a commit but a blob" in failure(snapshot, repo=str(repository.path), revision="picture")

    def test_an_old_commit_is_fetched_once(self, snapshot, repository, http_server):
        old = repository.git("rev-parse", "main")
        repository.commit({"later": "1"})
        address = f"{http_server.url}/team/apps.git"
        assert snapshot(repo=address, revision=old.upper(), credentials=BASIC).files == {
            "app/cm.yaml": b"kind: ConfigMap\n"
        }
        http_server.requests.clear()
        assert snapshot(repo=address, revision=old, credentials=BASIC).commit == old
        assert http_server.requests == []

    def test_a_commit_from_a_server_that_gives_branches_and_tags_only(self, snapshot, repository, http_server):
        """Git's old protocol; such a server is also one that the first, shallow fetch does not help."""
        old = repository.git("rev-parse", "main")
        for number in range(3):
            repository.commit({"later": str(number)})
        with oldest_protocol(http_server):
            address = f"{http_server.url}/team/apps.git"
            snapshot(repo=address, branch="main", credentials=BASIC)
            taken = snapshot(repo=address, revision=old, credentials=BASIC)
            assert taken.files == {"app/cm.yaml": b"kind: ConfigMap\n"}
            assert f"no commit {'1' * 40}" in failure(snapshot, repo=address, revision="1" * 40, credentials=BASIC)

    def test_every_kind_of_ref_from_a_server_that_only_serves_files(self, snapshot, repository, tmp_path):
        """Git's "dumb" http: no shallow fetches, and no commit by its name."""
        old = repository.git("rev-parse", "main")
        repository.git("tag", "v1", old)
        commit = repository.commit({"later": "1"})
        repository.git("update-server-info")
        handler = functools.partial(QuietFileHandler, directory=str(tmp_path / "served"))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            address = f"http://127.0.0.1:{server.server_address[1]}/team/apps.git"
            assert snapshot(repo=address, branch="main").commit == commit
            assert snapshot(repo=address, revision="v1").commit == old
            assert snapshot(repo=address, revision=old).files == {"app/cm.yaml": b"kind: ConfigMap\n"}
            assert "no branch 'none'" in failure(snapshot, repo=address, branch="none")
            assert f"no commit {'1' * 40}" in failure(snapshot, repo=address, revision="1" * 40)
            server.shutdown()

    def test_branch_and_revision_both_set_is_as_in_fleet(self, snapshot, repository):
        old = repository.git("rev-parse", "main")
        repository.git("tag", "v1", old)
        repository.commit({"new": "1"})
        for revision in ("v1", old):
            taken = snapshot(repo=str(repository.path), branch="main", revision=revision)
            assert (taken.commit, taken.files) == (old, {"new": b"1"})
            assert "branch and revision are both set" in taken.warnings[0]

    def test_what_is_not_there(self, snapshot, repository):
        repository.git("tag", "v1.0", "main")
        here = {"repo": str(repository.path)}
        assert "no branch 'mian'. It has main; its HEAD is main." in failure(snapshot, branch="mian", **here)
        assert "no tag 'v1'. It has v1.0." in failure(snapshot, revision="v1", **here)
        assert "'main' is a branch" in failure(snapshot, revision="main", **here)
        assert "Write branch: main" in failure(snapshot, revision="main", **here)
        short = repository.git("rev-parse", "--short=8", "main")
        assert "all 40 digits" in failure(snapshot, revision=short, **here)
        assert f"no commit {'a' * 40}" in failure(snapshot, revision="a" * 40, **here)
        assert "no branch 'HEAD'" in failure(snapshot, branch="HEAD", **here)

    def test_an_empty_repository(self, snapshot, tmp_path):
        empty = Repository(tmp_path / "empty.git")
        assert "repository is empty" in failure(snapshot, repo=str(empty.path), branch="main")

    def test_an_empty_commit(self, snapshot, tmp_path):
        bare = Repository(tmp_path / "bare.git")
        bare.commit({})
        assert snapshot(repo=str(bare.path), branch="main").files == {}


class QuietFileHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments):
        return


class oldest_protocol:
    """Makes an http server answer in git's first protocol, as old servers do whatever they are asked."""

    def __init__(self, server):
        self._handler = server._server.RequestHandlerClass

    def __enter__(self):
        self._original = self._handler._cgi_environment

        def environment(handler, git):
            return {**self._original(handler, git), "GIT_PROTOCOL": ""}

        self._handler._cgi_environment = environment

    def __exit__(self, *_exception):
        self._handler._cgi_environment = self._original


class TestFailures:
    def test_no_repository_there(self, snapshot, http_server, tmp_path):
        assert "no git repository at this address" in failure(snapshot, repo=str(tmp_path / "nowhere"), branch="main")
        for path in ("team/other.git", "other"):
            text = failure(snapshot, repo=f"{http_server.url}/{path}", branch="main", credentials=BASIC)
            assert "no git repository at this address" in text

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can make a directory of somebody else's")
    def test_a_repository_of_another_user(self, snapshot, repository):
        for path in (repository.path, *repository.path.rglob("*")):
            os.chown(path, 65534, 65534)
        text = failure(snapshot, repo=str(repository.path), branch="main")
        assert "belongs to another user" in text

    def test_http_server_that_is_no_git_server(self, snapshot, tmp_path):
        for answer, expected in [
            (Answer(200, b"<html>\nwelcome\n</html>\n", content_type="text/html"), "no git repository at this address"),
            (Answer(200, b"<html>welcome</html>", content_type="text/html"), "a web page may have been taken"),
            (Answer(403, b""), "refuses access (403)"),
            (Answer(503, b""), "error of its own (5xx)"),
            (Answer(302, b"", {"Location": "ftp://elsewhere.invalid/x"}), "redirects"),
        ]:
            with recording_server(tmp_path, answer) as (server, gitrepo):
                assert expected in failure(snapshot, branch="main", **gitrepo)
                assert server.requests

    def test_wrong_and_missing_password(self, snapshot, http_server):
        address = f"{http_server.url}/team/apps.git"
        wrong = Credentials(username="reader", password="wrong-9876")
        text = failure(snapshot, repo=address, branch="main", credentials=wrong)
        assert "does not accept the user name and password" in text
        assert "wrong-9876" not in text
        assert "none is given" in failure(snapshot, repo=address, branch="main")

    def test_unreachable_servers(self, snapshot, ssh_key):
        port = free_port()
        assert "cannot be reached: Connection refused" in failure(
            snapshot, repo=f"http://127.0.0.1:{port}/x.git", branch="main"
        )
        assert "is not known" in failure(snapshot, repo="https://git.invalid/x.git", branch="main")
        credentials = Credentials(ssh_private_key=ssh_key[0], known_hosts="x ssh-ed25519 AAAA\n")
        assert "cannot be reached" in failure(
            snapshot, repo=f"ssh://127.0.0.1:{port}/x.git", branch="main", credentials=credentials
        )
        assert "is not known" in failure(
            snapshot, repo="ssh://git.invalid/x.git", branch="main", credentials=credentials
        )

    def test_ssh_host_key_unknown_or_changed(self, snapshot, ssh_server, ssh_key):
        address = f"{ssh_server.url}/team/apps.git"
        other = "[127.0.0.1]:1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJkVxn5Dz0jFcYyuPD0dGP2DNqGfxKW9eOF2+8fpkDrH\n"
        unknown = Credentials(ssh_private_key=ssh_key[0], known_hosts=other)
        text = failure(snapshot, repo=address, branch="main", credentials=unknown)
        assert "is not in known_hosts" in text
        assert "ssh-keyscan" in text
        changed = Credentials(ssh_private_key=ssh_key[0], known_hosts=other.replace(":1 ", f":{ssh_server.port} "))
        assert "is not the one in known_hosts" in failure(snapshot, repo=address, branch="main", credentials=changed)
        assert ssh_server.requests == []

    def test_ssh_key_that_is_not_registered_or_damaged(self, snapshot, ssh_server, ssh_key, tmp_path):
        address = f"{ssh_server.url}/team/apps.git"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
        other = Credentials(ssh_private_key=(tmp_path / "other").read_text(), known_hosts=ssh_server.known_hosts)
        assert "does not accept the ssh key" in failure(snapshot, repo=address, branch="main", credentials=other)
        lines = ssh_key[0].splitlines()
        damaged = Credentials(ssh_private_key="\n".join(lines[:2] + lines[3:]), known_hosts=ssh_server.known_hosts)
        assert "cannot read ssh_private_key" in failure(snapshot, repo=address, branch="main", credentials=damaged)

    def test_the_agent_and_keys_of_the_user_are_not_used(self, snapshot, ssh_server, ssh_key, tmp_path, monkeypatch):
        """An agent that holds the right key does not help somebody who gives another one."""
        agent = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
        address, pid = re.search(r"SSH_AUTH_SOCK=([^;]+)", agent)[1], re.search(r"SSH_AGENT_PID=(\d+)", agent)[1]
        try:
            monkeypatch.setenv("SSH_AUTH_SOCK", address)
            subprocess.run(["ssh-add", "-q", str(tmp_path / "key")], check=True)
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
            other = Credentials(ssh_private_key=(tmp_path / "other").read_text(), known_hosts=ssh_server.known_hosts)
            text = failure(snapshot, repo=f"{ssh_server.url}/team/apps.git", branch="main", credentials=other)
            assert "does not accept the ssh key" in text
        finally:
            os.kill(int(pid), 15)

    def test_ssh_repository_that_is_not_there(self, snapshot, ssh_server, ssh_key):
        credentials = Credentials(ssh_private_key=ssh_key[0], known_hosts=ssh_server.known_hosts)
        text = failure(snapshot, repo=f"{ssh_server.url}/team/no.git", branch="main", credentials=credentials)
        assert "does not give this repository; it said: Only git may be spoken here" in text

    def test_server_that_takes_no_connection(self, snapshot, monkeypatch):
        monkeypatch.setattr(access, "CONNECT_TIMEOUT", 1)
        with full_backlog() as port:
            started = time.monotonic()
            text = failure(snapshot, repo=f"http://127.0.0.1:{port}/x.git", branch="main")
            assert "did not answer within 1 s" in text
            assert time.monotonic() - started < 5

    def test_server_that_says_nothing(self, snapshot, ssh_key, monkeypatch):
        with silent_server() as port:
            address = f"http://127.0.0.1:{port}/x.git"
            assert "within 1 s" in failure(snapshot, repo=address, branch="main", timeout=1)
            monkeypatch.setattr(access, "SILENCE_TIMEOUT", 1)
            assert "did not answer in time" in failure(snapshot, repo=address, branch="main", timeout=30)
            credentials = Credentials(ssh_private_key=ssh_key[0], known_hosts="x ssh-ed25519 AAAA\n")
            ssh = f"ssh://127.0.0.1:{port}/x.git"
            assert "within 2 s" in failure(snapshot, repo=ssh, branch="main", credentials=credentials, timeout=2)

    def test_server_that_breaks_off(self, snapshot, tmp_path):
        with recording_server(tmp_path, None) as (_server, gitrepo):
            text = failure(snapshot, branch="main", **gitrepo)
            assert "broke off the connection" in text or "no TLS connection" in text

    def test_an_answer_of_git_that_is_broken(self, snapshot, tmp_path):
        half = b"001e# service=git-upload-pack\n0000000eversion 2\n0015agen"
        answer = Answer(200, half, content_type="application/x-git-upload-pack-advertisement")
        with recording_server(tmp_path, answer) as (_server, gitrepo):
            text = failure(snapshot, branch="main", **gitrepo)
            assert "broke off" in text or "git failed" in text

    def test_git_that_is_missing(self, snapshot, repository, monkeypatch):
        monkeypatch.setenv("PATH", "/nowhere")
        text = failure(snapshot, repo=str(repository.path), branch="main")
        assert "git is not found. Install git" in text

    def test_server_that_repeats_the_password(self, snapshot, tmp_path):
        """Git shows what a server says before it gives up."""
        refusal = Answer(401, b"", {"WWW-Authenticate": "Basic realm=x"})
        with recording_server(tmp_path, refusal) as (server, gitrepo):
            server.answer = lambda request: (
                Answer(500, f"bad password {PASSWORD}".encode(), content_type="text/plain")
                if "Authorization" in request.headers
                else refusal
            )
            assert "5xx" in failure(snapshot, branch="main", credentials=BASIC, **gitrepo)


class TestPasswordsStayWithTheirServer:
    def test_after_a_redirect_no_password_is_sent(self, snapshot, repository, tmp_path):
        refusal = Answer(401, b"", {"WWW-Authenticate": "Basic realm=x"})
        authority = Authority()
        with recording_server(tmp_path, refusal, authority) as (thief, _gitrepo):
            to_thief = Answer(302, b"", {"Location": f"{thief.url}/x.git/info/refs?service=git-upload-pack"})
            with recording_server(tmp_path, to_thief, authority) as (first, gitrepo):
                # With and without being asked for the password first.
                for asks in (False, True):
                    first.answer = lambda request, asks=asks: (
                        refusal if asks and "Authorization" not in request.headers else to_thief
                    )
                    failure(snapshot, branch="main", credentials=BASIC, **gitrepo)
                assert any("Authorization" in request.headers for request in first.requests)
                assert thief.requests
                assert not any("Authorization" in request.headers for request in thief.requests)

    def test_another_port_is_another_server(self, snapshot, repository, http_server, tmp_path):
        """The helper is asked for the server of the address only."""
        with GitHttpServer(tmp_path / "served", users={"reader": PASSWORD}) as other:
            moved = Answer(302, b"", {"Location": f"{other.url}/team/apps.git/info/refs?service=git-upload-pack"})
            with recording_server(tmp_path, moved) as (_server, gitrepo):
                text = failure(snapshot, branch="main", credentials=BASIC, **gitrepo)
        # From https to http: not even followed.
        assert "redirects to an address that is not taken" in text
        assert other.requests == []


class recording_server:
    """A recording https server, and the fields of a GitRepo that point at it."""

    def __init__(self, folder, answer, authority=None):
        self._folder, self._answer, self._authority = folder, answer, authority or Authority()

    def __enter__(self):
        self._server = RecordingServer(self._authority).start(self._folder)
        self._server.answer = lambda request: self._answer
        return self._server, {
            "repo": f"{self._server.url}/x.git",
            "ca_bundle": self._server.authority.pem.decode(),
        }

    def __exit__(self, *_exception):
        self._server.close()


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


class full_backlog:
    """A port at which connections are neither taken nor refused."""

    def __enter__(self):
        self._sockets = [socket.socket()]
        self._sockets[0].bind(("127.0.0.1", 0))
        self._sockets[0].listen(0)
        address = self._sockets[0].getsockname()
        for _number in range(4):
            self._sockets.append(socket.socket())
            self._sockets[-1].setblocking(False)
            self._sockets[-1].connect_ex(address)
        return address[1]

    def __exit__(self, *_exception):
        for each in self._sockets:
            each.close()


class silent_server:
    """A port at which connections are taken, and nothing is ever said."""

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._taken = []
        threading.Thread(target=self._take, daemon=True).start()
        return self._listener.getsockname()[1]

    def _take(self):
        try:
            while True:
                self._taken.append(self._listener.accept())
        except OSError:
            return

    def __exit__(self, *_exception):
        self._listener.close()
        for connection, _address in self._taken:
            connection.close()
