#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 gitops.fleet contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run the scenarios of the roles against the lab: .ci/molecule.sh [scenario]
set -euo pipefail
cd "$(dirname "$0")/.."
eval "$(.venv/bin/python -m lab env)"
export FLEET_CHECKOUT=$PWD
export FLEET_LAB=${FLEET_LAB:-$PWD/build/lab}
export PATH=$PWD/.venv-checks/bin:$PATH
scenarios=("$@")
if [ ${#scenarios[@]} -eq 0 ]; then
  scenarios=(extensions/molecule/*_default)
fi
for scenario in "${scenarios[@]}"; do
  molecule test --destroy=never --scenario-name "$(basename "$scenario")"
done
