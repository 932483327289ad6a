# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML as go-yaml v2 and Go's JSON see it. The tables were checked against them."""

import math

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle import go_yaml
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.go_yaml import (
    MAX_DEPTH,
    format_float32,
    line_of,
    load,
    to_float64,
)
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y", True),
        ("N", False),
        ("on", True),
        ("Off", False),
        ("yEs", "yEs"),
        ("'y'", "y"),
        ("~", None),
        ("", None),
        ("Null", None),
        ("0", 0),
        ("010", 8),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b101", 5),
        ("-0b11", -3),
        ("08", 8.0),
        ("1_000", 1000),
        ("_1", "_1"),
        ("+5", 5),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        (".1_0", 0.1),
        ("._1", "._1"),
        ("1e999", "1e999"),
        ("1:30", "1:30"),
        ("2001-01-01", "2001-01-01"),
        ("2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"),
        ("12345678901234567890", 12345678901234567890),
        ("-9223372036854775808", -(2**63)),
        ("99999999999999999999", 1e20),
        ("0xGG", "0xGG"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("!!float 1", 1.0),
        ("!!binary aGk=", "hi"),
        ("!custom 5", "5"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("[a, on]", ["a", True]),
        ("|\n  x\n  y\n", "x\ny\n"),
    ],
)
def test_scalars(text, expected):
    value = load(f"k: {text}")["k"]
    assert value == expected
    assert type(value) is type(expected)


def test_nan_is_read():
    assert math.isnan(load("k: .nan")["k"])


@pytest.mark.parametrize("text", ["!!int x", "!!bool maybe", "!!float y", "!!binary '*'", "!!timestamp x", "!!null x"])
def test_a_tag_that_does_not_fit_is_an_error(text):
    with pytest.raises(FleetError, match=r"f:1: "):
        load(f"k: {text}", "f")


def test_keys_become_strings():
    assert load("{1: a, 1.5: b, y: c, 1e40: d, 0x10: e}") == {"1": "a", "1.5": "b", "true": "c", ".inf": "d", "16": "e"}


@pytest.mark.parametrize("text", ["~: a", "{a: b}: c", "[a]: b", "{{ .Values.x }}: c", "12345678901234567890: a"])
def test_keys_that_cannot_be_strings_are_errors(text):
    with pytest.raises(FleetError, match="key"):
        load(text, "f")


def test_a_later_key_wins_and_takes_its_place():
    assert list(load("a: 1\nb: 2\na: 3").items()) == [("b", 2), ("a", 3)]


def test_merge_keys():
    text = (
        "base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\none: {<<: *b, x: 5}\ntwo: {x: 6, <<: [*b, *o]}\n'<<': plain\n"
    )
    value = load(text)
    assert value["one"] == {"x": 5, "true": 2}
    assert value["two"] == {"x": 1, "true": 2, "z": 4}
    assert value["<<"] == "plain"


def test_merging_what_is_no_mapping_is_an_error():
    with pytest.raises(FleetError, match=r"f:1: << needs a mapping"):
        load("a: {<<: [1]}", "f")


def test_only_the_first_document_counts():
    assert load("a: 1\n---\nb: [\n") == {"a": 1}
    assert load("") is None
    assert load("# nothing\n---\n") is None


def test_byte_order_marks_and_utf_16():
    assert load(b"\xef\xbb\xbfa: 1") == {"a": 1}
    assert load("a: é".encode("utf-16")) == {"a": "é"}


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: [1, 2\n", 2), ("a: 1\n b: 2\n", 2), ("a: 'x\n", 2), ("\ta: 1", 1), ("a: *x\n", 1), ("a: &x [*x]\n", 1)],
)
def test_errors_name_the_line(text, line):
    with pytest.raises(FleetError) as caught:
        load(text, "dir/f.yaml")
    assert caught.value.place == f"dir/f.yaml:{line}"


def test_invalid_bytes_are_an_error():
    for content in (b"a: \xff", b"a: \x00", b"a: \x01"):
        with pytest.raises(FleetError, match="is not valid YAML"):
            load(content, "f")


def test_a_question_mark_in_a_flow_text_is_an_error_as_in_go():
    with pytest.raises(FleetError, match="quotes"):
        load("a: {url: http://x/?q=1}", "f")
    assert load("a: {url: 'http://x/?q=1'}\nb: is it?") == {"a": {"url": "http://x/?q=1"}, "b": "is it?"}


def test_an_alias_bomb_is_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(FleetError, match="aliases make this document too large"):
        load("\n".join(lines), "f")


def test_deep_nesting_is_refused():
    assert load("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(FleetError, match="levels deep|nesting depth"):
        load("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), "f")
    with pytest.raises(FleetError, match="nest"):
        load("[" * 100_000, "f")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1000.0, "1000"),
        (1e6, "1e+06"),
        (0.1, "0.1"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-0.0, "-0"),
        (1e39, "+Inf"),
        (3.4028235e38, "3.4028235e+38"),
        (16777217.0, "1.6777216e+07"),
        (123456.789, "123456.79"),
        (math.nan, "NaN"),
    ],
)
def test_format_float32(number, expected):
    assert format_float32(number) == expected


def test_to_float64():
    assert to_float64(12345678901234567890) == 12345678901234567000
    assert to_float64(1.0) == 1
    assert type(to_float64(1.0)) is int
    assert to_float64(1e21) == 1e21
    assert type(to_float64(1e21)) is float
    assert str(to_float64(-0.0)) == "-0.0"


@given(st.integers(min_value=-(2**53), max_value=2**53))
def test_integers_that_fit_stay_exact(number):
    assert to_float64(number) == number


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_input_gives_a_value_or_one_clear_error(content):
    assert place_of_error(content).startswith("f")


def place_of_error(content):
    try:
        load(content, "f")
    except FleetError as error:
        return error.place
    return "f"


def test_line_of():
    text = b"a: 1\nb:\n  - c: 2\n  - d:\n      e: 3\n"
    assert line_of(text, ["b", 1, "d", "e"]) == 5
    assert line_of(text, ["b", 1]) == 4
    assert line_of(text, ["nope"]) is None


def test_positions_are_those_of_keys_values_and_what_was_lost():
    text = "a: {x: 1, q: [2, 'ä', z]}\nb: &b {c: 1.10}\nb:\n  <<: *b\n---\nmore: 1\n"
    positions = go_yaml.load_with_positions(text)
    document = positions.document
    assert document == go_yaml.load(text)
    assert positions.value(document["a"]["q"], 2) == go_yaml.Mark(1, 23, "z")
    assert positions.key(document, "b") == go_yaml.Mark(3, 1, "b")
    assert positions.value(document["b"], "c") == go_yaml.Mark(2, 11, "1.10")
    assert [(key, mark.line) for _mapping, key, mark in positions.repeated] == [("b", 2)]
    assert (positions.next_document.line, positions.next_document.column) == (6, 1)
    assert go_yaml.load_with_positions("").next_document is None
    assert go_yaml.load_with_positions("a: 1\n---\n# nothing\n").next_document is None
