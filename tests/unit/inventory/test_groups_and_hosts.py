# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import Connection
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster
from ansible_collections.gitops.fleet.plugins.module_utils.target.selector import compile_selector, matches
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.groups import (
    LabelGroups,
    defined_groups,
    safe,
    selected_groups,
)
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.hosts import (
    check_host_names,
    choose,
    host_names,
    without_collisions,
)
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.label_selector import parse
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.record import Record
from hypothesis import given
from hypothesis import strategies as st

DNS_LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,4}[a-z0-9])?", fullmatch=True)
SUBDOMAIN = st.lists(st.sampled_from(["a", "b", "c", "fleet", "all", "1"]), min_size=1, max_size=3).map(".".join)
LABEL_VALUE = st.from_regex(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,6}[A-Za-z0-9])?)?", fullmatch=True)
LABEL_KEY = st.from_regex(r"([a-z]{1,3}(\.[a-z]{1,3})?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,4}[A-Za-z0-9])?", fullmatch=True)


def record(name: str, workspace: str = "fleet-default", **labels: str) -> Record:
    return Record(Cluster(name, workspace, labels), Connection(f"/k/{workspace}.{name}"), source="test")


# --- hosts ------------------------------------------------------------------------------------------


def names(*records: Record, taken: tuple[str, ...] = (), full: bool = False) -> list[str]:
    return host_names(records, taken, full=full)


def test_of_several_clusters_of_one_name_the_first_counts_where_that_is_said():
    one, other, two = record("a", env="one"), record("b"), record("a", env="two")
    found, warnings = without_collisions([one, other, two], first_counts=True)
    assert found == [one, other]
    assert "cluster fleet-default.a is that of " in warnings[0]


def test_states():
    ready, broken, unknown = (
        replace(record(name), status=status)
        for name, status in (("a", {"state": "Ready"}), ("b", {"state": "ErrApplied"}), ("c", {}))
    )
    selects = compile_selector({})
    assert choose([ready, broken, unknown], selects, states=["Rea*"]) == [ready, unknown]
    assert choose([ready, broken, unknown], selects) == [ready, broken, unknown]


@pytest.mark.parametrize(
    "name", ["a/b", "a:1", "a,b", "!a", "[a]", "a b", "", "localhost", "-a", "é", "{{ a }}", "fleet"]
)
def test_names_by_a_template_that_are_no_names_of_hosts(name):
    with pytest.raises(FleetError, match=r"hostnames, cluster fleet-default\.a"):
        check_host_names([name], [record("a")], taken=("fleet",))


def test_names_by_a_template_are_unique():
    check_host_names(["x", "y"], [record("a"), record("b")])
    with pytest.raises(FleetError, match=r"x is the name of cluster fleet-default\.a, too"):
        check_host_names(["x", "x"], [record("a"), record("b")])


def test_short_where_unique():
    assert names(record("a"), record("b", "w"), record("b", "x")) == ["a", "w.b", "x.b"]


def test_full_where_asked():
    assert names(record("a"), full=True) == ["fleet-default.a"]


def test_never_the_name_of_a_group_of_another_host_or_of_localhost():
    found = names(record("fleet"), record("localhost"), record("c"), taken=("fleet", "c"))
    assert found == ["fleet-default.fleet", "fleet-default.localhost", "fleet-default.c"]


def test_a_name_with_dots_is_not_taken_for_a_workspace():
    found = names(record("a.b"), record("b", "a"), record("b", "c"))
    assert found == ["fleet-default.a.b", "a.b", "c.b"]


@given(st.lists(st.tuples(DNS_LABEL, SUBDOMAIN), unique=True), st.sets(SUBDOMAIN))
def test_host_names_are_unique_and_harmless(pairs, taken):
    records = [record(name, workspace) for workspace, name in pairs]
    # Groups have no dots in their names, so only short names can meet one.
    taken = {name for name in taken if "." not in name}
    found = host_names(records, taken)
    assert len(set(found)) == len(records)
    assert not set(found) & taken
    assert not any(character in name for name in found for character in "/:,[&! ")
    for name, item in zip(found, records, strict=True):
        assert name in (item.cluster.name, item.full_name)


def test_choosing():
    records = [record("prod-1", env="prod"), record("prod-2", "team", env="prod"), record("dev-1", env="dev")]
    everything = compile_selector({})

    def chosen(selects=everything, wanted=(), unwanted=()):
        return [item.cluster.name for item in choose(records, selects, list(wanted), list(unwanted))]

    assert chosen() == ["prod-1", "prod-2", "dev-1"]
    assert chosen(wanted=["prod-*"]) == ["prod-1", "prod-2"]
    assert chosen(wanted=["team.*"]) == ["prod-2"]
    assert chosen(wanted=["prod-*"], unwanted=["*-2"]) == ["prod-1"]
    assert chosen(compile_selector({"matchLabels": {"env": "dev"}})) == ["dev-1"]


def test_one_name_twice_is_never_merged():
    without_collisions([record("a"), record("a", "other")])
    with pytest.raises(FleetError, match="two clusters a in workspace fleet-default"):
        without_collisions([record("a"), record("b"), record("a")])


# --- groups -----------------------------------------------------------------------------------------


def test_groups_of_labels():
    groups = LabelGroups(["*"])
    labels = {"env": "prod", "kubernetes.io/os": "linux", "node-role": "", "v": "1.2-3"}
    assert groups.names(labels) == [
        "label_env_prod",
        "label_kubernetes_io_os_linux",
        "label_node_role",
        "label_v_1_2_3",
    ]
    assert groups.collisions() == []


def test_only_some_labels():
    assert LabelGroups(["env", "example.com/*"]).names({"env": "a", "example.com/b": "c", "d": "e"}) == [
        "label_env_a",
        "label_example_com_b_c",
    ]
    assert LabelGroups([]).names({"env": "a"}) == []


def test_labels_that_fall_into_one_group_are_told_once():
    groups = LabelGroups(["*"])
    assert groups.names({"env-a": "b.c", "env_a": "b_c"}) == ["label_env_a_b_c"]
    assert groups.names({"env": "a_b_c"}) == ["label_env_a_b_c"]
    (text,) = groups.collisions()
    assert text == "group label_env_a_b_c holds the clusters of several labels: env=a_b_c, env-a=b.c, env_a=b_c"


@given(st.dictionaries(LABEL_KEY, LABEL_VALUE, max_size=5))
def test_every_label_is_in_a_group_with_a_good_name(labels):
    groups = LabelGroups(["*"])
    found = groups.names(labels)
    assert all(re.fullmatch(r"label_[A-Za-z0-9_]+", name) for name in found)
    assert len(found) == len(set(found)) >= (1 if labels else 0)
    assert len(found) == len(labels) or groups.collisions()


def defined(*entries: object) -> list:
    return selected_groups(defined_groups(list(entries), "fleet-default", "/nowhere/x.fleet.yml"))


def test_cluster_groups():
    europe, everyone, nobody = defined(
        {"name": "europe", "selector": {"matchLabels": {"region": "eu"}}, "labels": {"kind": "continent"}},
        {"name": "every-one", "selector": {}},
        {"name": "nobody"},
    )
    eu, us, elsewhere = record("a", region="eu"), record("b", region="us"), record("c", "w", region="eu")
    assert [europe.has(item.cluster) for item in (eu, us, elsewhere)] == [True, False, False]
    assert [everyone.has(item.cluster) for item in (eu, us, elsewhere)] == [True, True, False]
    assert [nobody.has(item.cluster) for item in (eu, us, elsewhere)] == [False, False, False]
    assert (europe.group, everyone.group) == ("cluster_group_europe", "cluster_group_every_one")
    assert europe.variable() == {
        "name": "europe",
        "workspace": "fleet-default",
        "labels": {"kind": "continent"},
        "selector": {"matchLabels": {"region": "eu"}},
    }


def test_cluster_groups_of_one_name_in_two_workspaces():
    first, second = defined({"name": "a", "selector": {}}, {"name": "a", "workspace": "team-b", "selector": {}})
    assert (first.group, second.group) == ("cluster_group_fleet_default_a", "cluster_group_team_b_a")


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        (["a"], "not a mapping"),
        ([{"name": "A"}], "no name that a cluster group can have"),
        ([{"name": "a", "clusters": []}], "no field clusters"),
        ([{"name": "a", "selector": {"matchLabel": {}}}], "field matchLabel"),
        ([{"name": "a", "labels": {"x": 1}}], "label x is not a string"),
        ([{"name": "a"}, {"name": "a"}], "two cluster groups a"),
    ],
)
def test_mistakes_in_cluster_groups(entries, said):
    with pytest.raises(FleetError) as caught:
        defined(*entries)
    assert said in str(caught.value)
    assert "x.fleet.yml" in str(caught.value)


def test_names_of_groups():
    assert safe("workspace_team-a") == "workspace_team_a"


# --- label selector ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("env=prod", True),
        ("env==prod", True),
        ("env = prod , region != us", True),
        ("env!=prod", False),
        ("env in (dev, prod)", True),
        ("env in (dev),env", False),
        ("env notin (dev,test),region=eu", True),
        ("missing notin (a)", True),
        ("missing!=a", True),
        ("env,!missing", True),
        ("!env", False),
        ("example.com/tier=", True),
        ("in", False),
    ],
)
def test_selectors_as_kubectl_takes_them(text, expected):
    labels = {"env": "prod", "region": "eu", "example.com/tier": ""}
    assert matches(parse(text), labels) is expected


@pytest.mark.parametrize("text", ["env=a=b", "env in a", "env in (a", ",", "env=prod,", "a b", "env in ()=x", "!"])
def test_selectors_that_are_not_understood(text):
    with pytest.raises(FleetError):
        compile_selector(parse(text))


@given(st.text())
def test_any_text_is_a_selector_or_an_error(text):
    try:
        compile_selector(parse(text))
    except FleetError:
        return


@given(LABEL_KEY, st.lists(LABEL_VALUE, min_size=1), st.dictionaries(LABEL_KEY, LABEL_VALUE, max_size=3))
def test_a_set_is_the_same_as_a_list(key, values, labels):
    text = f"{key} in ({', '.join(values)})"
    written = {"matchExpressions": [{"key": key, "operator": "In", "values": values}]}
    assert matches(parse(text), labels) == matches(written, labels)
