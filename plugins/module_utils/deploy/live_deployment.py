# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan has in its hands of a deployment, for the lint rules that need what is on the cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..bundle.go_yaml import load
from ..bundle.values_files import merge_values
from ..errors import FleetError
from ..kube.client import METADATA, ApiError
from ..target.deployment import BundleDeployment
from .installation import Applied
from .plan import Step
from .preview import modified_objects
from .session import ClusterSession


@dataclass(frozen=True)
class LiveDeployment:
    """A bundle on a cluster, and what is there now.

    ``namespace_labels`` and ``namespace_annotations`` are those of the release's namespace (None: it
    is not there yet). ``values_from`` is what ``helm.valuesFrom`` gives, merged. ``modified`` are
    the objects that differ from the release: ``apiVersion``, ``kind``, ``namespace``, ``name``.
    """

    deployment: BundleDeployment
    namespace_labels: Mapping[str, str] | None = None
    namespace_annotations: Mapping[str, str] | None = None
    values_from: Mapping[str, Any] = field(default_factory=dict, repr=False)
    modified: Sequence[Mapping[str, str]] = ()

    @property
    def place(self) -> str:
        """Cluster and bundle, for messages: a plan has no files."""
        cluster = self.deployment.cluster
        return f"cluster {cluster.namespace}/{cluster.name}, bundle {self.deployment.bundle.name}"


def live_deployment(session: ClusterSession, step: Step, planned: Applied) -> LiveDeployment:
    """What there is of a step's deployment. Reads only what some rule needs. Raises FleetError."""
    deployment = step.wanted.deployment
    metadata: Mapping[str, Any] | None = None
    if deployment.namespace_labels or deployment.namespace_annotations:
        metadata = _namespace(session, deployment.release_namespace)
    return LiveDeployment(
        deployment,
        namespace_labels=None if metadata is None else metadata.get("labels") or {},
        namespace_annotations=None if metadata is None else metadata.get("annotations") or {},
        values_from=_merged(planned.values.from_cluster),
        modified=modified_objects(session, step) if _ignores_objects(deployment.options) else (),
    )


def _namespace(session: ClusterSession, name: str) -> Mapping[str, Any] | None:
    try:
        return session.client.request("GET", f"/api/v1/namespaces/{name}", accept=METADATA).get("metadata") or {}
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        return None


def _ignores_objects(options: Mapping[str, Any]) -> bool:
    patches = (options.get("diff") or {}).get("comparePatches") or []
    return any(operation.get("op") == "ignore" for patch in patches for operation in patch.get("operations") or [])


def _merged(documents: Sequence[bytes]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for document in documents:
        try:
            read = load(document.decode(), "")
        except (FleetError, ValueError):
            # Helm refuses it, and says so.
            continue
        values = merge_values(values, read) if isinstance(read, dict) else values
    return values
