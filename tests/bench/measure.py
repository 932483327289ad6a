# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring commands: CPU of the whole process tree, wall time, and the peak memory of its largest process."""

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    """What one run took: seconds of CPU (user and system) and of wall time, MiB of its largest process."""

    cpu: float
    wall: float
    memory: float


def measure(command: Sequence[str], environment: Mapping[str, str], directory: Path, log: Path) -> Usage:
    """Run ``command`` to its end, its output in ``log``; it must succeed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=dict(environment), cwd=directory, stdout=output, stderr=output)
        _pid, status, own = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)} failed; {log} says why")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Usage(cpu, wall, own.ru_maxrss / 1024)


def repeat(runs: int, *measurements: Callable[[int], Usage]) -> list[list[Usage]]:
    """Each measurement ``runs`` times, in turn (A B A B …), so that a machine that drifts drifts for all."""
    results: list[list[Usage]] = [[] for _ in measurements]
    for number in range(runs):
        for result, measurement in zip(results, measurements, strict=True):
            result.append(measurement(number))
    return results


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float], unit: str = "s") -> str:
    """``median (least–most)``."""
    return f"{median(values):.2f} {unit} ({min(values):.2f}–{max(values):.2f})"
