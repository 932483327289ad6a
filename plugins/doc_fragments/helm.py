# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option that names the Helm to use."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  helm_binary:
    description:
      - The C(helm) to use, version 4, or 3.17 or later.
      - By default the one that the environment variable E(FLEET_HELM) names, or the one found in E(PATH).
    type: path
requirements:
  - helm 4, or 3.17 or later
"""
