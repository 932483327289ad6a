# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Repositories that were made to run something, to leave their directory, or to eat the machine."""

import resource
import time

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory
from ansible_collections.gitops.fleet.plugins.module_utils.source import git_tree
from ansible_collections.gitops.fleet.plugins.module_utils.source.credentials import Credentials
from ansible_collections.gitops.fleet.plugins.module_utils.source.git import fetch
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from git_repositories import Node, Repository

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def trap(tmp_path):
    """A command that leaves a mark, and whether it was left."""

    class Trap:
        mark = tmp_path / "was-here"
        command = f"touch {mark}"
        script = f"#!/bin/sh\ntouch {mark}\ncat\n"

        def was_sprung(self) -> bool:
            return self.mark.exists()

    return Trap()


def test_names_that_look_like_options_or_need_care(snapshot, repository):
    files = {
        "-o": "1",
        "--upload-pack=touch x": "2",
        "with\nline": "3",
        'with"quote\tand tab': "4",
        "ünï/cödé": "5",
        "$(touch x)": "6",
        "*": "7",
        " ": "8",
    }
    repository.commit(files)
    taken = snapshot(repo=str(repository.path), branch="main")
    assert taken.files == {path: content.encode() for path, content in files.items()}


def test_names_that_are_not_utf8(snapshot, repository):
    blob = repository.blob("x")
    raw = b"100644 \xff\xfe\0" + bytes.fromhex(blob)
    tree = repository.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=raw)
    repository.git("update-ref", "refs/heads/main", repository.git("commit-tree", tree, "-m", "x"))
    assert snapshot(repo=str(repository.path), branch="main").files == {"\udcff\udcfe": b"x"}


def test_a_branch_and_an_address_that_look_like_options(snapshot, repository, trap, tmp_path):
    for fields in (
        {"repo": f"--upload-pack={trap.command}", "branch": "main"},
        {"repo": f"ext::{trap.command}", "branch": "main"},
        {"repo": str(repository.path), "branch": f"--upload-pack={trap.command}"},
        {"repo": str(repository.path), "revision": "--output=x"},
        {"repo": f"ssh://-oProxyCommand={trap.command}/x", "branch": "main"},
    ):
        with pytest.raises(FleetError):
            snapshot(**fields)
    odd = Repository(tmp_path / "--upload-pack=touch x.git")
    odd.commit({"a": "1"})
    assert snapshot(repo=str(odd.path), branch="main").files == {"a": b"1"}
    assert not trap.was_sprung()


def test_a_symbolic_link_out_of_the_repository_is_only_a_text(snapshot, repository):
    repository.commit({"out": Node("120000", "/etc/passwd"), "up": Node("120000", "../../../../etc/passwd")})
    taken = snapshot(repo=str(repository.path), branch="main")
    assert taken.files == {"out": b"/etc/passwd", "up": b"../../../../etc/passwd"}
    assert set(taken.modes.values()) == {"120000"}


def test_the_settings_of_a_submodule_run_nothing(snapshot, repository, trap):
    modules = f'[submodule "sub"]\n\tpath = sub\n\turl = ext::{trap.command}\n\tupdate = !{trap.command}\n'
    repository.commit({".gitmodules": modules, "sub": Node("160000", COMMIT), "a": "1"})
    with pytest.raises(FleetError, match="submodule sub: a remote helper"):
        snapshot(repo=str(repository.path), branch="main")
    assert not trap.was_sprung()


def test_hooks_filters_and_settings_of_the_server_run_nothing(snapshot, repository, trap):
    repository.commit({".gitattributes": "* filter=evil diff=evil\n", "a": "1", ".lfsconfig": "[lfs]\n\turl = x\n"})
    hooks = repository.path / "hooks"
    for name in ("pre-upload", "post-checkout", "reference-transaction", "pre-auto-gc", "post-index-change"):
        (hooks / name).write_text(trap.script)
        (hooks / name).chmod(0o755)
    for key, value in {
        "core.fsmonitor": trap.command,
        "core.sshCommand": trap.command,
        "core.alternateRefsCommand": trap.command,
        "core.hooksPath": str(hooks),
        "core.askPass": trap.command,
        "credential.helper": f"!{trap.command}",
        "uploadpack.packObjectsHook": trap.command,
        "filter.evil.smudge": trap.command,
        "filter.evil.process": trap.command,
        "diff.evil.textconv": trap.command,
        "gpg.program": trap.command,
    }.items():
        repository.git("config", key, value)
    for _time in range(2):
        assert snapshot(repo=str(repository.path), branch="main").files["a"] == b"1"
    assert not trap.was_sprung()


def test_a_server_that_lacks_an_object_fetches_it_from_nowhere(snapshot, repository, trap):
    """Git fetches missing objects of a partial clone with the remote's own command."""
    oid = repository.blob("missing")
    repository.commit_tree([("100644", "a", oid)])
    (repository.path / "objects" / oid[:2] / oid[2:]).unlink()
    for key, value in {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "evil",
        "remote.evil.promisor": "true",
        "remote.evil.url": f"ext::{trap.command}",
        "remote.evil.uploadpack": trap.command,
        "protocol.ext.allow": "always",
    }.items():
        repository.git("config", key, value)
    with pytest.raises(FleetError):
        snapshot(repo=str(repository.path), branch="main")
    assert not trap.was_sprung()


@pytest.mark.parametrize("names", [[".git"], [".GIT"], [".."], ["."], ["a", ".git"], ["a", ".."]])
def test_names_that_no_work_tree_can_have(snapshot, repository, names):
    entry = ("100644", "config", repository.blob("[core]\n\tsshCommand = touch x\n"))
    for name in reversed(names):
        raw = f"{entry[0]} {entry[1]}\0".encode() + bytes.fromhex(entry[2])
        entry = (
            "40000",
            name,
            repository.git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=raw),
        )
    repository.commit_tree([entry])
    with pytest.raises(FleetError, match="no git work tree can have"):
        snapshot(repo=str(repository.path), branch="main")


def test_many_files(snapshot, repository):
    """A hundred thousand of them are listed and read without trouble."""
    repository.commit({f"d{number % 300}/f{number}": str(number % 100) for number in range(100_000)})
    started = time.monotonic()
    taken = snapshot(repo=str(repository.path), branch="main", timeout=300)
    assert len(taken.files) == 100_000
    assert taken.files["d7/f7"] == b"7"
    assert time.monotonic() - started < 120


def test_more_files_than_are_taken(snapshot, repository, monkeypatch):
    monkeypatch.setattr(git_tree, "MOST_FILES", 10)
    repository.commit({f"f{number}": "x" for number in range(11)})
    with pytest.raises(FleetError, match="more than 10 files"):
        snapshot(repo=str(repository.path), branch="main")


def test_a_tree_of_the_same_directory_again_and_again(snapshot, repository):
    """Ten levels of ten times the same directory: ten thousand million paths in a few objects."""
    oid, mode = repository.blob("x"), "100644"
    for _level in range(10):
        raw = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(oid) for name in "abcdefghij")
        oid, mode = repository.git("hash-object", "-t", "tree", "-w", "--stdin", stdin=raw), "40000"
    repository.git("update-ref", "refs/heads/main", repository.git("commit-tree", oid, "-m", "bomb"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    with pytest.raises(FleetError, match="more than 200000 files"):
        snapshot(repo=str(repository.path), branch="main")
    assert time.monotonic() - started < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500 * 1024


@pytest.mark.parametrize("depth", [150, 3000])
def test_a_deep_tree(snapshot, repository, depth):
    repository.commit({"d/" * depth + "f": "x"})
    with pytest.raises(FleetError, match="too long or too deep"):
        snapshot(repo=str(repository.path), branch="main")


def test_a_giant_file_hurts_only_who_deploys_it(repository, cache, tmp_path):
    repository.commit({"giant": b"\0" * (33 * 1024 * 1024), "app/a": "1"})
    with RunDirectory(tmp_path) as run:
        fetched = fetch(GitRepo("apps", repo=str(repository.path), branch="main"), Credentials(), cache, run)
        with fetched.tree as tree:
            assert tree.read(["app/a"]) == {"app/a": b"1"}
            with pytest.raises(FleetError, match="giant: the file has 34603008 bytes; at most"):
                tree.read(["giant"])


def test_much_in_all(repository, cache, tmp_path, monkeypatch):
    """Files that are small each, and too much together; what is read twice counts once."""
    monkeypatch.setattr(git_tree, "LARGEST_SUM", 8_000)
    repository.commit({f"f{number}": bytes([number]) * 1000 for number in range(9)})
    with RunDirectory(tmp_path) as run:
        fetched = fetch(GitRepo("apps", repo=str(repository.path), branch="main"), Credentials(), cache, run)
        with fetched.tree as tree:
            for number in range(8):
                tree.read([f"f{number}"])
                tree.read([f"f{number}"])
            with pytest.raises(FleetError, match="more than 8000 bytes together"):
                tree.read(["f8"])
