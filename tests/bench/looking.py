# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What looking costs: health, differences, manifests and the table, at three sizes each. CPU seconds, median of 5.

Run it with ``python tests/bench/looking.py`` from a checkout with ``build/collections``.
"""

from __future__ import annotations

import copy
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "build/collections"))

from ansible_collections.gitops.fleet.plugins.module_utils.deploy.diff import plan_diff  # noqa: E402
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.health.kinds import health  # noqa: E402
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.manifest import parse_manifest  # noqa: E402
from ansible_collections.gitops.fleet.plugins.module_utils.status.table import Row, table  # noqa: E402

OBJECTS = CHECKOUT / "tests/integration/objects.yaml"
REPEAT = 5


def measure(work: Callable[[], object]) -> float:
    """CPU seconds of one call, the median of several."""
    times = []
    for _ in range(REPEAT):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return statistics.median(times)


def show(what: str, sizes: dict[int, Callable[[], object]]) -> None:
    figures = ", ".join(f"{size:,}: {measure(work):.3f} s" for size, work in sizes.items())
    print(f"{what:44} {figures}")


def deployment(number: int) -> dict:
    """A Deployment of everyday size, as the API server gives it."""
    container = {
        "name": "app",
        "image": f"nginx:{number}",
        "env": [{"name": f"V{index}", "value": "x"} for index in range(10)],
        "ports": [{"containerPort": 80, "protocol": "TCP"}],
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    }
    pod = {"containers": [container], "volumes": [{"name": "v", "emptyDir": {}}], "dnsPolicy": "ClusterFirst"}
    counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), 2)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"web-{number}", "namespace": "shop", "generation": 1, "labels": {"app": "web"}},
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": {"spec": pod}},
        "status": {**counts, "observedGeneration": 1, "conditions": [{"type": "Available", "status": "True"}]},
    }


def changed(obj: dict) -> dict:
    other = copy.deepcopy(obj)
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:new"
    return other


def rows(clusters: int) -> list[Row]:
    """Fifty bundles on each cluster, one in a thousand not well."""
    return [
        Row(
            f"cluster-{cluster:05}",
            f"bundle-{bundle:02}",
            "NotReady" if (cluster * 50 + bundle) % 1000 == 7 else "Ready",
            str(cluster % 5),
            "1.2.3",
            "2026-03-01T12:00:00Z",
            "Deployment shop/web: 0 of 2 replicas available" if (cluster * 50 + bundle) % 1000 == 7 else "",
        )
        for cluster in range(clusters)
        for bundle in range(50)
    ]


def main() -> None:
    objects = [deployment(number) for number in range(10_000)]
    others = [changed(obj) for obj in objects[:1000]]
    text = OBJECTS.read_text(encoding="utf-8")
    table_rows = {size: rows(size) for size in (100, 300, 1000)}
    show("health, objects", {n: lambda n=n: [health(obj) for obj in objects[:n]] for n in (1000, 3000, 10_000)})
    show(
        "differences, objects that are as they should be",
        {n: lambda n=n: [plan_diff(obj, obj, obj) for obj in objects[:n]] for n in (100, 300, 1000)},
    )
    show(
        "differences, objects that all differ",
        {
            n: lambda n=n: [plan_diff(a, b, a) for a, b in zip(objects[:n], others[:n], strict=True)]
            for n in (100, 300, 1000)
        },
    )
    show("manifests of 25 objects", {n: lambda n=n: [parse_manifest(text) for _ in range(n)] for n in (1, 3, 10)})
    show("table, clusters with 50 bundles each", {n: lambda n=n: table(table_rows[n]) for n in table_rows})


if __name__ == "__main__":
    main()
