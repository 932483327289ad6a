# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Partitions of a rollout."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster, ClusterGroup
from ansible_collections.gitops.fleet.plugins.module_utils.target.rollout import limit
from ansible_collections.gitops.fleet.plugins.module_utils.target.targeting import Targeting

CLUSTERS = [Cluster(f"c{number}", labels={"env": "dev" if number < 3 else "prod"}) for number in range(9)]
GROUPS = [ClusterGroup("prod", selector={"matchLabels": {"env": "prod"}})]


def rollout(strategy, clusters=CLUSTERS):
    spec = {"targets": [{"clusterSelector": {}}], "rolloutStrategy": strategy}
    return Targeting(clusters, GROUPS).rollout(Bundle("b", "fleet-default", spec))


def parts(result):
    return [
        (part.name, part.max_unavailable, [item.cluster.name for item in part.deployments])
        for part in result.partitions
    ]


@pytest.mark.parametrize(
    ("count", "value", "expected"),
    [
        (10, None, 10),
        (10, 3, 3),
        (10, 30, 10),
        (10, 0, 0),
        (10, -1, 0),
        (10, "3", 3),
        (10, "30", 30),  # A number as text is taken as it is.
        (10, "25%", 2),
        (10, "5%", 1),
        (10, "0%", 1),
        (10, "-5%", 1),
        (10, "300%", 10),
        (10, "12.5%", 1),
        (0, 5, 1),
    ],
)
def test_limit(count, value, expected):
    assert limit(count, value) == expected


@pytest.mark.parametrize("value", ["0", "some", "%", "", "5 %x"])
def test_limits_that_are_none(value):
    with pytest.raises(FleetError, match="neither a number nor a percentage"):
        limit(10, value)


def test_the_first_value_that_is_set_counts():
    assert limit(10, None, 4, 5) == 4


def test_without_a_strategy_there_is_one_partition():
    result = rollout(None)
    assert parts(result) == [("All", 9, [cluster.name for cluster in CLUSTERS])]
    assert (result.max_unavailable, result.max_unavailable_partitions, result.max_new) == (9, 0, 50)


def test_automatic_partitions_from_the_threshold_on():
    assert parts(rollout({"autoPartitionThreshold": 9, "autoPartitionSize": "50%"})) == [
        ("Partition 0 - 4", 4, ["c0", "c1", "c2", "c3"]),
        ("Partition 4 - 8", 4, ["c4", "c5", "c6", "c7"]),
        ("Partition 8 - 9", 1, ["c8"]),
    ]
    assert len(parts(rollout({"autoPartitionThreshold": 10}))) == 1
    assert len(parts(rollout({"autoPartitionThreshold": 0}))) == 1
    assert len(parts(rollout({"autoPartitionThreshold": 1, "autoPartitionSize": 0}))) == 1


def test_manual_partitions():
    strategy = {
        "maxUnavailable": "50%",
        "partitions": [
            {"name": "canary", "clusterName": "c1", "maxUnavailable": 0},
            {"name": "prod", "clusterGroup": "prod"},
            {"name": "again", "clusterSelector": {"matchLabels": {"env": "prod"}}},
        ],
    }
    result = rollout(strategy)
    assert parts(result)[0] == ("canary", 0, ["c1"])
    assert parts(result)[1] == ("prod", 3, ["c3", "c4", "c5", "c6", "c7", "c8"])
    # Clusters that no partition names are never served; one in two partitions is served once.
    assert [item.cluster.name for item in result.deployments] == ["c1", "c3", "c4", "c5", "c6", "c7", "c8"]


def test_a_wrong_limit_names_its_place():
    with pytest.raises(FleetError, match=r"^rolloutStrategy: '0' is neither"):
        rollout({"maxUnavailable": "0"})


def test_with_no_clusters_the_strategy_does_not_matter():
    assert parts(rollout({"maxUnavailable": "0"}, [])) == [("All", 1, [])]
