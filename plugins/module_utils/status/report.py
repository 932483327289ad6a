# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's outcome as data: a small result for the batch, and one file for each host with all of it."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..deploy.outcome import HostOutcome, ReleaseOutcome
from ..errors import FleetError
from ..private_files import cache_errors
from .release_state import release_state

KEEP_DETAILS = 7 * 24 * 3600
"""Seconds for which the details of a run are kept in the cache directory, if it is one of the newest KEEP_RUNS."""
KEEP_RUNS = 200
KEEP_MANY = 24 * 3600
"""Seconds for which those of more runs are kept: longer than a play lasts, whose batches are a run each."""

MAX_DIFF = 300_000
"""Characters of differences in a host's result: AWX drops an event of more than 700,000, with all that is in it."""
MAX_FAILURES = 5
MAX_FAILURE = 600
"""How many failures a host's message names, and characters of each."""

_SHOWN = ("bundle", "namespace", "release", "action", "state", "revision", "version", "changed", "failed")


@dataclass(frozen=True)
class Details:
    """A host's part of a run, as ``fleet_result`` reads it back."""

    host: str
    changed: bool
    failed: bool
    unreachable: str
    summary: str
    counts: dict[str, int]
    warnings: list[str]
    releases: list[dict[str, Any]]
    diff: list[dict[str, str]]
    path: str = ""

    @property
    def notable_releases(self) -> list[dict[str, Any]]:
        """The releases that changed or failed, in short; all of them are in the file at ``path``."""
        notable = [release for release in self.releases if release["changed"] or release["failed"]]
        return [{name: release[name] for name in _SHOWN} for release in notable]

    @property
    def shown_diff(self) -> list[dict[str, str]]:
        """The differences, as many as a result may hold."""
        size = 0
        for number, difference in enumerate(self.diff):
            size += sum(map(len, difference.values()))
            if size > MAX_DIFF:
                left = len(self.diff) - number
                return [*self.diff[:number], {"prepared": f"{left} more differences are in {self.path}\n"}]
        return self.diff

    @classmethod
    def load(cls, directory: str, host: str) -> Details:
        """Read the details of ``host`` from the run's ``directory``. Raises :class:`FleetError`."""
        path = Path(directory) / _file_name(host)
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")), path=str(path))
        except FileNotFoundError as error:
            raise FleetError(
                "fleet_deploy did nothing for this host: it was not in the batch",
                place=f"host {host}",
                remedy="Run fleet_deploy in the same play, before fleet_result.",
            ) from error
        except (OSError, ValueError, TypeError) as error:
            raise FleetError(f"the details of the run cannot be read: {error}", place=str(path)) from error


def save_details(cache: Path, outcomes: list[HostOutcome], check_mode: bool) -> Path:
    """Write one file a host under ``<cache>/runs/``, remove old runs, and return the run's directory.

    Raises :class:`FleetError` where the cache cannot be written.
    """
    runs = cache / "runs"
    directory = runs / f"{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}"
    with cache_errors(directory):
        _remove_old(runs)
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_all(directory, outcomes, check_mode)
    return directory


def _write_all(directory: Path, outcomes: list[HostOutcome], check_mode: bool) -> None:
    for outcome in outcomes:
        releases = [_release(release) for release in outcome.releases]
        diff = [difference for release in outcome.releases for difference in release.diff]
        document = {
            "host": outcome.host,
            "changed": outcome.changed,
            "failed": outcome.failed,
            "unreachable": outcome.unreachable,
            "summary": _summary(outcome, check_mode),
            "counts": outcome.counts,
            "warnings": outcome.warnings,
            "releases": releases,
            "diff": diff,
        }
        descriptor = os.open(directory / _file_name(outcome.host), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            # dumps is many times faster than dump.
            file.write(json.dumps(document))


def batch_result(outcomes: list[HostOutcome], directory: Path) -> dict[str, Any]:
    """The small result of the batch task: a word for each host, and where the details are."""
    hosts = {}
    for outcome in sorted(outcomes, key=lambda item: item.host):
        hosts[outcome.host] = {
            "changed": outcome.changed,
            "failed": outcome.failed,
            "unreachable": bool(outcome.unreachable),
            "counts": outcome.counts,
        }
    return {
        "changed": any(outcome.changed for outcome in outcomes),
        "hosts": hosts,
        "failed_hosts": sorted(outcome.host for outcome in outcomes if outcome.failed),
        "unreachable_hosts": sorted(outcome.host for outcome in outcomes if outcome.unreachable),
        "details": str(directory),
    }


def _release(release: ReleaseOutcome) -> dict[str, Any]:
    document = {name: value for name, value in vars(release).items() if name not in ("diff", "live")}
    return {**document, "action": str(release.action), "state": str(release_state(release)), "failed": release.failed}


def _summary(outcome: HostOutcome, check_mode: bool) -> str:
    """One line for the host's result."""
    if outcome.error:
        return outcome.error
    count = len(outcome.releases)
    releases = "1 release" if count == 1 else f"{count} releases"
    failed = [item for item in outcome.releases if item.failed]
    if failed:
        shown = [f"bundle {item.bundle}: {_cut(item.error.rstrip('.'))}" for item in failed[:MAX_FAILURES]]
        if len(failed) > MAX_FAILURES:
            shown.append(f"and {len(failed) - MAX_FAILURES} more")
        return f"{len(failed)} of {releases} failed: " + "; ".join(shown)
    if not outcome.changed:
        return f"{releases} up to date"
    verb = "would be changed" if check_mode else "changed"
    return f"{sum(item.changed for item in outcome.releases)} of {releases} {verb}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_FAILURE else f"{text[:MAX_FAILURE]}…"


def _file_name(host: str) -> str:
    """A host's name as a file name of this directory, whatever characters it has."""
    return quote(host, safe="") + ".json"


def _remove_old(runs: Path) -> None:
    if not runs.is_dir():
        return
    # Their names begin with their time.
    for number, directory in enumerate(sorted(runs.iterdir(), reverse=True)):
        keep = KEEP_DETAILS if number < KEEP_RUNS else KEEP_MANY
        try:
            if time.time() - directory.lstat().st_mtime < keep or directory.is_symlink():
                continue
            for file in directory.iterdir():
                file.unlink()
            directory.rmdir()
        except OSError:
            # Another run removes it too.
            continue
