# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is told to end: what waits in it stops waiting."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..errors import FleetError

LOOK_EVERY = 0.25
"""Seconds between two looks at whether the run is to end."""


class Ending:
    """Lets the threads of a run sleep, but not beyond its end. ``is_over`` says whether that has come."""

    def __init__(self, is_over: Callable[[], bool]):
        self._is_over = is_over

    def sleep(self, seconds: float) -> None:
        """Sleep. Raises :class:`FleetError` as soon as the run is to end."""
        until = time.monotonic() + seconds
        while True:
            if self._is_over():
                raise FleetError("the run was told to end", remedy="Run again.")
            left = until - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, LOOK_EVERY))
