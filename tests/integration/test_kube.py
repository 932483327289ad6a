# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against real API servers, with real rights; and that no variable leads it to another cluster."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube import objects
from ansible_collections.gitops.fleet.plugins.module_utils.kube.client import METADATA_LIST, ApiError, Client
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import Connection
from ansible_collections.gitops.fleet.plugins.module_utils.kube.discovery import Discovery
from ansible_collections.gitops.fleet.plugins.module_utils.kube.identity import cluster_uid
from fleet import CHECKOUT, CORES, ControlNode, bundle, config_map, kubeconfig
from recording_server import Answer, RecordingServer

RBAC = CHECKOUT / "docs" / "rbac"


@pytest.fixture
def connect(tmp_path) -> Iterator[Callable[..., Client]]:
    """Makes clients for kubeconfigs."""
    clients: list[Client] = []

    def make(path: str | Path, context: str = "") -> Client:
        clients.append(Client(Connection(str(path), context), temp_directory=tmp_path))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(lab, connect) -> Client:
    """The administrator of prod-eu."""
    return connect(lab.cluster("prod-eu").kubeconfig)


@pytest.fixture
def namespace(client) -> Iterator[str]:
    """A namespace on prod-eu that goes when the test ends."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    objects.create(client, "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    client.request("DELETE", f"/api/v1/namespaces/{name}")


class TestVerbs:
    def test_create_patch_apply_delete(self, client, namespace):
        collection = f"/api/v1/namespaces/{namespace}/configmaps"
        path = f"{collection}/a"
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1", "y": "2"}}
        objects.create(client, collection, body, dry_run=True)
        with pytest.raises(ApiError) as missing:
            client.request("GET", path)
        assert (missing.value.status, missing.value.reason) == (404, "NotFound")
        created = objects.create(client, collection, body)
        with pytest.raises(ApiError) as taken:
            objects.create(client, collection, body)
        assert (taken.value.status, taken.value.reason) == (409, "AlreadyExists")
        assert objects.merge_patch(client, path, {"data": {"x": None, "z": "3"}})["data"] == {"y": "2", "z": "3"}
        wanted = {**body, "metadata": {"name": "a", "labels": {"l": "1"}}, "data": {"y": "other"}}
        with pytest.raises(ApiError, match=r"Apply failed with 1 conflict.*\.data\.y") as conflict:
            objects.apply(client, path, wanted)
        assert conflict.value.status == 409
        assert objects.apply(client, path, wanted, force=True)["metadata"]["labels"] == {"l": "1"}
        with pytest.raises(ApiError) as other:
            objects.delete(client, path, uid=str(uuid.uuid4()))
        assert other.value.status == 409
        objects.delete(client, path, uid=created["metadata"]["uid"])

    def test_metadata_only_and_page_by_page(self, client, namespace):
        collection = f"/api/v1/namespaces/{namespace}/secrets"
        for number in range(5):
            body = {
                "metadata": {"name": f"s{number}", "labels": {"test": "pages"}},
                "stringData": {"password": "hidden"},
            }
            objects.create(client, collection, body)
        before = client.requests
        query = {"labelSelector": "test=pages", "limit": "2"}
        found = list(client.list(collection, query=query, accept=METADATA_LIST))
        assert [item["metadata"]["name"] for item in found] == ["s0", "s1", "s2", "s3", "s4"]
        assert client.requests - before == 3
        assert all("data" not in item for item in found)

    def test_a_large_compressed_answer(self, client, namespace):
        collection = f"/api/v1/namespaces/{namespace}/configmaps"
        objects.create(client, collection, {"metadata": {"name": "large"}, "data": {"x": "y" * 900_000}})
        assert len(client.request("GET", f"{collection}/large")["data"]["x"]) == 900_000

    def test_warnings_reach_the_user(self, client, namespace):
        spec = {"containers": [{"name": "a", "image": "x", "env": [{"name": "A"}, {"name": "A"}]}]}
        objects.create(
            client, f"/api/v1/namespaces/{namespace}/pods", {"metadata": {"name": "a"}, "spec": spec}, dry_run=True
        )
        assert any("hides previous definition" in warning for warning in client.warnings), client.warnings


class TestDiscovery:
    def test_every_kind_is_where_kubectl_says(self, lab, programs, client):
        answer = _kubectl(programs, lab.cluster("prod-eu").kubeconfig, "api-resources", "--no-headers", "-o", "wide")
        discovery = Discovery(client)
        versions = set()
        for line in answer.splitlines():
            if "[" in line.split()[1]:
                continue
            fields = line.split()
            kind_at = next(number for number, field in enumerate(fields) if field in ("true", "false")) + 1
            plural, version, namespaced, kind = fields[0], fields[kind_at - 2], fields[kind_at - 1], fields[kind_at]
            versions.add(version)
            assert discovery.namespaced(version, kind) == (namespaced == "true"), line
            path = discovery.path(version, kind, "web", "a")
            assert path.endswith(f"/namespaces/web/{plural}/a" if namespaced == "true" else f"/{plural}/a"), line
        assert client.requests == len(versions)

    def test_a_kind_that_is_not_there(self, client):
        with pytest.raises(FleetError, match=r"does not know Certificate of cert-manager.io/v1"):
            Discovery(client).path("cert-manager.io/v1", "Certificate", "web")

    def test_clusters_are_told_apart(self, lab, connect):
        uids = {cluster_uid(connect(cluster.kubeconfig)) for cluster in lab.clusters()}
        assert len(uids) == len(lab.clusters())


def _kubectl(programs: Path, kubeconfig_path: Path, *arguments: str, document: str = "") -> str:
    command = [programs / "kubectl", "--kubeconfig", kubeconfig_path, *arguments]
    done = subprocess.run(command, input=document, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[dict[str, str]]:
    """An environment in which everything leads to another server, with its token. That server must never be asked."""
    server = RecordingServer()
    server.answer = lambda request: Answer.refusal(418, "Teapot", "this is the hub")
    server.start(tmp_path)
    path = tmp_path / "hub.kubeconfig"
    path.write_text(yaml.safe_dump(server.kubeconfig({"token": "hub-token"}, name="hub")), encoding="utf-8")
    environment = {
        "KUBECONFIG": str(path),
        "K8S_AUTH_KUBECONFIG": str(path),
        "K8S_AUTH_CONTEXT": "hub",
        "K8S_AUTH_HOST": server.url,
        "K8S_AUTH_API_KEY": "hub-token",
        "K8S_AUTH_VERIFY_SSL": "no",
        "HELM_KUBEAPISERVER": server.url,
        "HELM_KUBETOKEN": "hub-token",
        "HELM_KUBECONTEXT": "hub",
        "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": "true",
        "HELM_NAMESPACE": "elsewhere",
        "HELM_DRIVER": "configmap",
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(server.port),
    }
    yield environment
    server.close()
    assert server.requests == []


class TestEnvironment:
    """An explicit kubeconfig is never overridden: not for our client, not for helm, not for kubernetes.core."""

    @pytest.mark.parametrize("helm", ["helm4", "helm3"])
    def test_a_deployment(self, make_node, hub, helm):
        node = make_node(helm=helm)
        namespace = node.namespace()
        node.repository().commit(bundle("app", namespace))
        node.environment = hub
        node.deploy().succeeded()
        for cluster in node.clusters:
            assert node.config_map(cluster.name, namespace, "app") == {"value": "one"}
            assert len(node.releases(cluster.name, namespace)) == 1

    def test_kubernetes_core_in_roles_and_playbooks(self, lab, programs, connect, hub, core, tmp_path):
        """The way that the roles do it: Python started without those variables."""
        task = {
            "kubernetes.core.k8s_info": {
                "kubeconfig": "{{ item.kubeconfig }}",
                "context": "{{ item.name }}",
                "api_version": "v1",
                "kind": "Namespace",
                "name": "kube-system",
            },
            "environment": {"GITOPS_FLEET_PYTHON": "{{ ansible_playbook_python }}"},
            "vars": {"ansible_python_interpreter": str(CHECKOUT / "roles/fleet_agent/files/python_for_kubeconfig")},
            "loop": [{"name": item.name, "kubeconfig": str(item.kubeconfig)} for item in lab.clusters()],
            "register": "found",
        }
        shown = {"ansible.builtin.copy": {"content": "{{ found | to_json }}", "dest": str(tmp_path / "found.json")}}
        playbook = tmp_path / "play.yml"
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [task, shown]}
        playbook.write_text(yaml.safe_dump([play]), encoding="utf-8")
        site_packages = next(CORES["2.19"].glob("lib/python3*/site-packages"))
        environment = {
            **hub,
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": f"{CHECKOUT / 'build/collections'}:{site_packages}",
        }
        command = [CORES[core] / "bin" / "ansible-playbook", playbook]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
        uids = [result["resources"][0]["metadata"]["uid"] for result in found["results"]]
        assert uids == [cluster_uid(connect(item.kubeconfig)) for item in lab.clusters()]


class TestRights:
    """docs/rbac, as an administrator applies it, is enough for a deployment and no more than it says."""

    def account(self, node: ControlNode, manifest: Path, account: str, **namespaces: str) -> Path:
        """A kubeconfig for the service account of a manifest that was just applied to prod-eu."""
        cluster = node.lab.cluster("prod-eu")
        text = manifest.read_text(encoding="utf-8")
        for example, namespace in namespaces.items():
            text = text.replace(f"name: {example}\n", f"name: {namespace}\n").replace(
                f"namespace: {example}\n", f"namespace: {namespace}\n"
            )
        _kubectl(node.programs, cluster.kubeconfig, "apply", "--server-side", "-f", "-", document=text)
        token = _kubectl(node.programs, cluster.kubeconfig, "create", "token", account, "--namespace", "gitops-fleet")
        admin = yaml.safe_load(cluster.kubeconfig.read_text(encoding="utf-8"))["clusters"][0]["cluster"]
        return kubeconfig(node.directory / f"{account}.kubeconfig", user={"token": token.strip()}, **admin)

    @pytest.fixture(params=["helm4", "helm3"])
    def node(self, request, make_node) -> ControlNode:
        node = make_node(helm=request.param)
        node.only("prod-eu")
        return node

    def test_a_whole_cluster(self, node):
        path = self.account(node, RBAC / "push.yaml", "fleet-deployer")
        node.clusters[0].kubeconfig, node.clusters[0].context = str(path), "test"
        namespace = node.namespace()
        repository = node.repository()
        options = {"namespaceLabels": {"team": "a"}}
        repository.commit({**bundle("app", namespace, **options), **bundle("old", namespace, **options)})
        node.deploy().succeeded()
        assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}
        repository.commit(
            {**bundle("app", namespace, "two", **options), "old/fleet.yaml": None, "old/configmap.yaml": None}
        )
        node.deploy(fleet_delete_budget="100%").succeeded()
        assert node.config_map("prod-eu", namespace, "app") == {"value": "two"}
        assert node.config_map("prod-eu", namespace, "old") is None
        role = config_map("role", "x").replace("v1\nkind: ConfigMap", "rbac.authorization.k8s.io/v1\nkind: Role")
        repository.commit(
            {**bundle("app", namespace, "three"), "app/role.yaml": role.replace("data:\n  value: x", "rules: []")}
        )
        node.deploy().failed("roles.rbac.authorization.k8s.io", "forbidden")

    def test_some_namespaces(self, node):
        namespace, other = node.namespace(), node.namespace()
        path = self.account(node, RBAC / "push-namespaced.yaml", "fleet-deployer-namespaced", web=namespace)
        node.clusters[0].kubeconfig, node.clusters[0].context = str(path), "test"
        repository = node.repository()
        # Helm 3 fails where it may not make a namespace, even if that is there (docs/rbac/README.md).
        repository.commit(
            {**bundle("app", namespace, createNamespace=False), **bundle("b", namespace, createNamespace=False)}
        )
        run = node.deploy().succeeded()
        assert "others, if any, are not pruned" in run.message
        assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}
        repository.commit({"b/fleet.yaml": None, "b/configmap.yaml": None})
        node.deploy(fleet_delete_budget="100%").succeeded()
        assert node.config_map("prod-eu", namespace, "b") is None
        repository.commit(bundle("app", other))
        node.deploy().failed("forbidden", other)
