# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Fleet does to rendered manifests before they are applied: its marks on every object, Kustomize, raw objects.

Fleet's rules: ``internal/helmdeployer/postrender.go``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from ..bundle.names import safe_concat_name
from ..errors import FleetError
from ..target.deployment import BundleDeployment
from .chart import Chart
from .objects import parse_objects
from .yaml_text import to_yaml

ID_ANNOTATION = "objectset.rio.cattle.io/id"
HASH_LABEL = "objectset.rio.cattle.io/hash"
RESOURCE_POLICY = "helm.sh/resource-policy"

SET_ID_PREFIX = "default"
"""What an agent puts before the bundle's name in a set ID."""


def post_render(
    chart: Chart,
    deployment: BundleDeployment,
    manifests: bytes,
    *,
    set_id_prefix: str = SET_ID_PREFIX,
    namespaced: Callable[[str, str], bool] | None = None,
    kustomize: Callable[[Chart, bytes], bytes] | None = None,
) -> bytes:
    """The manifests to apply, for what Helm rendered: :func:`post_rendered_objects` as YAML."""
    return to_yaml(
        post_rendered_objects(
            chart,
            deployment,
            manifests,
            set_id_prefix=set_id_prefix,
            namespaced=namespaced,
            kustomize=kustomize,
        )
    )


def post_rendered_objects(
    chart: Chart,
    deployment: BundleDeployment,
    manifests: bytes,
    *,
    set_id_prefix: str = SET_ID_PREFIX,
    namespaced: Callable[[str, str], bool] | None = None,
    kustomize: Callable[[Chart, bytes], bytes] | None = None,
) -> list[dict[str, Any]]:
    """The objects to apply, for what Helm rendered (a pure function but for ``kustomize``).

    ``namespaced(api_version, kind)`` tells whether a kind has namespaces; without it nobody checks
    that. ``kustomize`` runs the chart's kustomization over what was rendered. Raises
    :class:`FleetError`, among others for a cluster-wide object where ``namespace`` is set.
    """
    options = deployment.options
    objects = parse_objects(manifests, "rendered manifests", rendered=True)
    if chart.kustomize_dir is not None:
        if kustomize is None:
            raise FleetError("this bundle uses Kustomize, and nobody said how to run it")
        objects = parse_objects(kustomize(chart, manifests if objects else b""), "output of kustomize")
    marks = set_marks(deployment.bundle.name, set_id_prefix)
    keep_crds = not options.get("deleteCRDResources")
    namespace = options.get("namespace") or ""
    return [_marked(item, marks, keep_crds, namespace, namespaced) for item in [*objects, *chart.raw_objects]]


def set_marks(bundle: str, prefix: str = SET_ID_PREFIX) -> tuple[dict[str, str], dict[str, str]]:
    """The label and the annotation by which Fleet knows the objects of a bundle."""
    set_id = "fleet-agent-bootstrap" if bundle.startswith("fleet-agent") else safe_concat_name(prefix, bundle)
    digest = hashlib.sha1(set_id.encode(), usedforsecurity=False).hexdigest()
    return {HASH_LABEL: digest}, {ID_ANNOTATION: set_id}


def _marked(
    item: dict[str, Any],
    marks: tuple[dict[str, str], dict[str, str]],
    keep_crds: bool,
    namespace: str,
    namespaced: Callable[[str, str], bool] | None,
) -> dict[str, Any]:
    labels, annotations = marks
    own = item.get("metadata")
    metadata = dict(own) if isinstance(own, dict) else {}
    metadata["labels"] = {**_strings(metadata.get("labels")), **labels}
    metadata["annotations"] = {**_strings(metadata.get("annotations")), **annotations}
    if keep_crds and item.get("kind") == "CustomResourceDefinition":
        metadata["annotations"][RESOURCE_POLICY] = "keep"
    if namespace:
        _check_scope(item, metadata, namespaced)
        metadata["namespace"] = namespace
    return {**item, "metadata": metadata}


def _strings(labels: Any) -> dict[str, str]:
    """Labels or annotations as Kubernetes' own library reads them: one value that is no string voids them all."""
    if not isinstance(labels, dict):
        return {}
    if any(value is not None and not isinstance(value, str) for value in labels.values()):
        return {}
    return {name: value or "" for name, value in labels.items()}


def _check_scope(item: dict[str, Any], metadata: dict[str, Any], namespaced: Callable[[str, str], bool] | None) -> None:
    if namespaced is None or namespaced(item.get("apiVersion") or "", item.get("kind") or ""):
        return
    raise FleetError(
        "this object belongs to no namespace, and fleet.yaml sets namespace, which allows no such objects",
        place=f"{item.get('kind')} {metadata.get('name')}",
        remedy="Set defaultNamespace instead of namespace, or move the object to another bundle.",
    )
