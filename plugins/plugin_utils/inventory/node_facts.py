# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the nodes of clusters say: one LIST a cluster, several clusters at a time, within a time limit."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.gitops.fleet.plugins.module_utils.deploy.quantity import parse_quantity
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError, Unreachable
from ansible_collections.gitops.fleet.plugins.module_utils.kube.client import Client
from ansible_collections.gitops.fleet.plugins.module_utils.kube.hubs import Hubs
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory

from .hub_source import condition, mapping, text
from .record import Record
from .snapshot import SnapshotCache

SYSTEMS = ("linux", "windows")
"""Operating systems that have a group of the clusters with such nodes: ``linux_nodes``, ``windows_nodes``."""

_LONGEST_REQUEST = 10
_MOST_SHOWN = 3


@dataclass
class NodeFacts:
    """Gathers the variable ``fleet_cluster.nodes``. ``timeout`` is in seconds, for all clusters together."""

    workers: int
    timeout: float
    warnings: list[str] = field(default_factory=list)

    def __call__(self, records: Sequence[Record], cache: SnapshotCache) -> list[Record]:
        """The records with what their nodes say; as they were where that could not be asked."""
        identity = ["nodes", sorted(f"{record.full_name} {record.connection}" for record in records)]
        facts = cache.valid(identity)
        if facts is None:
            facts = self._gathered(records)
            cache.keep(identity, facts)
        return [replace(record, nodes=facts.get(record.full_name)) for record in records]

    def _gathered(self, records: Sequence[Record]) -> dict[str, Any]:
        give_up = time.monotonic() + self.timeout
        reachable = [record for record in records if record.connection is not None]
        with (
            RunDirectory() as run,
            Hubs(run.path, min(_LONGEST_REQUEST, self.timeout)) as hubs,
            ThreadPoolExecutor(self.workers, thread_name_prefix="nodes") as pool,
        ):

            def ask(record: Record) -> dict[str, Any] | FleetError:
                left = give_up - time.monotonic()
                if left <= 0:
                    return FleetError(f"cluster {record.full_name} was not asked within {self.timeout:g} s")
                client = Client(
                    record.connection,
                    temp_directory=run.path,
                    timeout=min(_LONGEST_REQUEST, left),
                    read=hubs.load,
                )
                try:
                    return summary(client.list("/api/v1/nodes"))
                except FleetError as error:
                    return error.at(f"cluster {record.full_name}")
                finally:
                    client.close()

            answers = list(pool.map(ask, reachable))
        self._tell([answer for answer in answers if isinstance(answer, FleetError)], len(reachable))
        return {
            record.full_name: answer
            for record, answer in zip(reachable, answers, strict=True)
            if not isinstance(answer, FleetError)
        }

    def _tell(self, errors: Sequence[FleetError], asked: int) -> None:
        if errors:
            shown = " ".join(str(error) for error in errors[:_MOST_SHOWN])
            self.warnings.append(f"{len(errors)} of {asked} clusters told nothing of their nodes: {shown}")


def summary(nodes: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Nodes in numbers: how many, of them ready, versions, systems, architectures, what they can hold.

    CPU is in cores, memory in bytes, as allocatable to pods.
    """
    count = ready = 0
    versions: set[str] = set()
    systems: Counter[str] = Counter()
    architectures: Counter[str] = Counter()
    cpu = memory = pods = 0.0
    for node in nodes:
        if not isinstance(node.get("metadata", {}), dict):
            raise Unreachable("GET /api/v1/nodes was answered with something that is no list of nodes")
        count += 1
        information = mapping(node, "status", "nodeInfo")
        ready += condition(mapping(node, "status").get("conditions"), "Ready").get("status") == "True"
        versions.add(text(information.get("kubeletVersion")))
        labels = mapping(node, "metadata", "labels")
        systems[text(labels.get("kubernetes.io/os") or information.get("operatingSystem"))] += 1
        architectures[text(labels.get("kubernetes.io/arch") or information.get("architecture"))] += 1
        room = mapping(node, "status", "allocatable")
        cpu += float(parse_quantity(room.get("cpu")) or 0)
        memory += float(parse_quantity(room.get("memory")) or 0)
        pods += float(parse_quantity(room.get("pods")) or 0)
    return {
        "count": count,
        "ready": ready,
        "versions": sorted(versions - {""}),
        "os": {name: number for name, number in sorted(systems.items()) if name},
        "architectures": {name: number for name, number in sorted(architectures.items()) if name},
        "allocatable": {"cpu": round(cpu, 3), "memory": int(memory), "pods": int(pods)},
    }
