# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that Fleet makes from other names (``internal/names`` in rancher/fleet).

MD5 and SHA-256 only keep names apart here; nothing is protected by them.
"""

from __future__ import annotations

import hashlib
import posixpath
import re

MAX_RELEASE_NAME = 53
"""The longest name of a Helm release, in characters."""

_DISALLOWED = re.compile(r"[^a-zA-Z0-9-]+")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_UNSAFE_AT_END = re.compile(r"[^a-z0-9]")


def bundle_name(gitrepo: str, path: str, options: str = "") -> str:
    """The name of the bundle in ``path`` of a GitRepo, whose options are in the file ``options`` if one was named."""
    return helm_release_name(go_join(gitrepo, path, go_without_extension(options) if options else ""))


def helm_release_name(text: str) -> str:
    """A DNS label of at most 53 characters, with a checksum where characters had to be changed."""
    name = text.replace("/", "-")
    if name != name.lower() or _DISALLOWED.search(name):
        name = f"{name}-{_md5(name)[:8]}"
    name = _DISALLOWED.sub("-", name.lower())
    name = re.sub("-+", "-", name).strip("-")
    if _DNS_LABEL.fullmatch(name):
        return limit(name, MAX_RELEASE_NAME)
    return _md5(text)[:24]


def limit(name: str, length: int) -> str:
    """The name cut to ``length`` characters, five of them a checksum, if it is longer than that."""
    if len(name) <= length:
        return name
    kept = name[: length - 6]
    return f"{kept}{'' if kept.endswith('-') else '-'}{_md5(name)[:5]}"


def safe_concat_name(*parts: str) -> str:
    """The parts joined by dashes, in at most 63 characters."""
    name = "-".join(parts)
    if len(name.encode()) < 64:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()
    if _UNSAFE_AT_END.match(name[56]):
        return f"{name[:56]}-{digest[:6]}"
    return f"{name[:57]}-{digest[:5]}"


def key_hash(text: str) -> str:
    """12 hex digits of the SHA-256 of the first 100 bytes."""
    return hashlib.sha256(text.encode()[:100]).hexdigest()[:12]


def go_join(*parts: str) -> str:
    """Go's ``filepath.Join``: empty parts are left out, ``.``, ``..`` and doubled slashes worked out."""
    present = [part for part in parts if part]
    if not present:
        return ""
    path = posixpath.normpath("/".join(present))
    # POSIX lets two leading slashes stand; Go does not.
    return "/" + path.lstrip("/") if path.startswith("//") else path


def go_base(path: str) -> str:
    """Go's ``filepath.Base``: the last part of a path; ``.`` for an empty one."""
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def go_without_extension(path: str) -> str:
    """The path without what follows the last dot of its last part (Go's ``filepath.Ext``)."""
    head, dot, _unused = path.rpartition(".")
    return head if dot and "/" not in path[len(head) :] else path


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
