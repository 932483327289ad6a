# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run leaves for its hosts: files that are read back, a small result, and true words."""

import json
import os
import time

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.outcome import HostOutcome, ReleaseOutcome
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.plan import Action
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.status import report
from ansible_collections.gitops.fleet.plugins.module_utils.status.release_state import release_state
from ansible_collections.gitops.fleet.plugins.module_utils.status.report import Details, batch_result, save_details
from ansible_collections.gitops.fleet.plugins.module_utils.status.summary import table_lines


def release(action=Action.UPGRADE, **facts):
    return ReleaseOutcome(bundle="web", namespace="web", release="web", action=action, **facts)


def saved(tmp_path, outcome, check_mode=False):
    return Details.load(str(save_details(tmp_path, [outcome], check_mode)), outcome.host)


def test_a_host_reads_back_what_the_batch_wrote_for_it(tmp_path):
    difference = {"before": "a", "after": "b"}
    outcome = HostOutcome(
        host="prod/eu ../x",
        releases=[
            release(changed=True, healthy=True, seconds=0.2, revision=2, diff=[difference]),
            release(Action.NONE),
        ],
        warnings=["w"],
    )
    details = saved(tmp_path, outcome)
    assert (details.changed, details.failed, details.summary) == (True, False, "1 of 2 releases changed")
    assert details.counts == {"none": 1, "upgrade": 1}
    assert details.diff == [difference]
    assert details.warnings == ["w"]
    assert [item["state"] for item in details.releases] == ["Ready", "Deployed (health not checked)"]
    assert [item["bundle"] for item in details.notable_releases] == ["web"]
    assert next((tmp_path / "runs").iterdir()).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("outcome", "check_mode", "summary"),
    [
        (HostOutcome("h", releases=[release(Action.NONE)]), False, "1 release up to date"),
        (HostOutcome("h", releases=[release(changed=True)]), True, "1 of 1 release would be changed"),
        (
            HostOutcome("h", releases=[release(error="it broke. Mend it."), release(error="so did this")]),
            False,
            "2 of 2 releases failed: bundle web: it broke. Mend it; bundle web: so did this",
        ),
        (HostOutcome("h", error="the whole cluster"), False, "the whole cluster"),
    ],
)
def test_the_summary_is_one_true_line(tmp_path, outcome, check_mode, summary):
    assert saved(tmp_path, outcome, check_mode).summary == summary


def test_a_host_with_much_trouble_keeps_its_message_short(tmp_path):
    outcome = HostOutcome("h", releases=[release(error="x" * 5000) for _number in range(50)])
    details = saved(tmp_path, outcome)
    assert len(details.summary) < 5000
    assert details.summary.endswith("; and 45 more")
    assert details.releases[49]["error"] == "x" * 5000


def test_of_many_differences_the_result_holds_some_and_says_where_the_others_are(tmp_path):
    difference = {"before": "a" * 10_000, "after": "b" * 10_000}
    details = saved(tmp_path, HostOutcome("h", releases=[release(diff=[difference] * 40)]))
    assert len(details.diff) == 40
    *shown, last = details.shown_diff
    assert shown == [difference] * 15
    assert last["prepared"] == f"25 more differences are in {details.path}\n"
    assert len(json.dumps(details.shown_diff)) < 700_000


def test_old_runs_go_and_of_many_runs_all_but_the_newest(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "KEEP_RUNS", 2)
    runs = tmp_path / "runs"
    for name, days in (("1", 9), ("2", 3), ("3", 3), ("4", 3)):
        (runs / name).mkdir(parents=True)
        (runs / name / "h.json").write_text("{}")
        os.utime(runs / name, (0, time.time() - days * 24 * 3600))
    made = save_details(tmp_path, [HostOutcome("h")], False)
    assert {path.name for path in runs.iterdir()} == {"3", "4", made.name}


def test_a_full_cache_says_so(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(FleetError, match="the cache cannot be written"):
        save_details(tmp_path, [], False)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"healthy": True, "seconds": 1.0}, "Ready"),
        ({"healthy": False, "seconds": 1.0, "error": "no image"}, "NotReady"),
        ({"error": "helm failed"}, "ErrApplied"),
        ({"seconds": 1.0}, "Deployed (health not checked)"),
        ({}, "WaitApplied"),
        ({"action": Action.NONE}, "Deployed (health not checked)"),
        ({"action": Action.PAUSED}, "Paused"),
        ({"action": Action.DELETE}, "WaitApplied"),
        ({"action": Action.DELETE, "seconds": 1.0}, "Deleted"),
    ],
)
def test_a_state_says_only_what_is_known(facts, state):
    assert release_state(release(**facts)) == state


def test_the_result_of_a_thousand_clusters_stays_small(tmp_path):
    outcomes = [
        HostOutcome(f"cluster-{number:04d}", releases=[release(changed=True, error="x" * 1000)] * 50)
        for number in range(1000)
    ]
    result = json.dumps(batch_result(outcomes, tmp_path))
    # AWX drops the result of an event that is longer than 700,000 characters.
    assert len(result) < 350_000


def test_a_host_that_was_not_in_the_batch_is_told_so(tmp_path):
    with pytest.raises(FleetError, match="did nothing for this host"):
        Details.load(str(tmp_path), "other")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(FleetError, match="cannot be read"):
        Details.load(str(tmp_path), "other")


def test_the_table_shows_clusters_that_could_not_be_worked_on():
    lines = "\n".join(table_lines([HostOutcome("a", unreachable="no route"), HostOutcome("b", error="wrong cluster")]))
    assert "Unreachable" in lines
    assert "no route" in lines
    assert "wrong cluster" in lines


def test_the_table_shows_what_was_done_before_a_cluster_stopped_answering():
    done = release(changed=True, seconds=1.0, revision=7)
    not_tried = release(error="not tried")
    lines = "\n".join(table_lines([HostOutcome("a", unreachable="no route", releases=[done, not_tried])]))
    assert "no route" in lines
    assert "Deployed     7" in lines
    assert "not tried" not in lines
