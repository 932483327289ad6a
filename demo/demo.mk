# SPDX-FileCopyrightText: 2026 gitops.fleet contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# The demo: a real git repository to the lab's clusters.

.PHONY: demo
demo: lab-up ## A git repository to real clusters: deploy, change, check, prune
	@eval "$$($(RUN_PYTHON) -m lab env)" && PATH="$(VENV)/bin:$$PATH" $(RUN_PYTHON) -m demo.demo

.PHONY: demo-clean
demo-clean: $(VENV) ## Uninstall what the demo deployed
	@eval "$$($(RUN_PYTHON) -m lab env)" && $(RUN_PYTHON) -m demo.demo clean

# The demo's git server ends with the lab.
.PHONY: demo-down
demo-down: $(VENV)
	@$(RUN_PYTHON) -m demo.demo down

lab-down: demo-down
