# SPDX-FileCopyrightText: 2026 gitops.fleet contributors
# SPDX-License-Identifier: GPL-3.0-or-later

# Options of the benchmark, such as BENCH="--only deploy --runs 3".
BENCH ?=

.PHONY: bench
bench: collections venvs lab-up ## Ratios against bare Helm and kubernetes.core.helm, written to docs/benchmarks.md
	@eval "$$($(LAB) env)" && $(RUN_PYTHON) -m tests.bench.run $(BENCH)
