# SPDX-FileCopyrightText: 2026 gitops.fleet contributors
# SPDX-License-Identifier: GPL-3.0-or-later

# How often a run is killed, and the seed by which a failure is had again.
KILLS ?= 400
SEED ?= 0

.PHONY: soak
soak: collections lab-up ## The long runs, by hand: hundreds of kills at random moments (KILLS=400 SEED=…)
	@FLEET_KILLS=$(KILLS) FLEET_SEED=$(SEED) $(PYTEST) -s tests/integration/test_faults.py -k killed_at_any_moment
