# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One bundle without a GitRepo."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.single import build_single
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from ansible_collections.gitops.fleet.plugins.module_utils.source.memory_tree import MemoryTree


def build(files, options=None, **owner):
    tree = MemoryTree({name: text.encode() for name, text in files.items()})
    return build_single(tree, GitRepo(**{"name": "web", **owner}), options)


def test_the_name_is_taken_as_it_is_and_there_is_no_repository_label():
    bundle = build({"a.yaml": "kind: X"}, labels={"team": "x"}, namespace="ws")
    assert (bundle.name, bundle.namespace, bundle.labels) == ("web", "ws", {"team": "x"})


def test_options_take_the_place_of_fleet_yaml():
    files = {"fleet.yaml": "namespace: file", "a.yaml": ""}
    assert build(files).spec["namespace"] == "file"
    assert build(files, {"defaultNamespace": "given"}).spec.get("namespace") is None


def test_targets_restrict_as_those_of_a_gitrepo():
    bundle = build({"a.yaml": ""}, {"targetCustomizations": [{"clusterName": "a"}]}, targets=[{"clusterName": "c"}])
    assert bundle.spec["targetRestrictions"] == [{"clusterName": "c"}]
    assert [target["clusterName"] for target in bundle.spec["targets"]] == ["a", "c"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"files": {"fleet.yaml": ""}}, "bundle web: there is nothing to deploy"),
        ({"files": {"a": ""}, "options": {"helm": 1}}, "bundle web, options: helm must be a mapping"),
        ({"files": {"a": ""}, "name": "Bad_Name"}, "bundle Bad_Name"),
        ({"files": {"a": ""}, "targets": [{"clusterNme": "x"}]}, "bundle web, targets"),
        ({"files": {"../a": ""}}, "'../a' is no path of a file"),
        ({"files": {"/a": ""}}, "'/a' is no path of a file"),
        ({"files": {"a": "", "a/b": ""}}, "'a' is both a file and a directory"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(FleetError) as caught:
        build(**arguments)
    assert message in str(caught.value)
