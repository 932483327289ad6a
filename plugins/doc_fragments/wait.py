# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options for waiting until what was changed works."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether to wait until the objects that were changed are ready.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait before the module fails.
    type: int
    default: 300
"""
