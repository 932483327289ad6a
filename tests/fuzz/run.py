# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``run.py KIND SEED COUNT [NUMBER]``: bad input of one kind, again and again; each gives an answer or a FleetError.

Anything else (another exception, no end within the time limit) is shown with its input, and the exit
code is 1. ``NUMBER`` runs one case alone. Needs ``PYTHONPATH=build/collections:tests/support``. It runs in a
process of its own, so that its memory can be measured.
"""

import random
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from ansible_collections.gitops.fleet.plugins.module_utils.bundle.reader import read_bundles
from ansible_collections.gitops.fleet.plugins.module_utils.chart.chart import build_chart
from ansible_collections.gitops.fleet.plugins.module_utils.chart.helm import HelmFinder
from ansible_collections.gitops.fleet.plugins.module_utils.chart.kustomize import Kustomize
from ansible_collections.gitops.fleet.plugins.module_utils.chart.templating import prepare
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.lint.lint import lint
from ansible_collections.gitops.fleet.plugins.module_utils.lint.targeted import Clusters
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from ansible_collections.gitops.fleet.plugins.module_utils.source.scan import find_bundles
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster, ClusterGroup
from ansible_collections.gitops.fleet.plugins.module_utils.target.targeting import Targeting
from mutations import Files, mutate_text, mutate_tree
from trees import LinkedTree

TIME_LIMIT = 60
"""Seconds for one case, on a busy machine."""

CORPUS = Path(__file__).resolve().parent / "corpus"
FLEET_YAMLS = sorted((CORPUS / "fleet.yaml").iterdir())
CLUSTERS = [Cluster("one", labels={"env": "prod", "v": "2"}), Cluster("two")]
GROUPS = [ClusterGroup("default", selector={}), ClusterGroup("prod", selector={"matchLabels": {"env": "prod"}})]


def main(kind: str, seed: str, count: str, number: str = "") -> int:
    numbers = [int(number)] if number else range(int(count))
    with RunDirectory() as run, HelmFinder("", run) as helm:
        cases = Cases(Kustomize("", helm.find()) if kind in ("kustomization", "corpus") else None)
        for number in numbers:
            signal.alarm(TIME_LIMIT)
            if not attempt(getattr(cases, kind.replace(".", "_")), random.Random(f"{seed}/{kind}/{number}")):
                print(f"failed: tests/fuzz/run.py {kind} {seed} {count} {number}")
                return 1
    print(
        f"{count} of {kind}, seed {seed}: {cases.answers} answers, {cases.errors} errors, the last: {cases.last[:300]}"
    )
    return 0


def attempt(case: Callable[[random.Random], None], chance: random.Random) -> bool:
    try:
        case(chance)
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        return False
    return True


class Cases:
    """One method a kind of input. Counts what came out."""

    def __init__(self, kustomize: Kustomize | None):
        self.kustomize = kustomize
        self.answers = self.errors = 0
        self.last = ""

    def corpus(self, chance: random.Random) -> None:
        """The good files that the others are made of: no errors, or nothing but errors would be tried."""
        for text in FLEET_YAMLS:
            self._build(Files({**base("chart"), "fleet.yaml": text.read_bytes()}), GitRepo("apps"))
        for name in ("tree", "kustomize"):
            self._build(Files(base(name)), GitRepo("apps"))

    def fleet_yaml(self, chance: random.Random) -> None:
        """A fleet.yaml beside a chart, values files and raw YAML."""
        text = mutate_text(chance, chance.choice(FLEET_YAMLS).read_text())
        self._build(Files({**base("chart"), "fleet.yaml": text}), GitRepo("apps"))

    def tree(self, chance: random.Random) -> None:
        """A whole repository, and paths that look into it."""
        files = mutate_tree(chance, Files(base("tree")))
        paths = [
            chance.choice(["web", "raw", "*", "k*", ".", "/", "[", "../x", "nowhere", "a/b"]) for _path in range(2)
        ]
        driven = [
            {"base": chance.choice(paths), "options": chance.choice(["", "fleet.yaml", "../x.yaml", "prod.yaml"])}
        ]
        scan = chance.choice([{}, {"paths": paths}, {"bundles": driven}])
        self._build(files, GitRepo("apps", targets=[{"clusterGroup": "prod"}], **scan))

    def kustomization(self, chance: random.Random) -> None:
        """A kustomization, built by Kustomize itself."""
        files = base("kustomize")
        name = chance.choice(["kustomization.yaml", "base/kustomization.yaml"])
        files[name] = mutate_text(chance, files[name].decode())
        tree = Files(files) if chance.random() < 0.7 else mutate_tree(chance, Files(files))
        self._build(tree, GitRepo("apps", paths=["."]))

    def _build(self, files: Files, gitrepo: GitRepo) -> None:
        """All that is done before a cluster is asked: find, read, match, and make the charts."""
        try:
            tree = LinkedTree(files.contents, files.links)
            gitrepo.validate()
            bundles = read_bundles(tree, find_bundles(tree, gitrepo.paths, gitrepo.bundles), gitrepo, "c" * 40)
        except FleetError as error:
            self._count(error)
            self._lint(files, gitrepo)
            return
        self.answers += 1
        self._lint(files, gitrepo)
        for bundle in bundles:
            try:
                for deployment in Targeting(CLUSTERS, GROUPS).match(bundle):
                    chart = build_chart(bundle, prepare(deployment).options, "c" * 40)
                    if self.kustomize and chart.kustomize_dir is not None:
                        self.kustomize.build(chart, b"")
            except FleetError as error:
                self._count(error)

    def _lint(self, files: Files, gitrepo: GitRepo) -> None:
        """Lint never raises what is wrong in a repository."""
        lint(LinkedTree(files.contents, files.links), gitrepo, clusters=Clusters(CLUSTERS, GROUPS))

    def _count(self, error: FleetError) -> None:
        self.errors += 1
        self.last = str(error)
        if not error.problem or "Traceback" in str(error) or len(str(error)) > 10_000:
            raise AssertionError(f"no clear error: {str(error)[:2000]!r}")


def base(name: str) -> dict[str, bytes]:
    folder = CORPUS / name
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def too_long(_signal, _frame) -> None:
    raise TimeoutError(f"no end within {TIME_LIMIT} s")


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, too_long)
    sys.exit(main(*sys.argv[1:]))
