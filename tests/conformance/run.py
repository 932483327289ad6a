# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare this collection with what Rancher Fleet made of the same inputs. ``make conformance`` runs it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
PASSING = HERE / "passing.txt"

sys.path[:0] = [str(CHECKOUT / "build/collections"), str(CHECKOUT)]

from ansible_collections.gitops.fleet.plugins.module_utils.bundle import go_json  # noqa: E402
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.content import content_id  # noqa: E402
from ansible_collections.gitops.fleet.plugins.module_utils.chart.helm import find_helm  # noqa: E402
from ansible_collections.gitops.fleet.plugins.module_utils.target.deployment import BundleDeployment  # noqa: E402
from ansible_collections.gitops.fleet.plugins.module_utils.target.targeting import Targeting  # noqa: E402

from lab import binaries  # noqa: E402
from tests.conformance.cases import load_cases, load_fleet  # noqa: E402
from tests.conformance.compare import bundle_differences, object_differences, target_differences  # noqa: E402
from tests.conformance.emit import Emitter, Rendered  # noqa: E402
from tests.conformance.outcome import Crash, Outcome, read_case, render_objects, stored_options, target  # noqa: E402


class Renderer:
    """Renders deployments in parallel, equal ones once."""

    def __init__(self, helm: object, pool: ThreadPoolExecutor):
        self._helm = helm
        self._pool = pool
        self._futures: dict[tuple, object] = {}

    def start(self, outcomes: Iterable[Outcome]) -> None:
        """Begin with all deployments of these."""
        for outcome in outcomes:
            for deployments in outcome.deployments.values():
                for deployment in deployments:
                    key = self._key(deployment)
                    if key not in self._futures:
                        self._futures[key] = self._pool.submit(render_objects, deployment, self._helm)

    def rendered(self, outcome: Outcome) -> Rendered:
        """The objects of a case, once they are there."""
        return {
            (name, deployment.cluster.name): self._futures[self._key(deployment)].result()
            for name, deployments in outcome.deployments.items()
            for deployment in deployments
        }

    @staticmethod
    def _key(deployment: BundleDeployment) -> tuple:
        bundle = deployment.bundle
        options = go_json.dumps(stored_options(deployment))
        return bundle.name, content_id(bundle), tuple(sorted(bundle.labels.items())), options


def main() -> int:
    """Run, print one line a difference, and say how many cases pass."""
    arguments = _arguments()
    if not (arguments.cases / "cases.jsonl").is_file():
        print(f"{arguments.cases}: there is no cases.jsonl; say where the data is: make conformance CASES=dir")
        return 2
    cases = [case for case in load_cases(arguments.cases) if case.id.startswith(tuple(arguments.only or [""]))]
    if not cases:
        print(f"{arguments.cases}: there are no cases", file=sys.stderr)
        return 1
    outcomes = [read_case(case) for case in cases]
    helm = find_helm(os.environ.get("FLEET_HELM") or _helm_of_lab())
    target(outcomes, Targeting(*load_fleet(arguments.cases / "clusters.yaml")), helm)
    passed: list[str] = []
    emitter = Emitter(arguments.emit) if arguments.emit else None
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        renderer = Renderer(helm, pool)
        if arguments.objects:
            renderer.start(outcomes)
        for outcome in outcomes:
            rendered = renderer.rendered(outcome) if arguments.objects else {}
            differences = _differences(outcome, rendered)
            for difference in differences:
                print(f"{outcome.case.id}: {difference}")
            if not differences:
                passed.append(outcome.case.id)
            if emitter:
                emitter.write(outcome, rendered)
    if emitter:
        emitter.finish()
    print(f"{len(passed)} passed, {len(cases) - len(passed)} failed")
    if arguments.gate:
        return _gate(passed)
    return 0 if len(passed) == len(cases) else 1


def _helm_of_lab() -> str:
    """The lab's Helm 4, built if need be; its kubectl, which is needed for Kustomize, is found from then on."""
    programs = binaries.directory()
    os.environ["PATH"] = f"{programs}:{os.environ['PATH']}"
    return str(programs / "helm4")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path, help="a directory with cases.jsonl, clusters.yaml and inputs/")
    parser.add_argument("--emit", type=Path, help="write our own results there, in the same layout")
    parser.add_argument("--gate", action="store_true", help="fail only if a case of passing.txt fails or is missing")
    parser.add_argument("--no-objects", dest="objects", action="store_false", help="leave out rendering, which is slow")
    parser.add_argument("--only", action="append", metavar="PREFIX", help="only cases whose id begins so; repeatable")
    return parser.parse_args()


def _differences(outcome: Outcome, rendered: Rendered) -> list[str]:
    answers = [outcome.error, *rendered.values()]
    differences = [f"our code crashed: {answer}" for answer in answers if isinstance(answer, Crash)]
    differences += bundle_differences(outcome)
    if not outcome.error:
        differences += target_differences(outcome)
    for (bundle, cluster), theirs in outcome.case.deployments.items():
        if (bundle, cluster) in rendered:
            expected = outcome.case.objects(bundle, cluster)
            ours = rendered[bundle, cluster]
            found = object_differences(theirs, expected, ours)
            differences += [f"{bundle} on {cluster}: {difference}" for difference in found]
    return differences


def _gate(passed: list[str]) -> int:
    """Fail where a case that has to pass does not, also because it is no longer there."""
    wanted = [line for line in PASSING.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    broken = sorted(set(wanted) - set(passed))
    for case in broken:
        print(f"{case}: has to pass (tests/conformance/passing.txt) and does not, or is no longer there")
    new = sorted(set(passed) - set(wanted))
    if new:
        print(f"{len(new)} more pass than passing.txt lists: {', '.join(new[:5])}{', …' if len(new) > 5 else ''}")
    return 1 if broken or not wanted else 0


if __name__ == "__main__":
    sys.exit(main())
