# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody foresaw, as an error of the one cluster or release that was being worked on.

An exception in one of a run's threads would otherwise end the run for all clusters.
"""

from __future__ import annotations

import os
import traceback

from ..errors import FleetError

_COLLECTION = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def as_fleet_error(error: Exception) -> FleetError:
    """``error`` itself where it is meant for users, else one that says where it comes from.

    The words of a foreign exception are not repeated: they may quote a secret.
    """
    if isinstance(error, FleetError):
        return error
    if isinstance(error, OSError) and error.strerror:
        return FleetError(
            f"the control node is out of something: {error.strerror}",
            place=str(error.filename or ""),
            remedy="Look at its disks, memory and limits, and run again.",
        )
    return FleetError(
        f"an error in this collection: {type(error).__name__} in {_way(error)}",
        remedy="Please report it with these words. The other clusters and releases are not concerned.",
    )


def _way(error: Exception) -> str:
    """Where the exception was raised: files and lines of this collection from the inside out, and where it ended."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if os.path.abspath(frame.filename).startswith(_COLLECTION + os.sep)]
    shown = [*ours, *frames[-1:]] if frames and (not ours or ours[-1] is not frames[-1]) else ours
    return ", ".join(f"{os.path.basename(frame.filename)}:{frame.lineno}" for frame in reversed(shown))
