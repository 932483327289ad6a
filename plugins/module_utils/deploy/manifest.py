# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a manifest by what they are: group, kind, namespace and name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..chart.objects import parse_objects
from ..errors import FleetError

CLUSTER_SCOPED = frozenset(
    {
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("certificates.k8s.io", "ClusterTrustBundle"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "IPAddress"),
        ("networking.k8s.io", "ServiceCIDR"),
        ("node.k8s.io", "RuntimeClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("resource.k8s.io", "DeviceClass"),
        ("resource.k8s.io", "ResourceSlice"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("storage.k8s.io", "VolumeAttributesClass"),
    }
)
"""The built-in kinds that have no namespace, by (group, kind)."""


class ObjectKey(NamedTuple):
    """Which object: ``group`` is '' for the core group, ``namespace`` '' for a cluster-wide kind.

    The version is not part of it: one object can be read in several.
    """

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def group_of(api_version: str) -> str:
    """``apps`` of ``apps/v1``, '' of ``v1``."""
    group, slash, _version = api_version.partition("/")
    return group if slash else ""


def builtin_namespaced(api_version: str, kind: str) -> bool:
    """Whether objects of a kind have a namespace, known without asking a cluster; other kinds are taken to."""
    return (group_of(api_version), kind) not in CLUSTER_SCOPED


def key(
    obj: dict[str, Any], namespace: str = "", namespaced: Callable[[str, str], bool] = builtin_namespaced
) -> ObjectKey:
    """The key of an object of a release in ``namespace``, where an object without one goes."""
    api_version, kind = obj.get("apiVersion") or "", obj.get("kind") or ""
    metadata = obj.get("metadata") or {}
    own = (metadata.get("namespace") or namespace) if namespaced(api_version, kind) else ""
    return ObjectKey(group_of(api_version), kind, own, str(metadata.get("name") or ""))


def index(
    objects: Iterable[dict[str, Any]],
    namespace: str = "",
    namespaced: Callable[[str, str], bool] = builtin_namespaced,
) -> dict[ObjectKey, dict[str, Any]]:
    """Objects by key, in their order. Of two with the same key the later one holds, as when applied."""
    return {key(obj, namespace, namespaced): obj for obj in objects}


def parse_manifest(text: str | bytes, place: str = "") -> list[dict[str, Any]]:
    """The objects of a manifest, in order; lists (``kind: List``) are taken apart, empty documents left out.

    Raises :class:`FleetError` with ``place`` and the line where the text is no YAML, or a document
    is no object.
    """
    return checked(parse_objects(text, place), place)


def checked(objects: list[dict[str, Any]], place: str = "") -> list[dict[str, Any]]:
    """The objects, if each says what it is. Raises :class:`FleetError`."""
    for obj in objects:
        if not isinstance(obj.get("apiVersion"), str) or not obj["apiVersion"]:
            raise FleetError(f"this {obj.get('kind')} has no apiVersion", place=place)
        if not isinstance(obj.get("metadata") or {}, dict):
            raise FleetError(f"metadata of this {obj.get('kind')} is not a mapping", place=place)
    return objects
