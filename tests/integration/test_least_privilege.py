# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights in docs/rbac are enough, and with fewer the messages say what is missing and what then cannot be told."""

from __future__ import annotations

import subprocess

import pytest
import yaml
from fleet import CHECKOUT, Cluster, ControlNode, bundle, deployment, service

from lab import kubeconfigs

RBAC = CHECKOUT / "docs" / "rbac"


@pytest.mark.parametrize("helm", ["helm4", "helm3"])
def test_the_rights_of_a_cluster_wide_account_are_enough(make_node, helm):
    node = limited_node(make_node, helm)
    namespace = node.namespace()
    repository = node.repository()
    options = {"namespaceLabels": {"team": "web"}, "helm": {"timeoutSeconds": 60}}
    files = {
        **bundle("app", namespace, **options),
        "app/web.yaml": yaml.safe_dump_all([deployment("web"), service("web")]),
        **bundle("other", namespace),
        "job/Chart.yaml": "apiVersion: v2\nname: job\nversion: 1.0.0\n",
        "job/templates/job.yaml": yaml.safe_dump(hook("migrate")),
        "job/fleet.yaml": f"namespace: {namespace}\n",
    }
    repository.commit(files)
    first = node.deploy().succeeded()
    assert first.details("prod-eu")["counts"] == {"install": 3}
    assert first.details("prod-eu")["warnings"] == []
    assert first.release("prod-eu", f"{repository.name}-app")["healthy"] is True
    assert node.get("prod-eu", f"/api/v1/namespaces/{namespace}")["metadata"]["labels"]["team"] == "web"

    second = node.deploy().succeeded()
    assert (second.changed, second.helms) == (0, [])

    repository.commit({**dict.fromkeys(bundle("other", "")), "app/configmap.yaml": files["app/configmap.yaml"] + "\n"})
    node.deploy("--check", "--diff").succeeded()
    third = node.deploy().succeeded()
    assert third.details("prod-eu")["counts"] == {"delete": 1, "none": 1, "upgrade": 1}
    assert node.config_map("prod-eu", namespace, "other") is None


def test_a_kind_that_the_account_has_no_right_to_is_named(make_node):
    node = limited_node(make_node, "helm4")
    namespace = node.namespace()
    repository = node.repository()
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"}, "rules": []}
    repository.commit(
        {**bundle("app", namespace), **bundle("roles", namespace), "roles/role.yaml": yaml.safe_dump(role)}
    )
    run = node.deploy().failed(f"bundle {repository.name}-roles", 'cannot get resource "roles"', "forbidden")
    assert run.details("prod-eu")["summary"].startswith("1 of 2 releases failed")
    assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}


def test_rights_in_some_namespaces_only_are_enough_for_those(make_node):
    node = make_node()
    mine, other = node.namespace(), node.namespace()
    node.clusters = [namespaced_account(node, mine)]
    repository = node.repository()
    repository.commit({**bundle("app", mine), **bundle("second", mine)})
    first = node.deploy().succeeded()
    assert first.changed == 1
    assert first.details("prod-eu")["warnings"] == [
        "releases were looked for only in the namespaces that may be listed; others, if any, are not pruned"
    ]
    assert "[WARNING]: [prod-eu] releases were looked for only in the namespaces" in first.message
    second = node.deploy().succeeded()
    assert (second.changed, second.helms) == (0, [])

    repository.commit(dict.fromkeys(bundle("second", "")))
    pruned = node.deploy().succeeded()
    assert pruned.details("prod-eu")["counts"] == {"delete": 1, "none": 1}
    assert node.config_map("prod-eu", mine, "second") is None
    assert node.config_map("prod-eu", mine, "app") == {"value": "one"}

    repository.commit(bundle("elsewhere", other))
    node.deploy().failed(
        f"bundle {repository.name}-elsewhere",
        f"listing secrets is forbidden in namespace {other}, where releases are to be deployed",
        "docs/rbac/push-namespaced.yaml",
    )
    assert node.get("prod-eu", f"/api/v1/namespaces/{other}") is None
    assert node.config_map("prod-eu", mine, "app") == {"value": "one"}


def limited_node(make_node, helm: str) -> ControlNode:
    """A node with the service account of docs/rbac/push.yaml on prod-eu."""
    node = make_node(helm=helm)
    cluster = node.lab.cluster("prod-eu")
    node.clusters = [Cluster(cluster.name, str(cluster.limited_kubeconfig), labels=cluster.specification.labels)]
    return node


def namespaced_account(node, namespace: str) -> Cluster:
    """The account of docs/rbac/push-namespaced.yaml on prod-eu, edited to have rights in ``namespace``."""
    cluster = node.lab.cluster("prod-eu")
    documents = list(yaml.safe_load_all((RBAC / "push-namespaced.yaml").read_text(encoding="utf-8")))
    for document in documents:
        if document["kind"] == "Namespace" and document["metadata"]["name"] == "web":
            document["metadata"]["name"] = namespace
        if document["metadata"].get("namespace") == "web":
            document["metadata"]["namespace"] = namespace
    kubectl = [str(node.programs / "kubectl"), "--kubeconfig", str(cluster.kubeconfig)]
    run([*kubectl, "apply", "--server-side", "-f", "-"], yaml.safe_dump_all(documents))
    account = ["fleet-deployer-namespaced", "--namespace", "gitops-fleet", "--duration", "1h"]
    token = run([*kubectl, "create", "token", *account]).strip()
    path = node.directory / "namespaced.kubeconfig"
    kubeconfigs.write(path, kubeconfigs.with_token("test", cluster.url, cluster.directory / "pki", token))
    return Cluster(cluster.name, str(path))


def run(command: list[str], stdin: str = "") -> str:
    return subprocess.run(command, input=stdin, check=True, stdout=subprocess.PIPE, text=True).stdout


def hook(name: str) -> dict:
    """A Job that Helm runs before the release, and waits for."""
    container = {"name": "migrate", "image": "example.com/migrate:1"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    metadata = {"name": name, "annotations": {"helm.sh/hook": "pre-install"}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template}}
