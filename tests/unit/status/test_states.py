# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet's states and sums."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.status.states import (
    RANK,
    BundleState,
    Deployment,
    ResourceProblem,
    bundle_display,
    cluster_display,
    gitrepo_display,
    group_display,
    ready_gitrepos,
    worst,
)
from hypothesis import given
from hypothesis import strategies as st

PROBLEM = ResourceProblem("apps/v1", "Deployment", "n", "web", "[progressing] 0 of 1")


def deployment(name="b", cluster="ws/c", **facts):
    return Deployment(
        **{"name": name, "cluster": cluster, "staged": "1", "desired": "1", "applied": "1", "not_ready": (), **facts}
    )


CASES = [
    ({}, BundleState.READY),
    ({"not_ready": None}, BundleState.DEPLOYED),
    ({"not_ready": None, "modified": ()}, BundleState.DEPLOYED),
    ({"applied": ""}, BundleState.WAIT_APPLIED),
    ({"applied": "0", "apply_error": "no"}, BundleState.ERR_APPLIED),
    # An error of an earlier attempt, which has since succeeded
    ({"apply_error": "no"}, BundleState.READY),
    ({"install_error": "timed out", "applied": "0"}, BundleState.NOT_READY),
    ({"not_ready": [PROBLEM], "modified": [PROBLEM], "staged": "2"}, BundleState.NOT_READY),
    ({"staged": "2", "modified": [PROBLEM]}, BundleState.OUT_OF_SYNC),
    ({"modified": [PROBLEM]}, BundleState.MODIFIED),
    ({"modified": [PROBLEM], "not_ready": None}, BundleState.MODIFIED),
    ({"desired": "", "applied": ""}, BundleState.PENDING),
    ({"unreachable": "connection refused", "applied": ""}, BundleState.UNREACHABLE),
]


@pytest.mark.parametrize(("facts", "state"), CASES)
def test_state_of_a_deployment(facts, state):
    assert deployment(**facts).state is state


def test_paused_and_changed_reads_differently_on_the_bundle():
    paused = deployment(staged="2")
    assert (paused.state, paused.state_in_bundle) == (BundleState.OUT_OF_SYNC, BundleState.WAIT_APPLIED)


def test_ranks_are_fleets():
    order = ["Ready", "NotReady", "Pending", "OutOfSync", "Modified", "WaitApplied", "ErrApplied"]
    assert [RANK[state] for state in order] == [1, 2, 3, 4, 5, 6, 7]
    assert worst(["NotReady", "ErrApplied", "Ready"]) == "ErrApplied"
    assert worst([]) == ""


def test_bundle():
    display = bundle_display(
        [
            deployment(cluster="ws/b", not_ready=[PROBLEM]),
            deployment(cluster="ws/a"),
            deployment(cluster="ws/c", applied="0", apply_error="boom"),
        ]
    )
    assert (display.state, display.ready) == ("ErrApplied", "1/3")
    assert display.message == (
        "ErrApplied(1) [Cluster ws/c: boom]; NotReady(1) [Cluster ws/b]; deployment.apps n/web [progressing] 0 of 1"
    )
    assert display.summary.as_dict() == {
        "ready": 1,
        "notReady": 1,
        "errApplied": 1,
        "desiredReady": 3,
        "nonReadyResources": [
            {
                "name": "ws/b",
                "bundleState": "NotReady",
                "nonReadyStatus": [
                    {
                        "apiVersion": "apps/v1",
                        "kind": "Deployment",
                        "namespace": "n",
                        "name": "web",
                        "message": "[progressing] 0 of 1",
                    }
                ],
            },
            {"name": "ws/c", "bundleState": "ErrApplied", "message": "boom"},
        ],
    }


def test_a_bundle_that_is_well_has_no_state():
    assert bundle_display([deployment()]).state == ""
    assert bundle_display([deployment(not_ready=None)]).state == ""
    assert bundle_display([]).ready == "0/0"


def test_a_bundles_state_is_the_worst_of_the_ten_listed():
    many = [deployment(cluster=f"ws/{number:02}", not_ready=[PROBLEM]) for number in range(10)]
    late = deployment(cluster="ws/99", applied="0", apply_error="boom")
    display = bundle_display([*many, late])
    assert display.state == "NotReady"
    assert len(display.summary.listed) == 10
    # A GitRepo looks at all of them.
    assert gitrepo_display([*many, late]).state == "ErrApplied"


def test_gitrepo():
    display = gitrepo_display([deployment("a"), deployment("b", modified=[PROBLEM]), deployment("a", "ws/d")])
    assert (display.state, display.ready, display.ready_clusters) == ("Modified", "2/3", "1/2")
    assert display.message.startswith("Modified(1) [Bundle b]; deployment.apps n/web")
    assert gitrepo_display([deployment()]).state == ""
    assert gitrepo_display([deployment()], is_fetched=False).state == "GitUpdating"


def test_cluster():
    one = [
        deployment("a", gitrepo="r"),
        deployment("b", gitrepo="r", applied="0"),
        deployment("c", gitrepo="s", applied=""),
    ]
    display = cluster_display(one)
    assert (display.state, display.ready) == ("WaitApplied", "1/3")
    assert ready_gitrepos(one) == "1/2"
    gone = cluster_display(one, unreachable="connection refused")
    assert (gone.state, gone.message) == ("Unreachable", "connection refused")


def test_group():
    clusters = {f"c{number:02}": [deployment("a", applied="0" if number else "1")] for number in range(13)}
    display = group_display(clusters)
    assert display.ready_clusters == "1/13 (c01,c02,c03,c04,c05,c06,c07,c08,c09,c10)"
    assert (display.state, display.ready) == ("WaitApplied", "1/13")
    assert group_display({}).ready_clusters == "0/0"


def test_details_in_messages_are_bounded():
    problems = [ResourceProblem("v1", "Pod", "", f"p{number}", "missing") for number in range(9)]
    message = bundle_display([deployment(modified=problems)]).message
    assert message == "; ".join(["Modified(1) [Cluster ws/c]", *(f"pod.v1 p{number} missing" for number in range(4))])


FACTS = st.fixed_dictionaries(
    {
        "staged": st.sampled_from(["1", "2"]),
        "desired": st.sampled_from(["", "1"]),
        "applied": st.sampled_from(["", "1"]),
        "apply_error": st.sampled_from(["", "boom"]),
        "not_ready": st.sampled_from([None, (), (PROBLEM,)]),
        "modified": st.sampled_from([None, (), (PROBLEM,)]),
        "cluster": st.sampled_from(["ws/a", "ws/b", "ws/c"]),
    }
)


@given(st.lists(FACTS, max_size=30))
def test_sums_add_up(facts):
    deployments = [deployment(**item) for item in facts]
    for display in (bundle_display(deployments), gitrepo_display(deployments), cluster_display(deployments)):
        assert sum(display.summary.counts.values()) == len(deployments)
        assert display.summary.is_ready == all(item.state is BundleState.READY for item in deployments)
        assert (
            bool(display.message)
            == any(item.state not in (BundleState.READY, BundleState.DEPLOYED) for item in deployments)
            or display.message == bundle_display(deployments).message
        )
