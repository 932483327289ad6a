# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values: merging, files, and the Secret that Fleet keeps them in."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.values_files import (
    left_out_names,
    merge_values,
    read_values,
)
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.values_secret import (
    extract_values,
    values_hash,
    without_values,
)
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.tree_index import TreeFiles, TreeIndex
from hypothesis import given
from hypothesis import strategies as st

from tests.support.trees import LinkedTree

VALUES = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.none() | st.integers() | st.text(max_size=2) | st.lists(st.integers(), max_size=2),
        lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


def test_mappings_are_merged_and_all_else_replaced():
    base = {"a": {"x": 1, "y": [1, 2]}, "b": 1, "c": {"z": 1}}
    overlay = {"a": {"y": [9]}, "b": None, "c": "text", "d": {}}
    assert merge_values(base, overlay) == {"a": {"x": 1, "y": [9]}, "b": None, "c": "text", "d": {}}
    assert base == {"a": {"x": 1, "y": [1, 2]}, "b": 1, "c": {"z": 1}}


@given(VALUES)
def test_merging_nothing_or_the_same_changes_nothing(values):
    assert merge_values(values, {}) == merge_values({}, values) == merge_values(values, values) == values


@given(VALUES, VALUES, VALUES)
def test_merging_is_done_in_order(first, second, third):
    both = merge_values(merge_values(first, second), third)
    assert merge_values(both, third) == both
    assert all(both[key] == value or isinstance(value, dict) for key, value in third.items())


def read(files, helm):
    return read_values(TreeFiles(TreeIndex(LinkedTree(files))), "app", helm, "app/fleet.yaml")


def test_files_win_over_values_and_later_files_over_earlier():
    files = {"app/1.yaml": "a: 1\nb: {x: 1}", "app/2.yaml": "b: {z: 2}\nm: 1e3", "common.yaml": "c: y"}
    helm = {"values": {"a": 0, "z": 0}, "valuesFiles": ["1.yaml", "2.yaml", "../common.yaml"]}
    assert read(files, helm) == {"a": 1, "z": 0, "b": {"x": 1, "z": 2}, "m": 1000, "c": True}


def test_empty_files_leave_values_as_they_are():
    assert read({"app/1.yaml": ""}, {"valuesFiles": ["1.yaml"]}) is None
    assert read({"app/1.yaml": ""}, {"values": {}, "valuesFiles": ["1.yaml"]}) == {}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no.yaml", "app/no.yaml: there is no such file"),
        ("../../etc.yaml", "leads out of the repository"),
        ("list.yaml", "app/list.yaml: the file must be a mapping, not a list"),
        ("bad.yaml", "app/bad.yaml:2: is not valid YAML"),
    ],
)
def test_errors_of_files(path, message):
    with pytest.raises(FleetError) as caught:
        read({"app/list.yaml": "- a", "app/bad.yaml": "a: [\n"}, {"valuesFiles": [path]})
    assert message in str(caught.value)


def test_names_that_are_left_out():
    assert left_out_names({"valuesFiles": ["a/v.yaml", "w.yaml"]}) == {"a/v.yaml", "v.yaml", "w.yaml"}
    assert left_out_names(None) == set()


SPEC = {
    "helm": {"chart": ".", "values": {"b": "<", "a": 1.5}, "valuesFiles": ["v.yaml"]},
    "targets": [{"name": "t", "helm": {"values": {"c": True}}}, {"name": "u", "helm": {"values": {}}}, {"name": "w"}],
}


def test_the_secret_holds_the_values_by_target():
    assert extract_values(SPEC) == {"values.yaml": '{"a":1.5,"b":"\\u003c"}', "t": '{"c":true}'}


def test_values_hash_is_gos():
    # The SHA-256 of Go's JSON of the map of bytes.
    assert values_hash({}) == ""
    assert values_hash(extract_values(SPEC)) == "6da6fd3b368dc2c48ec9852e7987a0ea1e835b5a8d011349f6c9f7a23b51f3b2"


def test_without_values():
    assert without_values(SPEC) == {
        "helm": {"chart": "."},
        "targets": [{"name": "t", "helm": {}}, {"name": "u", "helm": {}}, {"name": "w"}],
    }
    assert SPEC["helm"]["values"]


def test_a_target_with_values_needs_a_name():
    with pytest.raises(FleetError, match="must have a name"):
        extract_values({"targets": [{"helm": {"values": {"a": 1}}}]})
