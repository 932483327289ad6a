# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that Fleet makes from others. The expected ones were made by Fleet's own code."""

import re

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.names import (
    bundle_name,
    go_base,
    go_join,
    go_without_extension,
    helm_release_name,
    safe_concat_name,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("gitrepo", "path", "options", "expected"),
    [
        ("r", "My_App", "", "r-my-app-9d6d3e15"),
        ("r", ".", "", "r"),
        ("r", "", "", "r"),
        ("r", "a//b/", "", "r-a-b"),
        ("My_Repo.Name", "plain-edge", "", "my-repo-name-plain-edge-af503e02"),
        ("extra", "../../nested", "", "nested-d02ce263"),
        ("repo", "path with spaces/x.y", "", "repo-path-with-spaces-x-y-a9069ca4"),
        ("driven", "kustomize", "fleetDev.yaml", "driven-kustomize-fleetdev-d55dc10b"),
        ("driven", "helm", "test/fleet.yaml", "driven-helm-test-fleet"),
    ],
)
def test_bundle_name(gitrepo, path, options, expected):
    assert bundle_name(gitrepo, path, options) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A", "a-7fc56270"),
        ("é", "66ddcd97"),
        ("...", "2f43b42f"),
        ("-/-", "81cfe9f4c9916071c9b00641"),
        ("a" * 53, "a" * 53),
        ("a" * 60, "a" * 47 + "-cc7ed"),
        ("a" * 46 + "-/" + "b" * 10, "a" * 46 + "-feb21"),
    ],
)
def test_helm_release_name(text, expected):
    assert helm_release_name(text) == expected


@given(st.text(max_size=120))
def test_a_release_name_is_always_a_short_dns_label(text):
    name = helm_release_name(text)
    assert len(name) <= 53
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)


@given(st.from_regex(r"[a-z0-9]([a-z0-9]|-[a-z0-9]){0,25}", fullmatch=True))
def test_a_good_name_stays_as_it_is(name):
    assert helm_release_name(name) == name


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["imagescan", "n", "0"], "imagescan-n-0"),
        (["x" * 63], "x" * 63),
        (["x" * 64], "x" * 57 + "-7ce10"),
        (["x" * 56 + "-" + "y" * 20], "x" * 56 + "-d804be"),
    ],
)
def test_safe_concat_name(parts, expected):
    assert safe_concat_name(*parts) == expected


@given(st.lists(st.from_regex(r"[a-z0-9-]{0,40}", fullmatch=True), min_size=1, max_size=4))
def test_a_concatenated_name_is_at_most_63_long(parts):
    assert len(safe_concat_name(*parts)) <= 63


def test_paths_as_go_has_them():
    assert [go_join("", "a"), go_join("a", "", "b/"), go_join("//a"), go_join("")] == ["a", "a/b", "/a", ""]
    assert [go_base("a/b"), go_base("a/"), go_base(""), go_base("/")] == ["b", "a", ".", "/"]
    assert [go_without_extension(path) for path in ("a.yaml", "a.b/c", "a", ".x")] == ["a", "a.b/c", "a", ""]
