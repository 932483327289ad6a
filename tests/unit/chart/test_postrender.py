# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet's marks on rendered objects, forced namespaces, and what is appended."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.chart.chart import build_chart
from ansible_collections.gitops.fleet.plugins.module_utils.chart.objects import parse_objects
from ansible_collections.gitops.fleet.plugins.module_utils.chart.postrender import post_render, set_marks
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster
from ansible_collections.gitops.fleet.plugins.module_utils.target.deployment import BundleDeployment

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: own}\n"
CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.example.com}\n"


def rendered(
    manifests: str, options: dict | None = None, files: dict[str, str] | None = None, **arguments
) -> list[dict]:
    resources = [{"name": name, "content": content} for name, content in (files or {}).items()]
    bundle = Bundle("web", "fleet-default", {"resources": resources})
    deployment = BundleDeployment(bundle, Cluster("c1"), options or {})
    chart = build_chart(bundle, options or {})
    return parse_objects(post_render(chart, deployment, manifests.encode(), **arguments))


def test_marks():
    [item] = rendered("kind: A\nmetadata:\n  name: a\n  labels: {x: z}\n  annotations: {note: null}\n")
    digest = hashlib.sha1(b"default-web").hexdigest()
    assert item["metadata"]["labels"] == {"x": "z", "objectset.rio.cattle.io/hash": digest}
    assert item["metadata"]["annotations"] == {"note": "", "objectset.rio.cattle.io/id": "default-web"}


def test_marks_of_fleet_s_dry_run():
    labels, annotations = set_marks("web", prefix="")
    assert annotations == {"objectset.rio.cattle.io/id": "-web"}
    assert labels == {"objectset.rio.cattle.io/hash": hashlib.sha1(b"-web").hexdigest()}


def test_marks_of_a_long_name_and_of_fleet_s_agent():
    assert len(set_marks("x" * 60)[1]["objectset.rio.cattle.io/id"]) == 63
    assert set_marks("fleet-agent-c1")[1] == {"objectset.rio.cattle.io/id": "fleet-agent-bootstrap"}


def test_labels_that_are_no_strings_are_lost_as_in_fleet():
    [item] = rendered("kind: A\nmetadata:\n  name: a\n  labels: {x: 1, v: z}\n")
    assert list(item["metadata"]["labels"]) == ["objectset.rio.cattle.io/hash"]


def test_an_object_without_metadata_gets_some():
    assert "labels" in rendered("kind: A\n")[0]["metadata"]


def test_crds_are_kept_unless_told():
    policy = "helm.sh/resource-policy"
    assert rendered(CRD)[0]["metadata"]["annotations"][policy] == "keep"
    assert policy not in rendered(CRD, {"deleteCRDResources": True})[0]["metadata"]["annotations"]
    assert policy not in rendered(CONFIG_MAP)[0]["metadata"]["annotations"]


def test_namespace_is_forced_and_default_namespace_is_not():
    assert rendered(CONFIG_MAP, {"namespace": "ns"})[0]["metadata"]["namespace"] == "ns"
    assert rendered(CONFIG_MAP, {"defaultNamespace": "ns"})[0]["metadata"]["namespace"] == "own"


def test_a_cluster_wide_object_with_namespace_is_an_error():
    def namespaced(_api_version, kind):
        return kind != "CustomResourceDefinition"

    assert rendered(CONFIG_MAP, {"namespace": "ns"}, namespaced=namespaced)
    with pytest.raises(FleetError, match=r"CustomResourceDefinition a\.example\.com: .*defaultNamespace"):
        rendered(CRD, {"namespace": "ns"}, namespaced=namespaced)
    # Fleet's dry run does not know scopes, and a bundle without namespace does not care.
    assert rendered(CRD, {"namespace": "ns"})[0]["metadata"]["namespace"] == "ns"
    assert rendered(CRD, {}, namespaced=namespaced)


def test_raw_objects_are_appended_and_left_as_they_are_in_the_chart():
    files = {"raw.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: raw}\n"}
    assert [item["kind"] for item in rendered(CONFIG_MAP, files=files)] == ["ConfigMap", "Secret"]
    assert [item["kind"] for item in rendered("", files=files)] == ["Secret"]


def test_kustomize_runs_over_what_helm_rendered():
    def kustomize(chart, manifests):
        assert chart.kustomize_dir == "."
        return manifests.replace(b"name: a", b"name: kustomized")

    files = {"kustomization.yaml": "namePrefix: x-\n"}
    assert rendered(CONFIG_MAP, files=files, kustomize=kustomize)[0]["metadata"]["name"] == "kustomized"
    with pytest.raises(FleetError, match="Kustomize"):
        rendered(CONFIG_MAP, files=files)


def test_nothing_is_nothing():
    assert rendered("# only a comment\n") == []
