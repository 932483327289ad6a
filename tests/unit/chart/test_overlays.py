# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlays: files added and replaced, and the three kinds of patches."""

from __future__ import annotations

import json

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.chart.overlays import (
    apply_overlays,
    apply_patch,
    without_overlays,
)
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError

CONFIG_MAP = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: old, z: kept}\n"


def deployment(**spec) -> dict:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": spec}}}


def patched(original: dict, patch) -> dict:
    result = apply_patch(original, patch)
    return result["spec"]["template"]["spec"] if original["kind"] == "Deployment" else result


def test_files_are_added_and_replaced_in_order():
    resources = {
        "a.yaml": b"a",
        "overlays/one/a.yaml": b"one",
        "overlays/one/sub/b.yaml": b"b",
        "overlays/two/a.yaml": b"two",
    }
    assert without_overlays(apply_overlays(resources, ["one"])) == {"a.yaml": b"one", "sub/b.yaml": b"b"}
    assert without_overlays(apply_overlays(resources, ["one", "two"]))["a.yaml"] == b"two"
    assert without_overlays(apply_overlays(resources, [])) == {"a.yaml": b"a"}
    assert without_overlays(apply_overlays(resources, ["none"])) == {"a.yaml": b"a"}


def test_a_patch_file():
    resources = {"sub/a.yaml": CONFIG_MAP, "overlays/o/sub/a_patch.yaml": b"data: {x: new, z: null}\n"}
    found = apply_overlays(resources, ["o"])["sub/a.yaml"]
    assert json.loads(found) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {"x": "new"},
    }


def test_a_file_that_is_replaced_and_patched():
    resources = {
        "a.yaml": CONFIG_MAP,
        "overlays/o/a.yaml": CONFIG_MAP.replace(b"kept", b"replaced"),
        "overlays/o/a_patch.yaml": b"data: {x: new}\n",
    }
    assert json.loads(apply_overlays(resources, ["o"])["a.yaml"])["data"] == {"x": "new", "z": "replaced"}


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        (b"x: y\n", r"overlays/o/b_patch\.yaml: this patches b\.yaml, and the bundle has no such file"),
        (b"- op: remove\n  path: /nope\n", r"overlays/o/a_patch\.yaml: the JSON patch does not fit"),
        (b"x: [\n", r"overlays/o/a_patch\.yaml:2: "),
        (b"text", r"overlays/o/a_patch\.yaml: a patch is a mapping or a list"),
    ],
)
def test_patches_that_do_not_fit(patch, problem):
    name = "b_patch.yaml" if b"x: y" in patch else "a_patch.yaml"
    with pytest.raises(FleetError, match=problem):
        apply_overlays({"a.yaml": CONFIG_MAP, f"overlays/o/{name}": patch}, ["o"])


def test_nothing_at_all_is_an_empty_mapping():
    files = {"a.yaml": b"# nothing\n", "overlays/o/a_patch.yaml": b"kind: A\n", "overlays/p/a_patch.yaml": b"---\n"}
    assert apply_overlays(files, ["o", "p"])["a.yaml"] == b'{"kind":"A"}'


def test_json_patch():
    original = {"kind": "A", "metadata": {"labels": {"a/b": "c"}}, "list": [1, 2]}
    patch = [
        {"op": "replace", "path": "/metadata/labels/a~1b", "value": "d"},
        {"op": "add", "path": "/list/-", "value": 3},
        {"op": "remove", "path": "/list/0"},
    ]
    assert apply_patch(original, patch) == {"kind": "A", "metadata": {"labels": {"a/b": "d"}}, "list": [2, 3]}
    assert original["list"] == [1, 2]
    with pytest.raises(FleetError, match="leaves no object"):
        apply_patch(original, [{"op": "replace", "path": "", "value": 1}])


def test_strategic_merge_of_built_in_kinds():
    original = deployment(
        containers=[{"name": "a", "image": "1"}, {"name": "b", "image": "1"}], tolerations=[{"key": "x"}]
    )
    patch = deployment(containers=[{"name": "b", "image": "2"}, {"name": "c"}], tolerations=[{"key": "y"}])
    assert patched(original, patch) == {
        "containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}, {"name": "c"}],
        "tolerations": [{"key": "y"}],
    }


def test_strategic_merge_keeps_the_order_of_the_patch():
    original = deployment(containers=[{"name": "a"}, {"name": "b"}, {"name": "c"}])
    patch = deployment(containers=[{"name": "c"}, {"name": "new"}, {"name": "a"}])
    assert [item["name"] for item in patched(original, patch)["containers"]] == ["b", "c", "new", "a"]


def test_directives():
    original = deployment(containers=[{"name": "a", "env": [{"name": "x"}]}, {"name": "b"}], volumes=[{"name": "v"}])
    assert patched(original, deployment(containers=[{"name": "b", "$patch": "delete"}]))["containers"] == [
        {"name": "a", "env": [{"name": "x"}]}
    ]
    assert patched(original, deployment(containers=[{"name": "n"}, {"$patch": "replace"}]))["containers"] == [
        {"name": "n"}
    ]
    assert patched(original, deployment(**{"$patch": "replace", "hostNetwork": True})) == {"hostNetwork": True}
    assert patched(original, deployment(**{"$retainKeys": ["containers"], "containers": []}))["containers"][1] == {
        "name": "b"
    }
    assert "volumes" not in patched(original, deployment(**{"$retainKeys": ["containers"]}))
    order = {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "a", "image": "2"}]}
    assert [item["name"] for item in patched(original, deployment(**order))["containers"]] == ["b", "a"]
    with pytest.raises(FleetError, match=r"\$patch is 'merge'"):
        patched(original, deployment(**{"$patch": "merge"}))
    with pytest.raises(FleetError, match="has no name"):
        patched(original, deployment(containers=[{"image": "x"}]))


def test_lists_of_scalars():
    original = {"apiVersion": "v1", "kind": "Pod", "metadata": {"finalizers": ["a", "b"]}}
    assert apply_patch(original, {"metadata": {"finalizers": ["c", "a"]}})["metadata"]["finalizers"] == ["c", "a", "b"]
    delete = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}
    assert apply_patch(original, delete)["metadata"]["finalizers"] == ["b"]


def test_other_kinds_are_merged_as_json():
    original = {"apiVersion": "example.com/v1", "kind": "Foo", "spec": {"containers": [{"name": "a"}], "x": {"y": 1}}}
    patch = {"spec": {"containers": [{"name": "b", "c": None}], "x": {"y": None, "z": 2}}}
    assert apply_patch(original, patch)["spec"] == {"containers": [{"name": "b"}], "x": {"z": 2}}


def test_crds_are_merged_as_json():
    original = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"finalizers": ["a"]},
    }
    assert apply_patch(original, {"metadata": {"finalizers": ["b"]}})["metadata"]["finalizers"] == ["b"]


def test_nothing_is_changed_in_place():
    original = deployment(containers=[{"name": "a", "env": [{"name": "x"}]}])
    patch = deployment(containers=[{"name": "a", "env": [{"name": "z"}], "image": None}])
    before = json.dumps([original, patch])
    apply_patch(original, patch)
    assert json.dumps([original, patch]) == before


def test_yaml_of_patched_files_is_that_of_go_yaml_3():
    original = (
        b"kind: A\ny: no\nd: 2001-1-2\nt: 2001-12-14 21:59:43.50\nz: 2001-12-14T21:59:43-05:00\n"
        b"o: 0777\nm: {<<: {a: 1}, b: 2}\n"
    )
    found = json.loads(apply_overlays({"a.yaml": original, "overlays/o/a_patch.yaml": b"p: on\n"}, ["o"])["a.yaml"])
    assert found == {
        "kind": "A",
        "y": "no",
        "d": "2001-01-02T00:00:00Z",
        "t": "2001-12-14T21:59:43.5Z",
        "z": "2001-12-14T21:59:43-05:00",
        "o": 511,
        "m": {"a": 1, "b": 2},
        "p": "on",
    }
    for broken in (b"kind: A\nx: .inf\n", b"kind: A\n1: 2\n", b"kind: A\nmetadata: {labels: {a: 1}}\n"):
        with pytest.raises(FleetError):
            apply_overlays({"a.yaml": broken, "overlays/o/a_patch.yaml": b"p: on\n"}, ["o"])
