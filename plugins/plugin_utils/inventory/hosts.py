# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the clusters become hosts, and what these are called."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from fnmatch import fnmatchcase

from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.selector import Predicate

from .record import Record, some_of

# Ansible treats hosts of these names in a way of its own.
_NAMES_OF_LOCALHOST = frozenset({"localhost", "127.0.0.1", "::1"})

_HOST_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")


def choose(
    records: Sequence[Record],
    selects: Predicate,
    names: Sequence[str] = (),
    exclude_names: Sequence[str] = (),
    states: Sequence[str] = (),
) -> list[Record]:
    """The clusters that are wanted: by labels, then by name patterns, of which the excluding ones win, and by state.

    A pattern is compared with the name and with ``workspace.name``. A cluster of which no state is
    known is taken.
    """
    wanted = _any_of(names or ["*"])
    unwanted = _any_of(exclude_names)
    return [
        record
        for record in records
        if selects(record.cluster.labels) and wanted(record) and not unwanted(record) and _has_state(record, states)
    ]


def _has_state(record: Record, states: Sequence[str]) -> bool:
    state = record.status.get("state") or ""
    return not states or not state or any(fnmatchcase(state, pattern) for pattern in states)


def _any_of(patterns: Sequence[str]) -> Callable[[Record], bool]:
    def matches(record: Record) -> bool:
        return any(
            fnmatchcase(record.cluster.name, pattern) or fnmatchcase(record.full_name, pattern) for pattern in patterns
        )

    return matches


def without_collisions(records: Sequence[Record], *, first_counts: bool = False) -> tuple[list[Record], list[str]]:
    """The clusters, no two of one name and workspace, and warnings of those that were left out for that.

    They are never merged. Unless the first of several is to count, that raises :class:`FleetError`.
    """
    seen: dict[str, Record] = {}
    warnings = []
    for record in records:
        other = seen.setdefault(record.full_name, record)
        if other is record:
            continue
        if not first_counts:
            raise FleetError(
                f"there are two clusters {record.cluster.name} in workspace {record.cluster.namespace}: "
                f"{_where(other)} and {_where(record)}",
                remedy="Give one of them another name or workspace, leave it out with exclude_names, or let the first "
                "count with on_collision: first. For kubeconfig files whose contexts all have the same name, "
                "names_from: file helps.",
            )
        warnings.append(f"cluster {record.full_name} is that of {_where(other)}; {_where(record)} is left out")
    return list(seen.values()), some_of(warnings)


def _where(record: Record) -> str:
    return f"{record.place or record.connection} (source {record.source})"


def host_names(records: Sequence[Record], taken: Collection[str] = (), *, full: bool = False) -> list[str]:
    """The host name of each record: the cluster's own name where that is unique, else ``workspace.name``.

    ``taken`` are names that must not be used in short: those of groups, and of hosts of other
    inventory files. A workspace has no dots, so the full names are unique and never mistaken.
    """
    full_names = [record.full_name for record in records]
    if full:
        return full_names
    not_short = {*taken, *full_names, *_NAMES_OF_LOCALHOST}
    count = Counter(record.cluster.name for record in records)
    return [
        record.cluster.name if count[record.cluster.name] == 1 and record.cluster.name not in not_short else full_name
        for record, full_name in zip(records, full_names, strict=True)
    ]


def check_host_names(names: Sequence[str], records: Sequence[Record], taken: Collection[str] = ()) -> None:
    """Raise :class:`FleetError` where a name that a template gave is not unique, taken, or no name of a host."""
    seen: dict[str, Record] = {}
    for name, record in zip(names, records, strict=True):
        place = f"hostnames, cluster {record.full_name}"
        if not _HOST_NAME.fullmatch(name) or name in _NAMES_OF_LOCALHOST:
            raise FleetError(
                f"{name[:100]!r} is no name that a host can have here",
                place=place,
                remedy="It may have letters, digits, and - _ . between them.",
            )
        if name in seen or name in taken:
            whose = f"cluster {seen[name].full_name}" if name in seen else "a group or another host"
            raise FleetError(
                f"{name} is the name of {whose}, too", place=place, remedy="Let it name the workspace, too."
            )
        seen[name] = record
