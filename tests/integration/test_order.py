# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``dependsOn``, ``serviceAccount`` and ``downstreamResources`` with real clusters."""

from __future__ import annotations

import base64

import pytest
import yaml
from fleet import bundle, deployment


@pytest.mark.parametrize("helm", ["helm4", "helm3"])
def test_a_bundle_comes_after_what_it_depends_on_and_only_if_that_is_ready(make_node, helm):
    node = make_node(helm=helm)
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    never = deployment("db")
    never["spec"]["template"]["spec"]["nodeSelector"] = {"no": "such-node"}
    repository.commit(
        {
            **bundle("app", namespace, dependsOn=[{"name": f"{repository.name}-db"}]),
            **bundle("db", namespace),
            "db/db.yaml": yaml.safe_dump(never),
            **bundle("free", namespace),
        }
    )
    run = node.deploy(fleet_wait_timeout=8).failed(f"depends on bundle {repository.name}-db, which is NotReady")
    assert run.details("prod-eu")["counts"] == {"install": 3}
    assert node.config_map("prod-eu", namespace, "app") is None
    assert node.config_map("prod-eu", namespace, "free") == {"value": "one"}

    repository.commit({"db/db.yaml": yaml.safe_dump(deployment("db"))})
    run = node.deploy().succeeded()
    assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}
    assert node.deploy().succeeded().helms == []

    # What has nothing to be done is looked at, not taken for ready.
    repository.commit({"app/configmap.yaml": bundle("app", namespace, "two")["app/configmap.yaml"]})
    run = node.deploy().succeeded()
    assert run.release("prod-eu", f"{repository.name}-db")["state"] == "Ready"


def test_a_cycle_is_told_before_anything_starts(node):
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit(
        {
            **bundle("a", namespace, dependsOn=[{"name": f"{repository.name}-b"}]),
            **bundle("b", namespace, dependsOn=[{"name": f"{repository.name}-a"}]),
            **bundle("free", namespace),
        }
    )
    for options in (["--check"], []):
        node.deploy(*options).failed("it depends on itself")
    assert node.config_map("prod-eu", namespace, "a") is None
    assert node.config_map("prod-eu", namespace, "free") == {"value": "one"}


@pytest.mark.parametrize("helm", ["helm4", "helm3"])
def test_a_bundle_is_deployed_with_the_rights_of_its_service_account_only(make_node, helm):
    node = make_node(helm=helm)
    node.only("prod-eu")
    namespace, accounts = node.namespace(), node.namespace()
    api = node.lab.cluster("prod-eu").api()

    def make(path, **body):
        status, answer = api.request("POST", path, body)
        assert status == 201, answer

    for name in (namespace, accounts):
        make("/api/v1/namespaces", metadata={"name": name})
    make(f"/api/v1/namespaces/{accounts}/serviceaccounts", metadata={"name": "tenant"})
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
    everything = {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["*"]}
    make(f"{rbac}/roles", metadata={"name": "tenant"}, rules=[everything])
    make(
        f"{rbac}/rolebindings",
        metadata={"name": "tenant"},
        roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "tenant"},
        subjects=[{"kind": "ServiceAccount", "name": "tenant", "namespace": accounts}],
    )

    repository = node.repository()
    repository.commit(
        {
            **bundle("good", namespace, serviceAccount="tenant"),
            **bundle("bad", namespace, serviceAccount="tenant"),
            "bad/more.yaml": yaml.safe_dump(deployment("more")),
            **bundle("typo", namespace, serviceAccount="tennant"),
        }
    )
    run = node.deploy(fleet_service_account_namespace=accounts).failed(
        f"service account {accounts}/tennant, as which it is to be deployed, is not there",
        f'User "system:serviceaccount:{accounts}:tenant" cannot get resource "deployments"',
    )
    assert not run.release("prod-eu", f"{repository.name}-good").get("error")
    assert node.config_map("prod-eu", namespace, "good") == {"value": "one"}
    assert node.config_map("prod-eu", namespace, "typo") is None

    # Uninstalled by the same account.
    repository.commit({"bad/fleet.yaml": None, "bad/more.yaml": None, "bad/configmap.yaml": None,
                       "typo/fleet.yaml": None, "typo/configmap.yaml": None,
                       "good/fleet.yaml": None, "good/configmap.yaml": None, **bundle("other", namespace)})  # fmt: skip
    node.deploy(fleet_service_account_namespace=accounts, fleet_delete_budget="100%").succeeded()
    assert node.config_map("prod-eu", namespace, "good") is None


def test_resources_are_copied_kept_up_to_date_and_removed_with_the_release(node):
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    wanted = [{"kind": "Secret", "name": "pull"}, {"kind": "ConfigMap", "name": "ca"}]
    repository.commit({**bundle("app", namespace, downstreamResources=wanted), **bundle("other", namespace)})
    node.deploy().failed("Secret fleet-default/pull, which downstreamResources wants copied, is not given")

    def given(password):
        return [
            {"kind": "Secret", "metadata": {"name": "pull"}, "stringData": {"password": password}},
            {"kind": "ConfigMap", "metadata": {"name": "ca"}, "data": {"ca.crt": "certificate"}},
        ]

    secret = f"/api/v1/namespaces/{namespace}/secrets/pull"
    run = node.deploy("-vvv", fleet_downstream_resources=given("hunter2")).succeeded()
    assert base64.b64decode(node.get("prod-eu", secret)["data"]["password"]) == b"hunter2"
    assert "hunter2" not in run.output
    assert node.config_map("prod-eu", namespace, "ca") == {"ca.crt": "certificate"}
    assert node.deploy(fleet_downstream_resources=given("hunter2")).succeeded().changed == 0

    run = node.deploy(fleet_downstream_resources=given("hunter3")).succeeded()
    assert run.changed == 1
    assert base64.b64decode(node.get("prod-eu", secret)["data"]["password"]) == b"hunter3"

    repository.commit({"app/fleet.yaml": None, "app/configmap.yaml": None})
    node.deploy().succeeded()
    assert node.get("prod-eu", secret) is None


def test_resources_are_read_from_the_cluster_that_is_named(node):
    node.only("prod-eu")
    namespace = node.namespace()
    hub = node.lab.cluster("prod-us")
    workspace = node.namespace()
    api = hub.api()
    for path, body in (
        ("/api/v1/namespaces", {"metadata": {"name": workspace}}),
        (f"/api/v1/namespaces/{workspace}/configmaps", {"metadata": {"name": "ca"}, "data": {"ca.crt": "theirs"}}),
    ):
        status, answer = api.request("POST", path, body)
        assert status == 201, answer
    repository = node.repository()
    node.gitrepos[-1]["workspace"] = workspace
    node.clusters[0].workspace = workspace
    repository.commit(bundle("app", namespace, downstreamResources=[{"kind": "ConfigMap", "name": "ca"}]))
    node.deploy(fleet_downstream_resources_from={"kubeconfig": str(hub.kubeconfig), "context": hub.name}).succeeded()
    assert node.config_map("prod-eu", namespace, "ca") == {"ca.crt": "theirs"}
