# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building bundles from a git repository, without Ansible: cold, after one changed file, and with nothing changed."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from .measure import Usage, repeat, spread

SIZES = (1, 10, 200, 1000)
LARGE = 10_000
"""Of the simplest bundles, to see whether the growth is linear."""
TEMPLATES = 8
"""Templates of a chart: with Chart.yaml and values.yaml it has ten files."""

Measure = Callable[[list[str]], Usage]
WORKER = "tests.bench.build_worker"


def bench_build(directory: Path, runs: int, helm: str, measure: Measure) -> list[str]:
    """``measure`` runs a command in the checkout."""
    rows = []
    for kind, write, sizes in (("one ConfigMap", _raw, (*SIZES, LARGE)), ("a chart of 10 files", _chart, SIZES)):
        for size in sizes:
            rows.append(_row(directory / f"{kind.split()[0]}-{size}", kind, size, write, runs, measure))
    chart = directory / "one-chart"
    _chart(chart, 0)
    (helm_template,) = repeat(runs, lambda _number: measure([helm, "template", "x", str(chart)]))
    (nothing,) = repeat(runs, lambda _number: measure([sys.executable, "-m", WORKER, "nothing"]))
    return [
        "## Building bundles",
        "",
        "From a git repository (`file://`) to the file that `fleet_deploy` takes, in one Python process that does "
        f"nothing else; its start and imports alone take {spread([usage.cpu for usage in nothing])} of CPU. "
        f"`helm template` of one such chart, for comparison: {spread([usage.cpu for usage in helm_template])} of CPU.",
        "",
        "| bundles | each of | cold, CPU | after one changed file, CPU | unchanged, CPU | peak memory, cold |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
    ]


def _row(directory: Path, kind: str, size: int, write: Callable[[Path, int], None], runs: int, measure: Measure) -> str:
    repository = directory / "repository"
    for number in range(size):
        write(repository / f"b{number:05d}", number)
    _git(repository, "init", "--quiet", "--initial-branch=main")
    _commit(repository, "first")
    command = [sys.executable, "-m", WORKER, str(repository), str(directory / "cache")]

    def cold(_number: int) -> Usage:
        shutil.rmtree(directory / "cache", ignore_errors=True)
        return measure(command)

    def changed(number: int) -> Usage:
        write(repository / "b00000", number + size)
        _commit(repository, f"change {number}")
        return measure(command)

    first, after_change, unchanged = repeat(runs, cold, changed, lambda _number: measure(command))
    shutil.rmtree(directory)
    cells = [spread([usage.cpu for usage in usages]) for usages in (first, after_change, unchanged)]
    memory = max(usage.memory for usage in first)
    return f"| {size:,} | {kind} | {' | '.join(cells)} | {memory:.0f} MiB |"


def _raw(directory: Path, number: int) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory / "fleet.yaml", "defaultNamespace: bench\n")
    _write(directory / "configmap.yaml", _config_map("one", number))


def _chart(directory: Path, number: int) -> None:
    (directory / "templates").mkdir(parents=True, exist_ok=True)
    _write(directory / "Chart.yaml", "apiVersion: v2\nname: bench\nversion: 1.0.0\n")
    _write(directory / "values.yaml", f"number: {number}\n")
    for template in range(TEMPLATES):
        _write(directory / "templates" / f"t{template}.yaml", _config_map(f"t{template}", number))


def _config_map(name: str, number: int) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  number: '{number}'\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _commit(repository: Path, message: str) -> None:
    _git(repository, "add", "--all")
    _git(repository, "-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "--quiet", "-m", message)


def _git(repository: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(repository), *arguments], check=True)
