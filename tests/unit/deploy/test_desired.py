# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From builds and clusters to desired releases: what is wrong with one bundle is said of it, and of no other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.build import Build
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.deploy import desired, labels
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.desired import desired_state
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.downstream import Sources
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.request import Request, Target
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import Connection
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster

ALL = {"targets": [{"name": "all", "clusterSelector": {}}]}
WRONG = {"targets": [{"name": "wrong", "clusterSelector": {"matchLabels": {"env": "no label value!"}}}]}


def clusters(*names, workspace="fleet-default"):
    return [
        Target(name, Cluster(name, workspace, labels={"env": "prod"}), Connection(f"/kubeconfig/{name}"))
        for name in names
    ]


CHART = {**ALL, "resources": [{"name": "Chart.yaml", "content": "name: web"}]}


def test_values_of_the_inventory_win_over_those_of_git_on_their_cluster_and_in_charts_only(state):
    plain, special = clusters("a", "b")
    special = replace(special, values={"image": {"tag": "2"}, "more": "{{ data }}"})
    values = {"helm": {"values": {"image": {"name": "web", "tag": "1"}}}}
    before = state({"apps": {"web": {**CHART, **values}, "raw": ALL}}, [plain, replace(special, values={})])
    after = state({"apps": {"web": {**CHART, **values}, "raw": ALL}}, [plain, special])
    assert before.wanted["fleet-default.a"] == after.wanted["fleet-default.a"]
    old, new = ({item.bundle: item for item in found.wanted["fleet-default.b"]} for found in (before, after))
    assert new["raw"].value == old["raw"].value
    assert new["web"].value != old["web"].value
    assert new["web"].deployment.options["helm"]["values"] == {
        "image": {"name": "web", "tag": "2"},
        "more": "{{ data }}",
    }
    assert (new["raw"].overridden, new["web"].overridden) == ((), ("image.tag", "more"))


@pytest.fixture
def state(tmp_path):
    """The desired state that builds (by GitRepo name: bundles' specs by name) give on clusters."""

    def make(builds, targets):
        paths = []
        for gitrepo, specs in builds.items():
            bundles = [
                Bundle(name, "fleet-default", {"resources": [{"name": "a.yaml", "content": name}], **spec})
                for name, spec in specs.items()
            ]
            repo = GitRepo(name=gitrepo, repo=f"https://git.example.com/{gitrepo}", namespace="fleet-default")
            paths.append(Build(repo, "c" * 40, bundles).save(tmp_path))
        request = Request(targets=targets, builds=[str(path) for path in paths], owner="me")
        return desired_state(request, None, tmp_path, Sources())

    return make


def test_a_bundle_whose_targets_cannot_be_read_is_an_error_on_each_cluster_of_its_workspace(state):
    found = state(
        {"apps": {"good": ALL, "My bad one": WRONG}},
        [*clusters("a", "b"), *clusters("c", workspace="elsewhere")],
    )
    for name in ("fleet-default.a", "fleet-default.b"):
        wanted = {item.bundle: item.error for item in found.wanted[name]}
        assert wanted["good"] is None
        assert "bundle My bad one" in str(wanted["My bad one"])
    assert found.wanted["elsewhere.c"] == []


def test_its_releases_are_kept_by_the_value_that_their_label_has(state):
    found = state({"apps": {"My bad one": WRONG}}, clusters("a"))
    assert found.kept_bundles == {labels.label_value("My bad one")}
    assert found.kept_bundles != {"My bad one"}


def test_an_error_does_not_spread_to_a_bundle_of_that_name_in_another_gitrepo(state):
    values = {"helm": {"values": deep(60)}}
    found = state({"bad": {"web": {**ALL, **values}}, "good": {"web": {**ALL, "namespace": "good"}}}, clusters("a"))
    errors = {item.gitrepo: item.error for item in found.wanted["fleet-default.a"]}
    assert "nested more than 50" in str(errors["fleet-default.bad"])
    assert errors["fleet-default.good"] is None


def deep(levels):
    values: dict = {}
    for _level in range(levels):
        values = {"a": values}
    return values


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"namespace": "../nodes/one"}, "no name of a namespace"),
        ({"defaultNamespace": "UPPER"}, "no name of a namespace"),
        ({"namespace": "n" * 64}, "no name of a namespace"),
        ({"helm": {"releaseName": "--kubeconfig=/etc/passwd"}}, "no name of a Helm release"),
        ({"helm": {"releaseName": "r" * 54}}, "no name of a Helm release"),
    ],
)
def test_a_name_that_no_cluster_takes_is_refused_before_it_gets_into_a_path_or_an_argument(state, options, message):
    (wanted,) = state({"apps": {"web": {**ALL, **options}}}, clusters("a")).wanted["fleet-default.a"]
    assert message in str(wanted.error)
    assert wanted.error.place == "bundle web"


def test_what_many_clusters_share_is_digested_once(state, monkeypatch):
    digested = []
    real = desired.deployment_id
    monkeypatch.setattr(desired, "deployment_id", lambda *arguments: digested.append(1) or real(*arguments))
    specs = {f"b{number}": {**ALL, "helm": {"values": {"a": {"b": [1, 2]}}}} for number in range(3)}
    found = state({"apps": specs}, clusters(*"abcdefgh"))
    assert len({item.value for items in found.wanted.values() for item in items}) == 3
    assert len(digested) == 3
