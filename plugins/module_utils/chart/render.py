# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering a deployment without a cluster, as Fleet's dry run does (``internal/helmdeployer/template.go``)."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import FleetError
from ..target.deployment import BundleDeployment
from .chart import Chart, build_chart
from .helm import Helm
from .kustomize import Kustomize
from .objects import parse_objects
from .postrender import SET_ID_PREFIX, post_render
from .store import pack

TIMEOUT = 120
"""Seconds for one ``helm template``."""


def render(
    deployment: BundleDeployment,
    helm: Helm,
    *,
    set_id_prefix: str = SET_ID_PREFIX,
    kube_version: str = "",
    commit: str = "",
    kustomize: Kustomize | None = None,
) -> list[dict[str, Any]]:
    """The objects of a deployment whose options are final: those of the release, then its hooks.

    ``kube_version`` is what templates are told (``v1.34.0``; ``1.34.0`` as Fleet's own dry run has it),
    Helm's default if ''. CRDs from a chart's ``crds/`` are not among the objects, as in Fleet. Raises
    :class:`FleetError` with the cluster, the bundle and Helm's own words.
    """
    cluster = deployment.cluster
    try:
        return _render(deployment, helm, set_id_prefix, kube_version, commit, kustomize or Kustomize("", helm))
    except FleetError as error:
        raise error.at(f"cluster {cluster.namespace}/{cluster.name}, bundle {deployment.bundle.name}") from error


def _render(
    deployment: BundleDeployment, helm: Helm, set_id_prefix: str, kube_version: str, commit: str, kustomize: Kustomize
) -> list[dict[str, Any]]:
    options = deployment.options
    chart = build_chart(deployment.bundle, options, commit)

    def post(manifests: bytes) -> bytes:
        return post_render(chart, deployment, manifests, set_id_prefix=set_id_prefix, kustomize=kustomize.build)

    with tempfile.NamedTemporaryFile(dir=helm.directory, suffix=".tgz") as file:
        file.write(pack(_told(chart, kube_version)))
        file.flush()
        completed = helm.run(
            _arguments(deployment, Path(file.name), kube_version),
            values=[json.dumps((options.get("helm") or {}).get("values") or {}).encode()],
            post_render=post,
            timeout=TIMEOUT,
        )
    return parse_objects(completed.stdout, "rendered manifests")


def _told(chart: Chart, kube_version: str) -> Chart:
    """The chart with templates that see a version without ``v``, which Helm's own argument cannot say."""
    if not kube_version or kube_version.startswith("v"):
        return chart
    version = f'(dict "Version" "{kube_version}" "GitVersion" "{kube_version}"'
    version += ' "Major" .Capabilities.KubeVersion.Major "Minor" .Capabilities.KubeVersion.Minor)'
    capabilities = f'(dict "KubeVersion" {version} "APIVersions" .Capabilities.APIVersions'
    capabilities += ' "HelmVersion" .Capabilities.HelmVersion)'
    prefix = f'{{{{ $_ := set . "Capabilities" {capabilities} }}}}'.encode()
    files = {name: prefix + content if _is_template(name) else content for name, content in chart.files.items()}
    return replace(chart, files=files)


def _is_template(name: str) -> bool:
    return re.fullmatch(r"(charts/[^/]+/)*templates/.*", name) is not None


def _arguments(deployment: BundleDeployment, chart: Path, kube_version: str) -> list[str]:
    helm_options = deployment.options.get("helm") or {}
    arguments = ["template", deployment.release_name, str(chart), "--namespace", deployment.release_namespace]
    if kube_version:
        arguments += ["--kube-version", kube_version]
    if not helm_options.get("disableDNS"):
        arguments.append("--enable-dns")
    if helm_options.get("skipSchemaValidation"):
        arguments.append("--skip-schema-validation")
    return arguments
