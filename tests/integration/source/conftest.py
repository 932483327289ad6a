# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory
from ansible_collections.gitops.fleet.plugins.module_utils.source.credentials import Credentials
from ansible_collections.gitops.fleet.plugins.module_utils.source.git import fetch
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from git_repositories import Repository

from lab.git_server import GitHttpServer
from lab.git_ssh_server import GitSshServer

PASSWORD = "correct horse 1729"


@dataclass(frozen=True)
class Snapshot:
    """What a fetch gave, read whole."""

    commit: str
    files: dict[str, bytes]
    modes: dict[str, str]
    warnings: list[str]


@pytest.fixture
def cache(tmp_path) -> Path:
    path = tmp_path / "cache"
    path.mkdir()
    return path


@pytest.fixture
def snapshot(cache, tmp_path) -> Callable[..., Snapshot]:
    """Fetches a GitRepo with these fields, and reads all of its files."""

    def take(*, credentials: Credentials | None = None, timeout: float = 60, **fields) -> Snapshot:
        gitrepo = GitRepo("apps", **fields)
        with RunDirectory(tmp_path) as run:
            fetched = fetch(gitrepo, credentials or Credentials(), cache, run, timeout=timeout)
            with fetched.tree as tree:
                entries = tree.entries()
                files = tree.read(path for path, entry in entries.items() if entry.mode != "160000")
        return Snapshot(fetched.commit, files, {path: entry.mode for path, entry in entries.items()}, fetched.warnings)

    return take


@pytest.fixture
def repository(tmp_path) -> Repository:
    """One with a file on branch main, below a directory that servers serve."""
    made = Repository(tmp_path / "served" / "team" / "apps.git")
    made.commit({"app/cm.yaml": "kind: ConfigMap\n"})
    return made


@pytest.fixture
def http_server(repository, tmp_path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path / "served", users={"reader": PASSWORD}) as server:
        yield server


@pytest.fixture
def ssh_key(tmp_path) -> tuple[str, str]:
    """A private and a public key."""
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path.read_text(), Path(f"{path}.pub").read_text()


@pytest.fixture
def ssh_server(repository, tmp_path, ssh_key) -> Iterator[GitSshServer]:
    with GitSshServer(tmp_path / "served", authorized_keys=[ssh_key[1]]) as server:
        yield server
