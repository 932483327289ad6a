# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the package ``lab`` of this checkout importable."""

import sys
from pathlib import Path

CHECKOUT = str(Path(__file__).resolve().parents[3])

if CHECKOUT not in sys.path:
    sys.path.insert(0, CHECKOUT)
