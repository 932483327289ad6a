# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart that a bundle becomes for a cluster, whatever its style.

Fleet's rules: ``internal/helmdeployer/render/helm.go``, ``rawyaml/resources.go`` and ``install.go``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import posixpath
import zlib
from dataclasses import dataclass, field
from typing import Any

from ..bundle import go_json, go_yaml
from ..bundle.bundle import Bundle
from ..errors import FleetError
from .objects import MissingKind, parse_objects
from .overlays import apply_overlays
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

_MANIFESTS = (".yaml", ".yml", ".json")
_FLEET_YAML = ("fleet.yaml", "fleet.yml")
_LARGEST = 100 * 1024 * 1024
"""Bytes that one resource may have when it is unpacked, which is Helm's limit for a whole chart."""


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
    resources = decode_resources(bundle.spec.get("resources") or [])
    style = determine_style(resources, options)
    place = f"bundle {bundle.name}"
    version_commit = commit
    if style.is_raw:
        overlays = (options.get("yaml") or {}).get("overlays") or []
        files = _raw_files(apply_overlays(resources, overlays, place))
        if overlays:
            # Fleet loses the commit where overlays apply.
            version_commit = ""
    else:
        files = _below(resources, posixpath.dirname(style.chart_path)) if style.is_helm else {}
    metadata = _metadata(bundle.name, files, version_commit)
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


def decode_resources(resources: list[dict[str, Any]]) -> dict[str, bytes]:
    """The content of a bundle's resources by name; those without a name get one, as in Fleet."""
    return {
        resource.get("name") or f"manifests/file{index:03d}.yaml": _decode(resource)
        for index, resource in enumerate(resources)
    }


def _decode(resource: dict[str, Any]) -> bytes:
    encoding = resource.get("encoding") or ""
    content = resource.get("content") or ""
    try:
        if encoding not in ("base64", "base64+gz"):
            return content.encode("utf-8", "surrogatepass")
        data = base64.b64decode(content, validate=True)
        return _gunzip(data) if encoding == "base64+gz" else data
    except (binascii.Error, zlib.error, ValueError) as error:
        raise FleetError(f"its content is not {encoding}", place=resource.get("name", "")) from error


def _gunzip(data: bytes) -> bytes:
    unpacking = zlib.decompressobj(wbits=31)
    unpacked = unpacking.decompress(data, _LARGEST)
    if not unpacking.eof:
        raise ValueError("too large or cut off")
    return unpacked


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


def _metadata(bundle_name: str, files: dict[str, bytes], commit: str) -> dict[str, Any]:
    """The content of Chart.yaml: the chart's own, or one that Fleet makes."""
    if CHART_YAML in files:
        return _own_metadata(files[CHART_YAML])
    version = f"git-{commit[:12]}" if len(commit) > 12 else _content_id(files)
    return {"apiVersion": "v2", "name": bundle_name.rpartition("/")[2], "version": f"v0.0.0+{version}"}


def _own_metadata(content: bytes) -> dict[str, Any]:
    metadata = go_yaml.load(content, CHART_YAML)
    if not isinstance(metadata, dict):
        raise FleetError("this is not a mapping", place=CHART_YAML)
    return metadata


def _content_id(files: dict[str, bytes]) -> str:
    """Fleet's ID of a manifest with these resources."""
    resources = [{"name": name, "content": content.decode("utf-8", "replace")} for name, content in files.items()]
    text = go_json.dumps({"resources": resources}) + "\n"
    return ("s-" + hashlib.sha256(text.encode()).hexdigest())[:63]


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
        objects += [item for item in parsed if item.get("apiVersion") and item.get("kind")]
    return objects
