# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
""".fleetignore: what is left out, by Fleet's rules."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.ignore import IgnoreRules, parse
from hypothesis import given
from hypothesis import strategies as st


def test_parse_trims_what_fleet_trims():
    content = b"# comment\n\n*.md  \t\na\\ \nlast \\\n #no comment\nwindows\r\n   \nend"
    assert parse(content) == ["*.md", "a\\ ", "last \\", " #no comment", "windows", " ", "end"]


def test_parse_stops_at_a_line_that_is_too_long():
    assert parse(b"a\n" + b"x" * 70_000 + b"\nb\n") == ["a"]


@given(st.binary(max_size=200))
def test_parse_takes_any_bytes(content):
    assert all(pattern and not pattern.startswith("#") for pattern in parse(content))


def rules(**patterns):
    result = IgnoreRules("")
    for directory, lines in patterns.items():
        result.add("" if directory == "root" else directory, lines)
    return result


def test_patterns_are_for_base_names_at_any_depth():
    root = rules(root=["*.md", "sub/x.yaml"])
    assert root.ignores("README.md", False)
    assert root.ignores("a/b/README.md", False)
    assert not root.ignores("sub/x.yaml", False)


def test_a_name_ignores_files_and_directories():
    root = rules(root=["docs"])
    assert root.ignores("a/docs", True)
    assert root.ignores("docs", False)


def test_star_behind_a_slash_ignores_directories_of_that_name_only():
    root = rules(root=["skip/*"])
    assert root.ignores("a/skip", True)
    assert not root.ignores("skip", False)


def test_there_is_no_negation_and_no_double_star():
    root = rules(root=["*.yaml", "!a.yaml", "**/b.md"])
    assert root.ignores("a.yaml", False)
    assert not root.ignores("x/b.md", False)


def test_patterns_hold_below_their_directory_only():
    root = rules(d1=["b.yaml"])
    assert root.ignores("d1/d2/b.yaml", False)
    assert not root.ignores("b.yaml", False)
    assert not root.ignores("e/b.yaml", False)


def test_patterns_reach_siblings_whose_name_begins_alike():
    # A quirk of Fleet: it compares paths without looking at slashes.
    root = rules(d1=["*.yaml"])
    assert root.ignores("d1.yaml", False)
    assert root.ignores("d10/x.yaml", False)


def test_malformed_pattern_is_an_error_with_remedy():
    with pytest.raises(FleetError, match=r"'a\[' is not a valid pattern"):
        rules(root=["a["]).ignores("abc", False)
