# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of a run, as the table that a person reads at its end."""

from __future__ import annotations

from collections.abc import Iterable

from ..deploy.outcome import HostOutcome, ReleaseOutcome
from .release_state import release_state
from .states import BundleState
from .table import Row, table


def table_lines(outcomes: Iterable[HostOutcome]) -> list[str]:
    """The lines of the table: a row for each release, and one for a cluster that could not be worked on."""
    rows: list[Row] = []
    for outcome in outcomes:
        if outcome.unreachable:
            rows.append(Row(outcome.host, "", BundleState.UNREACHABLE, message=outcome.unreachable))
            # It may have stopped answering in the middle.
            rows.extend(_row(outcome.host, release) for release in outcome.releases if release.changed)
        elif outcome.error:
            rows.append(Row(outcome.host, "", BundleState.ERR_APPLIED, message=outcome.error))
        else:
            rows.extend(_row(outcome.host, release) for release in outcome.releases)
    return table(rows).splitlines()


def _row(host: str, release: ReleaseOutcome) -> Row:
    return Row(
        cluster=host,
        bundle=release.bundle,
        state=release_state(release),
        revision=str(release.revision or ""),
        version=release.version,
        updated=release.updated,
        message=release.error or release.reason,
    )
