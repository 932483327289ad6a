# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources that an inventory file may list. A new kind of source is a module and a line in ``READERS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import ClusterGroup

from . import capi_source, file_source, fleet_source, hub_source, kubeconfig_source, rancher_source
from .record import LabelCheck, Record, check_workspace
from .snapshot import SnapshotCache
from .source import Source
from .yaml_file import line_in

READERS: dict[str, tuple[Callable[[Source], list[Record]], frozenset[str]]] = {
    "fleet": (partial(hub_source.read, fetch=fleet_source.fetch), fleet_source.OPTIONS),
    "file": (file_source.read, file_source.OPTIONS),
    "kubeconfig": (kubeconfig_source.read, kubeconfig_source.OPTIONS),
    "rancher": (partial(hub_source.read, fetch=rancher_source.fetch), rancher_source.OPTIONS),
    "capi": (partial(hub_source.read, fetch=capi_source.fetch), capi_source.OPTIONS),
}
"""By type: what reads it, and the options that it has beside those that all have."""

_COMMON_OPTIONS = frozenset({"type", "name", "workspace", "labels"})


@dataclass(frozen=True)
class Found:
    """The clusters and ClusterGroups of all sources, in their order. ``broken`` are the errors of those that failed."""

    records: list[Record] = field(default_factory=list)
    broken: list[FleetError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    cluster_groups: list[ClusterGroup] = field(default_factory=list)


def read_sources(
    entries: Sequence[Any], inventory_file: str, workspace: str, cache: SnapshotCache | None = None
) -> Found:
    """Read every source. ``workspace`` is for those that say none.

    A mistake in the inventory file raises :class:`FleetError`; a source that cannot be read does not.
    """
    check_labels = LabelCheck()
    cache = cache or SnapshotCache()
    found = Found()
    for source in [
        _source(entry, number, inventory_file, workspace, check_labels, cache) for number, entry in enumerate(entries)
    ]:
        reader, _options = READERS[source.options["type"]]
        try:
            found.records.extend(reader(source))
        except FleetError as error:
            found.broken.append(error)
        found.warnings.extend(source.warnings)
        found.cluster_groups.extend(source.cluster_groups)
    return found


def _source(
    entry: Any, number: int, inventory_file: str, workspace: str, check_labels: LabelCheck, cache: SnapshotCache
) -> Source:
    kind = entry.get("type") if isinstance(entry, Mapping) else None
    if kind not in READERS:
        raise FleetError(
            f"source {number + 1} has type {kind!r}",
            place=line_in(inventory_file, "sources", number),
            remedy=f"Its type may be: {', '.join(READERS)}.",
        )
    allowed = READERS[kind][1] | _COMMON_OPTIONS
    unknown = sorted(set(entry) - allowed, key=str)
    if unknown:
        raise FleetError(
            f"a source of type {kind} has no option {unknown[0]}",
            place=line_in(inventory_file, "sources", number, unknown[0]),
            remedy=f"It may have: {', '.join(sorted(allowed))}.",
        )
    try:
        return Source(
            name=str(entry.get("name") or kind),
            number=number,
            inventory_file=inventory_file,
            options=entry,
            workspace=check_workspace(entry.get("workspace") or workspace),
            labels=check_labels(entry.get("labels") or {}),
            check_labels=check_labels,
            cache=cache,
        )
    except FleetError as error:
        raise error.at(line_in(inventory_file, "sources", number)) from error
