# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet's types for bundles, field by field in the order of ``pkg/apis/fleet.cattle.io/v1alpha1`` in rancher/fleet.

The order decides digests: a deployment ID is one of the options as JSON. To support a new field of
``fleet.yaml``, add it here, in its place.
"""

from __future__ import annotations

from .go_types import (
    ANYTHING,
    BOOL,
    GENERIC_MAP,
    INT64,
    INT_OR_STRING,
    STRING,
    STRING_LIST,
    STRING_MAP,
    Field,
    Pointer,
    Slice,
    Struct,
)

LABEL_SELECTOR = Struct(
    "LabelSelector",
    (
        Field("matchLabels", STRING_MAP),
        Field(
            "matchExpressions",
            Slice(
                Struct(
                    "LabelSelectorRequirement",
                    (
                        Field("key", STRING, always=True),
                        Field("operator", STRING, always=True),
                        Field("values", STRING_LIST),
                    ),
                )
            ),
        ),
    ),
)


def _key_selector(name: str) -> Struct:
    reference = Struct("LocalObjectReference", (Field("name", STRING, always=True),))
    return Struct(name, (reference, Field("namespace", STRING), Field("key", STRING)))


VALUES_FROM = Struct(
    "ValuesFrom",
    (
        Field("configMapKeyRef", Pointer(_key_selector("ConfigMapKeySelector"))),
        Field("secretKeyRef", Pointer(_key_selector("SecretKeySelector"))),
    ),
)

HELM_OPTIONS = Struct(
    "HelmOptions",
    (
        Struct("GitOpsHelmOptions", (Field("valuesFiles", STRING_LIST),)),
        Field("chart", STRING),
        Field("repo", STRING),
        Field("releaseName", STRING),
        Field("version", STRING),
        Field("timeoutSeconds", INT64),
        Field("values", GENERIC_MAP),
        Field("templateValues", STRING_MAP),
        Field("valuesFrom", Slice(VALUES_FROM)),
        Field("force", BOOL),
        Field("takeOwnership", BOOL),
        Field("maxHistory", INT64),
        Field("waitForJobs", BOOL),
        Field("atomic", BOOL),
        Field("disablePreProcess", BOOL),
        Field("disableDNS", BOOL),
        Field("skipSchemaValidation", BOOL),
        Field("disableDependencyUpdate", BOOL),
    ),
)

COMPARE_PATCH = Struct(
    "ComparePatch",
    (
        Field("apiVersion", STRING),
        Field("kind", STRING),
        Field("name", STRING),
        Field("namespace", STRING),
        Field("jsonPointers", STRING_LIST),
        Field(
            "operations",
            Slice(Struct("Operation", (Field("op", STRING), Field("path", STRING), Field("value", STRING)))),
        ),
    ),
)

CORRECT_DRIFT = Struct("CorrectDrift", (Field("enabled", BOOL), Field("force", BOOL), Field("keepFailHistory", BOOL)))

BUNDLE_DEPLOYMENT_OPTIONS = Struct(
    "BundleDeploymentOptions",
    (
        Struct(
            "GitOpsBundleDeploymentOptions",
            (
                Field("yaml", Pointer(Struct("YAMLOptions", (Field("overlays", STRING_LIST),)))),
                Field("kustomize", Pointer(Struct("KustomizeOptions", (Field("dir", STRING),)))),
            ),
        ),
        Field("defaultNamespace", STRING),
        Field("namespace", STRING),
        Field("helm", Pointer(HELM_OPTIONS)),
        Field("serviceAccount", STRING),
        Field("createNamespace", Pointer(BOOL)),
        Field("forceSyncGeneration", INT64),
        Field("diff", Pointer(Struct("DiffOptions", (Field("comparePatches", Slice(COMPARE_PATCH)),)))),
        Field("keepResources", BOOL),
        Field("deleteNamespace", BOOL),
        Field("ignore", Pointer(Struct("IgnoreOptions", (Field("conditions", Slice(STRING_MAP)),)))),
        Field("correctDrift", Pointer(CORRECT_DRIFT)),
        Field("namespaceLabels", STRING_MAP),
        Field("namespaceAnnotations", STRING_MAP),
        Field("deleteCRDResources", BOOL),
        Field(
            "downstreamResources", Slice(Struct("DownstreamResource", (Field("kind", STRING), Field("name", STRING))))
        ),
        Field(
            "overwrites",
            Slice(
                Struct(
                    "OverwrittenResource", (Field("name", STRING), Field("namespace", STRING), Field("kind", STRING))
                )
            ),
        ),
        Field("allowedTargetNamespaceSelector", Pointer(LABEL_SELECTOR)),
    ),
)

_CLUSTER_CRITERIA = (
    Field("clusterName", STRING),
    Field("clusterSelector", Pointer(LABEL_SELECTOR)),
    Field("clusterGroup", STRING),
    Field("clusterGroupSelector", Pointer(LABEL_SELECTOR)),
)

GIT_TARGET = Struct("GitTarget", (Field("name", STRING), *_CLUSTER_CRITERIA))

BUNDLE_TARGET = Struct(
    "BundleTarget",
    (
        BUNDLE_DEPLOYMENT_OPTIONS,
        Field("name", STRING),
        *_CLUSTER_CRITERIA,
        Field("doNotDeploy", BOOL),
        Field("namespaceLabels", STRING_MAP),
        Field("namespaceAnnotations", STRING_MAP),
    ),
)

PARTITION = Struct(
    "Partition", (Field("name", STRING), Field("maxUnavailable", Pointer(INT_OR_STRING)), *_CLUSTER_CRITERIA)
)

BUNDLE_SPEC = Struct(
    "BundleSpec",
    (
        BUNDLE_DEPLOYMENT_OPTIONS,
        Field("paused", BOOL),
        Field(
            "rolloutStrategy",
            Pointer(
                Struct(
                    "RolloutStrategy",
                    (
                        Field("maxUnavailable", Pointer(INT_OR_STRING)),
                        Field("maxUnavailablePartitions", Pointer(INT_OR_STRING)),
                        Field("autoPartitionSize", Pointer(INT_OR_STRING)),
                        Field("autoPartitionThreshold", Pointer(INT64)),
                        Field("maxNew", Pointer(INT64)),
                        Field("partitions", Slice(PARTITION)),
                    ),
                )
            ),
        ),
        Field(
            "resources",
            Slice(
                Struct("BundleResource", (Field("name", STRING), Field("content", STRING), Field("encoding", STRING)))
            ),
        ),
        Field("targetCustomizationMode", STRING),
        Field("targets", Slice(BUNDLE_TARGET)),
        Field("targetRestrictions", Slice(GIT_TARGET)),
        Field(
            "dependsOn",
            Slice(
                Struct(
                    "BundleRef",
                    (
                        Field("name", STRING),
                        Field("selector", Pointer(LABEL_SELECTOR)),
                        Field("acceptedStates", STRING_LIST),
                    ),
                )
            ),
        ),
        Field("contentsId", STRING),
        Field(
            "helmOpOptions",
            Pointer(
                Struct(
                    "BundleHelmOptions",
                    (
                        Field("helmOpSecretName", STRING),
                        Field("helmOpInsecureSkipTLSVerify", BOOL),
                        Field("helmOpCABundle", STRING),
                    ),
                )
            ),
        ),
        Field("valuesHash", STRING),
    ),
)

FLEET_YAML = Struct(
    "FleetYAML",
    (
        Field("name", STRING),
        Field("labels", STRING_MAP),
        BUNDLE_SPEC,
        Field("targetCustomizations", Slice(BUNDLE_TARGET)),
        # Only whether there are any matters: writing new image tags to git is no part of deploying.
        Field("imageScans", Slice(ANYTHING)),
        Field("overrideTargets", Slice(GIT_TARGET)),
    ),
)

METADATA = Struct(
    "bundleMeta",
    (
        Struct(
            "ObjectMeta",
            (
                Field("name", STRING),
                Field("generateName", STRING),
                Field("namespace", STRING),
                Field("uid", STRING),
                Field("resourceVersion", STRING),
                Field("generation", INT64),
                Field("labels", STRING_MAP),
                Field("annotations", STRING_MAP),
                Field("finalizers", STRING_LIST),
            ),
        ),
    ),
)
"""fleet.yaml read once more as the metadata of the Bundle: this is how top-level ``annotations`` get there."""
