# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube import objects
from ansible_collections.gitops.fleet.plugins.module_utils.kube.discovery import Discovery
from ansible_collections.gitops.fleet.plugins.module_utils.kube.identity import cluster_uid
from recording_server import Answer

RESOURCES = {
    "/api/v1": [
        {"name": "namespaces", "kind": "Namespace", "namespaced": False},
        {"name": "pods", "kind": "Pod", "namespaced": True},
        {"name": "pods/log", "kind": "Pod", "namespaced": True},
    ],
    "/apis/apps/v1": [
        {"name": "deployments/scale", "kind": "Scale", "namespaced": True},
        {"name": "deployments", "kind": "Deployment", "namespaced": True},
    ],
    "/apis/rbac.authorization.k8s.io/v1": [{"name": "clusterroles", "kind": "ClusterRole", "namespaced": False}],
}


@pytest.fixture
def discovery(servers, client_of):
    server = servers()

    def answer(request):
        if request.path in RESOURCES:
            return Answer.json({"kind": "APIResourceList", "resources": RESOURCES[request.path]})
        return Answer(404, b"404 page not found\n", content_type="text/plain; charset=utf-8")

    server.answer = answer
    found = Discovery(client_of(server))
    found.server = server
    return found


def test_paths(discovery):
    assert discovery.path("v1", "Pod", "web", "a") == "/api/v1/namespaces/web/pods/a"
    assert discovery.path("v1", "Pod", "") == "/api/v1/pods"
    assert discovery.path("v1", "Namespace", "ignored", "web") == "/api/v1/namespaces/web"
    assert discovery.path("apps/v1", "Deployment", "web") == "/apis/apps/v1/namespaces/web/deployments"
    role = discovery.path("rbac.authorization.k8s.io/v1", "ClusterRole", "", "system:node/../x")
    assert role == "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node%2F..%2Fx"
    assert discovery.namespaced("apps/v1", "Deployment")
    assert not discovery.namespaced("v1", "Namespace")
    assert len(discovery.server.requests) == 3


@pytest.mark.parametrize(("api_version", "kind"), [("apps/v2", "Deployment"), ("apps/v1", "Scale"), ("x.y/v1", "Z")])
def test_unknown_kinds_are_an_error_and_asked_for_again(discovery, api_version, kind):
    for _number in range(2):
        with pytest.raises(FleetError, match=f"does not know {kind} of {api_version}"):
            discovery.path(api_version, kind, "web")
    assert len(discovery.server.requests) == 2


def test_identity(servers, client_of):
    server = servers()
    server.answer = lambda request: Answer.json({"metadata": {"uid": "1-2-3"}})
    assert cluster_uid(client_of(server)) == "1-2-3"
    assert server.requests[0].path == "/api/v1/namespaces/kube-system"
    server.answer = lambda request: Answer.refusal(403, "Forbidden", "namespaces is forbidden")
    with pytest.raises(FleetError, match="Grant get on namespace kube-system"):
        cluster_uid(client_of(server))


def test_verbs(servers, client_of):
    server = servers()
    client = client_of(server)
    objects.create(client, "/api/v1/secrets", {"kind": "Secret"}, dry_run=True)
    objects.merge_patch(client, "/x", {"a": None})
    objects.apply(client, "/x", {"kind": "Secret"}, force=True)
    objects.delete(client, "/x", propagation="Foreground", uid="u", resource_version="7")
    objects.delete(client, "/x")
    created, patched, applied, deleted, simply_deleted = server.requests
    assert (created.method, created.path) == ("POST", "/api/v1/secrets?fieldManager=gitops.fleet&dryRun=All")
    assert patched.headers["Content-Type"] == "application/merge-patch+json"
    assert applied.path == "/x?fieldManager=gitops.fleet&force=true"
    assert applied.headers["Content-Type"] == "application/apply-patch+yaml"
    body = json.loads(deleted.body)
    assert (body["propagationPolicy"], body["preconditions"]) == ("Foreground", {"uid": "u", "resourceVersion": "7"})
    assert json.loads(simply_deleted.body)["propagationPolicy"] == "Background"
    assert "preconditions" not in json.loads(simply_deleted.body)
