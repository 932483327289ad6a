# SPDX-FileCopyrightText: 2026 gitops.fleet contributors
# SPDX-License-Identifier: GPL-3.0-or-later

# Where the data lies: cases.jsonl, clusters.yaml, inputs/, bundles/, objects/.
CASES ?= $(CHECKOUT)/../shared/conformance
# FLEET_HELM names a Helm to use instead of the lab's, FLEET_KUSTOMIZE a kustomize.
# A directory for our own results in the same layout.
EMIT ?=

.PHONY: conformance
conformance: collections ## Compare with what Rancher Fleet makes of the same inputs (CASES=dir, EMIT=dir)
	@$(RUN_PYTHON) tests/conformance/run.py $(CASES) $(if $(EMIT),--emit $(EMIT)) $(CONFORMANCE_OPTIONS)

.PHONY: conformance-gate
conformance-gate: CONFORMANCE_OPTIONS += --gate
conformance-gate: conformance ## As conformance, but only the cases of tests/conformance/passing.txt have to pass; and what lint says of the inputs
	@$(RUN_PYTHON) tests/conformance/lint.py $(CASES)
