# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of a run: facts for each cluster and release. The words for them are room status's."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .plan import Action

if TYPE_CHECKING:
    from .live_deployment import LiveDeployment


@dataclass
class ReleaseOutcome:
    """What was done to one release (in check mode: what would be), and how it stands now.

    ``reason`` says why the action was planned. ``error`` says what failed. ``healthy`` is whether
    all its objects are, and None where they were not looked at. ``seconds`` is the time that the
    action took, ``updated`` when the revision was made (RFC 3339). ``live`` is what a preview saw.
    """

    bundle: str
    namespace: str
    release: str
    action: Action
    reason: str = ""
    changed: bool = False
    error: str = ""
    healthy: bool | None = None
    revision: int = 0
    version: str = ""
    commit: str = ""
    updated: str = ""
    seconds: float = 0.0
    diff: list[dict[str, str]] = field(default_factory=list)
    live: LiveDeployment | None = None

    @property
    def failed(self) -> bool:
        return bool(self.error)


@dataclass
class HostOutcome:
    """What came of one cluster. ``unreachable`` says why it did not answer, ``error`` what failed as a whole."""

    host: str
    cluster: str = ""
    unreachable: str = ""
    error: str = ""
    warnings: list[str] = field(default_factory=list)
    releases: list[ReleaseOutcome] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return any(release.changed for release in self.releases)

    @property
    def failed(self) -> bool:
        return bool(self.error) or any(release.failed for release in self.releases)

    @property
    def counts(self) -> dict[str, int]:
        return dict(sorted(Counter(str(release.action) for release in self.releases).items()))
