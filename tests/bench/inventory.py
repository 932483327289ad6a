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
    """``run(program, *arguments)`` runs a program of Ansible's."""
    rows = [_at(directory / str(size), size, runs, run) for size in SIZES]
    return [
        f"## The inventory of a Fleet manager, {LABELS} labels on each cluster",
        "",
        "`ansible fleet --list-hosts`, which is what every play pays; the last column is `ansible-inventory --list "
        "--export`, as AWX calls it, of which most is Ansible's writing of JSON. The manager is simulated: Cluster "
        f"objects as Fleet writes them, LISTs in pages. Static YAML is read up to {STATIC_UP_TO:,} clusters only: it "
        "needs ten times the memory and time for ten times the clusters.",
        "",
        "| clusters | from the hub | from the cache | the same as static YAML | hub to YAML | cache to YAML "
        "| peak memory, hub | requests | for AWX, from the hub |",
        "|---|---|---|---|---|---|---|---|---|",
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
    static = directory / "static.yml"
    has_static = size <= STATIC_UP_TO
    # This fills the cache, too.
    run("ansible-inventory", "-i", cached, "--list", *(["--yaml", "--output", static] if has_static else []))

    def hosts(inventory: Path) -> Callable[[int], Usage]:
        return lambda _number: run("ansible", "-i", inventory, "fleet", "--list-hosts")

    files = [fresh, cached, *([static] if has_static else [])]
    asked = len(hub.server.requests)
    results = repeat(runs, *map(hosts, files))
    requests = (len(hub.server.requests) - asked) / runs
    whole = [run("ansible-inventory", "-i", fresh, "--list", "--export") for _ in range(runs)]
    hub.server.close()
    walls = [[usage.wall for usage in usages] for usages in results]
    cells = [
        f"{size:,}",
        *(spread(wall) for wall in walls),
        *_ratios(walls),
        f"{max(usage.memory for usage in results[0]):.0f} MiB",
        f"{requests:g}",
        f"{spread([usage.wall for usage in whole])}, {max(usage.memory for usage in whole):.0f} MiB",
    ]
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
