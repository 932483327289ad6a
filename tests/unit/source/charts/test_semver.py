# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Version ranges: what Masterminds' own code says of the same versions."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.source.charts.semver import Range, Version, is_exact
from hypothesis import given
from hypothesis import strategies as st

VERSIONS = ["0.1.0", "0.2.5", "1.0.0", "1.2.3", "1.2.4-rc.1", "1.9.0", "1.10.0", "2.0.0-alpha", "2.0.0", "v3.1", "4"]


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("*", "0.1.0 0.2.5 1.0.0 1.2.3 1.9.0 1.10.0 2.0.0 v3.1 4"),
        ("1.2.3", "1.2.3"),
        ("=1.2", "1.2.3"),
        ("1", "1.0.0 1.2.3 1.9.0 1.10.0"),
        ("v1.x", "1.0.0 1.2.3 1.9.0 1.10.0"),
        ("~1.2", "1.2.3"),
        ("~1.2.0", "1.2.3"),
        ("~1.2.0-0", "1.2.3 1.2.4-rc.1"),
        ("^1.2", "1.2.3 1.9.0 1.10.0"),
        ("^0.2", "0.2.5"),
        ("^0.0.1", ""),
        (">1", "2.0.0 v3.1 4"),
        (">1.2", "1.9.0 1.10.0 2.0.0 v3.1 4"),
        (">=1.10, <4", "1.10.0 2.0.0 v3.1"),
        (">=1.10 <4", "1.10.0 2.0.0 v3.1"),
        (">= 2.0.0-0", "2.0.0-alpha 2.0.0 v3.1 4"),
        (">=1.2.4-0 <2", "1.2.4-rc.1 1.9.0 1.10.0 2.0.0-alpha"),
        ("<=1.2", "0.1.0 0.2.5 1.0.0 1.2.3"),
        ("!=1", "0.1.0 0.2.5 2.0.0 v3.1 4"),
        ("1.9 - 2", "1.9.0 1.10.0 2.0.0"),
        ("0.x || 4", "0.1.0 0.2.5 4"),
        ("=> 3", "v3.1 4"),
    ],
)
def test_ranges(text, taken):
    found = Range.parse(text)
    assert [version for version in VERSIONS if found.contains(Version.parse(version))] == taken.split()


@pytest.mark.parametrize(
    "text", ["", " ", "latest", "1.2.3.4", ">>1", "1 ||", "==1", "1,,2", "1" * 600, "1||" * 40 + "1"]
)
def test_what_is_no_range(text):
    assert Range.parse(text) is None


@pytest.mark.parametrize(
    "text", ["", "a", "1.2.3.4", "1.2.3-01", "1.2.3-a_b", "99999999999999999999", "1." + "2" * 300]
)
def test_what_is_no_version(text):
    assert Version.parse(text) is None


def test_order():
    order = ["0.9", "1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-a", "1.0.0-a.1", "1.0.0-b", "1.0.0", "1.0.1", "1.2", "2"]
    assert [version.text for version in sorted(Version.parse(text) for text in reversed(order))] == order
    assert Version.parse("1.0.0+a") == Version.parse("v1.0+b")


@pytest.mark.parametrize(
    ("text", "exact"),
    [("1.2.3", True), ("1.2.3-rc.1+b", True), ("v1.2.3", False), ("1.2", False), ("^1.2.3", False), ("01.2.3", False)],
)
def test_exact_versions(text, exact):
    assert is_exact(text) is exact


@given(st.text("0123456789.x*v-+ab<>=!~^|, ", max_size=24), st.text("0123456789.-+ab", max_size=12))
def test_any_text_is_answered(range_text, version_text):
    found, version = Range.parse(range_text), Version.parse(version_text)
    if found and version:
        assert found.contains(version) in (True, False)
