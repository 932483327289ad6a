# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes' own kinds, and how a strategic merge patch merges their lists.

From the registered types of k8s.io/client-go 0.36 and the tags ``patchStrategy`` and ``patchMergeKey``
of their fields in k8s.io/api. What a patch cannot sensibly change (``status``) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_KINDS = {
    "admissionregistration.k8s.io/v1": (
        "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration "
        "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration"
    ),
    "admissionregistration.k8s.io/v1alpha1": (
        "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding ValidatingAdmissionPolicy "
        "ValidatingAdmissionPolicyBinding"
    ),
    "admissionregistration.k8s.io/v1beta1": (
        "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingWebhookConfiguration "
        "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ValidatingWebhookConfiguration"
    ),
    "apps/v1": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "apps/v1beta1": "ControllerRevision Deployment DeploymentRollback Scale StatefulSet",
    "apps/v1beta2": "ControllerRevision DaemonSet Deployment ReplicaSet Scale StatefulSet",
    "authentication.k8s.io/v1": "SelfSubjectReview TokenRequest TokenReview",
    "authentication.k8s.io/v1alpha1": "SelfSubjectReview",
    "authentication.k8s.io/v1beta1": "SelfSubjectReview TokenReview",
    "authorization.k8s.io/v1": (
        "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview"
    ),
    "authorization.k8s.io/v1beta1": (
        "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview"
    ),
    "autoscaling/v1": "HorizontalPodAutoscaler Scale",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "batch/v1": "CronJob Job",
    "batch/v1beta1": "CronJob",
    "certificates.k8s.io/v1": "CertificateSigningRequest",
    "certificates.k8s.io/v1alpha1": "ClusterTrustBundle",
    "certificates.k8s.io/v1beta1": "CertificateSigningRequest ClusterTrustBundle PodCertificateRequest",
    "coordination.k8s.io/v1": "Lease",
    "coordination.k8s.io/v1alpha2": "LeaseCandidate",
    "coordination.k8s.io/v1beta1": "Lease LeaseCandidate",
    "discovery.k8s.io/v1": "EndpointSlice",
    "discovery.k8s.io/v1beta1": "EndpointSlice",
    "events.k8s.io/v1": "Event",
    "events.k8s.io/v1beta1": "Event",
    "extensions/v1beta1": "DaemonSet Deployment DeploymentRollback Ingress NetworkPolicy ReplicaSet Scale",
    "flowcontrol.apiserver.k8s.io/v1": "FlowSchema PriorityLevelConfiguration",
    "flowcontrol.apiserver.k8s.io/v1beta1": "FlowSchema PriorityLevelConfiguration",
    "flowcontrol.apiserver.k8s.io/v1beta2": "FlowSchema PriorityLevelConfiguration",
    "flowcontrol.apiserver.k8s.io/v1beta3": "FlowSchema PriorityLevelConfiguration",
    "internal.apiserver.k8s.io/v1alpha1": "StorageVersion",
    "networking.k8s.io/v1": "IPAddress Ingress IngressClass NetworkPolicy ServiceCIDR",
    "networking.k8s.io/v1beta1": "IPAddress Ingress IngressClass ServiceCIDR",
    "node.k8s.io/v1": "RuntimeClass",
    "node.k8s.io/v1alpha1": "RuntimeClass",
    "node.k8s.io/v1beta1": "RuntimeClass",
    "policy/v1": "Eviction PodDisruptionBudget",
    "policy/v1beta1": "Eviction PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "rbac.authorization.k8s.io/v1alpha1": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "rbac.authorization.k8s.io/v1beta1": "ClusterRole ClusterRoleBinding Role RoleBinding",
    "resource.k8s.io/v1": "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice",
    "resource.k8s.io/v1alpha3": "DeviceTaintRule ResourcePoolStatusRequest",
    "resource.k8s.io/v1beta1": "DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice",
    "resource.k8s.io/v1beta2": "DeviceClass DeviceTaintRule ResourceClaim ResourceClaimTemplate ResourceSlice",
    "scheduling.k8s.io/v1": "PriorityClass",
    "scheduling.k8s.io/v1alpha2": "PodGroup Workload",
    "scheduling.k8s.io/v1beta1": "PriorityClass",
    "storage.k8s.io/v1": "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment VolumeAttributesClass",
    "storage.k8s.io/v1alpha1": "CSIStorageCapacity VolumeAttachment VolumeAttributesClass",
    "storage.k8s.io/v1beta1": (
        "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment VolumeAttributesClass"
    ),
    "storagemigration.k8s.io/v1beta1": "StorageVersionMigration",
    "v1": (
        "Binding ComponentStatus ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume "
        "PersistentVolumeClaim Pod PodStatusResult PodTemplate RangeAllocation ReplicationController "
        "ResourceQuota Secret Service ServiceAccount"
    ),
}

KINDS = frozenset((group_version, kind) for group_version, kinds in _KINDS.items() for kind in kinds.split())
"""(apiVersion, kind) of the built-in kinds, CustomResourceDefinition not among them."""


@dataclass(frozen=True)
class Rules:
    """How the fields of a struct are merged.

    ``merged`` are the lists that are merged, each with the key that tells its elements apart ('' for
    lists of scalars); ``replaced`` the mappings that are not merged; ``inner`` the rules for the
    structs in fields, of a list's elements too. Everything else: mappings are merged, lists replaced.
    """

    merged: Mapping[str, str] = field(default_factory=dict)
    replaced: frozenset[str] = frozenset()
    inner: Mapping[str, Rules] = field(default_factory=dict)


PLAIN = Rules()
_METADATA = Rules(merged={"finalizers": "", "ownerReferences": "uid"})
_CONTAINER = Rules(
    merged={"env": "name", "ports": "containerPort", "volumeDevices": "devicePath", "volumeMounts": "mountPath"}
)
_POD_SPEC = Rules(
    merged={
        "containers": "name",
        "ephemeralContainers": "name",
        "hostAliases": "ip",
        "imagePullSecrets": "name",
        "initContainers": "name",
        "resourceClaims": "name",
        "schedulingGates": "name",
        "topologySpreadConstraints": "topologyKey",
        "volumes": "name",
    },
    inner={"containers": _CONTAINER, "ephemeralContainers": _CONTAINER, "initContainers": _CONTAINER},
)
_POD = Rules(inner={"metadata": _METADATA, "spec": _POD_SPEC})


def _with_spec(spec: Rules = PLAIN, **fields: Rules) -> Rules:
    return Rules(inner={"metadata": _METADATA, "spec": spec, **fields})


_OBJECT = _with_spec()
_WORKLOAD = _with_spec(Rules(inner={"template": _POD}))
_JOB = Rules(inner={"metadata": _METADATA, "spec": Rules(inner={"template": _POD})})
_CONDITIONS = {"matchConditions": "name"}
_POLICY = _with_spec(Rules(merged={**_CONDITIONS, "variables": "name"}))
_WEBHOOKS = Rules(merged={"webhooks": "name"}, inner={"metadata": _METADATA, "webhooks": Rules(merged=_CONDITIONS)})
_CLAIMS = Rules(merged={"resourceClaims": "name"})

_BY_KIND = {
    "CSINode": _with_spec(Rules(merged={"drivers": "name"})),
    "CronJob": _with_spec(Rules(inner={"jobTemplate": _JOB})),
    "DaemonSet": _WORKLOAD,
    "Deployment": _WORKLOAD,
    "Job": _JOB,
    "MutatingAdmissionPolicy": _with_spec(Rules(merged=_CONDITIONS)),
    "MutatingWebhookConfiguration": _WEBHOOKS,
    "Node": _with_spec(Rules(merged={"podCIDRs": ""})),
    "Pod": _POD,
    "PodGroup": _with_spec(_CLAIMS),
    "PodTemplate": Rules(inner={"metadata": _METADATA, "template": _POD}),
    "ReplicaSet": _WORKLOAD,
    "ReplicationController": _WORKLOAD,
    "Service": _with_spec(Rules(merged={"ports": "port"})),
    "ServiceAccount": Rules(merged={"secrets": "name"}, inner={"metadata": _METADATA}),
    "StatefulSet": _WORKLOAD,
    "ValidatingAdmissionPolicy": _POLICY,
    "ValidatingWebhookConfiguration": _WEBHOOKS,
}
_DISRUPTION_BUDGET = _with_spec(Rules(replaced=frozenset(("selector",))))


def rules_for(api_version: str, kind: str) -> Rules | None:
    """The rules for an object, None if it is none of Kubernetes' own kinds."""
    if (api_version, kind) not in KINDS:
        return None
    if (api_version, kind) == ("policy/v1", "PodDisruptionBudget"):
        return _DISRUPTION_BUDGET
    return _BY_KIND.get(kind, _OBJECT)
