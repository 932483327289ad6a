# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the clusters become hosts, and what these are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from fnmatch import fnmatchcase

from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.selector import Predicate

from .record import Record

# Ansible treats hosts of these names in a way of its own.
_NAMES_OF_LOCALHOST = frozenset({"localhost", "127.0.0.1", "::1"})


def choose(
    records: Sequence[Record], selects: Predicate, names: Sequence[str], exclude_names: Sequence[str]
) -> list[Record]:
    """The clusters that are wanted: by labels, then by name patterns, of which the excluding ones win.

    A pattern is compared with the name and with ``workspace.name``.
    """
    wanted = _any_of(names or ["*"])
    unwanted = _any_of(exclude_names)
    return [record for record in records if selects(record.cluster.labels) and wanted(record) and not unwanted(record)]


def _any_of(patterns: Sequence[str]) -> Callable[[Record], bool]:
    def matches(record: Record) -> bool:
        return any(
            fnmatchcase(record.cluster.name, pattern) or fnmatchcase(record.full_name, pattern) for pattern in patterns
        )

    return matches


def check_unique(records: Sequence[Record]) -> None:
    """Raise :class:`FleetError` where two sources bring clusters of one name: they are never merged."""
    seen: dict[str, Record] = {}
    for record in records:
        other = seen.setdefault(record.full_name, record)
        if other is not record:
            raise FleetError(
                f"there are two clusters {record.cluster.name} in workspace {record.cluster.namespace}: "
                f"{_where(other)} and {_where(record)}",
                remedy="Give one of them another name or workspace, or leave it out with exclude_names. For kubeconfig "
                "files whose contexts all have the same name, names_from: file helps.",
            )


def _where(record: Record) -> str:
    return f"{record.place or record.kubeconfig} (source {record.source})"


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
