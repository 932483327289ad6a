# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of one cluster: what is installed, upgraded, refused and pruned, and what is left alone."""

from dataclasses import replace

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.deploy import labels
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.plan import Action, Scope, Wanted, plan_cluster
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.releases import Listing, Release
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from hypothesis import given
from hypothesis import strategies as st

SCOPE = Scope(owner="me", cluster="fleet-default.prod", gitrepos={"fleet-default.apps"})
WEB = Wanted(bundle="web", gitrepo="fleet-default.apps", namespace="web", release="web", value="d1")


def ours(namespace="web", name="web", revision=3, status="deployed", **changed):
    found = {
        labels.OWNER: "me",
        labels.GITREPO: "fleet-default.apps",
        labels.BUNDLE: name,
        labels.CLUSTER: "fleet-default.prod",
        labels.DEPLOYMENT: "d1",
        labels.REVISION: str(revision),
        labels.FORMAT: labels.CURRENT_FORMAT,
        **{f"gitops.fleet/{key}": value for key, value in changed.items()},
    }
    return Release(namespace, name, revision, status, found)


def listing(*releases):
    return Listing({release.key: release for release in releases})


def only(scope, wanted, *releases):
    (step,) = plan_cluster(scope, wanted, listing(*releases))
    return step


def test_what_is_not_there_is_installed():
    assert only(SCOPE, [WEB]).action is Action.INSTALL


def test_the_plan_says_where_the_inventory_sets_values_and_not_to_what():
    reason = only(SCOPE, [replace(WEB, overridden=tuple("gfedcba"))]).reason
    assert reason == "not there yet; fleet_values set a, b, c, d, e and 2 more"


def test_what_we_deployed_last_is_up_to_date():
    assert only(SCOPE, [WEB], ours()).action is Action.NONE


@pytest.mark.parametrize(
    ("release", "reason"),
    [
        (ours(deployment="d0"), "content or options changed"),
        (replace(ours(), revision=4), "revision 4 was made by somebody else"),
        (ours(status="failed"), "its last revision is failed"),
        (ours(status="pending-upgrade"), "an interrupted run left it pending-upgrade"),
    ],
)
def test_what_moved_is_upgraded(release, reason):
    step = only(SCOPE, [WEB], release)
    assert step.action is Action.UPGRADE
    assert reason in step.reason


def test_a_changed_format_of_the_labels_is_deployed_again():
    assert only(SCOPE, [WEB], ours(format="0")).action is Action.UPGRADE


@pytest.mark.parametrize(
    ("release", "reason"),
    [
        (Release("web", "web", 1, "deployed", {}), "was not made by this collection"),
        (ours(owner="somebody"), "belongs to owner somebody"),
        (ours(gitrepo="fleet-default.other"), "belongs to GitRepo fleet-default.other"),
        (ours(gitrepo=""), "belongs to a bundle without a GitRepo"),
    ],
)
def test_what_others_made_is_refused_until_adopted(release, reason):
    step = only(SCOPE, [WEB], release)
    assert step.action is Action.REFUSED
    assert reason in step.reason
    assert "adopt: [web]" in step.remedy
    adopted = only(replace(SCOPE, adopt={"web"}), [WEB], release)
    assert adopted.action is Action.UPGRADE
    assert "taken over" in adopted.reason


def test_what_somebody_else_works_on_is_not_even_adopted():
    release = Release("web", "web", 1, "pending-upgrade", {})
    assert only(replace(SCOPE, adopt={"web"}), [WEB], release).action is Action.REFUSED


def test_the_upgrade_of_somebody_else_is_not_cut_short():
    """Their revision carries our labels, but not its own number."""
    step = only(SCOPE, [WEB], replace(ours(), revision=4, status="pending-upgrade"))
    assert step.action is Action.REFUSED
    assert "helm rollback" in step.remedy


def test_a_namespace_that_may_not_be_looked_at_concerns_its_bundle_alone():
    other = replace(WEB, bundle="other", namespace="other", release="other")
    steps = plan_cluster(SCOPE, [WEB, other], Listing({ours().key: ours()}, forbidden=frozenset({"other"})))
    assert {step.bundle: step.action for step in steps} == {"web": Action.NONE, "other": Action.REFUSED}


def test_two_bundles_of_one_release_are_both_refused():
    steps = plan_cluster(SCOPE, [WEB, replace(WEB, bundle="web2")], listing(ours()))
    assert [step.action for step in steps] == [Action.REFUSED, Action.REFUSED]


def test_a_paused_bundle_is_left_alone():
    assert only(SCOPE, [replace(WEB, paused=True)], ours(deployment="d0")).action is Action.PAUSED


def test_a_bundle_with_an_error_keeps_its_release():
    broken = replace(WEB, error=FleetError("no such label", place="bundle web"))
    step = only(SCOPE, [broken], ours())
    assert step.action is Action.REFUSED
    assert step.reason == "bundle web: no such label"


def test_what_git_no_longer_has_is_deleted():
    step = only(SCOPE, [], ours())
    assert (step.action, step.bundle) == (Action.DELETE, "web")


@pytest.mark.parametrize(
    "release",
    [
        Release("web", "web", 1, "deployed", {}),
        ours(owner="somebody"),
        ours(gitrepo="fleet-default.other"),
        ours(gitrepo=""),
    ],
)
def test_what_is_not_this_gitrepos_is_never_deleted(release):
    assert plan_cluster(SCOPE, [], listing(release)) == []


def test_nothing_is_deleted_without_prune_or_where_the_bundle_could_not_be_worked_out():
    assert plan_cluster(replace(SCOPE, prune=False), [], listing(ours())) == []
    assert plan_cluster(replace(SCOPE, kept_bundles={"web"}), [], listing(ours())) == []


def test_a_context_that_leads_to_another_cluster_of_the_fleet_is_refused():
    elsewhere = ours(cluster="fleet-default.dev")
    with pytest.raises(FleetError, match="leads to another cluster.*accept_identity"):
        plan_cluster(SCOPE, [], listing(elsewhere))
    assert plan_cluster(replace(SCOPE, accept_identity=True), [], listing(elsewhere))


NAMES = st.sampled_from(["a", "b", "c", "d"])
RELEASES = st.lists(
    st.builds(
        lambda name, owner, gitrepo, status, deployment: ours(
            name=name, namespace=name, status=status, owner=owner, gitrepo=gitrepo, deployment=deployment
        ),
        NAMES,
        st.sampled_from(["me", "you"]),
        st.sampled_from(["fleet-default.apps", "fleet-default.other", ""]),
        st.sampled_from(["deployed", "failed", "superseded", "pending-install", "uninstalling"]),
        st.sampled_from(["d1", "d2"]),
    ),
    max_size=4,
)
WANTED = st.lists(NAMES.map(lambda name: replace(WEB, bundle=name, namespace=name, release=name)), max_size=4)


@given(WANTED, RELEASES)
def test_every_plan_keeps_to_its_scope(wanted, releases):
    found = listing(*releases)
    steps = plan_cluster(SCOPE, wanted, found)
    for step in steps:
        release = found.releases.get((step.namespace, step.name))
        if step.action in (Action.DELETE, Action.UPGRADE, Action.NONE):
            assert release.labels[labels.OWNER] == "me"
            assert release.labels[labels.GITREPO] == "fleet-default.apps"
        if step.action is Action.DELETE:
            assert (step.namespace, step.name) not in {item.key for item in wanted}
    assert len([step for step in steps if step.action is not Action.DELETE]) == len(wanted)
