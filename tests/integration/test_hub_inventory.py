# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of hubs: API servers with the kinds of Fleet, Rancher and Cluster API, and deploying by way of them.

One cluster of the lab is the hub, and the clusters that its objects stand for are the lab's own.
"""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from fleet import CHECKOUT, CORES, ControlNode, bundle, config_map
from recording_server import Answer
from simulated_hub import SimulatedHub, fleet_cluster, fleet_objects
from test_inventory import NEWEST, User, hosts

from lab.cluster import Cluster as LabCluster

CRDS = CHECKOUT / "tests/integration/hub_crds.yaml"
CRD_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
FLEET = "fleet.cattle.io/v1alpha1"
PLANTED = "planted-in-a-secret-of-the-hub"
TEMPLATE = "{{ lookup('pipe', 'touch executed') }}"


@dataclass
class Hub:
    """A cluster of the lab as a hub, with a workspace of the tests' own."""

    cluster: LabCluster
    workspace: str

    def create(self, api: str, kind: str, name: str, status: dict | None = None, **fields: Any) -> None:
        """Create an object of the workspace (``metadata`` may hold labels and annotations), and its status."""
        metadata = {"name": name, "namespace": self.workspace, **fields.pop("metadata", {})}
        group = f"/apis/{api}" if "/" in api else f"/api/{api}"
        in_namespace = "" if api.startswith("management") else f"/namespaces/{self.workspace}"
        path = f"{group}{in_namespace}/{kind.lower()}s"
        if not in_namespace:
            del metadata["namespace"]
        body = {"apiVersion": api, "kind": kind, "metadata": metadata, **fields}
        created = self.cluster.api().create(path, body)
        if status:
            code, answer = self.cluster.api().request("PUT", f"{path}/{name}/status", {**created, "status": status})
            assert code == 200, answer

    def secret(self, name: str, kubeconfig: dict | str) -> None:
        text = kubeconfig if isinstance(kubeconfig, str) else yaml.safe_dump(kubeconfig)
        self.create("v1", "Secret", name, data={"value": base64.b64encode(text.encode()).decode()})


@pytest.fixture(scope="module")
def hub(lab) -> Iterator[Hub]:
    hub = Hub(lab.clusters()[0], f"hub-{uuid.uuid4().hex[:6]}")
    api = hub.cluster.api()
    crds = [document for document in yaml.safe_load_all(CRDS.read_text(encoding="utf-8")) if document]
    for crd in crds:
        api.create(CRD_PATH, crd)
    for crd in crds:
        _wait(lambda crd=crd: _is_established(api.get(f"{CRD_PATH}/{crd['metadata']['name']}")))
    api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": hub.workspace}})
    _furnish(hub)
    yield hub
    api.request("DELETE", f"/api/v1/namespaces/{hub.workspace}")
    for crd in crds:
        api.request("DELETE", f"{CRD_PATH}/{crd['metadata']['name']}")
    for crd in crds:
        _wait(lambda crd=crd: api.get(f"{CRD_PATH}/{crd['metadata']['name']}") is None)


def _furnish(hub: Hub) -> None:
    kubeconfig = yaml.safe_load(hub.cluster.kubeconfig.read_text(encoding="utf-8"))
    hub.secret("good-kubeconfig", kubeconfig)
    kubeconfig["users"][0]["user"] = {
        "token": PLANTED,
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": ["/tmp/executed-by-hub"]},
    }
    hub.secret("evil-kubeconfig", kubeconfig)
    labels = {"env": "prod", "example.com/Tier_1.x-y": "A.b_c-1"}
    for name, more in (("good", {"templateValues": {"n": 1}}), ("evil", {})):
        hub.create(
            FLEET,
            "Cluster",
            name,
            metadata={"labels": labels, "annotations": {"note": TEMPLATE}},
            spec={"kubeConfigSecret": f"{name}-kubeconfig", **more},
            status={"display": {"readyBundles": "1/2", "state": "NotReady"}, "namespace": f"cluster-{name}"},
        )
    hub.create(FLEET, "Cluster", "agent", metadata={"labels": {"env": "dev"}})
    selector = {"matchExpressions": [{"key": "env", "operator": "In", "values": ["prod"]}]}
    hub.create(FLEET, "ClusterGroup", "production", spec={"selector": selector})
    hub.create("management.cattle.io/v3", "Cluster", "c-m-12345678", metadata={"labels": {"env": "prod"}},
               spec={"displayName": "shop", "fleetWorkspaceName": hub.workspace},
               status={"conditions": [{"type": "Ready", "status": "True"}], "version": {"gitVersion": "v1.37.2"}},
    )  # fmt: skip
    hub.create("provisioning.cattle.io/v1", "Cluster", "shop", spec={},
               status={"clusterName": "c-m-12345678", "clientSecretName": "good-kubeconfig"})  # fmt: skip
    hub.create("cluster.x-k8s.io/v1beta2", "Cluster", "good", metadata={"labels": {"env": "prod"}},
               spec={"topology": {"version": "v1.37.2"}}, status={"phase": "Provisioned"})  # fmt: skip


def _is_established(crd: dict | None) -> bool:
    conditions = ((crd or {}).get("status") or {}).get("conditions") or []
    return any(item["type"] == "Established" and item["status"] == "True" for item in conditions)


def _wait(ask, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(params=["2.16", "2.19", "newest"])
def user(request, tmp_path) -> User:
    environment = CORES.get(request.param, NEWEST)
    if not environment.exists():
        pytest.skip("no Python for the newest ansible-core was found (make venvs says which it needs)")
    return User(tmp_path, environment)


@pytest.fixture
def usual(tmp_path) -> User:
    return User(tmp_path, CORES["2.19"])


def source(hub: Hub, kind: str = "fleet", **options: Any) -> dict[str, Any]:
    chosen = {"fleet": {"workspaces": hub.workspace}, "capi": {"namespaces": hub.workspace}}.get(kind, {})
    return {"type": kind, "kubeconfig": "env:FLEET_KUBECONFIG", **chosen, **options}


def environment(hub: Hub) -> dict[str, str]:
    return {"FLEET_KUBECONFIG": str(hub.cluster.kubeconfig)}


def test_a_fleet_manager(hub, user, tmp_path):
    path = user.write(
        sources=[source(hub)],
        cache=True,
        cache_plugin="ansible.builtin.jsonfile",
        cache_connection=str(tmp_path / "cache"),
        compose={"copied": "fleet_cluster.annotations.note"},
    )
    found = user.inventory(path, **environment(hub))
    assert hosts(found, "fleet") == ["agent", "evil", "good"]
    assert hosts(found, "cluster_group_production") == hosts(found, "label_env_prod") == ["evil", "good"]
    assert hosts(found, "label_example_com_Tier_1_x_y_A_b_c_1") == ["evil", "good"]
    assert hosts(found, "workspace_" + hub.workspace.replace("-", "_")) == ["agent", "evil", "good"]
    assert [item["name"] for item in found["fleet"]["vars"]["fleet_cluster_groups"]] == ["production"]
    cluster = found["_meta"]["hostvars"]["good"]["fleet_cluster"]
    assert cluster["hub"] == {"kubeconfig": "env:FLEET_KUBECONFIG", "context": ""}
    assert cluster["secret"] == {"namespace": hub.workspace, "name": "good-kubeconfig", "key": "value"}
    assert (cluster["kubeconfig"], cluster["templateValues"]) == ("", {"n": 1})
    assert (cluster["status"]["state"], cluster["status"]["readyBundles"]) == ("NotReady", "1/2")
    assert found["_meta"]["hostvars"]["agent"]["fleet_cluster"].get("secret") is None
    # From the cache it is the same, to every detail, and nothing in there is a credential.
    assert user.inventory(path, **environment(hub)) == found
    (cached,) = (tmp_path / "cache").iterdir()
    for text in (cached.read_text(encoding="utf-8"), json.dumps(found)):
        assert PLANTED not in text
        assert "client-key-data" not in text
        assert str(hub.cluster.kubeconfig) not in text
    for message in ("{{ copied }}", "{{ fleet_cluster | to_json }}"):
        arguments = ["good", "-m", "ansible.builtin.debug", "-a", json.dumps({"msg": message})]
        run = user.run("ansible", "-i", path, *arguments, **environment(hub))
        assert "lookup(" in run.stdout, run.stdout + run.stderr
    assert not list(tmp_path.rglob("executed"))


def test_rancher_cluster_api_and_nodes(hub, usual):
    path = usual.write(
        sources=[source(hub, "rancher", reached_by="kubeconfig", name="r"), source(hub, "capi", workspace="capi")],
        node_facts=True,
        hostnames=["fleet_cluster.workspace ~ '_' ~ fleet_cluster.name"],
    )
    found = usual.inventory(path, **environment(hub))
    shop, good = hosts(found, "fleet")
    assert (shop, good) == (f"{hub.workspace}_shop", "capi_good")
    variables = {name: found["_meta"]["hostvars"][name]["fleet_cluster"] for name in (shop, good)}
    assert variables[shop]["secret"]["name"] == variables[good]["secret"]["name"] == "good-kubeconfig"
    assert variables[shop]["labels"]["management.cattle.io/cluster-display-name"] == "shop"
    assert variables[good]["status"]["state"] == "Provisioned"
    nodes = hub.cluster.specification.nodes
    assert variables[good]["nodes"]["count"] == variables[shop]["nodes"]["count"] == len(nodes)
    assert variables[good]["nodes"]["os"]["linux"] == list(nodes.values()).count("linux")
    assert hosts(found, "linux_nodes") == [shop, good]


def test_what_collides_is_told_and_never_merged(hub, usual):
    sources = [
        source(hub),
        {"type": "file", "workspace": hub.workspace, "clusters": [{"name": "good"}], "kubeconfig": "k"},
    ]
    path = usual.write(sources=sources)
    assert f"there are two clusters good in workspace {hub.workspace}" in usual.fails(path, **environment(hub))
    path = usual.write(sources=sources, on_collision="first", states=["NotReady"])
    assert usual.inventory(path, **environment(hub))["_meta"]["hostvars"]["good"]["fleet_cluster"]["source"] == "fleet"
    run = usual.run("ansible-inventory", "-i", path, "--graph", **environment(hub))
    assert "(source file) is left out" in " ".join(run.stderr.split())


def test_rights(hub, usual):
    """The account that docs/rbac/push.yaml makes may not read Fleet's objects, and is told what it needs."""
    limited = hub.cluster.kubeconfig.with_name("limited.kubeconfig")
    text = usual.fails(usual.write(sources=[source(hub)]), FLEET_KUBECONFIG=str(limited))
    assert "403 Forbidden" in text
    assert "docs/rbac/inventory.yaml" in text


def test_a_hub_that_is_away(usual, tmp_path):
    simulated = SimulatedHub(tmp_path, fleet_objects([fleet_cluster("a", labels={"env": "prod"})]))
    simulated.kubeconfig(tmp_path / "hub")
    path = usual.write(
        sources=[{"type": "fleet", "kubeconfig": "hub"}],
        cache=True,
        cache_plugin="ansible.builtin.jsonfile",
        cache_connection=str(tmp_path / "cache"),
        cache_timeout=3600,
    )
    found = usual.inventory(path)
    simulated.refuse = Answer.refusal(503, "ServiceUnavailable", "down for maintenance")
    assert usual.inventory(path) == found
    (cached,) = (tmp_path / "cache").iterdir()
    aged = re.sub(r'(time\\*": )[0-9.]+', r"\g<1>1", cached.read_text(encoding="utf-8"))
    cached.write_text(aged, encoding="utf-8")
    assert "503 ServiceUnavailable: down for maintenance" in usual.fails(path)
    run = usual.run("ansible-inventory", "-i", path, "--list", GITOPS_FLEET_CACHE_IF_UNREACHABLE="true")
    assert "What it said" in " ".join(run.stderr.split()), run.stderr
    assert hosts(json.loads(run.stdout), "label_env_prod") == ["a"]
    cached.write_text("{", encoding="utf-8")
    simulated.refuse = None
    assert usual.inventory(path) == found
    simulated.server.close()


@pytest.fixture
def through(hub, make_node, tmp_path) -> ControlNode:
    """A control node whose inventory is what AWX keeps of the hub's: the output of ansible-inventory."""
    node = make_node()
    node.environment = environment(hub)
    awx = User(tmp_path, CORES["2.19"])
    plugin = awx.write(sources=[source(hub)], exclude_names=["agent"])
    listed = awx.run("ansible-inventory", "-i", plugin, "--list", "--export", **environment(hub))
    assert listed.returncode == 0, listed.stderr
    script = tmp_path / "hosts"
    script.write_text(f"#!/bin/sh\ncat <<'END'\n{listed.stdout}\nEND\n", encoding="utf-8")
    script.chmod(0o700)
    node.write_inventory = lambda: script
    return node


def test_deploying_by_way_of_secrets_of_the_hub(hub, through):
    repository = through.repository(workspace=hub.workspace)
    namespace = through.namespace()
    chart = {
        "web/fleet.yaml": yaml.safe_dump(
            {"defaultNamespace": namespace, "helm": {"values": {"text": "git", "kept": "1"}}}
        ),
        "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        "web/templates/a.yaml": config_map("web", "{{ .Values.text }} {{ .Values.kept }}"),
    }
    repository.commit({**bundle("raw", namespace), **chart})
    cluster = hub.cluster.specification.name
    run = through.deploy().failed("evil", "it uses exec, which is allowed only in a kubeconfig file that you named")
    assert through.config_map(cluster, namespace, "web") == {"value": "git 1"}
    assert through.config_map(cluster, namespace, "raw") is not None
    assert PLANTED not in run.output
    assert not Path("/tmp/executed-by-hub").exists()
    # Values and labels of Ansible's own: shown in the plan by name, and only the chart is deployed anew.
    variables = {"fleet_values": {"text": "ansible"}, "fleet_labels": {"wave": "1"}}
    plan = through.deploy("--check", "--limit", "good", **variables).succeeded()
    reason = plan.release("good", f"{repository.name}-web")["reason"]
    assert reason == "content or options changed; fleet_values set text"
    through.deploy("--limit", "good", **variables).succeeded()
    assert through.config_map(cluster, namespace, "web") == {"value": "ansible 1"}
    assert through.deploy("--limit", "good", **variables).succeeded().helms == []
