# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``index.yaml`` of a chart repository: which archive is the wanted version of a chart (Helm's ``pkg/repo``)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from ...errors import FleetError
from .semver import Range, Version

try:
    import yaml
except ImportError:
    yaml = None

LARGEST_INDEX = 64 * 1024 * 1024
"""Bytes of an index that are read. The largest public ones have 20 MB."""

LARGEST_PARSED = 16 * 1024 * 1024
"""Bytes of it that are parsed: the part of one chart, or all of it where that cannot be told."""

_LISTED = 5


@dataclass(frozen=True)
class IndexEntry:
    """A version of a chart. ``url`` is as the index has it: absolute, or below the repository's address.

    ``digest`` is the SHA-256 of the archive in hex digits, '' where the index has none.
    """

    version: str
    url: str
    digest: str = ""


def find_chart(index: bytes, name: str, version: str) -> IndexEntry:
    """The newest version of a chart that a range takes; ``""`` takes any. Raises FleetError.

    A version that stands in the index letter by letter comes before what the range would take.
    """
    wanted = Range.parse(version or "*")
    if wanted is None:
        raise FleetError(
            f"helm.version {version!r} is neither a version nor a range",
            remedy="Write a version such as 1.2.3, or a range such as ^1.2 or >= 1.0, < 3.",
        )
    entries = _entries(index, name)
    for entry in entries:
        if version and entry["version"] == version:
            return _with_url(entry, name)
    # Sorted in a stable way, as Helm's own order is: the first of two that are equal stays the first.
    parsed = [(Version.parse(entry["version"]), entry) for entry in entries]
    candidates = [(found, entry) for found, entry in parsed if found is not None and wanted.contains(found)]
    if not candidates:
        raise _no_version(name, version, [entry["version"] for entry in entries])
    return _with_url(max(candidates, key=lambda item: item[0])[1], name)


def absolute_url(repository: str, url: str) -> str:
    """The address of an archive: an address below the repository's, unless it is whole already."""
    if urlsplit(url).scheme:
        return url
    return f"{repository.rstrip('/')}/{url.lstrip('/')}"


def _entries(index: bytes, name: str) -> list[dict[str, Any]]:
    """The versions of one chart in the order of the index."""
    if yaml is None:
        raise FleetError("the Python library PyYAML is not there", remedy="Install it: pip install PyYAML.")
    part = _part_of(index, name)
    document = _parsed(part) if part is not None else None
    if document is None:
        # In another style than Helm writes: then only the whole of it tells.
        document = _parsed(index)
    charts = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(charts, dict):
        raise FleetError(
            "index.yaml is not the index of a chart repository",
            remedy="Check helm.repo: its address with /index.yaml behind it must be one.",
        )
    found = charts.get(name)
    if not isinstance(found, list):
        nearest = get_close_matches(name, charts, 1) if part is None else []
        raise FleetError(
            f"the repository has no chart {name!r}", remedy=f"Did you mean {nearest[0]}?" if nearest else ""
        )
    return [entry for entry in found if isinstance(entry, dict) and isinstance(entry.get("version"), str)]


def _part_of(index: bytes, name: str) -> bytes | None:
    """The lines of one chart of an index in Helm's own style, below ``entries:``; None for any other style.

    Parsing a whole index takes a minute and a gigabyte where a repository has many charts.
    """
    key = re.escape(name.encode())
    start = re.search(rb"^entries:[ \t]*\r?$", index, re.MULTILINE)
    if start is None:
        return None
    found = re.compile(rb"^(  ?|    )(?:\"" + key + rb"\"|'" + key + rb"'|" + key + rb"):[ \t]*\r?\n", re.MULTILINE)
    begin = found.search(index, start.end())
    if begin is None:
        return None
    indent = begin[1]
    # It ends where a line begins as far left as its name does, and is no item of its list.
    end = re.compile(rb"^ {0,%d}[^ \r\n#-]" % len(indent), re.MULTILINE).search(index, begin.end())
    return b"entries:\n" + index[begin.start() : end.start() if end else len(index)]


def _parsed(text: bytes) -> Any:
    if len(text) > LARGEST_PARSED:
        raise FleetError(f"index.yaml has more than {LARGEST_PARSED // 1024 // 1024} MiB to look through for the chart")
    # All scalars stay text, so that version 1.10 does not become the number 1.1.
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        return yaml.load(text, Loader=loader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


def _with_url(entry: dict[str, Any], name: str) -> IndexEntry:
    urls = entry.get("urls")
    if not isinstance(urls, list) or not urls or not isinstance(urls[0], str) or not urls[0]:
        raise FleetError(f"the repository names no archive for chart {name} {entry['version']}")
    digest = entry.get("digest")
    known = isinstance(digest, str) and re.fullmatch(r"(sha256:)?[0-9a-fA-F]{64}", digest)
    return IndexEntry(entry["version"], urls[0], digest[-64:].lower() if known else "")


def _no_version(name: str, version: str, there: list[str]) -> FleetError:
    known = sorted((found for text in there if (found := Version.parse(text))), reverse=True)
    newest = ", ".join(found.text for found in known[:_LISTED])
    return FleetError(
        f"the repository has no version of chart {name} that {version or '*'} takes",
        remedy=f"Its newest versions are {newest}." if newest else "",
    )
