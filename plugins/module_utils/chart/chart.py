# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart that a bundle becomes for a cluster, whatever its style.

Fleet's rules: ``internal/helmdeployer/render/helm.go``, ``rawyaml/resources.go`` and ``install.go``.
"""

from __future__ import annotations

import json
import posixpath
from dataclasses import dataclass, field
from typing import Any

from ..bundle import go_yaml
from ..bundle.bundle import Bundle
from ..bundle.content import content_id_of, decode_resource
from ..errors import FleetError
from .objects import MissingKind, parse_objects
from .overlays import apply_overlays, without_overlays
from .style import CHART_YAML, Style, determine_style, kustomize_directory

COMMIT = "fleet.cattle.io/commit"
SERVICE_ACCOUNT = "fleet.cattle.io/service-account"
KEEP_RESOURCES = "fleet.cattle.io/keep-resources"
"""Annotations of the chart in a release, as Fleet sets them.

Fleet's ``bundle-id`` and ``agent-namespace`` are never among them: an agent on the same cluster
uninstalls releases that carry both and have no BundleDeployment.
"""

FORBIDDEN = ("fleet.cattle.io/bundle-id", "fleet.cattle.io/agent-namespace")

RAW = "raw-yaml/"
"""Where a chart holds manifests that are deployed as they are, without templates."""

_RENDERED = "If this is a template: of raw manifests, Helm renders only those below templates/, so move it there."

_MANIFESTS = (".yaml", ".yml", ".json")
_FLEET_YAML = ("fleet.yaml", "fleet.yml")


@dataclass(frozen=True)
class Chart:
    """A chart, ready to be packed. ``files`` are by their paths in the chart, in order.

    ``raw_objects`` are appended to what Helm renders. ``kustomize_dir`` is the directory of the
    kustomization in ``resources`` (the bundle's own files), None if there is none.
    """

    name: str
    version: str
    style: Style
    files: dict[str, bytes]
    raw_objects: list[dict[str, Any]] = field(default_factory=list)
    kustomize_dir: str | None = None
    resources: dict[str, bytes] = field(default_factory=dict)


def build_chart(bundle: Bundle, options: dict[str, Any], commit: str = "") -> Chart:
    """The chart of ``bundle`` under the options that hold for a cluster.

    ``commit`` is the git commit that the bundle was read from, '' if it was not. Raises
    :class:`FleetError` for an overlay that does not fit, or a raw manifest that cannot be read.
    """
    entries = _named(bundle.spec.get("resources") or [])
    resources = {entry["name"]: decode_resource(entry) for entry in entries}
    style = determine_style(resources, options)
    place = f"bundle {bundle.name}"
    files: dict[str, bytes] = {}
    version = _version(entries, commit)
    if style.is_helm:
        files = _below(resources, posixpath.dirname(style.chart_path))
    elif style.is_raw:
        overlays = (options.get("yaml") or {}).get("overlays") or []
        patched = without_overlays(apply_overlays(resources, overlays))
        files = _raw_files(patched)
        version = _raw_version(entries, patched, overlays, commit)
    metadata = _metadata(bundle.name, files, version)
    metadata["annotations"] = _annotations(metadata, options, commit)
    files[CHART_YAML] = json.dumps(metadata).encode()
    return Chart(
        name=str(metadata.get("name") or ""),
        version=str(metadata.get("version") or ""),
        style=style,
        files=files,
        raw_objects=_raw_objects(files, place),
        kustomize_dir=kustomize_directory(options) if style.kustomize else None,
        resources=resources if style.kustomize else {},
    )


def _named(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The resources; those without a name get one, as in Fleet."""
    return [
        resource if resource.get("name") else {**resource, "name": f"manifests/file{index:03d}.yaml"}
        for index, resource in enumerate(resources)
    ]


def _below(resources: dict[str, bytes], directory: str) -> dict[str, bytes]:
    prefix = directory + "/" if directory else ""
    return {name[len(prefix) :]: content for name, content in resources.items() if name.startswith(prefix)}


def _raw_files(resources: dict[str, bytes]) -> dict[str, bytes]:
    """Raw manifests: ``templates/`` is rendered by Helm, everything else lies below ``raw-yaml/``."""
    nested = tuple(
        posixpath.dirname(name) + "/"
        for name in resources
        if "/" in name and posixpath.basename(name) in (*_FLEET_YAML, CHART_YAML)
    )
    files = {}
    for name in sorted(resources):
        if name in _FLEET_YAML or not name.endswith(_MANIFESTS) or name.startswith(nested):
            continue
        files[name if name.startswith("templates/") else RAW + name] = resources[name]
    return files


def _version(resources: list[dict[str, Any]], commit: str) -> str:
    return "v0.0.0+" + (f"git-{commit[:12]}" if len(commit) > 12 else content_id_of(resources))


def _raw_version(entries: list[dict[str, Any]], patched: dict[str, bytes], overlays: list[str], commit: str) -> str:
    """The version of a raw bundle's chart, after the ID of what is left of its resources."""
    if overlays:
        # Fleet loses the commit, and the encodings, where overlays apply.
        commit = ""
        entries = [{"name": name, "content": content.decode("utf-8", "replace")} for name, content in patched.items()]
    left = [entry for entry in entries if entry["name"] in patched]
    return _version(sorted(left, key=lambda entry: entry["name"]), commit)


def _metadata(bundle_name: str, files: dict[str, bytes], version: str) -> dict[str, Any]:
    """The content of Chart.yaml: the chart's own, or one that Fleet makes."""
    if CHART_YAML in files:
        return _own_metadata(files[CHART_YAML])
    return {"apiVersion": "v2", "name": bundle_name.rpartition("/")[2], "version": version}


def _own_metadata(content: bytes) -> dict[str, Any]:
    metadata = go_yaml.load(content, CHART_YAML)
    if not isinstance(metadata, dict):
        raise FleetError("this is not a mapping", place=CHART_YAML)
    return metadata


def _annotations(metadata: dict[str, Any], options: dict[str, Any], commit: str) -> dict[str, str]:
    own = metadata.get("annotations")
    annotations = dict(own) if isinstance(own, dict) else {}
    for name in FORBIDDEN:
        annotations.pop(name, None)
    annotations[SERVICE_ACCOUNT] = options.get("serviceAccount") or ""
    annotations[KEEP_RESOURCES] = "true" if options.get("keepResources") else "false"
    if commit:
        annotations[COMMIT] = commit
    return annotations


def _raw_objects(files: dict[str, bytes], place: str) -> list[dict[str, Any]]:
    """The objects below ``raw-yaml/`` (a chart of the user's may have that directory too)."""
    objects: list[dict[str, Any]] = []
    for name, content in files.items():
        if not name.startswith(RAW):
            continue
        try:
            parsed = parse_objects(content, f"{place}, {name.removeprefix(RAW)}")
        except MissingKind:
            # Fleet leaves out the whole file, whatever else is in it.
            continue
        except FleetError as error:
            if b"{{" in content and not error.remedy:
                raise FleetError(error.problem, place=error.place, remedy=_RENDERED) from error
            raise
        objects += [item for item in parsed if item.get("apiVersion") and item.get("kind")]
    return objects
