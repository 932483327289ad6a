# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the collection importable, as ``ansible_collections.gitops.fleet``, wherever pytest is started from."""

import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

COLLECTIONS = Path(__file__).resolve().parent.parent / "build/collections"

if not (COLLECTIONS / "ansible_collections/gitops/fleet").exists():
    raise RuntimeError("build/collections is missing: run `make collections` first")
if str(COLLECTIONS) not in sys.path:
    sys.path.insert(0, str(COLLECTIONS))

# A busy machine is slow at making examples and at running them. That is no fault of what is tested.
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("untimed", **UNTIMED)
settings.load_profile("untimed")

# `make soak`: as many examples as an evening has time for, and the seed in the output of what fails.
settings.register_profile("soak", max_examples=20_000, print_blob=True, **UNTIMED)
