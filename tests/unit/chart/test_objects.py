# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading manifests into objects."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.chart.objects import MissingKind, parse_objects
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError


def names(manifest: str) -> list[tuple[str, str]]:
    return [(item["kind"], item["metadata"]["name"]) for item in parse_objects(manifest)]


def test_documents():
    manifest = "---\n# nothing\n---\nkind: A\nmetadata: {name: a}\n--- # comment\n\n---\nkind: B\nmetadata: {name: b}\n"
    assert names(manifest) == [("A", "a"), ("B", "b")]


def test_a_list_is_taken_apart():
    manifest = (
        "kind: List\napiVersion: v1\nitems:\n- {kind: A, metadata: {name: a}}\n- {kind: B, metadata: {name: b}}\n"
    )
    assert names(manifest) == [("A", "a"), ("B", "b")]


def test_items_of_a_typed_list_need_no_kind():
    manifest = "kind: PodList\napiVersion: v1\nitems:\n- {metadata: {name: a}}\n"
    assert parse_objects(manifest) == [{"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}}]


@pytest.mark.parametrize("manifest", ["", "---\n", "# only a comment\n", "null\n", "{}\n", "kind: List\nitems:\n"])
def test_nothing(manifest):
    assert parse_objects(manifest) == []


def test_json():
    assert names('{"kind": "A", "metadata": {"name": "a"}}\n---\n {"kind": "B", "metadata": {"name": "b"}}') == [
        ("A", "a"),
        ("B", "b"),
    ]


def test_what_begins_like_json_has_to_be_json():
    with pytest.raises(FleetError, match=r"x\.yaml:3: this begins like JSON"):
        parse_objects("kind: A\n---\n{kind: B}\n", "x.yaml")


def test_no_kind():
    with pytest.raises(MissingKind, match=r"x\.yaml:4: this object has no kind"):
        parse_objects("kind: A\nmetadata: {}\n---\nfoo: bar\n", "x.yaml")


def test_no_mapping():
    with pytest.raises(FleetError, match=r"x\.yaml:1: this document is not a Kubernetes object"):
        parse_objects("- a\n- b\n", "x.yaml")


def test_no_yaml_with_the_right_line():
    with pytest.raises(FleetError, match=r"x\.yaml:5"):
        parse_objects("kind: A\n---\nkind: B\nmetadata:\n  name: [}\n", "x.yaml")


def test_text_after_a_separator():
    with pytest.raises(FleetError, match=r"x\.yaml:2: --- is followed by 'kind: B'"):
        parse_objects("kind: A\n--- kind: B\n", "x.yaml")


def test_the_last_line_of_a_block_keeps_its_end():
    for manifest in ("kind: A\nx: |\n  a\n---\nkind: B\n", "kind: A\nx: |\n  a", "kind: A\r\nx: |\r\n  a\r\n"):
        assert parse_objects(manifest)[0]["x"] == "a\n"


def test_what_helm_rendered_may_be_yaml_in_braces():
    assert parse_objects("{kind: A, metadata: {name: a}}\n", rendered=True) == [
        {"kind": "A", "metadata": {"name": "a"}}
    ]
