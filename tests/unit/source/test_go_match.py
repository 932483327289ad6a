# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns with Go's rules. The tables were made with Go's own ``filepath.Match``."""

import re

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.source.go_match import BadPattern, has_wildcard, match
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("", "", True),
        ("a", "", False),
        ("*", "ab", True),
        ("*", "a/b", False),
        ("**", "ab", True),
        ("a**b", "ab", True),
        ("a*", "abc", True),
        ("a*/b", "a/b", True),
        ("a?c", "a/c", False),
        ("?", "é", True),
        ("[é]", "é", True),
        ("[a-c]x", "bx", True),
        ("[^a]x", "bx", True),
        ("[!a]x", "!x", True),  # Only ^ negates.
        ("[c-a]", "b", False),
        ("[^c-a]", "z", True),
        ("[\\]]", "]", True),
        ("a\\*", "a*", True),
        ("a\\*", "ab", False),
        ("*.yaml", ".yaml", True),
        ("*a*b", "xaxb", True),
        ("*[0-9]", "a1", True),
        ("a*[", "b", False),  # The fault is behind what already does not match.
    ],
)
def test_match(pattern, name, expected):
    assert match(pattern, name) is expected


@pytest.mark.parametrize("pattern", ["[", "a[", "[a", "[]a]", "[-]", "[a-]", "\\", "*[", "[a\\"])
def test_malformed_pattern_is_an_error(pattern):
    with pytest.raises(BadPattern):
        match(pattern, "ab")


@given(st.text(alphabet="ab*?", max_size=8), st.text(alphabet="ab.", max_size=8))
def test_stars_and_question_marks_mean_what_a_regular_expression_says(pattern, name):
    expression = re.escape(pattern).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
    assert match(pattern, name) is (re.fullmatch(expression, name) is not None)


@given(st.text(max_size=20))
def test_an_escaped_text_matches_itself_alone(text):
    pattern = "".join(f"\\{letter}" for letter in text)
    assert match(pattern, text)
    assert not match(pattern, text + "x")


def test_many_stars_are_fast():
    assert not match("a*" * 60 + "b", "a" * 5000)


def test_has_wildcard():
    assert [path for path in ("a", "a*", "a?", "[a]", "a\\b", "a/b.c") if has_wildcard(path)] == [
        "a*",
        "a?",
        "[a]",
        "a\\b",
    ]
