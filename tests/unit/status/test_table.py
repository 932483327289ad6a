# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table for people."""

import time
import unicodedata

from ansible_collections.gitops.fleet.plugins.module_utils.status.table import MAX_GROUPS, WIDTH, Row, table
from hypothesis import given
from hypothesis import strategies as st


def row(cluster, bundle, state="Ready", revision="1", version="1.0.0", updated="2026-03-01T12:00:30Z", message=""):
    return Row(cluster, bundle, state, revision, version, updated, message)


def test_few_clusters_are_shown_one_by_one_worst_first():
    rows = [
        row("prod-eu", "web"),
        row("prod-eu", "api", "NotReady", message="Deployment api/api: 0 of 2 replicas available"),
        row("dev", "web", version="1.1.0"),
        Row("prod-us", "", "Unreachable", message="connection refused"),
    ]
    assert table(rows) == "\n".join(
        [
            "3 clusters: 1 Unreachable, 1 NotReady, 2 Ready",
            "",
            "CLUSTER / BUNDLE  STATE        REV  VERSION  UPDATED",
            "prod-us           Unreachable",
            "    connection refused",
            "prod-eu",
            "  api             NotReady     1    1.0.0    2026-03-01 12:00",
            "    Deployment api/api: 0 of 2 replicas available",
            "  web             Ready        1    1.0.0    2026-03-01 12:00",
            "dev",
            "  web             Ready        1    1.1.0    2026-03-01 12:00",
        ]
    )


def test_equal_rows_of_many_clusters_share_a_line():
    rows = [row(f"c{number:03}", "web", revision=str(number % 3 + 1)) for number in range(412)]
    rows += [row(f"d{number:02}", "web", "ErrApplied", message="no space") for number in range(2)]
    rows += [row("old", "web", version="0.9.0"), Row("dead", "", "Unreachable", message="refused")]
    text = table(rows)
    assert "412       web            Ready        1-3  1.0.0    2026-03-01 12:00" in text
    assert "    on d00, d01\n    no space" in text
    assert "0.9.0    2026-03-01 12:00\n    on old" in text
    assert text.index("Unreachable\n") < text.index("ErrApplied  ") < text.index("412       web")
    assert len(text.splitlines()) < 20


def test_what_was_not_checked_is_said_below():
    text = table([row("a", "web", "Deployed (health not checked)")])
    assert "web" in text
    assert text.splitlines()[-1].startswith("Deployed: the release is there; its objects' health was not checked")


def test_nothing():
    assert table([]) == "no bundles on any cluster"


def test_more_trouble_than_anybody_reads_is_counted():
    rows = [row(f"c{number:04}", "web", "NotReady", message=f"pod web-{number}") for number in range(MAX_GROUPS + 50)]
    text = table(rows)
    assert text.splitlines()[-1] == "and 50 more rows, none of them worse than these"


def test_control_characters_do_not_reach_the_terminal():
    text = table([row("a\x1b[31m", "b\nc", "NotReady", message="x\x07\u202ey\r\nz")])
    assert all(character.isprintable() or character == "\n" for character in text)


def test_a_thousand_clusters_with_fifty_bundles_each():
    rows = [
        row(f"cluster-{cluster:04}", f"bundle-{bundle:02}", "NotReady" if cluster * bundle % 997 == 1 else "Ready")
        for cluster in range(1000)
        for bundle in range(50)
    ]
    started = time.process_time()
    text = table(rows)
    assert time.process_time() - started < 5
    assert len(text.splitlines()) < 250


TEXTS = st.text(max_size=90)


@given(
    st.lists(
        st.builds(
            Row,
            TEXTS,
            TEXTS,
            st.sampled_from(["Ready", "NotReady", "Failed", "", "Unreachable"]),
            TEXTS,
            TEXTS,
            TEXTS,
            TEXTS,
        ),
        max_size=30,
    )
)
def test_never_wider_than_the_terminal(rows):
    for line in table(rows).splitlines():
        wide = sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)
        assert wide <= WIDTH, line
