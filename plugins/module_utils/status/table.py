# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters × bundles as a table for people: plain text, 80 columns, worst first.

A few clusters are shown one after another with all their bundles. Of more clusters, equal rows
share one line ("412 clusters"), so that a thousand clusters take as many lines as there is
trouble among them, and one a bundle for what is well.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .release_state import DELETED, PAUSED
from .states import RANK, BundleState

WIDTH = 80
FEW_CLUSTERS = 10
"""Up to this many clusters are shown one by one."""
MAX_GROUPS = 150
"""Of many clusters, more groups of equal rows than this are counted, not shown."""

_GAP = "  "
_INDENT = "    "
_CUT = "…"
_MESSAGE_LINES = 3
_NARROWEST = 7
_DEPLOYED = "Deployed"
_RANK = {**RANK, DELETED: RANK[BundleState.READY], PAUSED: RANK[BundleState.OUT_OF_SYNC]}
_GOOD = (BundleState.READY, BundleState.DEPLOYED)


@dataclass(frozen=True)
class Row:
    """One bundle on one cluster. ``bundle`` is '' where the row speaks of the cluster itself.

    ``state`` is one of :mod:`states`, ``revision`` Helm's, ``version`` the chart's, ``updated`` an
    RFC 3339 time, ``message`` what to know where the state is not a good one.
    """

    cluster: str
    bundle: str
    state: str
    revision: str = ""
    version: str = ""
    updated: str = ""
    message: str = ""

    @property
    def badness(self) -> int:
        """Fleet's rank; a word that is none of the states needs a look as well."""
        return _RANK.get(self.state, RANK[BundleState.ERR_APPLIED])

    @property
    def is_good(self) -> bool:
        return self.state in _GOOD


def table(rows: Iterable[Row], *, width: int = WIDTH) -> str:
    """The table, without a newline at its end; of no rows, one line that says so."""
    by_cluster: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_cluster[row.cluster].append(row)
    if not by_cluster:
        return "no bundles on any cluster"
    view = _few_clusters if len(by_cluster) <= FEW_CLUSTERS else _many_clusters
    lines = [*_wrapped(_totals(by_cluster), width), "", *view(by_cluster, width)]
    if any(row.state == BundleState.DEPLOYED for row in _all(by_cluster)):
        lines += ["", f"{_DEPLOYED}: the release is there; its objects' health was not checked"]
    return "\n".join(lines)


def _totals(by_cluster: dict[str, list[Row]]) -> str:
    states: dict[str, list[Row]] = defaultdict(list)
    for rows in by_cluster.values():
        for row in rows:
            states[row.state].append(row)
    worst_first = sorted(states.values(), key=lambda rows: (-rows[0].badness, rows[0].state))
    counted = ", ".join(f"{len(rows)} {_clean(_short(rows[0].state))}" for rows in worst_first)
    return f"{_clusters(len(by_cluster))}: {counted}"


def _few_clusters(by_cluster: dict[str, list[Row]], width: int) -> list[str]:
    """A block for each cluster, those with the worst rows first."""
    worst_first = sorted(by_cluster, key=lambda name: (-max(row.badness for row in by_cluster[name]), name))
    head = ("CLUSTER / BUNDLE", "STATE", "REV", "VERSION", "UPDATED")
    lines: list[tuple[tuple[str, ...], Row | None]] = []
    for name in worst_first:
        rows = sorted(by_cluster[name], key=lambda row: (bool(row.bundle), -row.badness, row.bundle))
        if rows[0].bundle:
            lines.append(((name, "", "", "", ""), None))
        lines += [(_cells(f"  {row.bundle}" if row.bundle else name, row), row) for row in rows]
    columns = _columns([head, *(cells for cells, row in lines if row)], width)
    result = [_line(head, columns)]
    for cells, row in lines:
        result.append(_line(cells, columns) if row else _fit(_clean(cells[0]), width))
        result += _message(row, width) if row else []
    return result


def _cells(name: str, row: Row) -> tuple[str, ...]:
    return name, _short(row.state), row.revision, row.version, _minute(row.updated)


@dataclass(frozen=True)
class _Group:
    """Rows of many clusters that say the same, revisions and times aside."""

    rows: tuple[Row, ...]

    @property
    def first(self) -> Row:
        return self.rows[0]

    @property
    def revisions(self) -> str:
        numbers = sorted({row.revision for row in self.rows}, key=lambda text: (len(text), text))
        return numbers[0] if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"

    @property
    def cells(self) -> tuple[str, ...]:
        row, latest = self.first, max(row.updated for row in self.rows)
        bundle = row.bundle or "(the cluster)"
        return str(len(self.rows)), bundle, _short(row.state), self.revisions, row.version, _minute(latest)


def _many_clusters(by_cluster: dict[str, list[Row]], width: int) -> list[str]:
    """A line for each group of equal rows, with names of clusters where it is not the bundle's usual state."""
    groups = _groups(by_cluster)
    shown = groups[:MAX_GROUPS]
    usual: dict[str, _Group] = {}
    for group in groups:
        known = usual.get(group.first.bundle)
        if known is None or len(group.rows) > len(known.rows):
            usual[group.first.bundle] = group
    head = ("CLUSTERS", "BUNDLE", "STATE", "REV", "VERSION", "UPDATED")
    columns = _columns([head, *(group.cells for group in shown)], width)
    result = [_line(head, columns)]
    for group in shown:
        result.append(_line(group.cells, columns))
        if not group.first.is_good or usual[group.first.bundle] is not group:
            names = ", ".join(sorted(_clean(row.cluster) for row in group.rows[:50]))
            result.append(_fit(f"{_INDENT}on {names}", width))
        result += _message(group.first, width)
    left = sum(len(group.rows) for group in groups[MAX_GROUPS:])
    if left:
        result.append(f"and {left} more rows, none of them worse than these")
    return result


def _groups(by_cluster: dict[str, list[Row]]) -> list[_Group]:
    alike: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for name in sorted(by_cluster):
        for row in by_cluster[name]:
            alike[row.bundle, row.state, row.version, row.message].append(row)
    groups = [_Group(tuple(rows)) for rows in alike.values()]
    return sorted(groups, key=lambda group: (-group.first.badness, group.first.bundle, -len(group.rows)))


def _all(by_cluster: dict[str, list[Row]]) -> Iterable[Row]:
    return (row for rows in by_cluster.values() for row in rows)


def _message(row: Row, width: int) -> list[str]:
    if row.is_good or not row.message:
        return []
    lines = [f"{_INDENT}{line}" for line in _wrapped(_clean(row.message), width - len(_INDENT))]
    if len(lines) > _MESSAGE_LINES:
        lines = [*lines[: _MESSAGE_LINES - 1], _fit(f"{lines[_MESSAGE_LINES - 1]} {_CUT}", width)]
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    # Nothing that is cut off in the end need be wrapped first.
    return textwrap.wrap(text[: width * (_MESSAGE_LINES + 1)], width, break_on_hyphens=False) or [""]


def _clusters(count: int) -> str:
    return f"{count} cluster" if count == 1 else f"{count} clusters"


def _short(state: str) -> str:
    """The state for a column; what Deployed leaves open stands below the table."""
    return _DEPLOYED if state == BundleState.DEPLOYED else state


def _minute(timestamp: str) -> str:
    """``2026-03-01 12:00`` of ``2026-03-01T12:00:59Z``."""
    return timestamp[:16].replace("T", " ")


def _columns(lines: Iterable[Sequence[str]], width: int) -> list[int]:
    """The width of each column; where all of them do not fit, the widest gives way."""
    columns = [max(map(_width, map(_clean, column))) for column in zip(*lines, strict=True)]
    room = width - len(_GAP) * (len(columns) - 1)
    while sum(columns) > room and max(columns) > _NARROWEST:
        columns[columns.index(max(columns))] -= 1
    return columns


def _line(cells: Sequence[str], columns: Sequence[int]) -> str:
    fitted = [(_fit(_clean(cell), size), size) for cell, size in zip(cells, columns, strict=True)]
    return _GAP.join(cell + " " * (size - _width(cell)) for cell, size in fitted).rstrip()


def _fit(text: str, width: int) -> str:
    if _width(text) <= width:
        return text
    room, result = width - 1, ""
    for character in text:
        room -= _width(character)
        if room < 0:
            break
        result += character
    return result + _CUT


def _width(text: str) -> int:
    """Columns on a terminal: wide characters of East Asia take two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _clean(text: str) -> str:
    """Text of others on one line and without control characters, which a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)
