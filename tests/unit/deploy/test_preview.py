# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The preview of a release: kinds that are not there yet, and objects that cannot be looked up."""

from __future__ import annotations

from ansible_collections.gitops.fleet.plugins.module_utils.deploy.installation import Applied
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.plan import Action, Step
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.preview import object_differences
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.request import Request, Target
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.session import ClusterSession
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.values import Values
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import Connection
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster

CORE = {
    "resources": [
        {"name": "configmaps", "kind": "ConfigMap", "namespaced": True},
        {"name": "nodes", "kind": "Node", "namespaced": False},
    ]
}


def differences(api, tmp_path, *planned, values=None):
    api.objects["/api/v1"] = CORE
    target = Target("prod", Cluster("prod"), Connection("/none"))
    session = ClusterSession(target, Request([target], [], "me"), tmp_path)
    session.client = api
    release = Applied(list(planned), values=values or Values())
    return object_differences(session, Step(Action.INSTALL, "web", "web", "web", ""), release)


def obj(kind, api_version="v1", **metadata):
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def test_an_object_of_a_kind_that_the_release_brings_is_new(api, tmp_path):
    crd = obj("CustomResourceDefinition", "apiextensions.k8s.io/v1", name="reviews.example.com")
    found = differences(api, tmp_path, crd, obj("Review", "example.com/v1", name="one"))
    assert [item["after_header"] for item in found] == [
        "prod CustomResourceDefinition reviews.example.com",
        "prod Review web/one",
    ]
    assert all(item["before"] == "" for item in found)


def test_values_from_secrets_are_hidden_wherever_a_template_put_them(api, tmp_path):
    values = Values(secrets=["hunter22"], secret_values=[{"db": {"password": "hunter22"}}])
    assert values.formerly({"db": {"password": "hunter11", "host": "db"}, "x": "y"}) == ["hunter11"]
    assert values.formerly({"db": "hunter11"}) == ["hunter11"]
    planned = {**obj("ConfigMap", name="a"), "data": {"url": "db:hunter22@db"}}
    (found,) = differences(api, tmp_path, planned, values=values)
    assert found["after_header"] == "prod ConfigMap web/a"
    assert "db:********@db" in found["after"]


def test_warnings_are_kept_once_and_not_without_end(tmp_path):
    target = Target("prod", Cluster("prod"), Connection("/none"))
    session = ClusterSession(target, Request([target], [], "me"), tmp_path)
    for number in range(200):
        session.warn(f"unknown field {number % 100}")
    assert session.outcome.warnings == [f"unknown field {number}" for number in range(50)]


def test_an_object_without_a_name_of_its_own_is_not_looked_up(api, tmp_path):
    (found,) = differences(api, tmp_path, obj("ConfigMap", generateName="a-"))
    assert found["before"] == ""
    assert not [path for _method, path in api.requests if "configmaps" in path]


def test_what_is_live_is_compared(api, tmp_path):
    live = {**obj("ConfigMap", name="a", namespace="web"), "data": {"k": "old"}}
    api.objects["/api/v1/namespaces/web/configmaps/a"] = live
    (found,) = differences(api, tmp_path, {**obj("ConfigMap", name="a"), "data": {"k": "new"}})
    assert "old" in found["before"]
    assert "new" in found["after"]
