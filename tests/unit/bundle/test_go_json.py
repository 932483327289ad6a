# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON in Go's bytes. The expected texts were written by Go's ``encoding/json``."""

import json

import pytest
import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.go_json import dumps, dumps_for_yaml, format_float
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (100.0, "100"),
        (0.1, "0.1"),
        (1 / 3, "0.3333333333333333"),
        (123456789.125, "123456789.125"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (12345678901234567890.0, "12345678901234567000"),
        (0.000001, "0.000001"),
        (1e-7, "1e-7"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
    ],
)
def test_format_float(number, expected):
    assert format_float(number) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_comes_back(number):
    assert float(format_float(number)) == number


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_json_is_an_error(number):
    with pytest.raises(ValueError, match="not JSON"):
        dumps({"a": [number]})


def test_escapes():
    text = '<a href="x">&\u2028\u2029\\ \x00\x1f\x7f\b\f\n\r\t é \U0001f600'
    assert dumps(text) == (
        '"\\u003ca href=\\"x\\"\\u003e\\u0026\\u2028\\u2029\\\\ \\u0000\\u001f\x7f\\b\\f\\n\\r\\t é \U0001f600"'
    )


def test_what_is_not_utf_8_is_replaced():
    assert dumps(b"a\xffb".decode("utf-8", "surrogateescape")) == '"a\ufffdb"'


def test_order_of_keys_is_kept_and_empty_values_are_short():
    assert dumps({"b": {}, "a": [], "c": None, "d": True}) == '{"b":{},"a":[],"c":null,"d":true}'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e6, 1e6).filter(lambda x: not x.is_integer()) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_every_value_comes_back(value):
    assert json.loads(dumps(value)) == value


@given(JSON)
def test_yaml_parsers_read_the_other_form_too(value):
    assert yaml.load(dumps_for_yaml(value), yaml.SafeLoader) == value


def test_line_breaks_of_yaml_and_odd_characters_survive():
    text = "a\x7fb\x85c\u2028d\u2029e\ufefff\uffffg\x00h"
    assert yaml.load(dumps_for_yaml({"k": text}), yaml.SafeLoader) == {"k": text}
