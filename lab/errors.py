# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of the lab: one sentence for whoever called ``make lab-up``."""


class LabError(Exception):
    """Something that stops the lab; its text says what is wrong and what to do."""
