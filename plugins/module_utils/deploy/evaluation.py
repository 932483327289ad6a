# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluated options from the cache: templates are evaluated by Helm, and only where something changed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from ..chart.helm import HelmFinder
from ..chart.templating import evaluate as evaluate_by_helm
from ..chart.templating import needs_evaluation, prepare
from ..errors import FleetError
from ..target.deployment import BundleDeployment

FORMAT = 1
"""Changes when the rules of evaluation do: older entries are not read then."""


def evaluate(
    deployments: Sequence[BundleDeployment], helm: HelmFinder, cache: Path
) -> list[BundleDeployment | FleetError]:
    """Final options for each deployment, in order. Starts no process for what was evaluated before."""
    results = [_prepared(deployment) for deployment in deployments]
    missing: dict[str, list[int]] = {}
    for index, deployment in enumerate(results):
        if isinstance(deployment, FleetError) or not needs_evaluation(deployment):
            continue
        path = _path(cache, deployment)
        options = _read(path)
        if options is None:
            missing.setdefault(str(path), []).append(index)
        else:
            results[index] = deployment.with_options(options)
    if missing:
        # Equal options on equal clusters are evaluated once.
        firsts = [results[indexes[0]] for indexes in missing.values()]
        for (path, indexes), result in zip(missing.items(), evaluate_by_helm(firsts, helm.find()), strict=True):
            if not isinstance(result, FleetError):
                _write(Path(path), result.options)
            for index in indexes:
                failed = isinstance(result, FleetError)
                results[index] = result if failed else deployments[index].with_options(result.options)
    return results


def _prepared(deployment: BundleDeployment) -> BundleDeployment | FleetError:
    try:
        return prepare(deployment)
    except FleetError as error:
        return error


def _path(cache: Path, deployment: BundleDeployment) -> Path:
    cluster = deployment.cluster
    context = [
        FORMAT,
        cluster.name,
        cluster.namespace,
        cluster.labels,
        cluster.annotations,
        cluster.template_values,
        deployment.options,
    ]
    text = json.dumps(context, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return cache / "options" / digest[:2] / f"{digest}.json"


def _read(path: Path) -> dict | None:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write(path: Path, options: dict) -> None:
    """Keep the options, private to the user. A full disk costs the next run some time, no more."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(options, file)
        temporary.replace(path)
    except OSError:
        return
