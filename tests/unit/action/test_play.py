# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory variables as the engine takes them: what is odd about one host is said of that host."""

from __future__ import annotations

import datetime

import pytest
from ansible.errors import AnsibleError
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import (
    Connection,
    ProxiedConnection,
    SecretConnection,
    TokenConnection,
)
from ansible_collections.gitops.fleet.plugins.plugin_utils.inventory.references import from_variables, to_variables
from ansible_collections.gitops.fleet.plugins.plugin_utils.play import read_batch
from hypothesis import given
from hypothesis import strategies as st

GOOD = {"kubeconfig": "/k", "labels": {"env": "prod"}}


def batch(**hosts):
    return read_batch(list(hosts), {host: {"fleet_cluster": facts} for host, facts in hosts.items()})


def test_a_cluster_is_what_its_variable_says():
    found = batch(
        one={
            "kubeconfig": "/k",
            "name": "eu",
            "workspace": "ws",
            "context": "c",
            "uid": "u",
            "templateValues": {"a": 1},
        }
    )
    (target,) = found.targets
    assert (target.host, target.fleet_name, target.uid) == ("one", "ws.eu", "u")
    assert (target.connection.kubeconfig, target.connection.context) == ("/k", "c")
    assert target.cluster.template_values == {"a": 1}


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (None, "no variable fleet_cluster"),
        ("text", "no variable fleet_cluster"),
        ({"name": "x"}, "no variable fleet_cluster"),
        ({**GOOD, "labels": {"tier": 1}}, "label tier is not a string: 1. Put it in quotes"),
        ({**GOOD, "labels": {"canary": True}}, "label canary is not a string"),
        ({**GOOD, "labels": {"note": None}}, "label note is not a string"),
        ({**GOOD, "labels": ["env"]}, "labels is not a mapping"),
        ({**GOOD, "annotations": {"a": 1}}, "annotations of its variable fleet_cluster has a"),
        ({**GOOD, "annotations": "a"}, "annotations of its variable fleet_cluster is not a mapping"),
        ({**GOOD, "templateValues": [1]}, "templateValues of its variable fleet_cluster is not a mapping"),
        ({**GOOD, "templateValues": {"d": datetime.date(2026, 1, 1)}}, "quotes"),
        ({**GOOD, "templateValues": {"d": float("nan")}}, "quotes"),
    ],
)
def test_an_odd_variable_concerns_its_host_alone(facts, message):
    found = batch(good=GOOD, odd=facts)
    assert [target.host for target in found.targets] == ["good"]
    assert found.not_clusters["odd"].startswith("host odd")
    assert message in found.not_clusters["odd"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "kubeconfig",
    "name",
    "workspace",
    "labels",
    "annotations",
    "templateValues",
    "context",
    "uid",
    "hub",
    "secret",
    "proxy_path",
]


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_no_variable_breaks_the_batch(facts):
    found = batch(odd=facts)
    assert len(found.targets) + len(found.not_clusters) == 1


def test_a_variable_that_cannot_be_evaluated_concerns_its_host_alone():
    class Broken(dict):
        def get(self, name, default=None):
            if name == "fleet_cluster":
                raise AnsibleError("'region' is undefined")
            return default

    found = read_batch(["odd", "good"], {"odd": Broken(), "good": {"fleet_cluster": GOOD}})
    assert [target.host for target in found.targets] == ["good"]
    assert found.not_clusters["odd"] == "host odd, variable fleet_cluster: 'region' is undefined"


def test_labels_and_values_of_ansible():
    variables = {
        "fleet_cluster": GOOD,
        "fleet_labels": {"env": "test", "wave": "1"},
        "fleet_values": {"replicas": 2},
    }
    (target,) = read_batch(["one"], {"one": variables}).targets
    assert target.cluster.labels == {"env": "test", "wave": "1"}
    assert target.values == {"replicas": 2}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"fleet_labels": {"wave": 1}}, "variable fleet_labels: the value of label wave is not a string"),
        ({"fleet_labels": "prod"}, "variable fleet_labels: labels is not a mapping"),
        ({"fleet_values": ["a"]}, "variable fleet_values: it is not a mapping"),
        ({"fleet_values": {"day": datetime.date(2026, 1, 1)}}, "variable fleet_values holds what JSON does not know"),
    ],
)
def test_odd_labels_and_values_concern_their_host_alone(variables, message):
    found = read_batch(["odd"], {"odd": {"fleet_cluster": GOOD, **variables}})
    assert message in found.not_clusters["odd"]


HUB = {"kubeconfig": "env:HUB", "context": ""}


@pytest.mark.parametrize(
    ("way", "connection"),
    [
        (
            {"hub": HUB, "secret": {"namespace": "ws", "name": "a", "key": "value"}, "context": ""},
            SecretConnection(Connection("env:HUB"), "ws", "a"),
        ),
        (
            {"hub": HUB, "proxy_path": "/k8s/clusters/c-1"},
            ProxiedConnection(Connection("env:HUB"), "/k8s/clusters/c-1"),
        ),
        (
            {"hub": {"server": "https://r", "token": "env:T", "ca_file": ""}, "proxy_path": "/k8s/clusters/c-1"},
            ProxiedConnection(TokenConnection("https://r", "env:T"), "/k8s/clusters/c-1"),
        ),
    ],
)
def test_clusters_by_way_of_a_hub(way, connection):
    (target,) = batch(one=way).targets
    assert target.connection == connection
    written = to_variables(connection)
    assert written["kubeconfig"] == ""
    assert from_variables(written) == connection


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ({"secret": {"namespace": "ws", "name": "a"}}, "hub of its variable fleet_cluster is not a mapping"),
        ({"hub": {}, "secret": {"namespace": "ws", "name": "a"}}, "the hub has no kubeconfig"),
        ({"hub": HUB, "secret": {"name": "a"}}, "has no namespace or no name"),
        ({"hub": HUB, "proxy_path": "/k8s/../../x?y"}, "is no path"),
        ({"hub": {"server": "https://r", "token": "abc"}, "proxy_path": "/k8s"}, "token does not begin with env:"),
    ],
)
def test_ways_that_lead_nowhere(way, message):
    found = batch(odd=way)
    assert message in found.not_clusters["odd"]
    assert "abc" not in found.not_clusters["odd"]


def test_two_hosts_that_are_one_cluster_are_both_refused():
    found = batch(a={**GOOD, "name": "x"}, b={**GOOD, "name": "x"}, c=GOOD)
    assert [target.host for target in found.targets] == ["c"]
    assert "hosts a and b are both cluster fleet-default.x" in found.not_clusters["a"]
    assert set(found.not_clusters) == {"a", "b"}


def test_groups_are_found_though_the_first_host_is_no_cluster():
    groups = [{"name": "prod", "workspace": "ws", "selector": {"matchLabels": {"env": "prod"}}}]
    found = read_batch(
        ["localhost", "one"], {"localhost": {}, "one": {"fleet_cluster": GOOD, "fleet_cluster_groups": groups}}
    )
    assert [(group.namespace, group.name) for group in found.groups] == [("ws", "prod")]


@pytest.mark.parametrize("groups", ["prod", ["prod"], [{"selector": {}}], {"name": "prod"}])
def test_groups_that_are_none_concern_the_whole_run(groups):
    with pytest.raises(FleetError, match="fleet_cluster_groups"):
        read_batch(["one"], {"one": {"fleet_cluster": GOOD, "fleet_cluster_groups": groups}})
