# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``rolloutStrategy``: in which partitions the clusters of a bundle are served, and how many may be down meanwhile.

The rules are those of ``internal/cmd/controller/target/{rollout,status}.go`` in rancher/fleet, the odd
ones too: a cluster that no partition names is never served.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import FleetError
from .criteria import Candidate, Criteria
from .deployment import BundleDeployment

DEFAULT_PARTITION_SIZE = "25%"
DEFAULT_THRESHOLD = 200
"""With fewer clusters than this there is one partition for all, unless partitions are given."""

DEFAULT_MAX_NEW = 50

Matched = Sequence[tuple[Candidate, BundleDeployment]]


@dataclass(frozen=True)
class Partition:
    """Clusters that are served together. ``max_unavailable`` of them may be down or not up to date."""

    name: str
    max_unavailable: int
    deployments: tuple[BundleDeployment, ...]


@dataclass(frozen=True)
class Rollout:
    """The partitions in order. The next is begun while at most ``max_unavailable_partitions`` are unavailable.

    ``max_unavailable`` holds over all partitions; ``max_new`` is how many clusters may get the bundle
    for the first time in one go.
    """

    partitions: tuple[Partition, ...]
    max_unavailable: int
    max_unavailable_partitions: int
    max_new: int

    @property
    def deployments(self) -> list[BundleDeployment]:
        """Those of all partitions, each once, by cluster name."""
        if len(self.partitions) == 1:
            return list(self.partitions[0].deployments)
        found = {
            deployment.cluster.name: deployment for partition in self.partitions for deployment in partition.deployments
        }
        return [found[name] for name in sorted(found)]


def plan(strategy: Mapping[str, Any] | None, matched: Matched) -> Rollout:
    """Partition the deployments of a bundle. Raises FleetError for a limit or selector that is wrong."""
    if strategy is None or not matched:
        strategy = {}
    max_new = strategy.get("maxNew")
    try:
        partitions = _manual(strategy, matched) if strategy.get("partitions") else _automatic(strategy, matched)
        return Rollout(
            partitions=tuple(partitions),
            max_unavailable=limit(len(matched), strategy.get("maxUnavailable")),
            max_unavailable_partitions=limit(len(partitions), strategy.get("maxUnavailablePartitions"), 0),
            max_new=DEFAULT_MAX_NEW if max_new is None else max_new,
        )
    except FleetError as error:
        raise error.at("rolloutStrategy") from error


def limit(count: int, *values: int | str | None) -> int:
    """The first value that is set (default 100%), as a number of ``count``.

    A percentage is rounded down, but to no less than 1; a number is at least 0 and at most
    ``count``. Raises FleetError for a string that is neither.
    """
    if count <= 0:
        return 1
    value = next((value for value in values if value is not None), "100%")
    if isinstance(value, int):
        return min(max(value, 0), count)
    number = _positive(value)
    if number:
        return number
    try:
        if not value.endswith("%"):
            raise ValueError
        percent = float(value[:-1])
    except ValueError:
        raise FleetError(
            f"{value!r} is neither a number nor a percentage", remedy="Write a number, or a percentage such as 25%."
        ) from None
    return min(max(int(count * percent) // 100, 1), count) if percent > 0 else 1


def _positive(text: str) -> int:
    """A whole number written as a string; 0 if it is not one."""
    digits = text.removeprefix("+")
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _manual(strategy: Mapping[str, Any], matched: Matched) -> list[Partition]:
    result = []
    for definition in strategy["partitions"]:
        criteria = Criteria(definition)
        members = [
            deployment
            for candidate, deployment in matched
            if criteria.matches_any_view(candidate.names, candidate.kind)
        ]
        allowed = limit(len(members), definition.get("maxUnavailable"), strategy.get("maxUnavailable"))
        result.append(Partition(definition.get("name") or "", allowed, tuple(members)))
    return result


def _automatic(strategy: Mapping[str, Any], matched: Matched) -> list[Partition]:
    members = tuple(deployment for _unused, deployment in matched)
    size, threshold = strategy.get("autoPartitionSize"), strategy.get("autoPartitionThreshold")
    threshold = DEFAULT_THRESHOLD if threshold is None else threshold
    unavailable = strategy.get("maxUnavailable")
    if (isinstance(size, int) and size <= 0) or threshold <= 0 or len(members) < threshold:
        return [Partition("All", limit(len(members), unavailable), members)]
    step = limit(len(members), size, DEFAULT_PARTITION_SIZE)
    result = []
    for start in range(0, len(members), step):
        part = members[start : start + step]
        result.append(Partition(f"Partition {start} - {start + len(part)}", limit(len(part), unavailable), part))
    return result
