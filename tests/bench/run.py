# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make bench``: the push engine beside what people use today, in one run, written to docs/benchmarks.md.

Everything is real: git repositories, the lab's API servers, Helm. Ratios are what counts; the
seconds are those of the machine that ran it.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from .build import bench_build
from .inventory import bench_inventory
from .measure import Usage, measure, median, repeat, spread

CHECKOUT = Path(__file__).resolve().parents[2]
LAB = CHECKOUT / "build" / "lab"
CLUSTERS = ("prod-eu", "prod-us", "dev-eu")
PLAYBOOK = CHECKOUT / "playbooks" / "deploy.yml"
HERE = Path(__file__).resolve().parent
PAGE = CHECKOUT / "docs" / "benchmarks.md"
PARTS = ["deploy", "idle", "results", "build", "inventory"]
_SECTION = re.compile(r"<!-- part (\w+) -->\n(.*?)(?=\n<!-- part |\Z)", re.DOTALL)


@dataclass(frozen=True)
class Bench:
    """Where a benchmark works, and with what."""

    directory: Path
    runs: int
    helm: str
    virtual_environments: dict[str, Path]

    @property
    def helm_3(self) -> Path:
        """Of the lab: kubernetes.core knows no later one."""
        return Path(self.helm).with_name("helm3")

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "build" / "collections"),
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "FLEET_HELM": self.helm,
            "GITOPS_FLEET_OWNER": "bench",
            "XDG_CACHE_HOME": str(self.directory / "cache"),
        }

    @property
    def log(self) -> Path:
        return self.directory / "last.log"

    def ansible(self, *arguments: str, version: str = "2.19") -> Usage:
        return self.program("ansible-playbook", *arguments, version=version)

    def program(self, name: str, *arguments: str | Path, version: str = "2.19") -> Usage:
        command = [str(self.virtual_environments[version] / "bin" / name), *map(str, arguments)]
        return measure(command, self.environment, CHECKOUT, self.log)

    def python(self, command: list[str]) -> Usage:
        """A program in the checkout that finds the collection without Ansible."""
        environment = {**self.environment, "PYTHONPATH": str(CHECKOUT / "build" / "collections")}
        return measure(command, environment, CHECKOUT, self.log)

    def repository(self, name: str, bundles: int, content: str) -> Path:
        """A git repository of ``bundles`` raw bundles, one ConfigMap each."""
        root = self.directory / "git" / name
        for number in range(bundles):
            bundle = root / f"b{number:03d}"
            bundle.mkdir(parents=True, exist_ok=True)
            (bundle / "fleet.yaml").write_text(f"defaultNamespace: bench-{name}\n", encoding="utf-8")
            (bundle / "configmap.yaml").write_text(_configmap(f"b{number:03d}", content), encoding="utf-8")
        git = ["git", "-C", str(root), "-c", "user.name=bench", "-c", "user.email=bench@example.com"]
        if not (root / ".git").exists():
            subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], check=True)
        subprocess.run([*git, "add", "--all"], check=True)
        subprocess.run([*git, "commit", "--quiet", "--message", content], check=True)
        return root

    def deploy(self, name: str, *options: str) -> Usage:
        gitrepo = {
            "name": name,
            "repo": f"file://{self.directory / 'git' / name}",
            "branch": "main",
            "targets": [{"name": "all", "clusterSelector": {}}],
        }
        variables = self.directory / f"{name}.json"
        variables.write_text(json.dumps({"fleet_gitrepos": [gitrepo]}), encoding="utf-8")
        return self.ansible("-i", str(self.inventory), str(PLAYBOOK), "-e", f"@{variables}", *options)

    @property
    def inventory(self) -> Path:
        """The three clusters, in the form that a user writes."""
        path = self.directory / "bench.clusters.yml"
        if not path.exists():
            document = {
                "plugin": "gitops.fleet.clusters",
                "sources": [
                    {"type": "kubeconfig", "path": str(LAB / name / "kubeconfig"), "contexts": [name]}
                    for name in CLUSTERS
                ],
            }
            path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    def empty_play(self, version: str = "2.19") -> Usage:
        return self.ansible("-i", str(self.inventory), str(HERE / "empty.yml"), version=version)

    def kubectl(self, cluster: str, *arguments: str) -> None:
        subprocess.run(
            ["kubectl", "--kubeconfig", str(LAB / cluster / "kubeconfig"), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def remove_namespaces(self, names: Iterable[str]) -> None:
        for cluster in CLUSTERS:
            self.kubectl(cluster, "delete", "namespace", "--ignore-not-found", "--wait=false", *names)


def bench_deploy(bench: Bench, bundles: int) -> list[str]:
    """Deploy ``bundles`` × 3 clusters, against a loop of bare Helm with the same number of processes at once."""
    charts = bench.directory / "charts"
    for number in range(bundles):
        _chart(charts / f"b{number:03d}", f"b{number:03d}", "one")

    def ours(number: int) -> Usage:
        bench.repository(f"ours{number}", bundles, "one")
        return bench.deploy(f"ours{number}")

    def bare(number: int) -> Usage:
        script = bench.directory / "bare.sh"
        script.write_text(_bare_loop(bench.helm, charts, bundles, f"bench-bare{number}"), encoding="utf-8")
        return measure(["/bin/sh", str(script)], bench.environment, CHECKOUT, bench.log)

    mine, theirs, nothing = repeat(bench.runs, ours, bare, lambda _number: bench.empty_play())
    bench.remove_namespaces([f"bench-{kind}{number}" for kind in ("ours", "bare") for number in range(bench.runs)])
    title = f"First deploy of {bundles} bundles × {len(CLUSTERS)} clusters, 8 at a time, waiting for health"
    return _compared(title, mine, "`helm upgrade --install` in a loop (`xargs -P 8`)", theirs, nothing)


def bench_nothing_to_do(bench: Bench, bundles: int, baseline_bundles: int) -> list[str]:
    """A second run with nothing to do, against the ``kubernetes.core.helm`` loop that people write today."""
    bench.repository("still", bundles, "one")
    bench.deploy("still")
    charts = bench.directory / "charts"
    for number in range(baseline_bundles):
        _chart(charts / f"b{number:03d}", f"b{number:03d}", "one")
    loop = ["-e", f"charts={charts}", "-e", f"bundles={baseline_bundles}", "-e", f"helm={bench.helm_3}"]
    bench.ansible("-i", str(bench.inventory), str(HERE / "kubernetes_core.yml"), *loop)

    requests: list[int] = []

    def ours(_number: int) -> Usage:
        before = _lists_of_secrets()
        usage = bench.deploy("still", "-vv")
        requests.append(_lists_of_secrets() - before)
        return usage

    def theirs(_number: int) -> Usage:
        return bench.ansible("-i", str(bench.inventory), str(HERE / "kubernetes_core.yml"), *loop)

    mine, baseline, nothing = repeat(bench.runs, ours, theirs, lambda _number: bench.empty_play())
    bench.remove_namespaces(["bench-still", "bench-core"])
    scale = bundles / baseline_bundles
    if scale != 1:
        baseline = [Usage(usage.cpu * scale, usage.wall * scale, usage.memory) for usage in baseline]
    name = "`kubernetes.core.helm` (Helm 3) in a loop" + (
        f" (run with {baseline_bundles}, times {scale:g})" if scale != 1 else ""
    )
    title = f"Nothing to do, {bundles} bundles × {len(CLUSTERS)} clusters"
    lines = _compared(title, mine, name, baseline, nothing)
    per_cluster = median(requests) / len(CLUSTERS)
    lines += ["", f"LIST requests for secrets at each API server in one run of ours: {per_cluster:g}.", ""]
    return lines


def bench_results(bench: Bench) -> list[str]:
    """Handing out 1,000 distinct results of 50 releases each, on each ansible-core."""
    inventory = bench.directory / "thousand.yml"
    hosts = {f"cluster-{number:04d}": None for number in range(1000)}
    inventory.write_text(
        yaml.safe_dump({"all": {"vars": {"ansible_connection": "local"}, "hosts": hosts}}), encoding="utf-8"
    )
    play = [
        "-i",
        str(inventory),
        str(HERE / "results" / "play.yml"),
        "-e",
        "releases=50",
        "-e",
        f"cache={bench.directory}",
    ]
    rows = []
    for version in bench.virtual_environments:
        with_it, without = repeat(
            bench.runs,
            lambda _number, version=version: bench.ansible(*play, "-e", "hand_out=true", version=version),
            lambda _number, version=version: bench.ansible(*play, "-e", "hand_out=false", version=version),
        )
        wall = [one.wall - other.wall for one, other in zip(with_it, without, strict=True)]
        memory = max(usage.memory for usage in with_it)
        rows.append(f"| {version} | {spread([u.wall for u in with_it])} | {spread(wall)} | {memory:.0f} MiB |")
    return [
        "## Results of 1,000 clusters with 50 releases each, handed out to the hosts",
        "",
        "| ansible-core | whole play | of it the per-host task | peak memory (largest process) |",
        "|---|---|---|---|",
        *rows,
        "",
    ]


def _compared(title: str, mine: list[Usage], name: str, theirs: list[Usage], nothing: list[Usage]) -> list[str]:
    def row(label: str, usages: list[Usage]) -> str:
        cpu, wall = [usage.cpu for usage in usages], [usage.wall for usage in usages]
        return f"| {label} | {spread(cpu)} | {spread(wall)} | {max(usage.memory for usage in usages):.0f} MiB |"

    ratios = [one.cpu / other.cpu for one, other in zip(mine, theirs, strict=True)]
    walls = [one.wall / other.wall for one, other in zip(mine, theirs, strict=True)]
    return [
        f"## {title}",
        "",
        "| | CPU | wall | peak memory (largest process) |",
        "|---|---|---|---|",
        row("`gitops.fleet.deploy`", mine),
        row(name, theirs),
        row("an empty play", nothing),
        "",
        f"CPU ratio, ours to theirs, run by run: {spread(ratios, '×')}; wall ratio: {spread(walls, '×')}.",
        "",
    ]


def _configmap(name: str, content: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  content: {content}\n"


def _chart(directory: Path, name: str, content: str) -> None:
    (directory / "templates").mkdir(parents=True, exist_ok=True)
    (directory / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n", encoding="utf-8")
    (directory / "templates" / "configmap.yaml").write_text(_configmap(name, content), encoding="utf-8")


def _bare_loop(helm: str, charts: Path, bundles: int, namespace: str) -> str:
    lines = ["set -e", "{"]
    for number in range(bundles):
        for cluster in CLUSTERS:
            lines.append(f"echo b{number:03d} {charts}/b{number:03d} {LAB}/{cluster}/kubeconfig")
    command = f"{helm} upgrade --install $1 $2 --kubeconfig $3 --namespace {namespace} --create-namespace"
    lines.append("} | xargs -P 8 -n 3 sh -c '" + command + "' sh")
    return "\n".join(lines) + "\n"


def _lists_of_secrets() -> int:
    """How many LISTs of secrets the three API servers have answered so far, by their own metrics."""
    pattern = re.compile(r'apiserver_request_total\{(?=[^}]*resource="secrets")(?=[^}]*verb="LIST")[^}]*\} (\d+)')
    total = 0
    for cluster in CLUSTERS:
        kubeconfig = str(LAB / cluster / "kubeconfig")
        text = subprocess.run(
            ["kubectl", "--kubeconfig", kubeconfig, "get", "--raw", "/metrics"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        total += sum(int(count) for count in pattern.findall(text))
    return total


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--deploy-bundles", type=int, default=20)
    parser.add_argument("--idle-bundles", type=int, default=200)
    parser.add_argument("--baseline-bundles", type=int, default=200, help="of them, how many the baseline runs with")
    parser.add_argument("--only", choices=PARTS, action="append")
    options = parser.parse_args()
    only = options.only or PARTS
    environments = {"2.19": CHECKOUT / ".venv", "2.16": CHECKOUT / ".venv-2.16"}
    with tempfile.TemporaryDirectory(prefix="gitops-fleet-bench-") as directory:
        bench = Bench(Path(directory), options.runs, os.environ["FLEET_HELM"], environments)
        parts = {
            "deploy": lambda: bench_deploy(bench, options.deploy_bundles),
            "idle": lambda: bench_nothing_to_do(bench, options.idle_bundles, options.baseline_bundles),
            "results": lambda: bench_results(bench),
            "build": lambda: bench_build(bench.directory / "build", bench.runs, bench.helm, bench.python),
            "inventory": lambda: bench_inventory(bench.directory / "inventory", bench.runs, bench.program),
        }
        for name in only:
            _keep(name, "\n".join([*parts[name](), _written_by(options.runs)]))


def _keep(part: str, text: str) -> None:
    """Put the part's section into the page, and leave those of other parts as they are."""
    print(text, flush=True)
    found = dict(_SECTION.findall(PAGE.read_text(encoding="utf-8"))) if PAGE.exists() else {}
    found[part] = f"{text}\n"
    sections = [f"<!-- part {name} -->\n{found[name]}" for name in PARTS if name in found]
    PAGE.write_text("\n".join([*_head(), *sections]), encoding="utf-8")


def _written_by(runs: int) -> str:
    options = f' BENCH="{" ".join(sys.argv[1:])}"' if sys.argv[1:] else ""
    return f"Written by `make bench{options}`: {runs} runs of each, in turn.\n"


def _head() -> list[str]:
    return [
        "<!--",
        # REUSE-IgnoreStart: the licence of the page that is written
        "SPDX-FileCopyrightText: 2026 gitops.fleet contributors",
        "SPDX-License-Identifier: GPL-3.0-or-later",
        # REUSE-IgnoreEnd
        "-->",
        "# Benchmarks",
        "",
        f"Median (least–most) on {os.cpu_count()} cores with Python {platform.python_version()}, the lab's API servers "
        "on the same machine (their CPU is not counted). CPU is user and system time of the whole process tree. The "
        "ratios are what counts. `make bench` writes this page, or those sections that it is asked for.",
        "",
    ]


if __name__ == "__main__":
    main()
