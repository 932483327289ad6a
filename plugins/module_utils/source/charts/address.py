# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a chart comes from, as ``helm.chart`` says it (``internal/bundlereader/source.go`` in rancher/fleet)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote_plus, urlsplit, urlunsplit

from ...errors import FleetError

LOCAL, HTTP, GIT, OCI = "local", "http", "git", "oci"

OCI_PREFIX = "oci://"

DIGESTS = ("md5", "sha1", "sha256", "sha512")
"""The kinds of checksum that may be given."""

_FORCED = re.compile(r"(git|ssh|http|https)::(.*)", flags=re.DOTALL)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP_FORM = re.compile(r"(?P<user>[^@:]+)@(?P<host>[^@:]*):/?(?P<path>.+)", flags=re.DOTALL)
_SHORT_HOSTS = ("github.com", "gitlab.com", "bitbucket.org")


@dataclass(frozen=True)
class ChartAddress:
    """``kind`` is one of LOCAL, HTTP, GIT and OCI; ``url`` is the address without what is ours to understand.

    ``subdirectory`` is the part of what is fetched that is wanted. For HTTP: ``checksum`` is ``(kind, hex digits)``,
    ``archive`` an extension that takes the place of that in the address. For GIT: ``ref`` and ``ssh_private_key``.
    """

    kind: str
    url: str
    subdirectory: str = ""
    checksum: tuple[str, str] | None = None
    archive: str = ""
    ref: str = ""
    ssh_private_key: str = ""

    @property
    def shown(self) -> str:
        """The address for messages: no password, no query."""
        return shown(self.url)


def parse(source: str) -> ChartAddress:
    """Take an address apart. Raises FleetError for one that cannot be."""
    if source.startswith(OCI_PREFIX):
        return ChartAddress(OCI, source)
    forced, rest = _split_forced(source)
    url, subdirectory = _split_subdirectory(rest)
    scheme = _SCHEME.match(url)
    kind = forced or (scheme[1].lower() if scheme else "")
    if kind in ("http", "https"):
        return _http(url, subdirectory)
    if kind in ("git", "ssh"):
        return _git(url, subdirectory)
    if not scheme and url.startswith(tuple(f"{host}/" for host in _SHORT_HOSTS)):
        return _short_form(url, subdirectory)
    if not scheme and _SCP_FORM.fullmatch(url):
        return _git(url, subdirectory)
    return ChartAddress(LOCAL, url, subdirectory)


def is_remote(source: str) -> bool:
    """Whether it names something that has to be fetched, by its form alone."""
    try:
        return parse(source).kind != LOCAL
    except FleetError:
        return True


def shown(url: str) -> str:
    """An address for messages, without what may be secret in it: user, password and query."""
    return re.sub(r"//[^/@]*@", "//***@", re.sub(r"[?#].*", "", url, flags=re.DOTALL))


def _split_forced(source: str) -> tuple[str, str]:
    match = _FORCED.fullmatch(source)
    return (match[1], match[2]) if match else ("", source)


def _split_subdirectory(source: str) -> tuple[str, str]:
    """What stands behind ``//``, as go-getter has it; a query behind that belongs to the address."""
    address, mark, query = source.partition("?")
    start = address.find("://") + 3 if "://" in address else 0
    base, _slashes, subdirectory = address[start:].partition("//")
    return address[:start] + base + mark + query, subdirectory


def _http(url: str, subdirectory: str) -> ChartAddress:
    url, given = _take(url, "checksum", "archive")
    checksum = _checksum(given["checksum"]) if given.get("checksum") else None
    archive = given.get("archive", "").lower()
    if archive and not archive.startswith("."):
        archive = f".{archive}"
    return ChartAddress(HTTP, url, subdirectory, checksum=checksum, archive=archive)


def _checksum(text: str) -> tuple[str, str]:
    kind, _colon, digits = text.partition(":")
    kind, digits = kind.lower(), digits.lower()
    if kind not in DIGESTS or not digits or not re.fullmatch(r"([0-9a-f]{2})+", digits):
        raise FleetError(
            f"the checksum {text!r} of a chart's address cannot be used",
            remedy=f"Write checksum=sha256: and the digest in hex digits; {', '.join(DIGESTS)} are known.",
        )
    return kind, digits


def _git(url: str, subdirectory: str) -> ChartAddress:
    scp_form = _SCP_FORM.fullmatch(url) if "://" not in url else None
    if scp_form:
        url = f"ssh://{scp_form['user']}@{scp_form['host']}/{scp_form['path']}"
    url, given = _take(url, "ref", "sshkey", "depth")
    depth = given.get("depth", "")
    if depth and not (depth.isdigit() and int(depth) > 0):
        raise FleetError(f"depth={depth} in a chart's address is no number of commits", remedy="Write 1, or leave it.")
    key = _ssh_key(given["sshkey"]) if given.get("sshkey") else ""
    return ChartAddress(GIT, url, subdirectory, ref=given.get("ref", ""), ssh_private_key=key)


def _ssh_key(text: str) -> str:
    # A plus sign of base64 has become a space where the address did not escape it.
    padded = text.replace(" ", "+").replace("-", "+").replace("_", "/")
    padded += "=" * (-len(padded) % 4)
    try:
        return base64.b64decode(padded, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        raise FleetError("sshkey in a chart's address is not base64 of a private key") from None


def _short_form(url: str, subdirectory: str) -> ChartAddress:
    """``github.com/user/repo/sub/directory``."""
    address, mark, query = url.partition("?")
    host, *parts = address.split("/", 3)
    if len(parts) < 2 or not parts[1]:
        raise FleetError(f"{address} names no repository", remedy=f"Write {host}/user/repository.")
    repository = parts[1] if parts[1].endswith(".git") else f"{parts[1]}.git"
    inner = [part for part in (parts[2] if len(parts) == 3 else "", subdirectory) if part]
    return _git(f"https://{host}/{quote(parts[0])}/{quote(repository)}{mark}{query}", "/".join(inner))


def _take(url: str, *names: str) -> tuple[str, dict[str, str]]:
    """The address without these parameters, the rest of the query as it was, and their values."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise FleetError(f"{shown(url)} is no address") from None
    given = {name: value for name, value in reversed(parse_qsl(parts.query)) if name in names}
    kept = [pair for pair in parts.query.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in names]
    return urlunsplit(parts._replace(query="&".join(kept))), given
