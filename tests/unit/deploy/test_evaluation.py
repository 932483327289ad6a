# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluated options: Fleet's meaning however they are shared and kept, and no Helm for what is known."""

from __future__ import annotations

import json
import os
import time

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.chart.templating import prepare
from ansible_collections.gitops.fleet.plugins.module_utils.deploy import evaluation
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster
from ansible_collections.gitops.fleet.plugins.module_utils.target.deployment import BundleDeployment
from hypothesis import given
from hypothesis import strategies as st

LABELLED = "global.fleet.clusterLabels.env"
TEMPLATE = {"helm": {"values": {"name": "${ .ClusterName }"}}}


class NoHelm:
    def find(self):
        raise AssertionError("nothing here needs Helm")


class Helm:
    """Stands where Helm would be found; ``answers`` is what evaluating makes of each deployment."""

    def find(self):
        return self


def deployments(options, clusters, bundle="web"):
    made = Bundle(bundle, "fleet-default", {})
    return [BundleDeployment(made, cluster, options) for cluster in clusters]


@pytest.fixture
def by_helm(monkeypatch):
    """Replaces Helm's part, and notes what it was asked for."""
    asked = []

    def evaluate(items, _helm):
        asked.extend((item.bundle.name, item.cluster.name) for item in items)
        return [
            FleetError(f"bundle {item.bundle.name}")
            if item.bundle.name == "bad"
            else item.with_options({"helm": {"values": {"name": "evaluated"}}})
            for item in items
        ]

    monkeypatch.setattr(evaluation, "evaluate_by_helm", evaluate)
    return asked


CLUSTERS = st.lists(
    st.builds(Cluster, st.sampled_from("abc"), labels=st.dictionaries(st.sampled_from(["env", "x"]), st.just("prod"))),
    max_size=4,
)
VALUES = st.dictionaries(st.sampled_from("kl"), st.sampled_from([1, "plain", LABELLED, [LABELLED], {"in": LABELLED}]))


@given(CLUSTERS, st.one_of(st.just({}), st.builds(lambda values: {"helm": {"values": values}}, VALUES)))
def test_sharing_changes_nothing_of_what_fleet_would_make_of_each(tmp_path_factory, clusters, options):
    items = deployments(options, clusters)
    found = evaluation.evaluate(items, NoHelm(), tmp_path_factory.getbasetemp())
    assert [item.options for item in found] == [prepare(item).options for item in items]


def test_what_does_not_ask_for_labels_is_one_object_for_all_clusters(tmp_path):
    clusters = [Cluster(str(number), labels={"n": str(number)}) for number in range(5)]
    found = evaluation.evaluate(deployments({"helm": {"values": {"a": 1}}}, clusters), NoHelm(), tmp_path)
    assert len({id(item.options) for item in found}) == 1


def test_what_asks_for_labels_is_one_object_for_clusters_with_the_same_ones(tmp_path):
    clusters = [Cluster(str(number), labels={"env": str(number % 2), "n": str(number)}) for number in range(6)]
    found = evaluation.evaluate(deployments({"helm": {"values": {"a": LABELLED}}}, clusters), NoHelm(), tmp_path)
    assert [item.options["helm"]["values"]["a"] for item in found] == ["0", "1"] * 3
    assert len({id(item.options) for item in found}) == 2


def test_what_was_evaluated_before_is_read_and_equal_results_are_one_object(tmp_path, by_helm):
    items = deployments(TEMPLATE, [Cluster("a", labels={"e": "1"}), Cluster("b", labels={"e": "1"})])
    first = evaluation.evaluate(items, Helm(), tmp_path)
    second = evaluation.evaluate(items, NoHelm(), tmp_path)
    assert [item.options for item in first] == [item.options for item in second]
    assert len({id(item.options) for item in second}) == 1
    assert len(by_helm) == 2


def test_the_error_of_one_bundle_is_not_that_of_another_with_the_same_options(tmp_path, by_helm):
    cluster = Cluster("a", labels={"e": "1"})
    items = [*deployments(TEMPLATE, [cluster], "bad"), *deployments(dict(TEMPLATE), [cluster], "good")]
    bad, good = evaluation.evaluate(items, Helm(), tmp_path)
    assert str(bad) == "bundle bad"
    assert good.options == {"helm": {"values": {"name": "evaluated"}}}


@pytest.mark.parametrize("content", ["", "[]", "{", "null"])
def test_a_damaged_entry_is_evaluated_again(tmp_path, by_helm, content):
    items = deployments(TEMPLATE, [Cluster("a", labels={"e": "1"})])
    evaluation.evaluate(items, Helm(), tmp_path)
    (path,) = (tmp_path / "options").glob("*/*.json")
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(content)
    evaluation.evaluate(items, Helm(), tmp_path)
    assert len(by_helm) == 2
    assert json.loads(path.read_text()) == {"helm": {"values": {"name": "evaluated"}}}


def test_old_entries_go_when_new_ones_come(tmp_path, by_helm):
    evaluation.evaluate(deployments(TEMPLATE, [Cluster("a", labels={"e": "1"})]), Helm(), tmp_path)
    (old,) = (tmp_path / "options").glob("*/*.json")
    os.utime(old, (0, time.time() - evaluation.KEEP - 1))
    evaluation.evaluate(deployments(TEMPLATE, [Cluster("b", labels={"e": "1"})]), Helm(), tmp_path)
    assert not old.exists()
    assert len(list((tmp_path / "options").glob("*/*.json"))) == 1
