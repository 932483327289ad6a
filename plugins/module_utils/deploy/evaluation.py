# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluated options from the cache: templates are evaluated by Helm, and only where something changed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..chart.helm import HelmFinder
from ..chart.templating import LABEL_PREFIX, needs_evaluation, prepare
from ..chart.templating import evaluate as evaluate_by_helm
from ..errors import FleetError
from ..target.deployment import BundleDeployment
from .guard import as_fleet_error

FORMAT = 2
"""Changes when the rules of evaluation do: older entries are not read then."""


KEEP = 30 * 24 * 3600
"""Seconds for which an entry is kept. What is still needed then is evaluated once more."""


def evaluate(
    deployments: Sequence[BundleDeployment], helm: HelmFinder, cache: Path
) -> list[BundleDeployment | FleetError]:
    """Final options for each deployment, in order. Starts no process for what was evaluated before."""
    preparation = _Preparation()
    entries = _Entries(cache / "options")
    results = [preparation.of(deployment) for deployment in deployments]
    missing: dict[tuple[Path, int], list[int]] = {}
    for index, deployment in enumerate(results):
        if isinstance(deployment, FleetError) or not preparation.needs_evaluation(deployment):
            continue
        path = entries.path(deployment)
        options = entries.read(path)
        if options is None:
            missing.setdefault((path, id(deployment.bundle)), []).append(index)
        else:
            results[index] = deployment.with_options(options)
    if missing:
        # Equal options on equal clusters are evaluated once for each bundle.
        firsts = [results[indexes[0]] for indexes in missing.values()]
        for ((path, _bundle), indexes), result in zip(
            missing.items(), evaluate_by_helm(firsts, helm.find()), strict=True
        ):
            failed = isinstance(result, FleetError)
            if not failed:
                entries.write(path, result.options)
            for index in indexes:
                results[index] = result if failed else deployments[index].with_options(result.options)
        entries.sweep()
    return results


class _Preparation:
    """``prepare`` and ``needs_evaluation``: where the outcome is the same for many clusters it is one object.

    A cluster's labels count only where options ask for them, and whether it has any. The
    deployments must outlive this: they are told apart by identity.
    """

    def __init__(self):
        self._is_labelled: dict[int, bool] = {}
        self._asks: dict[int, bool] = {}
        self._shared: dict[int, dict[str, Any]] = {}
        self._equal: dict[tuple[int, str], dict[str, Any]] = {}
        self._needs: dict[int, bool] = {}

    def of(self, deployment: BundleDeployment) -> BundleDeployment | FleetError:
        cluster, options = id(deployment.cluster), id(deployment.options)
        if self._is_labelled.get(cluster) is False:
            return deployment
        if self._is_labelled.get(cluster) and options in self._shared:
            return deployment.with_options(self._shared[options])
        try:
            prepared = prepare(deployment)
        except Exception as error:
            return as_fleet_error(error)
        self._is_labelled[cluster] = prepared is not deployment
        if prepared is deployment:
            return deployment
        if not self._asks_for_labels(deployment.options):
            return deployment.with_options(self._shared.setdefault(options, prepared.options))
        same = options, _digest(prepared.options["helm"])
        return deployment.with_options(self._equal.setdefault(same, prepared.options))

    def needs_evaluation(self, prepared: BundleDeployment) -> bool:
        if not self._is_labelled[id(prepared.cluster)]:
            return False
        options = id(prepared.options)
        if options not in self._needs:
            self._needs[options] = needs_evaluation(prepared)
        return self._needs[options]

    def _asks_for_labels(self, options: dict[str, Any]) -> bool:
        if id(options) not in self._asks:
            self._asks[id(options)] = LABEL_PREFIX in json.dumps(options.get("helm"))
        return self._asks[id(options)]


class _Entries:
    """The files with evaluated options, in ``directory``. Equal options are one object in memory."""

    def __init__(self, directory: Path):
        self._directory = directory
        self._digests: dict[int, str] = {}
        self._known: dict[bytes, dict[str, Any]] = {}

    def path(self, deployment: BundleDeployment) -> Path:
        """The file for what becomes of a deployment's options on its cluster."""
        cluster, options = deployment.cluster, deployment.options
        if id(options) not in self._digests:
            self._digests[id(options)] = _digest(options)
        digest = _digest(
            [
                FORMAT,
                cluster.name,
                cluster.namespace,
                cluster.labels,
                cluster.annotations,
                cluster.template_values,
                self._digests[id(options)],
            ]
        )
        return self._directory / digest[:2] / f"{digest}.json"

    def read(self, path: Path) -> dict[str, Any] | None:
        try:
            content = path.read_bytes()
            digest = hashlib.sha256(content).digest()
            if digest not in self._known:
                options = json.loads(content)
                if not isinstance(options, dict):
                    return None
                self._known[digest] = options
        except (OSError, ValueError):
            return None
        return self._known[digest]

    def write(self, path: Path, options: dict[str, Any]) -> None:
        """Keep the options, private to the user. A full disk costs the next run some time, no more."""
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary = path.with_suffix(f".{os.getpid()}")
            try:
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.write(json.dumps(options))
                temporary.replace(path)
            except OSError:
                temporary.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what is old, and what a killed run left."""
        oldest = time.time() - KEEP
        for path in self._directory.glob("*/*"):
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime < oldest:
                    path.unlink()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
