# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources that ask a hub: what they make of its objects, what they keep, and what they say where it is odd."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import (
    Connection,
    ProxiedConnection,
    SecretConnection,
    TokenConnection,
)
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory import fleet_source, rancher_source
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.node_facts import NodeFacts, summary
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.record import Record
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.snapshot import SnapshotCache
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.sources import Found, read_sources
from hypothesis import given
from hypothesis import strategies as st
from recording_server import Answer
from simulated_hub import FLEET, SimulatedHub, fleet_cluster, fleet_objects

CAPI = "/apis/cluster.x-k8s.io"
MANAGED = "/apis/management.cattle.io/v3/clusters"
PROVISIONED = "/apis/provisioning.cattle.io/v1/clusters"


@pytest.fixture
def hub(tmp_path) -> SimulatedHub:
    hub = SimulatedHub(tmp_path, fleet_objects([]))
    yield hub
    hub.server.close()


@pytest.fixture
def read(hub, tmp_path) -> Callable[..., Found]:
    """Reads one source, whose hub is the simulated one."""

    def read_it(kind: str = "fleet", cache: SnapshotCache | None = None, path: str = "", **options: Any) -> Found:
        given_hub = {} if "url" in options else {"kubeconfig": str(hub.kubeconfig(tmp_path / "hub", server_path=path))}
        source = {"type": kind, **given_hub, **options}
        file = tmp_path / "test.fleet.yml"
        file.write_text(yaml.safe_dump({"plugin": "gitops.fleet.clusters", "sources": [source]}))
        return read_sources([source], str(file), "fleet-default", cache)

    return read_it


def names(found: Found) -> list[str]:
    assert not found.broken, found.broken
    return [record.full_name for record in found.records]


def failure(found: Found) -> str:
    (error,) = found.broken
    return str(error)


# --- fleet ------------------------------------------------------------------------------------------


def test_clusters_of_a_fleet_manager(hub, read, tmp_path):
    first = fleet_cluster("a", "team", {"env": "prod"}, kubeConfigSecret="a-kubeconfig", templateValues={"n": 1})
    first["metadata"]["annotations"]["note"] = long = "kept " * 2**18
    first["status"]["display"] = {"state": "NotReady", "readyBundles": "1/2"}
    hub.serve(fleet_objects([first, fleet_cluster("b")]))
    one, two = read(labels={"env": "x", "site": "s"}).records
    connection = Connection(str(tmp_path / "hub"))
    assert one.connection == SecretConnection(connection, "team", "a-kubeconfig")
    assert two.connection is None
    variable = one.variable()
    assert variable["labels"] == {"env": "prod", "site": "s"}
    assert variable["annotations"] == {"note": long}
    assert variable["templateValues"] == {"n": 1}
    assert (variable["status"]["state"], variable["status"]["readyBundles"]) == ("NotReady", "1/2")
    assert variable["status"]["namespace"] == "cluster-team-a"
    assert (variable["kubeconfig"], variable["secret"]["name"]) == ("", "a-kubeconfig")
    assert two.status["state"] == "Ready"


def test_pages_and_requests(hub, read):
    hub.serve(fleet_objects({"metadata": {"name": f"c{number}", "namespace": "ws"}} for number in range(2001)))
    assert len(names(read())) == 2001
    assert len(hub.server.requests) == 4


def test_chosen_workspaces(hub, read):
    hub.serve({f"{FLEET}/namespaces/one/clusters": [fleet_cluster("a", "one")]})
    hub.serve({f"{FLEET}/namespaces/two/clusters": []})
    hub.serve({f"{FLEET}/namespaces/{name}/clustergroups": [] for name in ("one", "two")})
    found = read(workspaces=["one", "two"])
    assert names(found) == ["one.a"]
    assert found.warnings == ["source fleet: two has no clusters on its hub"]


def test_cluster_groups_of_a_fleet_manager(hub, read):
    def group(name: str, spec: dict) -> dict:
        return {"metadata": {"name": name, "namespace": "ws", "labels": {"kind": "x"}}, "spec": spec}

    odd = group("odd", {"selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}})
    groups = [group("all", {"selector": {}}), group("none", {}), odd]
    hub.serve(fleet_objects([], groups))
    found = read()
    assert [(item.namespace, item.name, item.selector) for item in found.cluster_groups] == [
        ("ws", "all", {}),
        ("ws", "none", None),
    ]
    assert "cluster group ws/odd: " in found.warnings[0]


def test_secrets_are_read_only_where_fleet_would(hub, read):
    clusters = [
        fleet_cluster(f"c{number}", "team", kubeConfigSecret="k", kubeConfigSecretNamespace=namespace)
        for number, namespace in enumerate(["", "team", "fleet-default", "cluster-x", "other-team", "kube-system"])
    ]
    hub.serve(fleet_objects(clusters))
    found = read()
    assert [record.connection and record.connection.namespace for record in found.records] == [
        *("team", "team", "fleet-default", "cluster-x"),
        None,
        None,
    ]
    assert [re.findall(r"Namespace (\S+)", warning) for warning in found.warnings] == [["other-team"], ["kube-system"]]


def test_clusters_that_are_being_deleted_are_no_hosts(hub, read):
    gone = fleet_cluster("gone")
    gone["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    hub.serve(fleet_objects([gone, fleet_cluster("here")]))
    assert names(read()) == ["fleet-default.here"]


def test_an_odd_object_of_many_is_told_and_left_out(hub, read):
    odd = [fleet_cluster(f"Bad{number}") for number in range(12)]
    hub.serve(fleet_objects([*odd, fleet_cluster("good", labels={"a": "b" * 64}), fleet_cluster("c")]))
    found = read()
    assert names(found) == ["fleet-default.c"]
    assert len(found.warnings) == 11
    assert found.warnings[-1] == "And 3 more warnings of that kind"


KEYS = st.sampled_from(["templateValues", "display", "state", "agent", "conditions", "kubeConfigSecret", "version"])
ODD = st.recursive(
    st.none() | st.booleans() | st.just("x"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)


@given(ODD)
def test_no_status_or_spec_breaks_the_reader(value):

    for part in ("spec", "status"):
        item = {"metadata": {"name": "a", "namespace": "b", "labels": {}}, part: value}
        fleet_source._cluster(item, [])
        fleet_source._group(item)
        rancher_source._Managed.of_object(item).cluster(None, False)


@pytest.mark.parametrize(
    ("refuse", "said"),
    [
        (Answer.refusal(401, "Unauthorized", "no"), "Renew the credentials"),
        (Answer.refusal(403, "Forbidden", "clusters is forbidden"), "docs/rbac/inventory.yaml"),
        (Answer(404, b"404 page not found", content_type="text/plain"), "it knows no clusters.fleet.cattle.io"),
        (Answer.refusal(500, "InternalError", "etcd"), "500 InternalError: etcd"),
        (Answer.json({"items": "no"}), "not a list"),
        (Answer(200, b"<html>", content_type="text/html"), "no API server does"),
        (Answer.json({"items": [{}], "metadata": {"continue": "0"}}), "does not come to an end"),
    ],
)
def test_a_hub_that_refuses(hub, read, refuse, said, monkeypatch):
    monkeypatch.setattr("ansible_collections.gitops.fleet.plugins.module_utils.kube.client._MOST_PAGES", 3)
    hub.refuse = refuse
    text = failure(read())
    assert said in text
    assert "hub" in text
    assert "hub-token" not in text


def test_a_hub_that_hangs(hub, read):
    hub.server.answer = lambda request: time.sleep(3)
    assert "1 s" in failure(read(timeout=1))


def test_mistakes_in_the_options(read):
    for options in ({"timeout": 0}, {"timeout": "soon"}, {"workspaces": {"a": 1}}, {"workspaces": ["A b"]}):
        assert failure(read(**options))
    assert "reached_by is ssh" in failure(read("rancher", reached_by="ssh"))
    assert "token does not begin with env:" in failure(read("rancher", url="https://r.example.com", token="secret"))
    with pytest.raises(FleetError, match="no option workspaces"):
        read("capi", workspaces=["a"])


# --- capi -------------------------------------------------------------------------------------------


def test_clusters_of_cluster_api(hub, read, tmp_path):
    cluster = {
        "metadata": {"name": "shop", "namespace": "shops", "labels": {"env": "prod"}},
        "spec": {"paused": True, "topology": {"version": "v1.33.1"}},
        "status": {"phase": "Provisioned"},
    }
    hub.serve({CAPI: {"kind": "APIGroup", "preferredVersion": {"version": "v1beta2"}}})
    hub.serve({f"{CAPI}/v1beta2/clusters": [cluster]})
    (record,) = read("capi").records
    assert record.full_name == "shops.shop"
    assert record.connection == SecretConnection(Connection(str(tmp_path / "hub")), "shops", "shop-kubeconfig")
    assert record.status == {
        "state": "Provisioned",
        "kubernetesVersion": "v1.33.1",
        "namespace": "shops",
        "paused": True,
    }
    (record,) = read("capi", workspace="edge").records
    assert (record.full_name, record.connection.namespace) == ("edge.shop", "shops")
    hub.serve({CAPI: {"kind": "APIGroup", "preferredVersion": {"version": "../v1"}}})
    assert "no version" in failure(read("capi"))
    hub.serve({CAPI: None})
    assert "it knows no clusters.cluster.x-k8s.io" in failure(read("capi"))


# --- rancher ----------------------------------------------------------------------------------------


def managed(name: str, display: str, workspace: str = "fleet-default", **spec: Any) -> dict:
    labels = {"env": "prod", "provider.cattle.io": "rke2", "management.cattle.io/x": "y"}
    return {
        "metadata": {"name": name, "labels": labels, "annotations": {"lifecycle.cattle.io/create": "x", "note": "n"}},
        "spec": {"displayName": display, "fleetWorkspaceName": workspace, **spec},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "version": {"gitVersion": "v1.33.1+rke2r1"},
        },
    }


def provisioned(name: str, cluster: str) -> dict:
    return {
        "metadata": {"name": name, "namespace": "fleet-default"},
        "status": {"clusterName": cluster, "clientSecretName": f"{name}-kubeconfig"},
    }


def test_clusters_of_rancher(hub, read, tmp_path):
    clusters = [
        managed("c-m-abcdefgh", "Shop EU"),
        managed("local", "local", "fleet-local", internal=True),
        managed("c-12345", "old"),
        managed("c-m-nowhere0", "nowhere", ""),
    ]
    hub.serve({MANAGED: clusters})
    hub.serve({PROVISIONED: [provisioned("shop-eu", "c-m-abcdefgh"), provisioned("local", "local")]})
    found = read("rancher", path="/k8s/clusters/local")
    assert names(found) == ["fleet-default.shop-eu", "fleet-local.local", "fleet-default.c-12345"]
    assert found.warnings == ["cluster nowhere (c-m-nowhere0) is in no workspace: it is left out"]
    shop, local, _old = found.records
    connection = Connection(str(tmp_path / "hub"))
    assert shop.connection == ProxiedConnection(connection, "/k8s/clusters/c-m-abcdefgh")
    # A display name that is no label value is no label, as with Rancher itself.
    labels = {"env": "prod", "provider.cattle.io": "rke2"}
    assert shop.cluster.labels == {**labels, "management.cattle.io/cluster-name": "c-m-abcdefgh"}
    assert local.cluster.labels["name"] == local.cluster.labels["management.cattle.io/cluster-display-name"] == "local"
    assert shop.cluster.annotations == {"note": "n"}
    assert (shop.status["state"], shop.status["kubernetesVersion"]) == ("Ready", "v1.33.1+rke2r1")
    shop = read("rancher", reached_by="kubeconfig").records[0]
    assert shop.connection == SecretConnection(connection, "fleet-default", "shop-eu-kubeconfig")
    assert "Rancher's proxy is not there" in failure(read("rancher"))


def test_clusters_of_ranchers_api(hub, read, tmp_path, monkeypatch):
    monkeypatch.setenv("RANCHER_TOKEN", "token-abc:xyz")
    (tmp_path / "ca.pem").write_bytes(hub.server.authority.pem)

    def item(number: int, **more: Any) -> dict:
        found = managed(f"c-m-{number:08}", f"shop-{number}")
        merged = {**found["metadata"], **found["spec"], **found["status"], "id": found["metadata"]["name"]}
        return {**merged, "name": f"shop-{number}", **more}

    def answer(request) -> Answer:
        assert request.headers["Authorization"] == "Bearer token-abc:xyz"
        if "marker=m1" in request.path:
            return Answer.json({"data": [item(2), item(3, state="removing")], "pagination": {}})
        # The next page is asked for where the user said, whatever the answer says.
        following = "https://evil.example.com/v3/clusters?limit=1000&marker=m1"
        return Answer.json({"data": [item(1)], "pagination": {"next": following}})

    hub.server.answer = answer
    found = read("rancher", url=hub.server.url + "/", token="env:RANCHER_TOKEN", ca_file="ca.pem")
    assert names(found) == ["fleet-default.shop-1", "fleet-default.shop-2"]
    server = TokenConnection(hub.server.url, "env:RANCHER_TOKEN", str(tmp_path / "ca.pem"))
    assert found.records[0].connection == ProxiedConnection(server, "/k8s/clusters/c-m-00000001")
    assert "token-abc" not in json.dumps(found.records[0].variable())
    monkeypatch.delenv("RANCHER_TOKEN")
    text = failure(read("rancher", url=hub.server.url, token="env:RANCHER_TOKEN"))
    assert "environment variable RANCHER_TOKEN, which should hold the token, is not set" in text


# --- what is kept -----------------------------------------------------------------------------------


def cache(store: dict, **options: Any) -> SnapshotCache:
    return SnapshotCache(store, "key", **{"timeout": 60, **options})


def test_what_was_kept_is_used_until_it_is_too_old(hub, read, monkeypatch):
    store: dict = {}
    hub.serve(fleet_objects([fleet_cluster("a", kubeConfigSecret="k")]))
    kept = cache(store)
    before = [record.variable() for record in read(cache=kept).records]
    assert kept.save()
    asked = len(hub.server.requests)
    kept = cache(store)
    assert [record.variable() for record in read(cache=kept).records] == before
    assert not kept.save()
    assert len(hub.server.requests) == asked
    hub.serve(fleet_objects([]))
    assert names(read(cache=cache(store, refresh=True))) == []
    assert names(read(cache=cache(store, timeout=1e-9))) == []
    # Other options are another question.
    hub.serve({f"{FLEET}/namespaces/w/{kind}": [] for kind in ("clusters", "clustergroups")})
    assert names(read(cache=cache(store), workspaces="w")) == []


def test_nothing_that_is_a_credential_is_kept(hub, read):
    store: dict = {}
    hub.serve(fleet_objects([fleet_cluster("a", kubeConfigSecret="k")]))
    kept = cache(store)
    read(cache=kept)
    kept.save()
    assert "hub-token" not in json.dumps(store)
    assert "kubeconfig" not in json.dumps(store).replace("kubeconfigSecret", "")


def test_what_is_no_cache_of_ours_is_read_anew(hub, read):
    hub.serve(fleet_objects([fleet_cluster("a")]))
    entries = [None, [], {"x": None}]
    for found in ({"format": 0}, "text", *({"format": 1, "entries": entry} for entry in entries)):
        assert names(read(cache=cache({"key": found}))) == ["fleet-default.a"]
    store: dict = {}
    kept = cache(store)
    read(cache=kept)
    kept.save()
    for odd in (
        {"time": "y", "content": "{}"},
        {"time": time.time(), "content": "{"},
        {"time": time.time() + 99},
        None,
    ):
        broken = dict.fromkeys(store["key"]["entries"], odd)
        assert names(read(cache=cache({"key": {"format": 1, "entries": broken}}))) == ["fleet-default.a"]


def test_a_hub_that_is_away(hub, read):
    store: dict = {}
    hub.serve(fleet_objects([fleet_cluster("a")]))
    kept = cache(store)
    read(cache=kept)
    kept.save()
    hub.refuse = Answer.refusal(503, "ServiceUnavailable", "etcd has no leader")
    assert "etcd has no leader" in failure(read(cache=cache(store, timeout=1e-9)))
    found = read(cache=cache(store, timeout=1e-9, if_unreachable=True))
    assert names(found) == ["fleet-default.a"]
    assert re.search(r"etcd has no leader.*What it said 0 min ago is used\.", found.warnings[-1])
    # Rights that were taken away are not got back from the cache.
    hub.refuse = Answer.refusal(403, "Forbidden", "no")
    assert "403" in failure(read(cache=cache(store, timeout=1e-9, if_unreachable=True)))


# --- nodes ------------------------------------------------------------------------------------------


def node(system: str, ready: str = "True") -> dict:
    return {
        "metadata": {"name": "n", "labels": {"kubernetes.io/os": system, "kubernetes.io/arch": "amd64"}},
        "status": {
            "nodeInfo": {"kubeletVersion": "v1.37.2", "operatingSystem": system},
            "conditions": [{"type": "Ready", "status": ready}],
            "allocatable": {"cpu": "1500m", "memory": "1Gi", "pods": "110"},
        },
    }


def test_nodes_in_numbers():
    assert summary([node("linux"), node("windows", "False"), {"status": None}]) == {
        "count": 3,
        "ready": 1,
        "versions": ["v1.37.2"],
        "os": {"linux": 1, "windows": 1},
        "architectures": {"amd64": 2},
        "allocatable": {"cpu": 3.0, "memory": 2 * 1024**3, "pods": 220},
    }


def test_one_list_a_cluster_and_those_that_do_not_answer_are_told(hub, tmp_path):
    hub.serve({"/api/v1/nodes": [node("windows")]})
    kubeconfig = str(hub.kubeconfig(tmp_path / "hub"))
    records = [
        Record(Cluster("a"), Connection(kubeconfig)),
        Record(Cluster("b"), Connection(str(tmp_path / "none"))),
        Record(Cluster("c"), None),
    ]
    store: dict = {}
    gather, kept = NodeFacts(workers=2, timeout=20), cache(store)
    found = gather(records, kept)
    kept.save()
    assert [record.nodes and record.nodes["os"] for record in found] == [{"windows": 1}, None, None]
    assert hub.paths == ["/api/v1/nodes"]
    assert gather.warnings[0].startswith("1 of 2 clusters told nothing of their nodes: cluster fleet-default.b")
    again = NodeFacts(workers=2, timeout=20)
    assert again(records, cache(store)) == found
    assert (hub.paths, again.warnings) == (["/api/v1/nodes"], [])
    late = NodeFacts(workers=1, timeout=1e-9)
    late(records, SnapshotCache())
    assert "2 of 2 clusters" in late.warnings[0]
