# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a target's options change those of the bundle."""

import copy

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.target.options import bundle_options, merge, target_options
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("name", ["namespace", "defaultNamespace", "serviceAccount"])
def test_texts_are_replaced_and_a_dash_is_a_dash(name):
    assert merge({name: "a"}, {name: "b"}) == {name: "b"}
    assert merge({name: "a"}, {name: ""}) == {name: "a"}
    assert merge({name: "a"}, {name: "-"}) == {name: "-"}


@pytest.mark.parametrize(
    "name", ["createNamespace", "deleteNamespace", "ignore", "deleteCRDResources", "namespaceLabels", "overwrites"]
)
def test_some_options_cannot_be_customized(name):
    assert merge({name: "base"}, {name: "custom"}) == {name: "base"}
    assert merge({}, {name: "custom"}) == {}


def test_switches_can_only_be_switched_on():
    assert merge({"keepResources": True}, {"keepResources": False}) == {"keepResources": True}
    base = {"helm": {"force": True, "atomic": False}}
    custom = {
        "helm": {"force": False, "atomic": True, "waitForJobs": True, "skipSchemaValidation": True, "maxHistory": 5}
    }
    assert merge(base, custom) == {"helm": {"force": True, "atomic": True, "waitForJobs": True}}


def test_values_are_merged_and_lists_replaced():
    base = {"helm": {"values": {"a": {"x": 1, "y": 2}, "l": [1, 2], "n": 1}}}
    custom = {"helm": {"values": {"a": {"y": 3}, "l": [9], "n": None}}}
    assert merge(base, custom)["helm"]["values"] == {"a": {"x": 1, "y": 3}, "l": [9], "n": None}


def test_empty_values_are_not_the_same_as_none():
    assert merge({}, {"helm": {}}) == {"helm": {}}
    assert merge({}, {"helm": {"values": {}}}) == {"helm": {"values": {}}}


def test_template_values_by_key_and_texts_of_helm():
    base = {"helm": {"templateValues": {"a": "1", "b": "2"}, "chart": "c", "version": "1"}}
    custom = {"helm": {"templateValues": {"b": "3"}, "version": "2", "chart": ""}}
    assert merge(base, custom) == {"helm": {"templateValues": {"a": "1", "b": "3"}, "chart": "c", "version": "2"}}


@pytest.mark.parametrize(("base", "custom", "expected"), [(5, 7, 7), (5, 0, 5), (5, -1, None), (0, -1, None)])
def test_timeout(base, custom, expected):
    merged = merge({"helm": {"timeoutSeconds": base}}, {"helm": {"timeoutSeconds": custom}})
    assert merged["helm"].get("timeoutSeconds") == expected


@pytest.mark.parametrize(("custom", "expected"), [(3, 3), (0, 1), (-2, 1)])
def test_force_sync_generation(custom, expected):
    assert merge({"forceSyncGeneration": 1}, {"forceSyncGeneration": custom}) == {"forceSyncGeneration": expected}


def test_correct_drift_is_replaced_whole():
    assert merge({"correctDrift": {"enabled": True}}, {"correctDrift": {}}) == {"correctDrift": {}}


def test_overlays_are_appended_and_the_kustomize_directory_replaced():
    base = {"yaml": {"overlays": ["a"]}, "kustomize": {"dir": "x"}}
    assert merge(base, {"yaml": {"overlays": ["b", "a"]}, "kustomize": {}}) == {
        "yaml": {"overlays": ["a", "b", "a"]},
        "kustomize": {"dir": "x"},
    }
    assert merge({}, {"yaml": {}}) == {"yaml": {}}


def test_entries_with_a_key_take_each_others_place():
    base = {"downstreamResources": [{"kind": "Secret", "name": "a"}, {"kind": "Secret", "name": "b"}]}
    custom = {"downstreamResources": [{"kind": "secret", "name": "a"}, {"kind": "ConfigMap", "name": "a"}]}
    assert merge(base, custom)["downstreamResources"] == [
        {"kind": "secret", "name": "a"},
        {"kind": "Secret", "name": "b"},
        {"kind": "ConfigMap", "name": "a"},
    ]


def test_of_several_with_one_key_the_first_counts():
    patches = [{"kind": "A", "jsonPointers": ["/1"]}, {"kind": "A", "jsonPointers": ["/2"]}]
    assert merge({}, {"diff": {"comparePatches": patches}}) == {"diff": {"comparePatches": patches[:1]}}


def test_values_from_without_a_reference_are_always_appended():
    reference = {"secretKeyRef": {"name": "a", "key": "k"}}
    base = {"helm": {"valuesFrom": [{}, reference]}}
    custom = {"helm": {"valuesFrom": [{}, {"secretKeyRef": {"name": "a", "key": "k", "namespace": ""}}]}}
    assert merge(base, custom)["helm"]["valuesFrom"] == [
        {},
        {"secretKeyRef": {"name": "a", "key": "k", "namespace": ""}},
        {},
    ]


def test_options_of_bundles_and_targets():
    spec = {"namespace": "n", "namespaceLabels": {"a": "b"}, "targets": [], "paused": True, "resources": []}
    assert bundle_options(spec) == {"namespace": "n", "namespaceLabels": {"a": "b"}}
    assert target_options({"namespace": "n", "namespaceLabels": {"a": "b"}, "name": "t", "doNotDeploy": True}) == {
        "namespace": "n"
    }


NAMES = st.sampled_from(["", "a", "b"])
VALUES = st.dictionaries(st.sampled_from("ab"), st.integers() | st.dictionaries(st.sampled_from("ab"), st.integers()))
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "namespace": NAMES,
        "keepResources": st.booleans(),
        "forceSyncGeneration": st.integers(-1, 2),
        "correctDrift": st.fixed_dictionaries({}, optional={"force": st.booleans()}),
        "kustomize": st.fixed_dictionaries({}, optional={"dir": NAMES}),
        "diff": st.fixed_dictionaries(
            {}, optional={"comparePatches": st.lists(st.fixed_dictionaries({"kind": NAMES}), max_size=3)}
        ),
        "downstreamResources": st.lists(st.fixed_dictionaries({"kind": NAMES, "name": NAMES}), max_size=3),
        "helm": st.fixed_dictionaries(
            {},
            optional={
                "chart": NAMES,
                "force": st.booleans(),
                "values": VALUES,
                "timeoutSeconds": st.integers(-1, 2),
                "templateValues": st.dictionaries(st.sampled_from("ab"), NAMES),
            },
        ),
    },
)


@given(OPTIONS, OPTIONS)
def test_merging_changes_neither_side_and_twice_is_once(base, custom):
    before = copy.deepcopy((base, custom))
    once = merge(base, custom)
    assert (base, custom) == before
    assert merge(once, custom) == once


@given(OPTIONS)
def test_merging_nothing_changes_nothing(base):
    assert merge(base, {}) == base
