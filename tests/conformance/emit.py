# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own results in the layout of the conformance data, for others to compare.

Documents are written as JSON, which every YAML parser reads alike.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.gitops.fleet.plugins.module_utils.bundle.content import content_id
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.go_json import dumps_for_yaml
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError

from .outcome import Outcome, sorted_by_cluster, stored_options

Rendered = Mapping[tuple[str, str], "list[dict[str, Any]] | FleetError"]
"""By bundle and cluster: the objects, or why there are none."""


class Emitter:
    """Writes ``cases.jsonl``, ``bundles/`` and ``objects/`` below a directory."""

    def __init__(self, directory: Path):
        self._directory = directory
        self._cases: list[dict[str, Any]] = []

    def finish(self) -> None:
        """Write the list of cases."""
        self._write("cases.jsonl", "\n".join(json.dumps(case, sort_keys=True) for case in self._cases))

    def write(self, outcome: Outcome, rendered: Rendered) -> None:
        """Write one case."""
        case = outcome.case
        given = {key: case.data.get(key) for key in ("id", "input", "cwd", "args", "env", "targets")}
        bundles = [_bundle(outcome, name, rendered) for name in sorted(outcome.bundles)]
        result = {"exit": 1 if outcome.error else 0, "error": _text(outcome.error), "bundles": bundles}
        self._cases.append(given | result)
        objects = [outcome.bundles[name].to_object() for name in sorted(outcome.bundles)]
        if objects:
            self._write(f"bundles/{case.id}.yaml", "\n---\n".join(dumps_for_yaml(item) for item in objects))
        for (bundle, cluster), items in rendered.items():
            if not isinstance(items, FleetError):
                self._write(f"objects/{case.id}/{bundle}--{cluster}.yaml", dumps_for_yaml(items))

    def _write(self, name: str, text: str) -> None:
        path = self._directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")


def _bundle(outcome: Outcome, name: str, rendered: Rendered) -> dict[str, Any]:
    error = outcome.errors.get(name)
    deployments = sorted_by_cluster(outcome.deployments.get(name, ()))
    return {
        "name": name,
        "content_id": "" if error else content_id(outcome.bundles[name]),
        "clusters": [deployment.cluster.name for deployment in deployments],
        "error": _text(error),
        "deployments": [
            {
                "cluster": deployment.cluster.name,
                "deployment_id": deployment.id,
                "options": stored_options(deployment),
                **_counts(rendered.get((name, deployment.cluster.name), [])),
            }
            for deployment in deployments
        ],
    }


def _counts(items: list[dict[str, Any]] | FleetError) -> dict[str, Any]:
    failed = isinstance(items, FleetError)
    return {
        "exit": 1 if failed else 0,
        "error": _text(items) if failed else None,
        "objects": 0 if failed else len(items),
    }


def _text(error: object) -> str | None:
    return None if error is None else str(error)
