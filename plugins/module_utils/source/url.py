# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of git repositories: the forms that are taken, and what is refused in them."""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, urlsplit

from ..errors import FleetError

FILE, HTTP, HTTPS, SSH = "file", "http", "https", "ssh"

DEFAULT_SSH_USER = "git"
"""The user that Fleet logs in as where an ssh address names none."""

_LONGEST_USER = 24
"""A longer user name in an http(s) address is most likely an access token."""

_TOKEN_PREFIXES = ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "ATBB", "ATCTT")

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP_FORM = re.compile(r"(?:(?P<user>[^@/:]+)@)?(?P<host>\[[^\]]+\]|[^:/@\[\]]+):(?P<path>[^:].*)")
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+\]")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
_REMOTE_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")

_FORMS = "Write file:///directory, an absolute directory, http(s)://host/path, ssh://user@host/path or user@host:path."


@dataclass(frozen=True)
class RepoUrl:
    """A checked address. ``host`` has its brackets if it is IPv6, ``port`` is '' where it is the default.

    ``path`` is as written (percent-encoded in URLs). ``user`` is '' for files. There is never a
    password in it.
    """

    scheme: str
    path: str
    user: str = ""
    host: str = ""
    port: str = ""
    scp_form: bool = False

    @classmethod
    def parse(cls, repo: str) -> RepoUrl:
        """Check an address as a user writes it. Raises FleetError, without ever quoting a password."""
        if not repo:
            raise FleetError("repo is empty", remedy=_FORMS)
        if not repo.isprintable():
            raise FleetError("the address of the repository contains a control character", remedy=_FORMS)
        directory = os.path.expanduser(repo)
        if directory.startswith("/"):
            return _checked(cls(FILE, quote(directory)))
        if _REMOTE_HELPER.match(repo):
            raise FleetError("a remote helper (name::address) could run any command and is refused", remedy=_FORMS)
        if " " in repo:
            raise FleetError("the address of the repository contains a space", remedy=_FORMS)
        scheme = _SCHEME.match(repo)
        if scheme:
            return _parse_url(repo, scheme[1].lower())
        scp_form = _SCP_FORM.fullmatch(repo)
        if scp_form and not repo.startswith(("-", ".")):
            user, host = scp_form["user"] or DEFAULT_SSH_USER, scp_form["host"]
            return _checked(cls(SSH, scp_form["path"], user, host, scp_form=True))
        raise FleetError(f"{_shown(repo)} is not the address of a git repository", remedy=_FORMS)

    def for_git(self) -> str:
        """The address that git is given: without the user of an http(s) address, which goes another way."""
        if self.scheme == FILE:
            return f"file://{self.path}"
        if self.scp_form:
            return f"{self.user}@{self.host}:{self.path}"
        user = f"{self.user}@" if self.scheme == SSH else ""
        return f"{self.scheme}://{user}{self.host}{self._port_suffix}{self.path}"

    def relative(self, address: str) -> RepoUrl:
        """The address of a submodule, which may be relative to this one (``../other.git``). Raises FleetError.

        Relative is all that is neither a URL, nor absolute, nor the form ``user@host:path``, as in Fleet.
        """
        if _SCHEME.match(address) or _REMOTE_HELPER.match(address) or address.startswith(("/", "-")):
            return RepoUrl.parse(address)
        if _SCP_FORM.fullmatch(address) and not address.startswith("."):
            return RepoUrl.parse(address)
        if not address or not address.isprintable():
            raise FleetError("the address of the submodule is empty or contains a control character")
        path = posixpath.normpath(posixpath.join(self.path, quote(address) if self.scheme == FILE else address))
        if path.startswith(".."):
            raise FleetError(f"{address!r} leads out of the server's directory", remedy="Correct it in .gitmodules.")
        return _checked(replace(self, path=path))

    @property
    def server(self) -> str:
        """``https://host:port``: the only server that credentials may be sent to. '' for files."""
        return f"{self.scheme}://{self.host}{self._port_suffix}" if self.host else ""

    @property
    def _port_suffix(self) -> str:
        return f":{self.port}" if self.port else ""


def _parse_url(repo: str, scheme: str) -> RepoUrl:
    if scheme not in (FILE, HTTP, HTTPS, SSH):
        remedy = "Write ssh:// instead." if "ssh" in scheme else _FORMS
        raise FleetError(f"repositories cannot be fetched by {scheme}://", remedy=remedy)
    try:
        parts = urlsplit(repo)
        port = str(parts.port or "")
    except ValueError:
        # Not chained: it quotes the address, and a password may be part of that.
        raise FleetError("the address of the repository has no valid host and port", remedy=_FORMS) from None
    if parts.password is not None:
        raise FleetError(
            f"{_shown(repo)} contains a password, which would end up in logs and process lists",
            remedy="Remove user and password from the address, and give them as username and password.",
        )
    if parts.query or parts.fragment or repo.endswith(("?", "#")):
        raise FleetError(f"{_shown(repo)} has a part after ? or #, which no git repository needs", remedy=_FORMS)
    if scheme == FILE:
        if parts.netloc not in ("", "localhost"):
            raise FleetError(f"{repo} names a host; a file address has three slashes", remedy=_FORMS)
        return _checked(RepoUrl(FILE, parts.path))
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    user = unquote(parts.username or "")
    if scheme == SSH:
        return _checked(RepoUrl(SSH, parts.path, user or DEFAULT_SSH_USER, host, port))
    if len(user) > _LONGEST_USER or user.startswith(_TOKEN_PREFIXES):
        raise FleetError(
            f"{_shown(repo)} contains what looks like an access token, which would end up in logs",
            remedy="Remove it from the address, and give it as password.",
        )
    if port == {HTTP: "80", HTTPS: "443"}[scheme]:
        port = ""
    return _checked(RepoUrl(scheme, parts.path, user, host, port))


def _checked(url: RepoUrl) -> RepoUrl:
    """Refuse what ssh or git could take for an option, and names that no server has."""
    if url.scheme != FILE and not _HOST.fullmatch(url.host):
        raise FleetError(f"the address of the repository has the host {url.host!r}, which cannot be", remedy=_FORMS)
    if url.scheme == SSH and not _USER.fullmatch(url.user):
        raise FleetError(f"the address of the repository has the user {url.user!r}, which cannot be", remedy=_FORMS)
    if url.path in ("", "/") or url.path.startswith("-"):
        raise FleetError("the address of the repository has no path to a repository", remedy=_FORMS)
    return url


def _shown(repo: str) -> str:
    """The address for messages: nothing of what stands before the host, or after ? and #."""
    return re.sub(r"[?#].*", "", re.sub(r"//.*@", "//***@", repo))
