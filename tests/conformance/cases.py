# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases: what Fleet was given, in the terms of our own code, and what came out there."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ansible_collections.gitops.fleet.plugins.module_utils.bundle import go_yaml
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.settings import COMMIT_LABEL, Settings
from ansible_collections.gitops.fleet.plugins.module_utils.source.directory_tree import DirectoryTree
from ansible_collections.gitops.fleet.plugins.module_utils.source.scan import BundleRoot, find_bundles
from ansible_collections.gitops.fleet.plugins.module_utils.source.tree import SYMLINK, Entry
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster, ClusterGroup

_LONGEST_LINK = 255
_SWITCHES = {
    "--compress": "compress",
    "--paused": "paused",
    "--keep-resources": "keep_resources",
    "--delete-namespace": "delete_namespace",
}
_CORRECT_DRIFT = {
    "--correct-drift": "enabled",
    "--correct-drift-force": "force",
    "--correct-drift-keep-fail-history": "keepFailHistory",
}
_TEXTS = {"-n": "namespace", "--namespace": "namespace", "--target-namespace": "target_namespace"}
_TEXTS |= {"--service-account": "service_account", "-a": "service_account"}


@dataclass(frozen=True)
class Case:
    """One line of ``cases.jsonl``."""

    data: Mapping[str, Any]
    directory: Path

    @property
    def id(self) -> str:
        """The name of the case."""
        return self.data["id"]

    @property
    def failed(self) -> bool:
        """Whether Fleet's command failed."""
        return self.data["exit"] != 0

    @property
    def deployments(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        """What Fleet made of each bundle on each cluster."""
        return {
            (bundle["name"], deployment["cluster"]): deployment
            for bundle in self.data["bundles"]
            for deployment in bundle["deployments"]
        }

    def bundles(self) -> dict[str, Any]:
        """The Bundle objects that Fleet printed, by name."""
        path = self.directory / "bundles" / f"{self.id}.yaml"
        if not path.exists():
            return {}
        documents = path.read_text(encoding="utf-8").split("\n---\n")
        objects = [go_yaml.load(document, str(path)) for document in documents]
        return {item["metadata"]["name"]: item for item in objects if item}

    def objects(self, bundle: str, cluster: str) -> list[Any]:
        """The objects that Fleet rendered."""
        path = self.directory / "objects" / self.id / f"{bundle}--{cluster}.yaml"
        return (go_yaml.load(path.read_bytes(), str(path)) or []) if path.exists() else []

    def read(self) -> tuple[DirectoryTree, list[BundleRoot], Settings]:
        """The tree, its bundles and the settings, as the command line says. Raises FleetError."""
        call = self._call
        inputs = self.directory / "inputs"
        start = posixpath.join(self.data["cwd"], "")
        # A path may lead out of the folder where the command ran, but not out of the inputs.
        above = posixpath.commonpath([start, *(posixpath.normpath(start + path) for path in call.paths)])
        if not any(path == ".." or path.startswith("../") for path in call.paths):
            above = start.rstrip("/")
        tree = StoredTree(inputs / above)
        if call.driven:
            return tree, find_bundles(tree, (), call.driven), call.settings
        roots: dict[BundleRoot, None] = {}
        for path in call.paths or ["."]:
            inside = posixpath.relpath(posixpath.normpath(start + path), above) if path.startswith("..") else path
            for root in find_bundles(tree, [inside]):
                spelled = posixpath.join(path, posixpath.relpath(root.spelled, inside)) if inside != path else None
                roots[replace(root, spelled=spelled) if spelled else root] = None
        return tree, list(roots), call.settings

    @cached_property
    def _call(self) -> _Call:
        return _Call.parse(self.data, self.directory / "inputs" / self.data["cwd"])


@dataclass(frozen=True)
class _Call:
    """A command line of ``fleet apply``, read."""

    settings: Settings
    paths: list[str]
    driven: list[dict[str, str]]

    @classmethod
    def parse(cls, data: Mapping[str, Any], cwd: Path) -> _Call:
        # Empty arguments were kept when the words were joined: "--target-namespace  -o".
        words = data["args"].split(" ")[1:]
        fields: dict[str, Any] = {}
        labels: dict[str, str] = {}
        drift: dict[str, bool] = {}
        separator, driven, commit = ":", False, _environment(data).get("COMMIT", "")
        while words and words[0].startswith("-"):
            option, equals, value = words.pop(0).partition("=")
            if option in _SWITCHES:
                fields[_SWITCHES[option]] = value != "false"
            elif option in _CORRECT_DRIFT:
                drift[_CORRECT_DRIFT[option]] = value != "false"
            elif option == "--driven-scan":
                driven = True
            else:
                value = value if equals else words.pop(0)
                if option in _TEXTS:
                    fields[_TEXTS[option]] = value
                elif option in ("--label", "-l"):
                    labels.update(part.split("=", 1) for part in value.split(",") if part)
                elif option == "--commit":
                    commit = value
                elif option == "--sync-generation":
                    fields["force_sync_generation"] = int(value)
                elif option == "--driven-scan-sep":
                    separator = value
                elif option not in ("-o", "--output", "--targets-file"):
                    raise ValueError(f"{data['id']}: option {option} is not known here")
        if commit:
            labels[COMMIT_LABEL] = commit
        name, paths = words[0], words[1:]
        if len(paths) > 1 and (cwd / " ".join(paths)).exists():
            paths = [" ".join(paths)]
        targets = data.get("targets") or {}
        settings = Settings(
            name=name,
            labels=labels,
            targets=targets.get("targets") or (),
            restrictions=targets.get("targetRestrictions") or (),
            correct_drift=drift or None,
            **{"namespace": "fleet-local", **fields},
        )
        split = [path.split(separator, 1) for path in paths] if driven else []
        return cls(settings, paths, [dict(zip(("base", "options"), parts, strict=False)) for parts in split])


def _environment(data: Mapping[str, Any]) -> dict[str, str]:
    environment = data.get("env") or {}
    if isinstance(environment, str):
        environment = dict(word.split("=", 1) for word in environment.split())
    return environment


class StoredTree(DirectoryTree):
    """An input as Fleet saw it: symbolic links were stored as files that hold the text of their target."""

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        found = dict(super()._entries)
        for path, entry in found.items():
            if 0 < entry.size <= _LONGEST_LINK and self._is_stored_link(path):
                found[path] = Entry(SYMLINK, entry.size)
        return found

    def _is_stored_link(self, path: str) -> bool:
        text = (self.root / path).read_bytes()
        if any(byte <= 32 or byte >= 127 for byte in text):
            return False
        target = text.decode("ascii")
        return target.startswith("/") or ((self.root / path).parent / target).exists()

    def _read(self, path: str) -> bytes:
        if self._entries.get(path, Entry("", 0)).mode == SYMLINK:
            return (self.root / path).read_bytes()
        return super()._read(path)


def load_cases(directory: Path) -> list[Case]:
    """All cases of a directory in the layout of the conformance data."""
    lines = (directory / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    return [Case(json.loads(line), directory) for line in lines if line.strip()]


def load_fleet(path: Path) -> tuple[list[Cluster], list[ClusterGroup]]:
    """The clusters and groups of a file with Cluster and ClusterGroup objects."""
    clusters, groups = [], []
    for item in _documents(path):
        metadata, spec = item["metadata"], item.get("spec") or {}
        common = {"name": metadata["name"], "namespace": metadata["namespace"], "labels": metadata.get("labels") or {}}
        if item["kind"] == "Cluster":
            values = spec.get("templateValues") or {}
            clusters.append(Cluster(**common, annotations=metadata.get("annotations") or {}, template_values=values))
        else:
            groups.append(ClusterGroup(**common, selector=spec.get("selector")))
    return clusters, groups


def _documents(path: Path) -> Iterator[Any]:
    for text in path.read_text(encoding="utf-8").split("\n---\n"):
        yield go_yaml.load(text, str(path))
