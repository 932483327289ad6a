# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of Kubernetes' own kinds where a manifest is compared with a live object.

From the Kubernetes API's types (``k8s.io/api``, markers ``+listType``, ``+listMapKey``,
``omitempty``): which lists are maps by a key, which are sets, which fields the server fills in.
"""

from __future__ import annotations

from typing import Any

GROUPS = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)
"""Groups whose objects go through Go types: an empty value of theirs is the same as none at all."""

MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "hostAliases": ("ip",),
    "resourceClaims": ("name",),
    "schedulingGates": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "webhooks": ("name",),
    "matchConditions": ("name",),
    "ownerReferences": ("uid",),
}
"""Lists that are maps: their elements are found by these fields, and others may add elements."""

SETS = frozenset({"finalizers"})
"""Lists to which others may add."""

ALLOCATED = frozenset({"clusterIP", "clusterIPs", "nodePort", "healthCheckNodePort", "caBundle", "volumeName"})
"""Fields that something in the cluster fills in where the manifest leaves them empty."""

MEANINGFUL_WHEN_EMPTY = frozenset({"emptyDir", "podSelector", "namespaceSelector"})
"""``{}`` says something here."""

_QUANTITY_MAPS = frozenset(
    {
        "limits",
        "requests",
        "hard",
        "capacity",
        "min",
        "max",
        "default",
        "defaultRequest",
        "maxLimitRequestRatio",
        "podFixed",
    }
)
_QUANTITY_FIELDS = frozenset({"sizeLimit", "divisor", "averageValue"})
_INT_OR_STRING = frozenset({"port", "targetPort", "maxSurge", "maxUnavailable", "minAvailable"})


def merge_keys(parent: str, field: str, elements: list[Any]) -> tuple[str, ...]:
    """The key fields of the list ``field`` in ``parent``, () where the list is no map.

    ``ports`` are those of a container (by containerPort) or of a Service (by port), both with a
    protocol; the ports of a NetworkPolicy or an EndpointSlice are a plain list.
    """
    if field != "ports":
        return MERGE_KEYS.get(field, ())
    first = elements[0] if elements and isinstance(elements[0], dict) else {}
    if "containerPort" in first:
        return ("containerPort", "protocol")
    return ("port", "protocol") if parent == "spec" else ()


def is_quantity(parent: str, field: str) -> bool:
    """Whether ``field`` in ``parent`` holds a quantity."""
    return parent in _QUANTITY_MAPS or field in _QUANTITY_FIELDS


def is_int_or_string(field: str) -> bool:
    """Whether the field takes ``80`` and ``"80"``."""
    return field in _INT_OR_STRING
