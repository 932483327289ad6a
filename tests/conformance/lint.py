# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint the conformance inputs, and compare with the findings in lint.txt. ``--write`` writes that file anew."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
EXPECTED = HERE / "lint.txt"

sys.path[:0] = [str(CHECKOUT / "build/collections"), str(CHECKOUT)]

from ansible_collections.gitops.fleet.plugins.module_utils.lint.clusters_file import read_clusters  # noqa: E402
from ansible_collections.gitops.fleet.plugins.module_utils.lint.lint import lint  # noqa: E402
from ansible_collections.gitops.fleet.plugins.module_utils.lint.targeted import Clusters  # noqa: E402
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo  # noqa: E402

from tests.conformance.cases import StoredTree  # noqa: E402

HEAD = """\
# SPDX-FileCopyrightText: 2026 gitops.fleet contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What lint says of each input of the conformance data, taken for a repository, with its clusters.
# python tests/conformance/lint.py CASES --write makes it anew: look at what changes.
"""


def findings(cases: Path) -> Iterator[str]:
    """The findings, a line each, by input."""
    inputs = cases / "inputs"
    clusters = read_clusters(cases / "clusters.yaml", "fleet-default")
    examples = inputs / "fleet-examples"
    folders = [*(inputs / "edge").iterdir(), examples, *examples.glob("*-cluster/*")]
    for folder in sorted([*folders, examples / "hardened", examples / "simple"]):
        if folder.is_dir():
            yield from _of(folder, folder.relative_to(inputs), clusters)


def _of(folder: Path, name: Path, clusters: Clusters) -> Iterator[str]:
    report = lint(StoredTree(folder), GitRepo(name="inputs"), clusters=clusters)
    yield f"{name}: {'' if report.findings else 'nothing'}".rstrip()
    for finding in report.findings:
        place = finding.place
        yield f"  {place.path}:{place.line}:{place.column} {finding.rule} [{finding.level}]"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    found = HEAD + "".join(f"{line}\n" for line in findings(options.cases))
    if options.write:
        EXPECTED.write_text(found, encoding="utf-8")
        return 0
    expected = EXPECTED.read_text(encoding="utf-8")
    changes = difflib.unified_diff(expected.splitlines(), found.splitlines(), "expected", "found", lineterm="", n=1)
    print(*changes, sep="\n")
    if found == expected:
        print(f"lint: {found.count(' [')} findings in the conformance inputs, as expected")
    return 0 if found == expected else 1


if __name__ == "__main__":
    sys.exit(main())
