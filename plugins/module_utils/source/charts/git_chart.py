# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts in git: ``git::https://host/repository//directory?ref=…``."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from ...errors import FleetError
from ...private_files import RunDirectory
from ..credentials import Credentials
from ..git import fetch
from ..git_tree import GitTree
from ..gitrepo import GitRepo
from ..refs import MissingRef, Wanted, is_commit
from ..tree import SUBMODULE, SYMLINK
from .address import ChartAddress
from .archive import ArchiveTree
from .credentials import HelmCredentials

_HEAD = "HEAD"


def is_lasting(address: ChartAddress) -> bool:
    """Whether it names a commit, which never changes."""
    return is_commit(address.ref)


def fetch_git_chart(
    address: ChartAddress, credentials: HelmCredentials, cache: Path, run: RunDirectory, *, timeout: float
) -> ArchiveTree:
    """The files of the repository at ``ref``: a branch, else a tag, else a commit; without it, at the remote's HEAD.

    Only ever one commit is fetched, whatever ``depth`` was asked for: the files are the same. Raises FleetError.
    """
    gitrepo = GitRepo(
        "chart",
        repo=address.url,
        ca_bundle=credentials.ca_bundle,
        insecure_skip_tls_verify=credentials.insecure_skip_tls_verify,
    )
    attempts = _attempts(address.ref)
    for number, wanted in enumerate(attempts, 1):
        try:
            fetched = fetch(gitrepo, _login(address, credentials), cache, run, timeout=timeout, wanted=wanted)
        except MissingRef:
            if number == len(attempts):
                raise FleetError(
                    f"the repository has no branch or tag {address.ref!r}" if address.ref else "it is empty",
                    place=address.shown,
                    remedy="Check ref; of a commit, write all 40 digits." if address.ref else "",
                ) from None
        except FleetError as error:
            raise FleetError(error.problem, place=address.shown, remedy=error.remedy) from error
        else:
            with fetched.tree as tree:
                # As in Fleet, without what submodules hold.
                return _read(tree.root, address)
    raise FleetError("nothing was fetched", place=address.shown)


def _attempts(ref: str) -> list[Wanted]:
    if not ref:
        return [Wanted(_HEAD, _HEAD)]
    if is_commit(ref):
        return [Wanted(ref.lower(), ref.lower())]
    # The names are checked there.
    return [Wanted.of(GitRepo("chart", branch=ref)), Wanted.of(GitRepo("chart", revision=ref))]


def _login(address: ChartAddress, credentials: HelmCredentials) -> Credentials:
    """The part of the credentials that fits the address: the key for ssh, user and password for http."""
    if urlsplit(address.url).scheme == "ssh":
        key = address.ssh_private_key or credentials.ssh_private_key
        return Credentials(ssh_private_key=key, known_hosts=credentials.known_hosts)
    if address.ssh_private_key:
        raise FleetError("sshkey is for addresses that are reached by ssh", place=address.shown)
    return Credentials(username=credentials.username, password=credentials.password)


def _read(tree: GitTree, address: ChartAddress) -> ArchiveTree:
    """The files that can be part of a bundle: hidden ones never are, nor what submodules hold."""
    prefix = f"{address.subdirectory.strip('/')}/" if address.subdirectory else ""
    wanted = [
        path
        for path, entry in tree.entries().items()
        if entry.mode != SUBMODULE and path.startswith(prefix) and not _is_hidden(path[len(prefix) :])
    ]
    contents = tree.read(wanted)
    links = {path: contents.pop(path) for path in wanted if tree.entries()[path].mode == SYMLINK}
    return ArchiveTree(contents, {path: target.decode("utf-8", "surrogateescape") for path, target in links.items()})


def _is_hidden(path: str) -> bool:
    return "/." in f"/{path}".removesuffix("/.fleetignore")
