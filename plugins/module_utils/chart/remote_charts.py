# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching charts that are elsewhere, by the rules of ``charturl.go``, ``loaddirectory.go`` and the like in Fleet.

What Fleet gets without Helm (repositories with an index.yaml, archives, git) is loaded by ``source/charts``; what it
gets with Helm's own code, from OCI registries, by Helm.
"""

from __future__ import annotations

import hashlib
import posixpath
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import FleetError
from ..private_files import RunDirectory
from ..source.charts import address as addresses
from ..source.charts.address import GIT, HTTP, LOCAL, OCI, ChartAddress
from ..source.charts.archive import ArchiveTree, unpack
from ..source.charts.cache import ChartCache
from ..source.charts.credentials import ChartAccess, HelmCredentials
from ..source.charts.download import Refused, download
from ..source.charts.git_chart import fetch_git_chart, is_lasting
from ..source.charts.index import LARGEST_INDEX, IndexEntry, absolute_url, find_chart
from ..source.charts.semver import is_exact
from .helm import Helm
from .helm_access import access_arguments


class RemoteCharts:
    """Fetches charts for one GitRepo; see :class:`~.loader.ChartLoader` for what it is given.

    ``is_lasting`` says whether all that was fetched so far will be the same whenever it is fetched again.
    """

    def __init__(
        self,
        owner: str,
        access: ChartAccess,
        find_helm: Callable[[], Helm],
        cache: Path,
        run: RunDirectory,
        timeout: float,
    ):
        self.is_lasting = True
        self._owner = owner
        self._access = access
        self._find_helm = find_helm
        self._cache_directory = cache
        self._cache = ChartCache(cache)
        self._run = run
        self._timeout = timeout
        self._indexes: dict[tuple[str, HelmCredentials], bytes] = {}

    def fetch(self, chart: str, repository: str, version: str, credentials: HelmCredentials) -> ArchiveTree:
        """The files of a chart, named as ``helm.chart``, ``helm.repo`` and ``helm.version``. Raises FleetError."""
        if repository.startswith(addresses.OCI_PREFIX):
            try:
                return self._from_registry(repository, version, credentials)
            except FleetError as error:
                if not chart:
                    raise
                remedy = (
                    f"As in Fleet, helm.chart is not looked at beside such a helm.repo: write helm.repo: "
                    f"{repository.rstrip('/')}/{chart}"
                )
                raise FleetError(error.problem, place=error.place, remedy=f"{remedy}.") from error
        if repository:
            return self._from_repository(chart, repository, version, credentials)
        address = addresses.parse(chart)
        if address.kind == LOCAL:
            raise FleetError(
                f"{chart!r} is neither in the bundle's directory nor an address",
                remedy="Write the directory of a chart, an address such as https://…, oci://… or git::https://…, or "
                "the name of a chart with helm.repo.",
            )
        # As in Fleet, the pattern has to match what is written, git:: and all.
        return self._from_address(address, version, credentials, self._access.for_address(credentials, chart))

    def index(self, repository: str, credentials: HelmCredentials) -> bytes:
        """The index.yaml of a repository, fetched once. Raises FleetError."""
        allowed = self._access.for_address(credentials, repository)
        key = (repository, allowed)
        if key not in self._indexes:
            parts = urlsplit(repository)
            if parts.scheme not in ("http", "https"):
                raise FleetError(
                    f"{addresses.shown(repository)} is no chart repository",
                    remedy="Write an address that begins with https://, http:// or oci://.",
                )
            url = parts._replace(path=f"{parts.path.rstrip('/')}/index.yaml").geturl()
            self._indexes[key] = self._download(url, credentials, allowed, largest=LARGEST_INDEX, packed=True)
        return self._indexes[key]

    def _from_repository(self, chart: str, repository: str, version: str, credentials: HelmCredentials) -> ArchiveTree:
        """A chart that a repository's index.yaml names."""
        allowed = self._access.for_address(credentials, repository)
        owner = self._owner_for(credentials)
        if is_exact(version) and (kept := self._cache.find(owner, repository, chart, version)):
            return unpack(kept[1], kept[0])
        entry = find_chart(self.index(repository, credentials), chart, version)
        self.is_lasting = self.is_lasting and entry.version == version and is_exact(version)
        kept = self._cache.find(owner, repository, chart, entry.version)
        # The index may give the same version another archive, though it should not.
        if kept and (not entry.digest or hashlib.sha256(kept[1]).hexdigest() == entry.digest):
            return unpack(kept[1], kept[0])
        address = addresses.parse(absolute_url(repository, entry.url))
        if address.kind == HTTP:
            allowed = self._for_archive(credentials, allowed, repository, address)
            name, data = self._archive(address, credentials, allowed, entry)
            tree = _unpacked(address, name, data)
            if not (address.subdirectory or address.archive):
                self._cache.keep(name, data, owner, repository, chart, entry.version)
            return tree
        if address.kind == LOCAL:
            raise FleetError(f"the index of {addresses.shown(repository)} names a local file as the archive of {chart}")
        return self._from_address(address, version, credentials, self._access.for_address(credentials, address.url))

    def _for_archive(
        self, credentials: HelmCredentials, allowed: HelmCredentials, repository: str, address: ChartAddress
    ) -> HelmCredentials:
        """The credentials for the archive: those of the repository on its own server, else what the pattern allows."""
        if urlsplit(repository)[:2] == urlsplit(address.url)[:2]:
            return allowed
        return self._access.for_address(credentials, address.url)

    def _from_address(
        self, address: ChartAddress, version: str, credentials: HelmCredentials, allowed: HelmCredentials
    ) -> ArchiveTree:
        if address.kind == OCI:
            return self._from_registry(address.url, version, credentials)
        if address.kind == GIT:
            self.is_lasting = self.is_lasting and is_lasting(address)
            tree = fetch_git_chart(address, allowed, self._cache_directory, self._run, timeout=self._timeout)
            return _subdirectory(tree, address)
        owner = self._owner_for(credentials)
        key = (owner, address.url, *(address.checksum or ()))
        if address.checksum and (kept := self._cache.find(*key)):
            return _unpacked(address, *kept)
        self.is_lasting = self.is_lasting and address.checksum is not None
        name, data = self._archive(address, credentials, allowed)
        tree = _unpacked(address, name, data)
        if address.checksum:
            self._cache.keep(name, data, *key)
        return tree

    def _archive(
        self,
        address: ChartAddress,
        credentials: HelmCredentials,
        allowed: HelmCredentials,
        entry: IndexEntry | None = None,
    ) -> tuple[str, bytes]:
        """The name and content of an archive, its checksum compared."""
        data = self._download(address.url, credentials, allowed)
        for kind, digits in filter(
            None, (address.checksum, ("sha256", entry.digest) if entry and entry.digest else None)
        ):
            found = hashlib.new(kind, data, usedforsecurity=False).hexdigest()
            if found != digits:
                raise FleetError(
                    f"the {kind} checksum is {found}, not {digits}",
                    place=address.shown,
                    remedy="Find out who changed the archive before you change the checksum.",
                )
        return posixpath.basename(urlsplit(address.url).path), data

    def _download(self, url: str, credentials: HelmCredentials, allowed: HelmCredentials, **limits: Any) -> bytes:
        try:
            return download(url, allowed, timeout=self._timeout, **limits)
        except Refused as error:
            hint = "" if allowed.has_login else self._access.hint(credentials, addresses.shown(url))
            raise FleetError(error.problem, place=error.place, remedy=hint or error.remedy) from error

    def _from_registry(self, url: str, version: str, credentials: HelmCredentials) -> ArchiveTree:
        """A chart of an OCI registry, by ``helm pull``, which is what Fleet does."""
        owner = self._owner_for(credentials)
        lasting = is_exact(version) or "@sha256:" in url
        self.is_lasting = self.is_lasting and lasting
        if lasting and (kept := self._cache.find(owner, url, version)):
            return unpack(kept[1], kept[0])
        helm = self._find_helm()
        with tempfile.TemporaryDirectory(prefix="pull-", dir=helm.directory) as directory:
            arguments = access_arguments(Path(directory), self._access, credentials, [url], _no_index)
            target = Path(directory) / "chart"
            target.mkdir()
            if version:
                arguments.append(f"--version={version}")
            try:
                helm.run(
                    ["pull", url, f"--destination={target}", *arguments],
                    timeout=self._timeout,
                    secrets=credentials.secrets,
                )
            except FleetError as error:
                remedy = self._access.hint(credentials, url) or "Check helm.repo, helm.version and the credentials."
                raise FleetError(error.problem, place=addresses.shown(url), remedy=remedy) from error
            files = [(path.name, path.read_bytes()) for path in target.iterdir() if path.suffix == ".tgz"]
        if len(files) != 1:
            raise FleetError("helm pull wrote no chart", place=addresses.shown(url))
        name, data = files[0]
        tree = _named(addresses.shown(url), unpack, data, name)
        if lasting:
            self._cache.keep(name, data, owner, url, version)
        return tree

    def _owner_for(self, credentials: HelmCredentials) -> str:
        """Whose in the cache it is: what a login may have given belongs to its GitRepo."""
        return self._owner if credentials.has_login else ""


def _no_index(_repository: str) -> bytes:
    """Registries have none."""
    return b""


def _unpacked(address: ChartAddress, name: str, data: bytes) -> ArchiveTree:
    return _subdirectory(_named(address.shown, unpack, data, name, address.archive), address)


def _subdirectory(tree: ArchiveTree, address: ChartAddress) -> ArchiveTree:
    if not address.subdirectory:
        return tree
    below = _named(address.shown, tree.below, address.subdirectory)
    if not below.entries():
        raise FleetError(f"there is no directory {address.subdirectory}", place=address.shown)
    return below


def _named(place: str, function: Callable[..., ArchiveTree], *arguments: Any) -> ArchiveTree:
    """What ``function`` returns; its errors get a place."""
    try:
        return function(*arguments)
    except FleetError as error:
        raise error.at(place) from error
