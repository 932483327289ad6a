# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests and the keys of their objects. How YAML is read: tests/unit/bundle, tests/unit/chart."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.manifest import (
    ObjectKey,
    index,
    key,
    parse_manifest,
)
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from hypothesis import given
from hypothesis import strategies as st

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


def test_empty_documents_are_left_out_and_lists_taken_apart():
    listed = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: b}}\n"
    text = f"---\n# nothing\n---\n{CONFIG_MAP}---\n{listed}---\n"
    assert [obj["kind"] for obj in parse_manifest(text)] == ["ConfigMap", "Secret"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [\nb", "m.yaml:3"),
        (CONFIG_MAP + "---\n- 1\n", "m.yaml:5: this document is not a Kubernetes object"),
        ("apiVersion: v1\n", "no kind"),
        ("kind: x\n", "this x has no apiVersion"),
        ("apiVersion: v1\nkind: A\nmetadata: x\n", "metadata of this A is not a mapping"),
    ],
)
def test_bad_input_is_told_with_its_place(text, problem):
    with pytest.raises(FleetError) as error:
        parse_manifest(text, "m.yaml")
    assert problem in str(error.value)
    assert "m.yaml" in str(error.value)


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


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    try:
        parse_manifest(text)
    except FleetError:
        pass
