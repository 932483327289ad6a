# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules say about how they may be used."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the changed status that it predicts, without modifying anything.
  diff_mode:
    description: Returns details on what has changed, or in C(check_mode) would change, when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode with the same arguments, the second run reports no change.
      - This assumes that what the module manages was not changed by others in between.
  platform:
    description: Operating systems of the control node that are supported.
"""

    # Together with the standard fragment: for modules that only read.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This action does not modify state.
  diff_mode:
    support: N/A
    details:
      - This action does not modify state.
  idempotent:
    support: full
    details:
      - This action does not modify state.
"""

    # Together with the standard fragment: for modules whose work is done by an action plugin.
    FLOW = r"""
options: {}
attributes:
  action:
    description: Indicates that an action plugin does the work, or a part of it, on the control node.
  async:
    description: Supports being used with the C(async) keyword.
  bypass_host_loop:
    description:
      - Runs once for all hosts of the batch, and not for each of them.
      - Strategies that run hosts independently of each other, such as C(free), refuse such an action.
"""

    ACTIONGROUP_FLEET = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/gitops.fleet.fleet) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - gitops.fleet.fleet
"""
