# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real Kubernetes control planes and git servers on the loopback interface, without containers.

``python -m lab up`` starts the clusters (see ``__main__.py`` for the commands). Tests import what they
need from the modules of this package.
"""
