# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A BundleDeployment: one bundle on one cluster, with the options that hold there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from ..bundle import go_json
from ..bundle.api_types import BUNDLE_DEPLOYMENT_OPTIONS
from ..bundle.bundle import Bundle
from ..bundle.content import content_id
from ..bundle.names import helm_release_name, safe_concat_name
from .cluster import Cluster

DEFAULT_NAMESPACE = "default"

_NOT_DEPLOYED = ("diff", "correctDrift")
"""Options that say how drift is treated and not what is deployed: they do not count for the ID."""


@dataclass(frozen=True, slots=True)
class BundleDeployment:
    """``options`` are BundleDeploymentOptions in Fleet's JSON keys, merged for this cluster.

    They may be shared with other BundleDeployments: never change them, :meth:`with_options` makes
    another one. ``namespace_labels`` and ``namespace_annotations`` are what the release's namespace gets.
    """

    bundle: Bundle
    cluster: Cluster
    options: dict[str, Any]

    @property
    def id(self) -> str:
        """Fleet's deployment ID. The options must be final: templates in them evaluated for the cluster."""
        return deployment_id(content_id(self.bundle), self.options)

    @property
    def release_name(self) -> str:
        """The name of the Helm release."""
        return (self.options.get("helm") or {}).get("releaseName") or helm_release_name(self.bundle.name)

    @property
    def release_namespace(self) -> str:
        """The namespace of the Helm release."""
        return self.options.get("namespace") or self.options.get("defaultNamespace") or DEFAULT_NAMESPACE

    @property
    def namespace_labels(self) -> dict[str, str]:
        """The labels that the release's namespace gets; empty means that it is left alone."""
        return self._for_namespace("namespaceLabels")

    @property
    def namespace_annotations(self) -> dict[str, str]:
        """The annotations that the release's namespace gets; empty means that it is left alone."""
        return self._for_namespace("namespaceAnnotations")

    def with_options(self, options: dict[str, Any]) -> BundleDeployment:
        """The same with other options."""
        return replace(self, options=options)

    def _for_namespace(self, name: str) -> dict[str, str]:
        # As in Fleet, those of all targets count, also of targets that do not match this cluster.
        merged = dict(self.options.get(name) or {})
        for target in self.bundle.spec.get("targets") or []:
            merged.update(target.get(name) or {})
        return merged


def deployment_id(content: str, options: dict[str, Any]) -> str:
    """``CONTENT-ID:DIGEST``, by which Fleet tells whether anything has to be deployed."""
    text = go_json.dumps(BUNDLE_DEPLOYMENT_OPTIONS.canonical(deployed_options(options))) + "\n"
    return f"{content}:{hashlib.sha256(text.encode('utf-8')).hexdigest()}"


def deployed_options(options: dict[str, Any]) -> dict[str, Any]:
    """The options that count for the ID: a change in the others deploys nothing."""
    return {name: value for name, value in options.items() if name not in _NOT_DEPLOYED}


def cluster_namespace(cluster: Cluster) -> str:
    """The namespace on a Fleet manager that holds a cluster's BundleDeployments."""
    digest = hashlib.sha256(f"{cluster.namespace}::{cluster.name}".encode()).hexdigest()
    return safe_concat_name("cluster", cluster.namespace, cluster.name, digest[:12])
