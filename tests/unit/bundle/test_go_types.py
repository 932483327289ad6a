# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Go's structs: reading, coercing and writing."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.api_types import (
    BUNDLE_DEPLOYMENT_OPTIONS,
    BUNDLE_SPEC,
    BUNDLE_TARGET,
    FLEET_YAML,
)
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.go_types import (
    BOOL,
    GENERIC_MAP,
    INT64,
    INT_OR_STRING,
    STRING,
    STRING_LIST,
    STRING_MAP,
    Field,
    Int,
    Pointer,
    Slice,
    Struct,
    WrongType,
    coerce,
)


def test_unknown_keys_are_passed_over_and_case_does_not_matter():
    value = {"NAMESPACE": "n", "unknown": 1, "Helm": {"CHART": "c"}}
    assert BUNDLE_SPEC.decode(value) == {"namespace": "n", "helm": {"chart": "c"}}


def test_the_long_s_and_the_kelvin_sign_are_letters():
    assert BUNDLE_SPEC.decode({"name\u017fpace": "n", "\u212aeepResources": True}) == {
        "namespace": "n",
        "keepResources": True,
    }


def test_two_keys_for_one_field_are_read_in_order_and_structs_merged():
    value = {"helm": {"chart": "b"}, "HELM": {"chart": "a", "version": "1"}}
    assert BUNDLE_SPEC.decode(value) == {"helm": {"chart": "b", "version": "1"}}
    assert BUNDLE_SPEC.decode({"HELM": {"values": {"a": 1}}, "helm": {"values": {"b": 2}}}) == {
        "helm": {"values": {"b": 2}}
    }


def test_null_unsets():
    value = {"helm": None, "namespace": None, "targets": None, "createNamespace": None, "labels": None}
    assert FLEET_YAML.decode(value) == {}
    assert BUNDLE_SPEC.decode({"HELM": {"chart": "a"}, "helm": None}) == {}


def test_null_elements_are_empty():
    assert STRING_LIST.decode(["a", None]) == ["a", ""]
    assert STRING_MAP.decode({"a": None}) == {"a": ""}
    assert Slice(BUNDLE_TARGET).decode([None]) == [{}]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (STRING, 1),
        (STRING, True),
        (BOOL, "true"),
        (BOOL, 1),
        (INT64, 1.5),
        (INT64, "1"),
        (INT64, True),
        (INT64, 2**63),
        (INT64, 1e21),
        (Int(32), 2**31),
        (INT_OR_STRING, 0.5),
        (INT_OR_STRING, True),
        (STRING_LIST, "a"),
        (STRING_MAP, []),
        (STRING_MAP, {"a": 1}),
        (GENERIC_MAP, []),
        (BUNDLE_SPEC, []),
    ],
)
def test_wrong_types(kind, value):
    with pytest.raises(WrongType):
        kind.decode(value)


def test_a_wrong_type_names_its_path():
    with pytest.raises(WrongType) as caught:
        BUNDLE_SPEC.decode({"targets": [{}, {"helm": {"valuesFrom": [{"secretKeyRef": {"name": 5}}]}}]})
    assert caught.value.path == ["targets", 1, "helm", "valuesFrom", 0, "secretKeyRef", "name"]


@pytest.mark.parametrize(("value", "expected"), [(3, 3), (1e3, 1000), (1.0, 1), (-0.0, 0), (None, 0)])
def test_whole_numbers(value, expected):
    assert INT64.decode(value) == expected


def test_numbers_in_values_become_float64():
    value = {"a": 12345678901234567890, "b": [1.0, {"c": 1e30}]}
    assert GENERIC_MAP.decode(value) == {"a": 12345678901234567000, "b": [1, {"c": 1e30}]}


def test_canonical_keeps_the_order_of_the_struct_and_sorts_maps():
    options = {"namespace": "n", "yaml": {}, "helm": {"values": {"b": 1, "a": {"d": 1, "c": 2}}, "chart": "c"}}
    result = BUNDLE_DEPLOYMENT_OPTIONS.canonical(options)
    assert list(result) == ["yaml", "namespace", "helm"]
    assert list(result["helm"]) == ["chart", "values"]
    assert list(result["helm"]["values"]["a"]) == ["c", "d"]


def test_canonical_leaves_out_what_omitempty_leaves_out():
    empty = {
        "namespace": "",
        "keepResources": False,
        "forceSyncGeneration": 0,
        "namespaceLabels": {},
        "downstreamResources": [],
        "helm": None,
        "unknown": 1,
    }
    assert BUNDLE_DEPLOYMENT_OPTIONS.canonical(empty) == {}


def test_canonical_keeps_pointers_and_fields_without_omitempty():
    value = {
        "helm": {"values": {}, "valuesFrom": [{"secretKeyRef": {}}]},
        "createNamespace": False,
        "kustomize": {"dir": ""},
        "diff": {"comparePatches": []},
    }
    assert BUNDLE_DEPLOYMENT_OPTIONS.canonical(value) == {
        "kustomize": {},
        "helm": {"values": {}, "valuesFrom": [{"secretKeyRef": {"name": ""}}]},
        "createNamespace": False,
        "diff": {},
    }


def test_a_targets_own_namespace_labels_shadow_those_of_the_options():
    names = [item.name for item in BUNDLE_TARGET.fields]
    assert names.count("namespaceLabels") == 1
    assert names.index("namespaceLabels") > names.index("doNotDeploy")


def test_coerce_reaches_the_fields_of_a_struct_itself():
    value = {"name": 5, "labels": {"a": 1, "b": True, "c": 1.5, "d": None}, "targetCustomizations": [{"name": 1e3}]}
    assert coerce(value, FLEET_YAML) == {
        "name": "5",
        "labels": {"a": "1", "b": "true", "c": "1.5", "d": None},
        "targetCustomizations": [{"name": "1000"}],
    }


def test_coerce_does_not_reach_the_fields_of_embedded_structs():
    value = {"namespace": 5, "helm": {"chart": 1}, "targets": [{"name": 1}], "namespaceLabels": {"a": 1}}
    assert coerce(value, FLEET_YAML) == value


def test_coerce_leaves_values_alone():
    assert coerce({"values": {"a": 1}}, Struct("S", (Field("values", GENERIC_MAP),))) == {"values": {"a": 1}}
    assert coerce({"s": 1}, Struct("S", (Field("s", Pointer(STRING)),))) == {"s": "1"}
