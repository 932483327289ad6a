# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quantities stand for numbers."""

from fractions import Fraction

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.quantity import parse_quantity, same_quantity
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("1000m", 1),
        ("1", 1),
        (0.5, "500m"),
        ("1Gi", 1073741824),
        ("1Gi", "1024Mi"),
        ("1G", "1e9"),
        ("1E", "1000P"),
        ("0.5Gi", "512Mi"),
        ("1e3", "1k"),
        ("+5", 5),
        (".5", "0.5"),
        ("5.", "5"),
        ("-1", -1),
    ],
)
def test_same_number(left, right):
    assert same_quantity(left, right)


@pytest.mark.parametrize(("left", "right"), [("1", "1m"), ("1Gi", "1G"), ("1", "2"), ("abc", "abc"), (True, 1)])
def test_other_number(left, right):
    assert not same_quantity(left, right)


@pytest.mark.parametrize("value", ["", "Gi", "1 Gi", "1gi", "1e9999999", "1" * 1000, None, [], {}, False, "nan", "inf"])
def test_no_quantity(value):
    assert parse_quantity(value) is None


@given(st.integers(min_value=-(10**15), max_value=10**15))
def test_milli_is_a_thousandth(number):
    assert parse_quantity(f"{number}m") == Fraction(number, 1000)


@given(st.one_of(st.text(max_size=60), st.floats(), st.integers()))
def test_never_raises(value):
    parse_quantity(value)
