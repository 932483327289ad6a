# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linting files that a test writes down, in the form of the examples of docs/lint.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.lint.clusters_file import read_clusters
from ansible_collections.gitops.fleet.plugins.module_utils.lint.lint import Report, lint
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from trees import LinkedTree

_FILE = re.compile(r"# (?P<before>before: )?(?P<path>[\w.][\w./-]*)")


def lint_text(text: str, folder: Path) -> Report:
    """The report over an example; ``folder`` is for the file with clusters."""
    now, before = parse(text)
    gitrepo = yaml.safe_load(now.pop("gitrepo", "") or "{}")
    clusters = now.pop("clusters.yml", None)
    found = None
    if clusters is not None:
        (folder / "clusters.yml").write_text(clusters)
        found = read_clusters(folder / "clusters.yml", "fleet-default")
    repository = GitRepo(name=gitrepo.pop("name", "repo"), **gitrepo)
    return lint(LinkedTree(now), repository, clusters=found, before=LinkedTree(before) if before else None)


def lint_files(files: Mapping[str, str], **gitrepo) -> Report:
    """The report over these files."""
    return lint(LinkedTree(files), GitRepo(name=gitrepo.pop("name", "repo"), **gitrepo))


def parse(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """The files of an example, now and before. One that is only named gets a content that fits its name."""
    now: dict[str, list[str]] = {}
    before: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        match = _FILE.fullmatch(line)
        if match:
            current = (before if match["before"] else now).setdefault(match["path"], [])
        else:
            current.append(line)
    return _contents(now), _contents(before)


def _contents(files: dict[str, list[str]]) -> dict[str, str]:
    return {path: "\n".join(lines) + "\n" if lines else _fitting(path) for path, lines in files.items()}


def _fitting(path: str) -> str:
    folder, _slash, name = path.rpartition("/")
    if name == "Chart.yaml":
        return f"apiVersion: v2\nname: {folder.rpartition('/')[2] or 'chart'}\nversion: 1.0.0\n"
    if name.startswith("kustomization."):
        return "resources: []\n"
    object_name = re.sub("[^a-z]+", "-", path.removesuffix(".yaml"))
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {object_name}}}\n"
