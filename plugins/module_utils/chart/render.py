# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendering a deployment without a cluster, as Fleet's dry run does (``internal/helmdeployer/template.go``)."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import FleetError
from ..target.deployment import BundleDeployment
from .chart import build_chart
from .dry_run import as_in_dry_run
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

    ``set_id_prefix`` is an agent's default namespace; Fleet's dry run has none. ``kube_version`` is
    what templates are told (``v1.34.0``; ``1.34.0`` as Fleet's dry run has it), Helm's default if ''.
    CRDs from a chart's ``crds/`` are not among the objects, as in Fleet. Raises :class:`FleetError`
    with the cluster, the bundle and Helm's own words.
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
    namespace = options.get("namespace") or options.get("defaultNamespace") or set_id_prefix

    def post(manifests: bytes) -> bytes:
        return post_render(chart, deployment, manifests, set_id_prefix=set_id_prefix, kustomize=kustomize.build)

    with tempfile.NamedTemporaryFile(dir=helm.directory, suffix=".tgz") as file:
        file.write(pack(replace(chart, files=as_in_dry_run(chart.files, kube_version, namespace))))
        file.flush()
        completed = helm.run(
            _arguments(deployment, Path(file.name), namespace, kube_version),
            values=[json.dumps((options.get("helm") or {}).get("values") or {}).encode()],
            post_render=post,
            timeout=TIMEOUT,
        )
    return parse_objects(completed.stdout, "rendered manifests", rendered=True)


def _arguments(deployment: BundleDeployment, chart: Path, namespace: str, kube_version: str) -> list[str]:
    helm_options = deployment.options.get("helm") or {}
    arguments = ["template", deployment.release_name, str(chart)]
    if namespace:
        arguments += ["--namespace", namespace]
    if kube_version:
        arguments += ["--kube-version", kube_version]
    if not helm_options.get("disableDNS"):
        arguments.append("--enable-dns")
    if helm_options.get("skipSchemaValidation"):
        arguments.append("--skip-schema-validation")
    return arguments
