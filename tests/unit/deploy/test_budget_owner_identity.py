# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The delete budget, the owner, the labels and the identity of clusters."""

import json

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.deploy import labels
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.budget import DeleteBudget
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.identity import KnownClusters
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.owner import owner
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.plan import Action, Step
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.releases import Release
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from hypothesis import given
from hypothesis import strategies as st


def deletes(*bundles, clusters=("one",)):
    def step(bundle):
        release = Release("ns", bundle, 1, "deployed", {labels.GITREPO: "apps"})
        return Step(Action.DELETE, bundle, "ns", bundle, "", release=release)

    return {cluster: [step(bundle) for bundle in bundles] for cluster in clusters}


def test_one_whole_bundle_may_go_from_every_cluster():
    DeleteBudget.parse("25%").check(deletes("a", clusters=("one", "two", "three")), {"apps": 3})


def test_two_bundles_are_within_a_quarter_of_eight_but_not_of_seven():
    DeleteBudget.parse("25%").check(deletes("a", "b"), {"apps": 8})
    with pytest.raises(
        FleetError, match="2 releases of 2 bundles would be deleted, over the delete budget of 25% of 7"
    ):
        DeleteBudget.parse("25%").check(deletes("a", "b"), {"apps": 7})


def test_a_number_is_a_number():
    DeleteBudget.parse("2").check(deletes("a", "b"), {"apps": 2})
    with pytest.raises(FleetError, match="delete_budget: 2 lets these through"):
        DeleteBudget.parse("1").check(deletes("a", "b"), {"apps": 2})
    with pytest.raises(FleetError):
        DeleteBudget.parse("0").check(deletes("a"), {"apps": 2})


@pytest.mark.parametrize("text", ["", "many", "-1", "101%", "1.5", "%", "1e3"])
def test_a_budget_that_is_none_says_what_to_write(text):
    with pytest.raises(FleetError, match="Write for example 10 or 25%"):
        DeleteBudget.parse(text)


def test_the_owner_that_is_said_wins():
    assert owner("team-a", {"AWX_HOST": "https://awx.example.com"}) == "team-a"


def test_the_jobs_of_one_awx_inventory_have_one_owner():
    environment = {"AWX_HOST": "https://awx.example.com:8043", "INVENTORY_ID": "7"}
    assert owner(None, environment) == "awx.example.com-8043.inventory-7"


def test_a_control_node_is_known_by_its_machine_id(tmp_path):
    (tmp_path / "machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    assert owner(None, {}, tmp_path / "machine-id") == "node-0123456789ab"
    with pytest.raises(FleetError, match="Give fleet_deploy an owner"):
        owner(None, {}, tmp_path / "none")


@pytest.mark.parametrize("content", ["", "uninitialized\n", "ü" * 32])
def test_what_an_image_holds_in_place_of_a_machine_id_is_none(tmp_path, content):
    (tmp_path / "machine-id").write_text(content)
    with pytest.raises(FleetError, match="Give fleet_deploy an owner"):
        owner(None, {}, tmp_path / "machine-id")


def test_what_helm_takes_for_the_wish_to_remove_a_label_is_digested():
    assert labels.label_value("null") != "null"


@given(st.text(min_size=1, max_size=200))
def test_a_label_value_is_always_one(text):
    value = labels.label_value(text)
    assert 0 < len(value) <= 63
    assert value.isascii()
    assert value[0].isalnum()
    assert value[-1].isalnum()


def test_the_deployment_value_follows_what_a_redeployment_depends_on():
    plain = labels.deployment_value("id", {}, {})
    assert len(plain) == 63
    assert plain == labels.deployment_value("id", {}, {})
    assert plain != labels.deployment_value("id", {"a": "b"}, {})
    assert plain != labels.deployment_value("id", {}, {"a": "b"})
    assert plain != labels.deployment_value("id2", {}, {})


def test_a_cluster_that_became_another_is_refused_until_accepted(tmp_path):
    known = KnownClusters(tmp_path)
    known.check("me", "fleet-default.one", "uid-1")
    known.check("me", "fleet-default.one", "uid-1")
    known.check("you", "fleet-default.one", "uid-2")
    with pytest.raises(FleetError, match=r"was uid-1.*accept_identity: \[fleet-default.one\]"):
        known.check("me", "fleet-default.one", "uid-2")
    known.check("me", "fleet-default.one", "uid-2", accept=True)
    known.check("me", "fleet-default.one", "uid-2")


def test_the_uid_that_the_inventory_states_always_holds(tmp_path):
    known = KnownClusters(tmp_path)
    with pytest.raises(FleetError, match="The inventory states another uid"):
        known.check("me", "one", "uid-2", expected="uid-1", accept=True)
    known.check("me", "one", "uid-1", expected="uid-1")


def test_a_cluster_without_a_uid_is_no_cluster(tmp_path):
    with pytest.raises(FleetError, match="has no UID"):
        KnownClusters(tmp_path).check("me", "one", "")


def test_a_full_disk_says_so_and_loses_nothing_of_what_was_known(tmp_path, monkeypatch):
    known = KnownClusters(tmp_path)
    known.check("me", "one", "uid-1")

    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fdopen", full)
    with pytest.raises(FleetError, match="No space left on device"):
        known.check("me", "two", "uid-2")
    monkeypatch.undo()
    assert len(list((tmp_path / "clusters").iterdir())) == 1
    with pytest.raises(FleetError, match="was uid-1"):
        known.check("me", "one", "uid-2")


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_broken_memory_is_started_again(tmp_path, content):
    known = KnownClusters(tmp_path)
    known.check("me", "one", "uid-1")
    (path,) = (tmp_path / "clusters").iterdir()
    path.write_text(content)
    known.check("me", "one", "uid-2")
    assert json.loads(path.read_text()) == {"owner": "me", "cluster": "one", "uid": "uid-2"}
    assert path.stat().st_mode & 0o777 == 0o600
