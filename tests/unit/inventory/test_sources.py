# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.kubeconfig_source import cluster_name
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.record import check_name
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.sources import Found, read_sources
from hypothesis import given
from hypothesis import strategies as st


@pytest.fixture
def read(tmp_path) -> Callable[..., Found]:
    """Writes an inventory file with these sources, and reads them."""

    def read_them(*sources: dict) -> Found:
        path = tmp_path / "test.clusters.yml"
        path.write_text(yaml.safe_dump({"plugin": "gitops.fleet.clusters", "sources": list(sources)}, sort_keys=False))
        return read_sources(list(sources), str(path), "fleet-default")

    return read_them


def failure(read, *sources: dict) -> str:
    """What is wrong with the sources, whether the inventory file itself is or one of them."""
    try:
        return str(read(*sources).broken[0])
    except FleetError as error:
        return str(error)


def kubeconfig(*contexts: str, current: str = "") -> dict:
    return {
        "current-context": current,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in contexts],
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}"}} for name in contexts],
        "users": [{"name": name, "user": {"token": "super-secret"}} for name in contexts],
    }


# --- file -------------------------------------------------------------------------------------------

FULL = {
    "name": "prod-eu",
    "workspace": "team-a",
    "labels": {"env": "prod", "example.com/tier": ""},
    "annotations": {"note": "anything {{ at }} all"},
    "templateValues": {"replicas": 3, "nested": {"a": [1]}},
    "kubeconfig": "kubeconfigs/prod.yaml",
    "context": "eu",
    "uid": "1-2-3",
}


@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.parametrize("dump", [yaml.safe_dump, json.dumps])
def test_a_list_in_a_file(read, tmp_path, bare, dump):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/clusters.yaml").write_text(dump([FULL] if bare else {"clusters": [FULL]}))
    (record,) = read({"type": "file", "path": "lists/clusters.yaml", "labels": {"env": "x", "more": "y"}}).records
    assert record.variable() == {
        **FULL,
        "labels": {"env": "prod", "example.com/tier": "", "more": "y"},
        "kubeconfig": str(tmp_path / "lists/kubeconfigs/prod.yaml"),
        "status": {},
        "source": "file",
    }
    assert record.full_name == "team-a.prod-eu"


def test_a_list_in_the_inventory_file(read, tmp_path):
    found = read(
        {
            "type": "file",
            "name": "mine",
            "workspace": "edge",
            "kubeconfig": "all.yaml",
            "clusters": [
                {"name": "a"},
                {"name": "b", "kubeconfig": "env:KUBECONFIG_B", "workspace": "other"},
                {"name": "c", "kubeconfig": "/etc/c"},
            ],
        }
    )
    assert [(record.full_name, record.connection.kubeconfig, record.source) for record in found.records] == [
        ("edge.a", str(tmp_path / "all.yaml"), "mine"),
        ("other.b", "env:KUBECONFIG_B", "mine"),
        ("edge.c", "/etc/c", "mine"),
    ]


def test_the_list_may_be_where_a_variable_says(read, tmp_path, monkeypatch):
    (tmp_path / "clusters.yaml").write_text(yaml.safe_dump([{"name": "a", "kubeconfig": "a.yaml"}]))
    monkeypatch.setenv("FLEET_CLUSTERS", str(tmp_path / "clusters.yaml"))
    assert read({"type": "file", "path": "env:FLEET_CLUSTERS"}).records[0].connection.kubeconfig == str(
        tmp_path / "a.yaml"
    )


def cluster(**fields: object) -> dict:
    return {"name": "a", "kubeconfig": "k", **fields}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("a", "not a mapping"),
        (cluster(name=None), "no name that a cluster can have"),
        (cluster(name="Prod_EU"), "no name that a cluster can have"),
        (cluster(name="a/b"), "no name that a cluster can have"),
        (cluster(name="a" * 254), "no name that a cluster can have"),
        (cluster(workspace="a.b"), "no name that a workspace can have"),
        (cluster(kubeconfig=None), "has no kubeconfig"),
        (cluster(token="x"), "no field token"),
        (cluster(labels=["env"]), "labels is not a mapping"),
        (cluster(labels={"canary": True}), "value of label canary is not a string: True"),
        (cluster(labels={"-x": "y"}), "no label key"),
        (cluster(labels={7: "y"}), "no label key"),
        (cluster(labels={"x": "a b"}), "no value that a label (x) can have"),
        (cluster(labels={"x": "y" * 64}), "no value that a label (x) can have"),
        (cluster(annotations={"x": 1}), "x of annotations is not a string"),
        (cluster(templateValues=[1]), "templateValues is not a mapping"),
        (cluster(context=["x"]), "context is not a string"),
    ],
)
def test_mistakes_are_told_with_their_line(read, tmp_path, entry, said):
    path = tmp_path / "clusters.yaml"
    path.write_text(
        "# a comment\nclusters:\n  - {name: first, kubeconfig: k}\n  - "
        + yaml.safe_dump(entry, default_flow_style=True)
    )
    text = failure(read, {"type": "file", "path": "clusters.yaml"})
    assert said in text
    assert f"{path}:4" in text


def test_a_mistake_in_the_inventory_file_itself(read, tmp_path):
    text = failure(read, {"type": "file", "clusters": [cluster(), cluster(name="B")]})
    assert f"{tmp_path}/test.clusters.yml:7" in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("clusters: 7", "no list of clusters"),
        ("other: []", "no list of clusters"),
        ("", "no list of clusters"),
        ("a: [", "not YAML"),
        ("{a: [", "not YAML"),
        ("a: !!python/object:os.system x", "not YAML"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_files_that_hold_no_list(read, tmp_path, content, said):
    path = tmp_path / "clusters.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert said in failure(read, {"type": "file", "path": "clusters.yaml"})


def test_a_missing_file(read, tmp_path):
    text = failure(read, {"type": "file", "path": "none.yaml"})
    assert str(tmp_path / "none.yaml") in text
    assert "No such file" in text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("file", "type None"),
        ({"type": "argo"}, "type 'argo'"),
        ({"type": "file"}, "either path or clusters"),
        ({"type": "file", "path": "x", "clusters": []}, "either path or clusters"),
        ({"type": "file", "path": 7}, "path is not a string"),
        ({"type": "file", "contexts": []}, "no option contexts"),
        ({"type": "file", "clusters": [], "workspace": "A"}, "no name that a workspace"),
        ({"type": "file", "clusters": [], "labels": {"a": 1}}, "label a is not a string"),
        ({"type": "kubeconfig"}, "no path"),
        ({"type": "kubeconfig", "path": {"a": 1}}, "not a string or a list"),
        ({"type": "kubeconfig", "path": "x", "names_from": "server"}, "names_from is server"),
    ],
)
def test_mistakes_in_a_source(read, source, said):
    text = failure(read, {"type": "file", "clusters": []}, source)
    assert said in text
    assert "test.clusters.yml:" in text


def test_one_broken_source_does_not_hide_the_others(read):
    found = read({"type": "file", "path": "none"}, {"type": "file", "clusters": [cluster()]})
    assert len(found.records) == len(found.broken) == 1


# --- kubeconfig -------------------------------------------------------------------------------------


def test_contexts_are_clusters(read, tmp_path):
    (tmp_path / "config").write_text(yaml.safe_dump(kubeconfig("gke_shop_eu_Prod", "dev")))
    found = read({"type": "kubeconfig", "path": "config", "workspace": "edge", "labels": {"env": "x"}})
    assert [(record.full_name, record.connection.context) for record in found.records] == [
        ("edge.gke-shop-eu-prod", "gke_shop_eu_Prod"),
        ("edge.dev", "dev"),
    ]
    assert {record.connection.kubeconfig for record in found.records} == {str(tmp_path / "config")}
    assert found.records[0].cluster.labels == {"env": "x"}
    assert "super-secret" not in repr(found)


def test_only_some_contexts(read, tmp_path):
    (tmp_path / "config").write_text(yaml.safe_dump(kubeconfig("prod-a", "prod-b", "dev")))
    found = read({"type": "kubeconfig", "path": ["config"], "contexts": ["prod-*", "x"]})
    assert [record.connection.context for record in found.records] == ["prod-a", "prod-b"]


def test_a_path_from_the_environment_is_not_stored(read, tmp_path, monkeypatch):
    (tmp_path / "config").write_text(yaml.safe_dump(kubeconfig("a")))
    monkeypatch.setenv("FLEET_KUBECONFIG", str(tmp_path / "config"))
    (record,) = read({"type": "kubeconfig", "path": "env:FLEET_KUBECONFIG"}).records
    assert record.connection.kubeconfig == "env:FLEET_KUBECONFIG"
    assert "FLEET_NONE" in failure(read, {"type": "kubeconfig", "path": "env:FLEET_NONE"})


def test_a_directory_named_by_its_files(read, tmp_path):
    folder = tmp_path / "edge"
    folder.mkdir()
    for name in ("b.yaml", "a.kubeconfig", "Shop_1.conf", "config"):
        (folder / name).write_text(yaml.safe_dump(kubeconfig("default", "admin", current="default")))
    (folder / "README.md").write_text("not one")
    (folder / "values.yaml").write_text("a: [")
    found = read({"type": "kubeconfig", "path": "edge", "names_from": "file"})
    assert [record.cluster.name for record in found.records] == ["shop-1", "a", "b", "config"]
    assert found.records[2].connection.kubeconfig == str(folder / "b.yaml")
    assert len(found.warnings) == 1
    assert "values.yaml" in found.warnings[0]
    assert found.broken == []


def test_a_directory_without_kubeconfigs_is_told(read, tmp_path):
    (tmp_path / "edge").mkdir()
    assert "holds no kubeconfig" in read({"type": "kubeconfig", "path": "edge"}).warnings[0]


def test_a_file_without_a_context_to_choose(read, tmp_path):
    (tmp_path / "one").write_text(yaml.safe_dump(kubeconfig("only")))
    assert read({"type": "kubeconfig", "path": "one", "names_from": "file"}).records[0].connection.context == "only"
    (tmp_path / "two").write_text(yaml.safe_dump(kubeconfig("a", "b")))
    assert "no current-context" in failure(read, {"type": "kubeconfig", "path": "two", "names_from": "file"})


@given(st.text())
def test_any_context_gives_a_name(text):
    name = cluster_name(text)
    assert check_name(name, "a cluster") == name
    assert cluster_name(name) == name
