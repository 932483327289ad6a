# SPDX-FileCopyrightText: 2026 gitops.fleet contributors
# SPDX-License-Identifier: GPL-3.0-or-later

# `make` alone lists the targets. Everything that is made lies in .venv*/ and build/, and in the user's cache directory.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Any Python from 3.11 on; only used to make the virtual environments.
PYTHON ?= python3

CHECKOUT := $(CURDIR)
BUILD := $(CHECKOUT)/build
VENV := $(CHECKOUT)/.venv
CHECKS := $(CHECKOUT)/.venv-checks
IMPORTER := $(CHECKOUT)/.venv-importer
RUN_PYTHON := $(VENV)/bin/python
COPY := $(BUILD)/copy/ansible_collections/gitops/fleet

# Ansible and pytest find the collection here (see `make collections`), and nothing of the user's.
COLLECTIONS := $(BUILD)/collections
export ANSIBLE_COLLECTIONS_PATH := $(COLLECTIONS)
# No configuration file but the checkout's.
export ANSIBLE_CONFIG := $(CHECKOUT)/ansible.cfg
export ANSIBLE_HOME := $(BUILD)/ansible

# What the tests are given: TESTS="tests/unit/bundle -k name" runs a part of them.
TESTS ?=
# How many integration tests run side by side. Each worker but the first brings up a lab of its own (3 GB).
WORKERS ?= 2
SANITY_VENVS = $(wildcard .venv .venv-2.16 .venv-newest)
# -rs: what was skipped, and why, is always said.
PYTEST := $(VENV)/bin/pytest -q -rs -p no:cacheprovider

##@ Use

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-zA-Z0-9_-]+:.*## / {printf "  %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: collections ## Make the collection's archive, build/gitops-fleet-<version>.tar.gz
	@$(PYTHON) .ci/collection_tree.py copy
	@rm -f $(BUILD)/gitops-fleet-*.tar.gz
	@cd $(COPY) && $(VENV)/bin/ansible-galaxy collection build --force --output-path $(BUILD)

.PHONY: docs
docs: collections $(CHECKS) ## Build the documentation, build/docs/html/index.html
	@$(CHECKS)/bin/python .ci/docs.py

.PHONY: clean
clean: ## Remove what was made in the checkout (not the cache of binaries); a lab that runs must be stopped before
	@if [ -e $(BUILD)/lab ] && [ -n "$$(find $(BUILD)/lab -name '*.pid' -print -quit)" ]; then \
	  echo "The lab may be running: make lab-down first." >&2; exit 1; fi
	rm -rf $(BUILD) .venv .venv-* .ansible .pytest_cache .ruff_cache .hypothesis

##@ Tests: all of them, or a part (TESTS="tests/unit/bundle -k name" for one of them)

# Quick parts first, so that a mistake shows early.
TEST_PARTS := lint unit conformance-gate docs sanity importer lab-up integration molecule

.PHONY: test
test: collections ## Everything that CI runs
	@$(RUN_PYTHON) .ci/parts.py $(TEST_PARTS)

.PHONY: unit
unit: collections ## Pure logic; under a minute
	@$(PYTEST) $(if $(TESTS),,-n auto) $(or $(TESTS),tests/unit)

.PHONY: integration
integration: collections venvs lab-up ## Behaviour with real git, Helm and API servers of the lab
	@$(PYTEST) $(if $(TESTS),,-n $(WORKERS) --dist loadfile) $(or $(TESTS),tests/integration)

.PHONY: soak
soak: collections venvs lab-up ## The long runs, by hand: hundreds of kills, full fuzzing (FLEET_KILLS=300, FLEET_SEED=n)
	@$(PYTEST) --hypothesis-profile=soak $(or $(TESTS),tests/unit)
	@FLEET_FUZZ=full $(PYTEST) -s tests/integration/test_fuzz.py
	@FLEET_KILLS=$${FLEET_KILLS:-300} $(PYTEST) -s --hypothesis-profile=soak $(or $(TESTS),tests/integration/test_faults.py)

.PHONY: molecule
molecule: collections $(CHECKS) lab-up ## The roles' scenarios against the lab
	@.ci/molecule.sh

.PHONY: sanity
sanity: collections venvs ## ansible-test sanity, with each ansible-core that is there
	@$(PYTHON) .ci/collection_tree.py copy
	@for venv in $(SANITY_VENVS); do $(RUN_PYTHON) .ci/sanity.py $$venv; done

.PHONY: importer
importer: build $(IMPORTER) ## Galaxy's own check of the archive
	@$(IMPORTER)/bin/python .ci/importer.py $(BUILD)/gitops-fleet-*.tar.gz

##@ Checks

.PHONY: lint
lint: lint-python lint-ansible lint-docs lint-licenses lint-go ## All linters

.PHONY: lint-python
lint-python: collections ## ruff: rules and format
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/ruff format --check --quiet .

.PHONY: lint-ansible
lint-ansible: collections $(CHECKS) ## ansible-lint, production profile
	@PATH=$(CHECKS)/bin:$$PATH $(CHECKS)/bin/ansible-lint --offline --profile production -q

.PHONY: lint-docs
lint-docs: collections $(CHECKS) ## Documentation of plugins, role READMEs, changelog
	@cd $(COLLECTIONS)/ansible_collections/gitops/fleet && PATH=$(CHECKS)/bin:$$PATH $(CHECKS)/bin/antsibull-docs \
	  lint-collection-docs --plugin-docs --validate-collection-refs all --skip-rstcheck .
	@$(CHECKS)/bin/antsibull-changelog lint
	@$(CHECKS)/bin/python .ci/role_readme.py --check

.PHONY: lint-licenses
lint-licenses: $(CHECKS) ## reuse: a licence line in each file
	@$(CHECKS)/bin/reuse lint --quiet || { $(CHECKS)/bin/reuse lint; exit 1; }

.PHONY: format
format: collections ## Put Python files and the roles' READMEs into the form that the checks want
	@$(VENV)/bin/ruff check --fix --quiet . || true
	@$(VENV)/bin/ruff format --quiet .
	@$(VENV)/bin/python .ci/role_readme.py

##@ Environments

.PHONY: collections
collections: $(VENV) ## .venv, and the collection where Ansible looks for it
	@$(PYTHON) .ci/collection_tree.py link

.PHONY: venvs
venvs: $(VENV) ## .venv, and the other versions of ansible-core where a Python for them is found
	@$(PYTHON) .ci/venv.py .venv-2.16 .venv-newest

.PHONY: $(VENV) $(CHECKS) $(IMPORTER)
$(VENV) $(CHECKS) $(IMPORTER):
	@$(PYTHON) .ci/venv.py $(notdir $@)

.PHONY: requirements
requirements: ## Write requirements/*.txt anew from requirements/*.in
	@$(PYTHON) .ci/venv.py --lock .venv .venv-2.16 .venv-newest .venv-checks .venv-importer

# Parts with a file of their own: the lab, the demo, conformance, benchmarks.
-include lab/lab.mk
-include demo/demo.mk
-include tests/conformance/conformance.mk
-include tests/bench/bench.mk
