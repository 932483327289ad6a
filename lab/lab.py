# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole lab: its clusters in one state directory, and the files that describe them to others."""

import fcntl
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from . import binaries, kubeconfigs
from .cluster import Cluster
from .components import ALL
from .errors import LabError
from .processes import write_private
from .specification import DEFAULT_COUNT, WORKSPACE, specifications

# As many as have names in order.
MOST = 99

STATE = Path(__file__).parent.parent / "build" / "lab"


class Lab:
    """The lab in the directory ``state``: of the checkout, or of a test."""

    def __init__(self, state: Path = STATE):
        self.state = Path(state).absolute()
        # All contexts in one, named as the clusters; and the clusters for the inventory plugin.
        self.kubeconfig = self.state / "kubeconfig"
        self.inventory = self.state / "clusters.yaml"

    def clusters(self) -> list[Cluster]:
        """The clusters that were brought up and not taken down, whether all their parts run or not."""
        possible = (Cluster(self.state, specification) for specification in specifications(MOST))
        return [cluster for cluster in possible if cluster.directory.is_dir()]

    def cluster(self, name: str) -> Cluster:
        """The cluster of this name. Raises LabError."""
        for cluster in self.clusters():
            if cluster.name == name:
                return cluster
        raise LabError(f"the lab has no cluster {name}; it has {', '.join(c.name for c in self.clusters()) or 'none'}")

    def up(self, count: int | None = None) -> None:
        """Bring up the first ``count`` clusters, and what is there already. Harmless when all is up.

        Raises LabError when one of them does not come up; the others do all the same.
        """
        if count is not None and not 1 <= count <= MOST:
            raise LabError(f"the lab has 1 to {MOST} clusters, not {count}")
        _require_linux()
        programs = binaries.directory()
        with self._lock():
            wanted = [Cluster(self.state, specification) for specification in specifications(count or DEFAULT_COUNT)]
            known = {cluster.name for cluster in wanted}
            clusters = wanted + [cluster for cluster in self.clusters() if cluster.name not in known]
            _in_parallel(clusters, lambda cluster: _bring_up(cluster, programs))
            self._describe(clusters)

    def down(self) -> None:
        """End what was started here and nothing else, then forget the clusters."""
        if not self.state.is_dir():
            return
        with self._lock():
            for path in (self.kubeconfig, self.inventory):
                path.unlink(missing_ok=True)
            _in_parallel(self.clusters(), _take_down)

    def describe_contexts(self, clusters: Sequence[dict]) -> None:
        """Describe clusters that are not ours to the inventory plugin, instead of those of the lab."""
        with self._lock():
            self._write_inventory(clusters)

    def _describe(self, clusters: Sequence[Cluster]) -> None:
        documents = [kubeconfigs.read(cluster.kubeconfig) for cluster in clusters]
        kubeconfigs.write(self.kubeconfig, kubeconfigs.combined(documents))
        self._write_inventory(
            [
                {
                    "name": cluster.name,
                    "workspace": WORKSPACE,
                    "labels": cluster.specification.labels,
                    "kubeconfig": str(cluster.kubeconfig),
                    "context": cluster.name,
                }
                for cluster in clusters
            ]
        )

    def _write_inventory(self, clusters: Sequence[dict]) -> None:
        write_private(self.inventory, yaml.safe_dump({"clusters": list(clusters)}, sort_keys=False).encode())

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One command at a time works on a lab; a lock goes away with the command that holds it."""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(self.state / "lock", "w", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("waiting for another lab command to end")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield


def say(text: str) -> None:
    """Tell the user what is being done."""
    print(f"lab: {text}", file=sys.stderr, flush=True)


def _bring_up(cluster: Cluster, programs: Path) -> None:
    begin = time.monotonic()
    complete = all(cluster.is_running(component) for component in ALL)
    cluster.up(programs)
    state = "is up" if complete else f"came up in {time.monotonic() - begin:.1f} s"
    say(f"{cluster.name} {state} at {cluster.url}")


def _take_down(cluster: Cluster) -> None:
    ended = cluster.stop()
    shutil.rmtree(cluster.directory)
    say(f"{cluster.name} is gone ({ended} processes ended)")


def _in_parallel(clusters: Sequence[Cluster], work: Callable[[Cluster], None]) -> None:
    """Do ``work`` on all clusters at once; raise LabError at the end for those on which it failed.

    The threads are daemons so that Ctrl-C ends the command at once; what they started is known by its pid
    files, and the next command finds it.
    """
    failures: list[str] = []

    def attempt(cluster: Cluster) -> None:
        try:
            work(cluster)
        except LabError as error:
            failures.append(str(error))
        except Exception as error:  # a thread that ends otherwise would not be missed
            failures.append(f"{cluster.name}: {type(error).__name__}: {error}")

    threads = [threading.Thread(target=attempt, args=(cluster,), daemon=True) for cluster in clusters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise LabError("\n".join(failures))


def _require_linux() -> None:
    if not Path("/proc/self/stat").exists():
        raise LabError(
            'the lab needs Linux (its /proc); elsewhere name clusters of your own: make lab-up CONTEXTS="a b"'
        )
