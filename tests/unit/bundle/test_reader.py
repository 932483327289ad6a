# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a tree to Bundles."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle import encoding, resources
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.content import decode_resource
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.encoding import COMPRESS_FROM, json_size
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.reader import read_all, read_bundles
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.settings import Settings, settings_of
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source import tree_index
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from ansible_collections.gitops.fleet.plugins.module_utils.source.scan import find_bundles

from tests.support.trees import LinkedTree

DEFAULT = {"name": "default", "clusterGroup": "default"}
CHART = "apiVersion: v2\nname: c\nversion: 1.0.0\n"


def read(files, paths=(), links=None, driven=(), **settings):
    tree = LinkedTree(files, links)
    return read_all(tree, find_bundles(tree, list(paths), driven), Settings(**{"name": "repo", **settings}))


def read_one(files, paths=(), **more):
    (bundle,) = read(files, paths, **more)
    return bundle


def names(bundle):
    return [resource["name"] for resource in bundle.spec.get("resources", [])]


# Content


def test_files_become_resources_sorted_by_name():
    bundle = read_one({"b.yaml": "b", "a/x": "", "README.md": "hi"})
    assert bundle.spec["resources"] == [
        {"name": "README.md", "content": "hi"},
        {"name": "a/x"},
        {"name": "b.yaml", "content": "b"},
    ]


def test_hidden_files_and_directories_are_no_resources():
    assert names(read_one({"a.yaml": "", ".b.yaml": "", ".c/d.yaml": "", "e/.f/g.yaml": "", "e/h": ""})) == [
        "a.yaml",
        "e/h",
    ]


def test_a_hidden_bundle_directory_is_empty():
    assert read({".hidden/a.yaml": "", "x/a.yaml": ""}, [".hidden", "x"])[0].name == "repo-x"


def test_ignore_files_are_inherited_downward():
    files = {
        ".fleetignore": "*.md\nskip/*\n",
        "a.md": "",
        "a.yaml": "",
        "d/.fleetignore": "b.yaml",
        "d/b.yaml": "",
        "d/e/b.yaml": "",
        "f/b.yaml": "",
        "f/skip/x.yaml": "",
    }
    assert names(read_one(files)) == ["a.yaml", "f/b.yaml"]


def test_a_malformed_ignore_pattern_is_an_error_with_place():
    with pytest.raises(FleetError, match=r"d, \.fleetignore: 'a\[' is not a valid pattern"):
        read({"a.yaml": "", "d/.fleetignore": "a[", "d/abc": ""})


def test_options_files():
    assert names(read_one({"fleet.yaml": "", "a": ""})) == ["a"]
    # A fleet.yml is read, and is a resource all the same.
    assert names(read_one({"fleet.yml": "namespace: ns", "a": ""})) == ["a", "fleet.yml"]
    both = read_one({"fleet.yml": "namespace: yml", "fleet.yaml": "namespace: yaml", "a": ""})
    assert (both.spec["namespace"], names(both)) == ("yaml", ["a", "fleet.yml"])


def test_a_parent_holds_the_files_of_nested_bundles_too():
    bundles = read({"root.yaml": "", "sub/fleet.yaml": "", "sub/x.yaml": ""})
    assert {bundle.name: names(bundle) for bundle in bundles} == {
        "repo": ["root.yaml", "sub/fleet.yaml", "sub/x.yaml"],
        "repo-sub": ["x.yaml"],
    }


def test_directories_with_nothing_to_deploy_are_passed_over():
    assert [bundle.name for bundle in read({"a/fleet.yaml": "", "b/b.yaml": ""}, ["a", "b"])] == ["repo-b"]


def test_driven_scan_leaves_out_its_own_options_file_only():
    driven = [{"base": "k", "options": "dev.yaml"}, {"base": "k", "options": "conf/prod.yaml"}]
    files = {"k/dev.yaml": "namespace: dev", "k/conf/prod.yaml": "", "k/fleet.yaml": "namespace: no", "k/x": ""}
    bundles = read(files, driven=driven)
    assert {bundle.name: names(bundle) for bundle in bundles} == {
        "repo-k-dev": ["conf/prod.yaml", "x"],
        "repo-k-conf-prod": ["dev.yaml", "x"],
    }
    assert bundles[1].spec["namespace"] == "dev"


def test_driven_scan_with_a_missing_options_file_is_an_error():
    with pytest.raises(FleetError, match=r"k: there is no options file no\.yaml"):
        read({"k/x": ""}, driven=[{"base": "k", "options": "no.yaml"}])


# Links


def test_links_inside_the_bundle_are_followed():
    bundle = read_one({"a/x.yaml": "x"}, links={"a/l.yaml": "x.yaml", "a/m.yaml": "l.yaml"}, paths=["a"])
    assert [resource["content"] for resource in bundle.spec["resources"]] == ["x", "x", "x"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("/etc/passwd", "absolute path"),
        ("../../outside", "leads out of the repository"),
        ("../other.yaml", "leaves the bundle's directory a"),
        ("nope", "a symbolic link to nothing"),
        ("sub", "a symbolic link to a directory"),
        ("l.yaml", "round in circles"),
    ],
)
def test_other_links_are_errors(target, message):
    with pytest.raises(FleetError, match=message):
        read({"a/x.yaml": "", "a/sub/y": "", "other.yaml": ""}, ["a"], links={"a/l.yaml": target})


def test_a_hidden_or_ignored_link_does_not_matter():
    files = {"a.yaml": "", ".fleetignore": "bad"}
    assert names(read_one(files, links={".l": "/etc/passwd", "bad": "/etc/passwd"})) == ["a.yaml"]


# Encoding


def test_what_is_not_utf_8_is_compressed_alone():
    text, binary = read_one({"a.yaml": "a", "b": b"\xff"}).spec["resources"]
    assert "encoding" not in text
    assert binary["encoding"] == "base64+gz"


def test_compress_is_for_all():
    assert all(
        item["encoding"] == "base64+gz" for item in read_one({"a.yaml": "a", "b": ""}, compress=True).spec["resources"]
    )


def test_the_limit_is_exact(monkeypatch):
    small = read_one({"a.yaml": "x" * 200_000}, namespace="")
    monkeypatch.setattr(encoding, "COMPRESS_FROM", json_size(small) + 1)
    assert read_one({"a.yaml": "x" * 200_000}, namespace="") == small
    monkeypatch.setattr(encoding, "COMPRESS_FROM", json_size(small))
    (resource,) = read_one({"a.yaml": "x" * 200_000}).spec["resources"]
    assert decode_resource(resource) == b"x" * 200_000
    assert resource["encoding"] == "base64+gz"


def test_json_size_is_gos():
    # As json.Marshal of the same Bundle counts.
    assert json_size(Bundle("a", "", {})) == 211
    spec = {"resources": [{"name": "x", "content": "<é"}], "helm": {}}
    assert json_size(Bundle("abc", "", spec, {"a": "b"}, {"c": "d"})) == 313


def test_a_large_bundle_is_compressed_whole():
    bundle = read_one({"a.yaml": "a", "big.txt": "0123456789" * (COMPRESS_FROM // 10)})
    assert [item["encoding"] for item in bundle.spec["resources"]] == ["base64+gz", "base64+gz"]


def test_escapes_count_towards_the_limit():
    bundle = read_one({"a.yaml": "<" * (COMPRESS_FROM // 6)})
    assert bundle.spec["resources"][0]["encoding"] == "base64+gz"


# Names, labels, targets


def test_a_name_in_fleet_yaml_is_taken_as_it_is():
    assert read_one({"fleet.yaml": "name: Foo_Bar", "a": ""}).name == "Foo_Bar"


def test_labels_of_fleet_yaml_win():
    bundle = read_one(
        {"fleet.yaml": "labels: {a: file, b: file}\nannotations: {q: w}", "x": ""}, labels={"a": "1", "c": "2"}
    )
    assert bundle.labels == {"a": "file", "b": "file", "c": "2"}
    assert bundle.annotations == {"q": "w"}


def test_targets_and_customizations_get_names_by_number():
    text = "targets: [{clusterName: a}]\ntargetCustomizations: [{name: x}, {clusterName: b}]"
    targets = read_one({"fleet.yaml": text, "a": ""}).spec["targets"]
    assert [target["name"] for target in targets] == ["target000", "x", "target002"]


def test_without_targets_the_default_group_is_the_target():
    assert read_one({"a.yaml": ""}).spec["targets"] == [DEFAULT]
    # With targets in fleet.yaml and none of a GitRepo, nothing is added.
    assert len(read_one({"fleet.yaml": "targets: [{clusterName: a}]", "a": ""}).spec["targets"]) == 1


def test_targets_of_the_gitrepo_come_last_and_restrict():
    settings = settings_of(GitRepo("repo", targets=[{"clusterName": "c"}]), "abc")
    bundle = read_one({"fleet.yaml": "targetCustomizations: [{name: x}]", "a": ""}, **vars(settings))
    assert bundle.spec["targets"] == [{"name": "x"}, {"clusterName": "c"}]
    assert bundle.spec["targetRestrictions"] == [{"clusterName": "c"}]
    assert bundle.labels == {"fleet.cattle.io/repo-name": "repo", "fleet.cattle.io/commit": "abc"}


def test_a_gitrepo_without_targets_means_the_default_group():
    settings = settings_of(GitRepo("repo"), "")
    assert (settings.targets, settings.restrictions) == ([DEFAULT], [DEFAULT])


def test_override_targets_replace_targets_and_restrictions():
    given = {"targets": [{"name": "g"}], "restrictions": [{"name": "g"}]}
    one = read_one({"fleet.yaml": "overrideTargets: [{clusterName: o}]", "a": ""}, **given)
    assert (one.spec["targets"], one.spec["targetRestrictions"]) == ([{"clusterName": "o"}], [{"clusterName": "o"}])
    none = read_one({"fleet.yaml": "overrideTargets: []", "a": ""}, **given)
    assert none.spec["targets"] == [DEFAULT]
    assert "targetRestrictions" not in none.spec


def test_target_namespace_is_forced_on_all_targets():
    bundle = read_one(
        {"fleet.yaml": "namespace: a\ntargets: [{name: t, namespace: b}]", "a": ""}, target_namespace="tns"
    )
    assert (bundle.spec["namespace"], bundle.spec["targets"]) == ("tns", [{"name": "t", "namespace": "tns"}])


def test_switches_of_the_gitrepo():
    bundle = read_one(
        {"fleet.yaml": "correctDrift: {force: true}\nserviceAccount: file", "a": ""},
        paused=True,
        keep_resources=True,
        delete_namespace=True,
        service_account="sa",
        force_sync_generation=3,
        correct_drift={"enabled": True},
    )
    spec = {key: value for key, value in bundle.spec.items() if key not in ("resources", "targets")}
    assert spec == {
        "paused": True,
        "keepResources": True,
        "deleteNamespace": True,
        "serviceAccount": "sa",
        "forceSyncGeneration": 3,
        "correctDrift": {"enabled": True},
    }


def test_what_the_gitrepo_does_not_say_stays_as_in_fleet_yaml():
    text = "correctDrift: {force: true}\npaused: true\nforceSyncGeneration: 7"
    spec = read_one({"fleet.yaml": text, "a": ""}, correct_drift={"force": True, "enabled": False}).spec
    assert (spec["correctDrift"], spec["paused"]) == ({"force": True}, True)
    assert "forceSyncGeneration" not in spec  # The GitRepo's number always replaces it, even 0.


# Helm


def test_values_files_of_the_root_need_a_chart():
    files = {"Chart.yaml": CHART, "v.yaml": "a: 2", "sub/v.yaml": "a: 3"}
    ignored = read_one({**files, "fleet.yaml": "helm: {values: {a: 1}, valuesFiles: [sub/v.yaml]}"})
    assert ignored.spec["helm"]["values"] == {"a": 1}
    # They are left out of the bundle all the same, by path and by base name.
    assert names(ignored) == ["Chart.yaml"]
    merged = read_one({**files, "fleet.yaml": "helm: {chart: ., values: {a: 1}, valuesFiles: [sub/v.yaml]}"})
    assert merged.spec["helm"]["values"] == {"a": 3}


def test_values_files_of_targets_always_count_and_charts_are_passed_on():
    text = (
        "helm: {chart: ., version: '1'}\ntargets: [{name: t, helm: {version: '2', valuesFiles: [v.yaml]}}, {name: u}]"
    )
    targets = read_one({"fleet.yaml": text, "Chart.yaml": CHART, "v.yaml": "a: 2", "x": ""}).spec["targets"]
    assert targets == [
        {"name": "t", "helm": {"valuesFiles": ["v.yaml"], "chart": ".", "version": "2", "values": {"a": 2}}},
        {"name": "u"},
    ]


def test_missing_dependencies_fail_before_anything_is_deployed():
    files = {"Chart.yaml": CHART + "dependencies: [{name: redis}]", "x": ""}
    with pytest.raises(FleetError, match="needs redis"):
        read(files, ["."])
    assert names(read_one({**files, "fleet.yaml": "helm: {disableDependencyUpdate: true}"})) == ["Chart.yaml", "x"]


# Many


def test_two_bundles_of_one_name_are_an_error_unless_they_are_the_same():
    assert len(read({"a/a.yaml": ""}, ["a", "./a"])) == 1
    with pytest.raises(FleetError, match=r"b: the name same is also that of the bundle in a"):
        read(
            {f"{name}/{file}": text for name in "ab" for file, text in (("fleet.yaml", "name: same"), (name, ""))},
            ["a", "b"],
        )


def test_a_gitrepo_with_nothing_to_deploy_is_an_error():
    tree = LinkedTree({"README.md": ""})
    with pytest.raises(FleetError, match="GitRepo repo: no resources to deploy were found at: x, y"):
        read_bundles(tree, [], GitRepo("repo", paths=["x", "y"]), "")


def test_bundles_come_sorted_by_name_and_files_are_read_in_few_calls():
    calls = []

    class Counting(LinkedTree):
        def read(self, paths):
            calls.append(list(paths))
            return super().read(calls[-1])

    tree = Counting(
        {f"app{number:03d}/{name}": "kind: X" for number in range(300) for name in ("a.yaml", "fleet.yaml")}
    )
    bundles = read_all(tree, find_bundles(tree, ["*"]), Settings("r"))
    assert [bundle.name for bundle in bundles] == [f"r-app{number:03d}" for number in range(300)]
    assert len([call for call in calls if call]) == 1


def test_errors_name_the_file_in_the_repository():
    with pytest.raises(FleetError, match=r"^apps/web/fleet\.yaml:2: namespace must be a string"):
        read({"apps/web/fleet.yaml": "name: a\nnamespace: y", "apps/web/a": ""}, ["apps/*"])


# Limits


def test_a_bundle_that_is_far_too_large_is_refused_before_it_is_read(monkeypatch):
    monkeypatch.setattr(resources, "MAX_BUNDLE", 1000)
    with pytest.raises(FleetError, match=r"b\.bin: the bundle holds more than"):
        read({"a.yaml": "", "b.bin": "x" * 1001})
    # What is hidden or ignored does not count.
    assert names(read_one({"a.yaml": "", ".fleetignore": "b.bin", "b.bin": "x" * 1001, ".git2/c": "x" * 1001})) == [
        "a.yaml"
    ]


def test_a_huge_options_file_is_refused(monkeypatch):
    monkeypatch.setattr(tree_index, "MAX_DOCUMENT", 1000)
    with pytest.raises(FleetError, match=r"fleet\.yaml: is larger than"):
        read({"fleet.yaml": "#" * 1001, "a": ""})


def test_large_and_hidden_files_are_not_read_beforehand():
    wanted = []

    class Recording(LinkedTree):
        def read(self, paths):
            wanted.append(list(paths))
            return super().read(wanted[-1])

    tree = Recording({"a.yaml": "", "big": "x" * 2_000_000, ".terraform/x": "", ".fleetignore": "big"})
    read_all(tree, find_bundles(tree, []), Settings("r"))
    assert sorted(path for paths in wanted for path in paths) == [".fleetignore", "a.yaml"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: Foo_Bar", "bundle Foo_Bar: is not the name of a Kubernetes object"),
        (f"name: {'a' * 64}", "is not the name of a Kubernetes object"),
        ("helm: {releaseName: A}", "bundle repo: helm.releaseName 'A' is not the name of a Helm release"),
        ("targets: [{}, {helm: {releaseName: a_b}}]", "targets[1].helm.releaseName 'a_b'"),
        (
            "targetCustomizationMode: allmatches",
            "targetCustomizationMode is 'allmatches'. Use FirstMatch or",
        ),
    ],
)
def test_what_fleets_api_would_refuse_is_refused_for_a_gitrepo(text, message):
    tree = LinkedTree({"fleet.yaml": text, "a": ""})
    with pytest.raises(FleetError) as caught:
        read_bundles(tree, find_bundles(tree, []), GitRepo("repo"), "")
    assert message in str(caught.value)


def test_a_name_that_is_not_utf_8_is_written_as_go_does():
    assert names(read_one({"a.yaml": "", b"\xff.txt".decode("utf-8", "surrogateescape"): ""})) == [
        "a.yaml",
        "\ufffd.txt",
    ]
