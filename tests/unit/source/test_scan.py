# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directories are bundles."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.scan import BundleRoot, find_bundles

from tests.support.trees import LinkedTree


def found(files, paths=(), driven=(), links=None):
    roots = find_bundles(LinkedTree(files, links), list(paths), driven)
    return [root.spelled for root in roots]


def test_the_whole_tree_without_paths():
    assert found(["a.yaml"]) == ["."]


@pytest.mark.parametrize("name", ["fleet.yaml", "fleet.yml", "a.yaml", "b.yml", "sub/deep/c.yaml", ".hidden/x.yaml"])
def test_a_named_directory_with_options_or_yaml_is_a_bundle(name):
    assert found([f"app/{name}"], ["app"]) == ["app"]


@pytest.mark.parametrize("name", ["README.md", "x.json", "values.yaml.bak"])
def test_a_named_directory_without_yaml_is_none(name):
    assert found([f"app/{name}"], ["app"]) == []


def test_yaml_that_a_deeper_bundle_claims_does_not_make_one():
    assert found(["app/c/fleet.yaml", "app/c/x.yaml"], ["app"]) == ["app/c"]


def test_deeper_directories_are_bundles_only_with_options_of_their_own():
    files = ["root.yaml", "p1/fleet.yaml", "p1/c1/fleet.yml", "p2/p2.yaml"]
    assert found(files) == [".", "./p1", "./p1/c1"]


def test_git_tree_order_does_not_matter_and_bundles_come_once():
    files = ["b/fleet.yaml", "a/fleet.yaml"]
    assert found(files, ["a", "b", "a", "*"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a*", ["a1", "a2"]),
        ("*/x", ["a1/x"]),
        ("?1", ["a1"]),
        ("[ab]1", ["a1"]),
        ("/a1", ["a1"]),
        ("./a1", ["./a1"]),
        ("a1/", ["a1/"]),
        ("a1/../a2", ["a1/../a2"]),
        ("nothing", []),
        ("a1/a.yaml", []),
        ("no/../a2", []),
        ("/", []),
        ("**", ["a1", "a2"]),
    ],
)
def test_paths_are_globs_without_double_star(path, expected):
    files = ["a1/a.yaml", "a2/b.yaml", "a1/x/c.yaml"]
    assert found(files, [path]) == expected


def test_a_malformed_path_is_an_error():
    with pytest.raises(FleetError, match="not a valid pattern"):
        found(["a/a.yaml"], ["[a"])


@pytest.mark.parametrize("path", ["..", "../x", "a/../../x"])
def test_a_path_that_leaves_the_repository_is_an_error(path):
    with pytest.raises(FleetError, match="leads out of the repository"):
        found(["a/a.yaml"], [path])


def test_driven_scan_takes_directories_as_they_are():
    roots = find_bundles(
        LinkedTree(["chart/Chart.yaml", "chart/eu.yaml", "chart/sub/fleet.yaml"]),
        ["ignored"],
        [{"base": "chart", "options": "eu.yaml"}, {"base": "chart"}, {"base": "chart"}],
    )
    assert roots == [BundleRoot("chart", "chart", "eu.yaml"), BundleRoot("chart", "chart")]


def test_driven_scan_of_a_missing_directory_is_an_error():
    with pytest.raises(FleetError, match="there is no directory 'nope'"):
        found(["a.yaml"], driven=[{"base": "nope"}])


def test_links_to_directories_are_looked_at_and_not_walked():
    files = ["real/fleet.yaml", "real/deep/fleet.yaml"]
    assert found(files, ["link"], links={"link": "real"}) == ["link"]
    assert found(files, ["."], links={"link": "real"}) == ["./real", "./real/deep"]


def test_a_wildcard_passes_over_links_that_leave_the_repository():
    assert found(["a/d/x.yaml"], ["*/d"], links={"out": "/etc", "up": ".."}) == ["a/d"]


def test_a_link_to_options_counts_only_if_it_leads_somewhere():
    assert found(["a/x.txt"], ["a"], links={"a/fleet.yaml": "x.txt"}) == ["a"]
    assert found(["a/b/x.txt"], ["a"], links={"a/b/fleet.yaml": "nope"}) == ["a"]  # It is still YAML by its name.


def test_deep_nesting_does_not_break_it():
    assert found(["d/" * 2_000 + "a.yaml"]) == ["."]
