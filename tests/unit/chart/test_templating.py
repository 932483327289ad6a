# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What templates in values mean, as far as no Helm is needed: labels, contexts, what has to be evaluated at all."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.chart.go_yaml_dump import dump
from ansible_collections.gitops.fleet.plugins.module_utils.chart.templating import needs_evaluation, prepare
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster
from ansible_collections.gitops.fleet.plugins.module_utils.target.deployment import BundleDeployment

LABELLED = Cluster("c1", labels={"env": "prod", "v": "2"})
PREFIX = "global.fleet.clusterLabels."


def deployment(options: dict, cluster: Cluster = LABELLED) -> BundleDeployment:
    return BundleDeployment(Bundle("web", "fleet-default", {}), cluster, options)


def prepared(options: dict, cluster: Cluster = LABELLED) -> dict:
    return prepare(deployment(options, cluster)).options


def test_labels_are_put_in():
    values = {
        "a": f"{PREFIX}env",
        "b": {"c": f"{PREFIX}v"},
        "l": [f"{PREFIX}env", {"d": f"{PREFIX}env"}],
        "x": f"{PREFIX}nope",
    }
    assert prepared({"helm": {"values": values}})["helm"]["values"] == {
        "a": "prod",
        "b": {"c": "2"},
        # Strings that are items themselves stay.
        "l": [f"{PREFIX}env", {"d": "prod"}],
        "x": "",
    }
    assert values["a"] == f"{PREFIX}env"


def test_labels_are_put_in_even_where_preprocessing_is_off():
    options = {"helm": {"values": {"a": f"{PREFIX}env"}, "disablePreProcess": True}}
    assert prepared(options)["helm"]["values"] == {"a": "prod"}


def test_a_labelled_cluster_gets_empty_helm_options():
    assert prepared({}) == {"helm": {}}
    assert prepared({"helm": {"chart": "x"}}) == {"helm": {"chart": "x", "values": {}}}


@pytest.mark.parametrize(
    "labels", [{}, {"kubectl.kubernetes.io/x": "1"}, {"lifecycle.cattle.io/x": "1"}, {"objectset.rio.cattle.io/x": "1"}]
)
def test_without_labels_nothing_is_done(labels):
    options = {"helm": {"values": {"a": f"{PREFIX}env", "b": "${ .ClusterName }"}}}
    assert prepared(options, Cluster("c1", labels=labels)) is options
    assert not needs_evaluation(deployment(options, Cluster("c1", labels=labels)))


@pytest.mark.parametrize("label", ["fleet.cattle.io/x", "management.cattle.io/cluster-display-name"])
def test_labels_of_fleet_and_rancher_count(label):
    cluster = Cluster("c1", labels={label: "1"})
    assert prepared({"helm": {"values": {"a": PREFIX + label}}}, cluster)["helm"]["values"] == {"a": "1"}


@pytest.mark.parametrize(
    ("helm", "needed"),
    [
        ({"values": {"a": "b"}}, False),
        ({"values": {"a": "$ {b}"}}, False),
        ({"values": {"a": {"b": ["${ .ClusterName }"]}}}, True),
        ({"values": {"${ .ClusterName }": 1}}, True),
        ({"values": {"a": "${ .ClusterName }"}, "disablePreProcess": True}, False),
        ({"values": {}, "templateValues": {"a": "b"}}, True),
        ({"values": {}, "templateValues": {"a": "b"}, "disablePreProcess": True}, False),
        # Not prepared yet.
        ({"values": {"a": f"{PREFIX}env"}}, True),
        ({}, False),
        ({"chart": "x"}, True),
    ],
)
def test_needs_evaluation(helm, needed):
    assert needs_evaluation(deployment({"helm": helm})) is needed


def test_values_nested_too_deeply():
    values: dict = {"a": f"{PREFIX}env"}
    for _ in range(50):
        values = {"a": values}
    assert prepare(deployment({"helm": {"values": values}}))
    with pytest.raises(FleetError, match="cluster fleet-default/c1, bundle web: .*50 levels"):
        prepare(deployment({"helm": {"values": {"a": values}}}))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("${ .ClusterLabels.v }", "x: ${ .ClusterLabels.v }\n"),
        ("{${ .X }}", "x: '{${ .X }}'\n"),
        ("${ .X }: y", "x: '${ .X }: y'\n"),
        ("a # b", "x: 'a # b'\n"),
        ("yes", 'x: "yes"\n'),
        ("", 'x: ""\n'),
        ("1:20", 'x: "1:20"\n'),
        ("2001-12-14", 'x: "2001-12-14"\n'),
        ("2001-13-14", "x: 2001-13-14\n"),
        ("0o17", 'x: "0o17"\n'),
        ("a\nb", "x: |-\n  a\n  b\n"),
        (1, "x: 1\n"),
        (1.5, "x: 1.5\n"),
        (1234567.5, "x: 1.2345675e+06\n"),
        (100000000000000000000, "x: 1e+20\n"),
        (1e-05, "x: 1e-05\n"),
        (None, "x: null\n"),
        (True, "x: true\n"),
        ([], "x: []\n"),
        ({}, "x: {}\n"),
        (["a", {"b": 1}], "x:\n- a\n- b: 1\n"),
        # Long lines are broken at spaces, as Go's library does.
        ("word " * 20, "x: '" + ("word " * 16).strip() + "\n  " + "word " * 4 + "'\n"),
    ],
)
def test_values_as_fleet_writes_them_before_templating(value, text):
    assert dump({"x": value}) == text


def test_keys_are_in_go_s_order():
    keys = ["a10", "a2", "a1b", "B", "10", "9", "a", "_", "a02"]
    assert list(dump(dict.fromkeys(keys, 1)).replace('"', "").replace(": 1", "").split()) == [
        "_", "9", "10", "B", "a", "a1b", "a2", "a02", "a10",
    ]  # fmt: skip
