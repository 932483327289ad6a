# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Submodules: fetched at their commit, with credentials for one server only, and without running anything."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory
from ansible_collections.gitops.fleet.plugins.module_utils.source import submodules
from ansible_collections.gitops.fleet.plugins.module_utils.source.credentials import Credentials
from ansible_collections.gitops.fleet.plugins.module_utils.source.git import fetch
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from git_repositories import Node, Repository

from lab.git_server import GitHttpServer

PASSWORD = "correct horse 1729"
BASIC = Credentials(username="reader", password=PASSWORD)


def modules(**addresses: str) -> str:
    return "".join(f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n' for path, url in addresses.items())


@pytest.fixture
def library(tmp_path) -> Repository:
    made = Repository(tmp_path / "served" / "team" / "library.git")
    made.commit({"chart/Chart.yaml": "name: old", "README": "1"})
    return made


def with_submodule(repository: Repository, url: str, commit: str, path: str = "lib") -> None:
    repository.commit({".gitmodules": modules(**{path: url}), path: Node("160000", commit), "a": "1"})


def test_its_files_are_those_of_the_commit_that_is_named(snapshot, repository, library):
    old = library.git("rev-parse", "main")
    library.commit({"chart/Chart.yaml": "name: new"})
    for url in (f"file://{library.path}", "../library.git", str(library.path)):
        with_submodule(repository, url, old)
        taken = snapshot(repo=str(repository.path), branch="main")
        assert taken.files["lib/chart/Chart.yaml"] == b"name: old"
        assert set(taken.files) == {".gitmodules", "a", "lib/chart/Chart.yaml", "lib/README"}


def test_submodules_of_submodules_and_their_directories(repository, library, cache, tmp_path, monkeypatch):
    inner = Repository(tmp_path / "served" / "team" / "inner.git")
    inner.commit({"deep/x": "2"})
    with_submodule(library, "./../inner.git", inner.git("rev-parse", "main"), "vendor")
    with_submodule(repository, "../library.git", library.git("rev-parse", "main"))
    with RunDirectory(tmp_path) as run:
        fetched = fetch(GitRepo("apps", repo=str(repository.path), branch="main"), Credentials(), cache, run)
        with fetched.tree as tree:
            assert tree.read(["lib/vendor/deep/x", "a"]) == {"lib/vendor/deep/x": b"2", "a": b"1"}
            assert set(tree.directories()) == {"", "lib", "lib/vendor", "lib/vendor/deep"}
            assert tree.directories()["lib/vendor"] == inner.git("rev-parse", "main^{tree}")
    monkeypatch.setattr(submodules, "DEEPEST", 1)
    with RunDirectory(tmp_path) as run:
        fetched = fetch(GitRepo("apps", repo=str(repository.path), branch="main"), Credentials(), cache, run)
        with fetched.tree as tree:
            assert set(tree.entries()) == {".gitmodules", "a", "lib/.gitmodules", "lib/a"}


def test_a_repository_that_is_its_own_submodule(snapshot, repository):
    old = repository.git("rev-parse", "main")
    with_submodule(repository, "./", old)
    assert snapshot(repo=str(repository.path), branch="main").files["lib/app/cm.yaml"] == b"kind: ConfigMap\n"


def test_what_only_one_side_names_is_left_out(snapshot, repository, library):
    commit = library.git("rev-parse", "main")
    repository.commit({".gitmodules": modules(gone="../nowhere.git"), "unnamed": Node("160000", commit), "a": "1"})
    assert set(snapshot(repo=str(repository.path), branch="main").files) == {".gitmodules", "a"}


class TestCredentials:
    def test_the_server_of_the_gitrepo_gets_them(self, snapshot, repository, library, http_server):
        commit = library.git("rev-parse", "main")
        for url in ("../library.git", f"{http_server.url}/team/library.git"):
            with_submodule(repository, url, commit)
            taken = snapshot(repo=f"{http_server.url}/team/apps.git", branch="main", credentials=BASIC)
            assert taken.files["lib/README"] == b"1"

    def test_another_server_does_not(self, snapshot, repository, library, http_server, tmp_path):
        commit = library.git("rev-parse", "main")
        with GitHttpServer(tmp_path / "served", users={"reader": PASSWORD}) as other:
            with_submodule(repository, f"{other.url}/team/library.git", commit)
            with pytest.raises(FleetError, match=r"submodule lib \(http.*\): .* wants a user name and password"):
                snapshot(repo=f"{http_server.url}/team/apps.git", branch="main", credentials=BASIC)
            assert other.requests
        with GitHttpServer(tmp_path / "served") as free:
            with_submodule(repository, f"{free.url}/team/library.git", commit)
            taken = snapshot(repo=f"{http_server.url}/team/apps.git", branch="main", credentials=BASIC)
            assert taken.files["lib/README"] == b"1"

    def test_by_ssh(self, snapshot, repository, library, ssh_server, ssh_key):
        with_submodule(repository, "../library.git", library.git("rev-parse", "main"))
        credentials = Credentials(ssh_private_key=ssh_key[0], known_hosts=ssh_server.known_hosts)
        taken = snapshot(repo=f"{ssh_server.url}/team/apps.git", branch="main", credentials=credentials)
        assert taken.files["lib/README"] == b"1"


class TestHostile:
    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("ext::touch {mark}", "remote helper"),
            ("--upload-pack=touch{mark}", "is not the address of a git repository"),
            ("ssh://-oProxyCommand=touch{mark}/x", "cannot be"),
            ("https://me:secret@host/x", "contains a password"),
            ("file://{library}", "is a directory of this machine"),
            ("{library}", "is a directory of this machine"),
            ("ssh://git@elsewhere/x.git", "no private key is given"),
        ],
    )
    def test_an_address_that_is_refused(self, snapshot, repository, library, http_server, tmp_path, url, expected):
        mark = tmp_path / "was-here"
        address = url.format(mark=mark, library=library.path)
        with_submodule(repository, address, library.git("rev-parse", "main"))
        with pytest.raises(FleetError, match=f"submodule lib.*{expected}") as raised:
            snapshot(repo=f"{http_server.url}/team/apps.git", branch="main", credentials=BASIC)
        assert "secret" not in str(raised.value)
        assert not mark.exists()

    def test_a_modules_file_that_is_none(self, snapshot, repository, library):
        commit = library.git("rev-parse", "main")
        link = Node("120000", "/etc/passwd")
        repository.commit({".gitmodules": link, "lib": Node("160000", commit)})
        assert set(snapshot(repo=str(repository.path), branch="main").files) == {".gitmodules"}
        for text in ("[submodule\n", "\0\1", "[include]\n\tpath = /etc/passwd\n[x"):
            repository.commit({".gitmodules": text, "lib": Node("160000", commit)})
            with pytest.raises(FleetError, match=r"\.gitmodules: is not a file that git can read"):
                snapshot(repo=str(repository.path), branch="main")

    def test_more_than_are_taken(self, snapshot, repository, library, monkeypatch):
        monkeypatch.setattr(submodules, "MOST_SUBMODULES", 3)
        commit = library.git("rev-parse", "main")
        names = [f"m{number}" for number in range(5)]
        text = modules(**dict.fromkeys(names, "../library.git"))
        repository.commit({".gitmodules": text, **{name: Node("160000", commit) for name in names}})
        with pytest.raises(FleetError, match="more than 3 submodules"):
            snapshot(repo=str(repository.path), branch="main")

    def test_a_commit_that_is_not_there(self, snapshot, repository, library):
        with_submodule(repository, "../library.git", "1" * 40)
        with pytest.raises(FleetError, match="submodule lib .*has no commit 1111"):
            snapshot(repo=str(repository.path), branch="main")
