# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clusters a bundle goes to, and with which options."""

import time

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster, ClusterGroup
from ansible_collections.gitops.fleet.plugins.module_utils.target.targeting import Targeting, match

CLUSTERS = [
    Cluster("dev", labels={"env": "dev", "management.cattle.io/cluster-display-name": "Dev-One"}),
    Cluster("eu", labels={"env": "prod", "region": "eu"}),
    Cluster("us", labels={"env": "prod", "region": "us"}),
    Cluster("none"),
    Cluster("other", namespace="elsewhere", labels={"env": "prod"}),
]
GROUPS = [
    ClusterGroup("default", labels={"tier": "base"}, selector={"matchLabels": {"env": "dev"}}),
    ClusterGroup("prod", labels={"tier": "edge"}, selector={"matchLabels": {"env": "prod"}}),
    ClusterGroup("eu-only", labels={"tier": "eu"}, selector={"matchLabels": {"region": "eu"}}),
    ClusterGroup("nobody", labels={"tier": "none"}, selector=None),
    ClusterGroup("far", namespace="elsewhere", selector={}),
]
ALL = {"name": "all", "clusterSelector": {}}
PROD = {"clusterSelector": {"matchLabels": {"env": "prod"}}}
EU = {"clusterSelector": {"matchLabels": {"region": "eu"}}}


def matched(targets, restrictions=None, **spec):
    """The clusters, each with its namespace option."""
    spec = {"targets": targets, "targetRestrictions": restrictions, **spec}
    found = match(Bundle("b", "fleet-default", spec), CLUSTERS, GROUPS)
    return {deployment.cluster.name: deployment.options.get("namespace", "") for deployment in found}


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({"clusterSelector": {}}, ["dev", "eu", "none", "us"]),
        ({}, []),
        ({"clusterName": ""}, []),
        ({"clusterName": "eu"}, ["eu"]),
        ({"clusterName": "Dev-One"}, ["dev"]),
        ({"clusterName": "dev"}, ["dev"]),
        (PROD, ["eu", "us"]),
        ({"clusterGroup": "prod"}, ["eu", "us"]),
        ({"clusterGroup": "default"}, ["dev"]),
        ({"clusterGroup": "nobody"}, []),
        ({"clusterGroup": "far"}, []),
        ({"clusterGroupSelector": {"matchLabels": {"tier": "edge"}}}, ["eu", "us"]),
        # A cluster without groups is looked at with no group's labels.
        ({"clusterGroupSelector": {}}, ["dev", "eu", "none", "us"]),
        ({"clusterGroupSelector": {"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}}, ["none"]),
        ({"clusterGroup": "prod", **EU}, ["eu"]),
        # Both conditions on groups must hold for one group.
        ({"clusterGroup": "prod", "clusterGroupSelector": {"matchLabels": {"tier": "eu"}}}, []),
        ({"clusterName": "eu", "clusterSelector": {"matchLabels": {"env": "dev"}}}, []),
    ],
)
def test_criteria(criteria, expected):
    assert list(matched([criteria])) == expected


def test_without_restrictions_the_first_target_that_matches_counts_with_its_options():
    targets = [{**EU, "namespace": "eu"}, {**PROD, "namespace": "prod"}]
    assert matched(targets) == {"eu": "eu", "us": "prod"}


def test_with_restrictions_customizations_alone_deploy_nothing():
    targets = [{**EU, "namespace": "eu"}, {"clusterName": "us"}]
    assert matched(targets, [{"clusterName": "us"}]) == {"us": ""}


def test_the_first_customization_takes_the_place_of_the_target():
    targets = [{**EU, "namespace": "first"}, {**PROD, "namespace": "second"}, ALL]
    assert matched(targets, [ALL]) == {"dev": "", "eu": "first", "none": "", "us": "second"}


def test_all_matches_merges_them_in_order():
    targets = [{**EU, "namespace": "eu", "helm": {"values": {"a": 1}}}, {**PROD, "helm": {"values": {"b": 2}}}, ALL]
    spec = {"targets": targets, "targetRestrictions": [ALL], "targetCustomizationMode": "AllMatches"}
    found = {item.cluster.name: item.options for item in match(Bundle("b", "fleet-default", spec), CLUSTERS, GROUPS)}
    assert found["eu"] == {"namespace": "eu", "helm": {"values": {"a": 1, "b": 2}}}
    assert found["us"] == {"helm": {"values": {"b": 2}}}


def test_do_not_deploy():
    stop = {**PROD, "doNotDeploy": True}
    targets = [{**EU, "namespace": "eu"}, stop, ALL]
    assert matched(targets, [ALL]) == {"dev": "", "eu": "eu", "none": ""}
    assert matched(targets, [ALL], targetCustomizationMode="AllMatches") == {"dev": "", "none": ""}
    assert matched([stop, ALL]) == {"dev": "", "none": ""}


def test_a_restriction_must_match_too():
    assert matched([{"clusterName": "eu"}, {"clusterName": "us"}], [{"clusterName": "us"}, {"clusterName": "x"}]) == {
        "us": ""
    }


def test_target_and_restriction_must_hold_for_one_group():
    # eu is in both groups, and yet no single group fulfils both.
    assert matched([{"clusterGroup": "prod"}], [{"clusterGroup": "eu-only"}]) == {}


def test_more_restrictions_than_targets_leave_no_customization():
    assert matched([{**EU, "namespace": "eu"}], [ALL, ALL]) == {"eu": "eu"}


def test_the_bundles_own_options_are_the_base():
    assert matched([{**EU, "namespace": "eu"}, {**PROD}], namespace="base") == {"eu": "eu", "us": "base"}


def test_only_clusters_of_the_workspace():
    found = match(Bundle("b", "elsewhere", {"targets": [{"clusterGroup": "far"}]}), CLUSTERS, GROUPS)
    assert [deployment.cluster.name for deployment in found] == ["other"]


def test_clusters_that_are_alike_share_their_options():
    clusters = [Cluster(f"c{number}", labels={"env": "dev"}) for number in range(3)]
    found = match(Bundle("b", "fleet-default", {"targets": [ALL]}), clusters, [])
    assert found[0].options is found[1].options is found[2].options


def test_a_wrong_selector_is_an_error_that_names_the_target():
    with pytest.raises(FleetError, match=r"^target bad: .* operator Near"):
        matched([{"name": "bad", "clusterSelector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}}])
    with pytest.raises(FleetError, match="cluster group fleet-default/g"):
        Targeting([], [ClusterGroup("g", selector={"matchLabels": {"bad key": "x"}})])


def test_many_bundles_and_clusters_are_fast():
    clusters = [
        Cluster(f"c{number}", labels={"env": f"e{number % 7}", "region": f"r{number % 50}", "id": str(number)})
        for number in range(2000)
    ]
    groups = [ClusterGroup(f"g{number}", selector={"matchLabels": {"region": f"r{number}"}}) for number in range(10)]
    targets = [{"clusterSelector": {"matchLabels": {"env": f"e{number}"}}, "namespace": "n"} for number in range(5)]
    spec = {"targets": [*targets, {"clusterGroup": "g1"}, ALL], "targetRestrictions": [ALL, ALL]}
    start = time.process_time()
    targeting = Targeting(clusters, groups)
    found = [targeting.match(Bundle(f"b{number}", "fleet-default", spec)) for number in range(10)]
    assert len(found[-1]) == 2000
    # A twentieth and a fifth of what has 20 s, so 0.2 s; ten times that on a busy machine.
    assert time.process_time() - start < 2
