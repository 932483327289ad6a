# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import subprocess

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from ansible_collections.gitops.fleet.plugins.module_utils.source.refs import RemoteRefs, Wanted
from hypothesis import given, settings
from hypothesis import strategies as st

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("branch", "revision", "content", "named", "to_fetch"),
    [
        ("", "", "refs/heads/master", "refs/heads/master", ["refs/heads/master"]),
        ("main", "", "refs/heads/main", "refs/heads/main", ["refs/heads/main"]),
        ("", "v1", "refs/tags/v1", "refs/tags/v1", ["refs/tags/v1"]),
        ("", COMMIT.upper(), COMMIT, COMMIT, [COMMIT]),
        ("main", "v1", "refs/heads/main", "refs/tags/v1", ["refs/heads/main", "refs/tags/v1"]),
        ("main", COMMIT, "refs/heads/main", COMMIT, ["refs/heads/main"]),
    ],
)
def test_what_a_gitrepo_asks_for(branch, revision, content, named, to_fetch):
    wanted = Wanted.of(GitRepo("apps", branch=branch, revision=revision))
    assert (wanted.content, wanted.revision, wanted.to_fetch) == (content, named, to_fetch)


@pytest.mark.parametrize(
    "name",
    [
        "-o",
        "--upload-pack=touch x",
        "a..b",
        "a b",
        "a:b",
        "+a",
        "a^{}",
        "a~1",
        "@",
        "@{u}",
        ".a",
        "a/.b",
        "a.lock",
        "a.lock/b",
        "/a",
        "a/",
        "a//b",
        "a.",
        "a\nb",
        "a\0b",
        "a*",
        "a?",
        "a[",
        "a\\b",
        "x" * 256,
    ],
)
def test_names_that_git_would_not_allow(name):
    if name == "+a":  # allowed, and no refspec sign behind refs/heads/
        assert Wanted.of(GitRepo("apps", branch=name)).content == "refs/heads/+a"
        return
    for fields in ({"branch": name}, {"revision": name}):
        with pytest.raises(FleetError, match="not a name that git allows"):
            Wanted.of(GitRepo("apps", **fields))


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_what_is_taken_is_what_git_takes(name):
    """Every name that passes is one for git too (git is stricter nowhere)."""
    try:
        wanted = Wanted.of(GitRepo("apps", branch=name))
    except FleetError:
        return
    assert subprocess.run(["git", "check-ref-format", wanted.content], check=False).returncode == 0


def test_the_listing_of_a_remote():
    listing = (
        f"ref: refs/heads/main\tHEAD\n{COMMIT}\tHEAD\n{COMMIT}\trefs/heads/main\n{COMMIT}\trefs/heads/dev\n"
        f"{COMMIT}\trefs/tags/v1\n{COMMIT}\trefs/tags/v1^{{}}\n{COMMIT}\trefs/pull/1/head\n"
    )
    refs = RemoteRefs.parse(listing)
    assert (refs.branches, refs.tags, refs.head) == (["dev", "main"], ["v1"], "main")


def test_many_branches_are_not_all_listed_and_the_nearest_come_first():
    refs = RemoteRefs([f"feature-{number}" for number in range(50)] + ["main"], [], "main")
    text = str(refs.missing(GitRepo("apps", branch="mian")))
    assert "It has main, " in text
    assert "and 41 more; its HEAD is main." in text


@given(st.text(max_size=200))
def test_any_listing_is_read(text):
    RemoteRefs.parse(text)
