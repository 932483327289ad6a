# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutated fleet.yaml files, trees and kustomizations: an answer or one clear error each (see tests/fuzz/run.py)."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
MOST_MEMORY = 500 * 1024 * 1024

# In CI 500 in all; with FLEET_FUZZ=full (`make soak`) many more.
COUNTS = (
    {"fleet.yaml": 10_000, "tree": 2_000, "kustomization": 2_000}
    if os.environ.get("FLEET_FUZZ") == "full"
    else {"fleet.yaml": 300, "tree": 120, "kustomization": 80}
)


@pytest.fixture(scope="module")
def seed() -> str:
    return os.environ.get("FLEET_SEED") or str(random.randrange(2**32))


@pytest.mark.parametrize("kind", ["corpus", *COUNTS])
def test_an_answer_or_one_clear_error(kind, seed, programs, tmp_path):
    count = COUNTS.get(kind, 1)
    environment = {
        **os.environ,
        "FLEET_HELM": str(programs / "helm4"),
        "FLEET_KUSTOMIZE": str(programs / "kustomize"),
        "PYTHONPATH": os.pathsep.join(str(CHECKOUT / path) for path in ("build/collections", "tests/support")),
    }
    command = [sys.executable, str(CHECKOUT / "tests/fuzz/run.py"), kind, seed, str(count)]
    with open(tmp_path / "output", "w+b") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        _process, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    text = (tmp_path / "output").read_text(errors="replace")
    # What to run again, should it fail.
    print(text)
    assert process.returncode == 0
    assert usage.ru_maxrss * 1024 < MOST_MEMORY
    if kind == "corpus":
        assert " 0 errors" in text
