# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin at a fleet's size: clusters of a simulated hub, against the same inventory as static YAML."""

import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from .measure import Usage, median, repeat, spread

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from simulated_hub import SimulatedHub, fleet_cluster, fleet_objects

SIZES = (100, 1000, 10_000)
STATIC_UP_TO = 1000
LABELS = 50

Run = Callable[..., Usage]


def bench_inventory(directory: Path, runs: int, run: Run) -> list[str]:
    """``run(*arguments)`` runs ``ansible-inventory``."""
    rows = [_at(directory / str(size), size, runs, run) for size in SIZES]
    return [
        f"## The inventory of a Fleet manager, {LABELS} labels on each cluster",
        "",
        "`ansible-inventory --list --export`, as AWX calls it. The manager is simulated: Cluster objects as Fleet "
        f"writes them, LISTs in pages. Static YAML is read up to {STATIC_UP_TO:,} clusters only: it needs ten times "
        "the memory and time for ten times the clusters.",
        "",
        "| clusters | from the hub | from the cache | the same as static YAML | hub to YAML | cache to YAML "
        "| peak memory, hub | requests |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
        "",
    ]


def _at(directory: Path, size: int, runs: int, run: Run) -> str:
    directory.mkdir(parents=True)
    clusters = (fleet_cluster(f"c{number:05}", labels=_labels(number)) for number in range(size))
    hub = SimulatedHub(directory, fleet_objects(clusters))
    hub.kubeconfig(directory / "hub")
    fresh = _inventory(directory / "hub.fleet.yml", {})
    cached = _inventory(
        directory / "cached.fleet.yml",
        {
            "cache": True,
            "cache_plugin": "ansible.builtin.jsonfile",
            "cache_connection": str(directory / "cache"),
        },
    )
    measured = [
        lambda _number: run("-i", fresh, "--list", "--export"),
        lambda _number: run("-i", cached, "--list", "--export"),
    ]
    run("-i", cached, "--list", "--yaml", "--output", directory / "static.yml")
    if size <= STATIC_UP_TO:
        measured.append(lambda _number: run("-i", directory / "static.yml", "--list", "--export"))
    asked = len(hub.server.requests)
    results = repeat(runs, *measured)
    requests = (len(hub.server.requests) - asked) / runs
    hub.server.close()
    walls = [[usage.wall for usage in usages] for usages in results]
    memory = max(usage.memory for usage in results[0])
    cells = [f"{size:,}", *(spread(wall) for wall in walls), *_ratios(walls), f"{memory:.0f} MiB", f"{requests:g}"]
    return f"| {' | '.join(cells)} |"


def _ratios(walls: list[list[float]]) -> list[str]:
    """Run by run, those from the hub and from the cache to static YAML."""
    if len(walls) < 3:
        return ["not run", "–", "–"]
    return [f"{median([one / other for one, other in zip(wall, walls[2], strict=True)]):.2f} ×" for wall in walls[:2]]


def _inventory(path: Path, options: dict) -> Path:
    sources = [{"type": "fleet", "kubeconfig": "hub"}]
    document = {"plugin": "gitops.fleet.clusters", "sources": sources, **options}
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def _labels(number: int) -> dict[str, str]:
    """A handful of values for most keys, as environments and regions have."""
    return {f"example.com/key-{key:02}": f"value-{(number + key) % 5}" for key in range(LABELS)}
