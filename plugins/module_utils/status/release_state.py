# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a release in Fleet's words, from what a run found out about it."""

from __future__ import annotations

from ..deploy.outcome import ReleaseOutcome
from ..deploy.plan import Action
from .states import BundleState

DELETED = "Deleted"
PAUSED = "Paused"
"""Words of our own, for a release that is gone, and for one that is left as it is."""


def release_state(release: ReleaseOutcome) -> str:
    """Only what is known: Ready is said where the health of all objects was looked at."""
    if release.healthy is not None:
        return BundleState.READY if release.healthy else BundleState.NOT_READY
    if release.error:
        return BundleState.ERR_APPLIED
    if release.action is Action.PAUSED:
        return PAUSED
    if release.action is Action.DELETE and release.seconds:
        return DELETED
    if release.action is Action.NONE or release.seconds:
        return BundleState.DEPLOYED
    return BundleState.WAIT_APPLIED
