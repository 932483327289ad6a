# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests are read as Kubernetes reads them."""

import json

import pytest
import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.manifest import (
    MAX_NODES,
    ObjectKey,
    documents,
    index,
    key,
    parse_manifest,
    plain_value,
)
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from hypothesis import given
from hypothesis import strategies as st

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("+12", 12),
        ("-7", -7),
        ("1_000", 1000),
        ("010", 8),
        ("0o14", 12),
        ("0x1F", 31),
        ("-0b11", -3),
        ("08", 8),
        ("1.0", 1),
        ("1e3", 1000),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5),
        ("12345678901234567890", 12345678901234567890),
        ("123456789012345678901234567890", 1.2345678901234568e29),
        ("true", True),
        ("y", True),
        ("No", False),
        ("off", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("12:30:00", "12:30:00"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z"),
        ("1.2.3", "1.2.3"),
        ("1e", "1e"),
        ("-", "-"),
        ("0x", "0x"),
        ("1Gi", "1Gi"),
        ("yEs", "yEs"),
    ],
)
def test_plain_scalars(text, value):
    result = plain_value(text)
    assert result == value
    assert type(result) is type(value)


def test_what_json_cannot_hold_is_refused():
    with pytest.raises(FleetError, match=r"web\.yaml:4: \.inf is no number"):
        parse_manifest(CONFIG_MAP + "x: .inf\n", "web.yaml")


def test_quoted_is_text_and_keys_are_text():
    [obj] = parse_manifest(
        CONFIG_MAP + "data: {a: '1', b: \"y\", 1: x, true: z, c: !!str 5, d: !!binary aGk=, e: !x 1}\n"
    )
    assert obj["data"] == {"a": "1", "b": "y", "1": "x", "true": "z", "c": "5", "d": "hi", "e": "1"}


def test_merge_keys_and_aliases():
    [obj] = parse_manifest(CONFIG_MAP + "one: &x {a: 1, b: 2}\ntwo: {<<: *x, b: 3}\nthree: {<<: [{a: 9}, *x]}\n")
    assert obj["two"] == {"a": 1, "b": 3}
    assert obj["three"] == {"a": 9, "b": 2}


def test_empty_documents_are_left_out_and_lists_taken_apart():
    listed = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: b}}\n"
    text = f"---\n# nothing\n---\n{CONFIG_MAP}---\n{listed}---\n"
    assert [obj["kind"] for obj in parse_manifest(text)] == ["ConfigMap", "Secret"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [\nb", "m.yaml:3: this is not YAML"),
        ("a: \x00", "this is not YAML"),
        (CONFIG_MAP + "---\n- 1\n", "m.yaml:5: this document is not a Kubernetes object"),
        ("kind: x\n", "m.yaml:1: this object has no apiVersion"),
        ("apiVersion: v1\nkind: 5\n", "this object has no kind"),
        ("apiVersion: v1\nkind: A\nmetadata: x\n", "metadata of this object"),
        ("? [a]\n: b\n", "a key has to be a plain value"),
        ("~: b\n", "a key is empty"),
        ("a: {<<: 5}\n", "only mappings can be merged"),
        ("a: !!binary '*'\n", "!!binary"),
        ("a: &a [*a]\n", "nested too deeply"),
        ("[" * 50_000, "nesting depth"),
    ],
)
def test_bad_input_is_told_with_its_place(text, problem):
    with pytest.raises(FleetError) as error:
        parse_manifest(text, "m.yaml")
    assert problem in str(error.value)
    assert "m.yaml" in str(error.value)


def test_aliases_cannot_eat_the_machine():
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}' if i else '*a'] * 9)}]" for i in range(12)]
    with pytest.raises(FleetError, match=str(MAX_NODES)):
        parse_manifest("\n".join(lines))


def test_keys():
    objects = parse_manifest(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r, namespace: wrong}\n---\n"
        + CONFIG_MAP
    )
    assert list(index(objects, "ns")) == [
        ObjectKey("rbac.authorization.k8s.io", "ClusterRole", "", "r"),
        ObjectKey("", "ConfigMap", "ns", "a"),
    ]
    assert (
        key({"apiVersion": "x.io/v1", "kind": "X", "metadata": {"name": "x"}}, "ns", lambda *_: False).namespace == ""
    )
    assert str(key(objects[1], "ns")) == "ConfigMap ns/a"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(codec="utf-8", exclude_categories=("C",))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz019_-", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_json_says_is_read_as_such(value):
    assert [document for document, _line in documents(json.dumps({"v": value}, ensure_ascii=False))] == [{"v": value}]


@given(VALUES)
def test_what_yaml_writes_for_text_is_read_as_text(value):
    text = yaml.safe_dump(_texts(value), default_style='"')
    assert [document for document, _line in documents(text)] == [_texts(value)]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    try:
        parse_manifest(text)
    except FleetError:
        pass


def _texts(value):
    if isinstance(value, dict):
        return {name: _texts(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return str(value)
