# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts as Helm sees them: the kinds that they bring, values that git takes back, somebody else's upgrade at work."""

from __future__ import annotations

import base64
import json

import pytest
import yaml
from fleet import bundle

SCHEMA = {"openAPIV3Schema": {"type": "object"}}
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "reviews.upgrades.example.com"},
    "spec": {
        "group": "upgrades.example.com",
        "scope": "Namespaced",
        "names": {"plural": "reviews", "singular": "review", "kind": "Review", "listKind": "ReviewList"},
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
        ],
    },
}
CRD_PATH = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD['metadata']['name']}"


def chart(namespace: str, templates: dict[str, str], **fleet) -> dict[str, str]:
    return {
        "app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n",
        "app/fleet.yaml": yaml.safe_dump({"namespace": namespace, **fleet}),
        **{f"app/{name}": content for name, content in templates.items()},
    }


@pytest.mark.parametrize("helm", ["helm4", "helm3"])
def test_check_mode_shows_objects_of_kinds_that_the_chart_brings(make_node, helm):
    node = make_node(helm=helm)
    node.only("prod-eu")
    namespace = node.namespace()
    review = {"apiVersion": "upgrades.example.com/v1", "kind": "Review", "metadata": {"name": "one"}}
    files = {"crds/crd.yaml": yaml.safe_dump(CRD), "templates/review.yaml": yaml.safe_dump(review)}
    node.repository().commit(chart(namespace, files))
    try:
        run = node.deploy("--check", "--diff").succeeded()
        assert f"Review {namespace}/one" in run.output
        assert node.get("prod-eu", CRD_PATH) is None
        node.deploy().succeeded()
        path = f"/apis/upgrades.example.com/v1/namespaces/{namespace}/reviews/one"
        assert node.get("prod-eu", path) is not None
        assert node.deploy().succeeded().changed == 0
    finally:
        node.lab.cluster("prod-eu").api().request("DELETE", CRD_PATH)


def test_values_that_git_takes_back_are_gone(node):
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata: {value: {{ .Values.value | quote }}}\n"
    files = {"templates/a.yaml": template, "values.yaml": "value: of the chart\n"}
    repository.commit(chart(namespace, files, helm={"values": {"value": "of git"}}))
    node.deploy().succeeded()
    assert node.config_map("prod-eu", namespace, "app") == {"value": "of git"}
    repository.commit(chart(namespace, files))
    node.deploy().succeeded()
    assert node.config_map("prod-eu", namespace, "app") == {"value": "of the chart"}


def test_an_upgrade_of_somebody_else_that_is_at_work_is_left_alone(node):
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit(bundle("app", namespace))
    node.deploy().succeeded()
    (secret,) = node.releases("prod-eu", namespace).values()
    labels = {**secret["metadata"]["labels"], "version": "2", "status": "pending-upgrade"}
    name = f"{secret['metadata']['name'].removesuffix('.v1')}.v2"
    theirs = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {"name": name, "labels": labels},
        "data": {"release": base64.b64encode(json.dumps({}).encode()).decode()},
    }
    path = f"/api/v1/namespaces/{namespace}/secrets"
    assert node.lab.cluster("prod-eu").api().request("POST", path, theirs)[0] == 201
    repository.commit(bundle("app", namespace, "two"))
    node.deploy().failed("another operation is in progress on it (pending-upgrade)", "helm rollback")
    assert name in node.releases("prod-eu", namespace)
    assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}


def test_values_from_a_secret_are_hidden_in_differences(node):
    node.only("prod-eu")
    namespace = node.namespace()
    api = node.lab.cluster("prod-eu").api()
    secret = {"metadata": {"name": "values"}, "stringData": {"values.yaml": "password: hunter22\n"}}
    api.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    assert api.request("POST", f"/api/v1/namespaces/{namespace}/secrets", secret)[0] == 201
    template = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\ndata:\n  url: db:{{ .Values.password }}@%s\n"
    options = {"helm": {"valuesFrom": [{"secretKeyRef": {"name": "values"}}]}}
    repository = node.repository()
    repository.commit(chart(namespace, {"templates/a.yaml": template % "one"}, **options))
    first = node.deploy("--check", "--diff", "-vvv").succeeded()
    assert "db:********@one" in first.output
    second = node.deploy("-vvv").succeeded()
    assert node.config_map("prod-eu", namespace, "app") == {"url": "db:hunter22@one"}

    secret["stringData"] = {"values.yaml": "password: hunter33\n"}
    assert api.request("PUT", f"/api/v1/namespaces/{namespace}/secrets/values", secret)[0] == 200
    repository.commit(chart(namespace, {"templates/a.yaml": template % "two"}, **options))
    third = node.deploy("--check", "--diff", "-vvv").succeeded()
    assert "-  url: db:********@one" in third.output
    assert "+  url: db:********@two" in third.output
    assert not [run for run in (first, second, third) if "hunter" in run.output]
