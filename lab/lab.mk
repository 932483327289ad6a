# SPDX-FileCopyrightText: 2026 gitops.fleet contributors
# SPDX-License-Identifier: GPL-3.0-or-later

##@ Lab: real Kubernetes control planes on loopback, without containers

# How many clusters (4 when not set).
CLUSTERS ?=
# Contexts of your own kubeconfig to use instead of the lab's clusters: CONTEXTS="a b c". Nothing else is touched.
CONTEXTS ?=
LAB := $(RUN_PYTHON) -m lab

.PHONY: lab-up
lab-up: $(VENV) ## Start the clusters, or repair them (CLUSTERS=4, or CONTEXTS="a b c")
	@$(LAB) up $(if $(CLUSTERS),--clusters $(CLUSTERS)) $(if $(CONTEXTS),--contexts "$(CONTEXTS)")

.PHONY: lab-down
lab-down: $(VENV) ## Stop the clusters and forget them
	@$(LAB) down

.PHONY: lab-status
lab-status: $(VENV) ## Show the clusters and what of them runs
	@$(LAB) status

.PHONY: lint-go
lint-go: ## go vet for the lab's own program
	@$(LAB) vet
