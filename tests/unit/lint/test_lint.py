# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places, comments, clusters' files, reports, and what a plan is told."""

import json
from pathlib import Path

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.live_deployment import LiveDeployment
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.lint.catalog import NAMES, RULES
from ansible_collections.gitops.fleet.plugins.module_utils.lint.clusters_file import read_clusters
from ansible_collections.gitops.fleet.plugins.module_utils.lint.finding import Place
from ansible_collections.gitops.fleet.plugins.module_utils.lint.lint import lint, lint_live
from ansible_collections.gitops.fleet.plugins.module_utils.lint.report import to_json, to_sarif, to_text
from ansible_collections.gitops.fleet.plugins.module_utils.source.directory_tree import DirectoryTree
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster
from ansible_collections.gitops.fleet.plugins.module_utils.target.deployment import BundleDeployment
from hypothesis import given, settings
from hypothesis import strategies as st
from linting import lint_files, lint_text
from trees import LinkedTree

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"


def rules_of(report) -> list[str]:
    return [finding.rule for finding in report.findings]


def test_rules_have_names_of_their_own():
    assert len(NAMES) == len(RULES)


def test_a_finding_says_place_rule_what_fleet_does_and_what_to_write():
    files = {"web/fleet.yaml": "helm:\n  valuesFiles: [p.yaml]\n", "web/p.yaml": "a: 1\n", "web/Chart.yaml": CHART}
    found = lint_files(files).findings
    assert [str(finding) for finding in found] == [
        "web/fleet.yaml:2:3 valuesfiles-without-chart: Fleet reads helm.valuesFiles only where helm.chart or helm.repo "
        "is set, and leaves the files out of the bundle all the same; write chart: . [error]"
    ]


@pytest.mark.parametrize(
    ("text", "key", "instead"),
    [
        ("helm:\n  valueFiles: [a]\n", (2, 3), "write valuesFiles"),
        ("valuesFiles: [a]\n", (1, 1), "write it as helm.valuesFiles"),
        ("targetCustomization: []\n", (1, 1), "write targetCustomizations"),
        (
            "targetCustomizations:\n  - name: a\n    clusterSelector: {matchLabel: {a: b}}\n",
            (3, 23),
            "write matchLabels",
        ),
        ("zzz: 1\n", (1, 1), "remove it"),
    ],
)
def test_an_unknown_key_gets_the_nearest_name(text, key, instead):
    found = [
        item for item in lint_files({"fleet.yaml": text, "cm.yaml": CONFIG_MAP}).findings if item.rule == "unknown-key"
    ]
    assert [(item.place.line, item.place.column) for item in found] == [key]
    assert found[0].instead == instead


def test_values_are_nobody_s_schema():
    text = "helm: {values: {anything: {atAll: 1}}}\nlabels: {x: y1}\nannotations: {a: b}\nname: web\n"
    assert rules_of(lint_files({"fleet.yaml": text, "Chart.yaml": CHART})) == []


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("namespace: 1\nhelm: {force: x, values: []}\n", [(1, 12), (2, 15), (2, 26)]),
        ("- a\n", [(1, 1)]),
        ("dependsOn: {name: a}\n", [(1, 12)]),
        # A text for the one of the two types that the file is read as, and no text for the other.
        ("name: 1\n", [(1, 7)]),
        ("overrideTargets: [{clusterName: 1}]\n", []),
        ("defaultNamespace: &x web\nnamespace: *x\n", []),
    ],
)
def test_wrong_types_are_found_all_at_once(text, places):
    report = lint_files({"fleet.yaml": text, "cm.yaml": CONFIG_MAP})
    found = [item.place for item in report.findings if item.rule == "wrong-type"]
    assert [(place.line, place.column) for place in found] == places
    assert "fleet-fails" not in rules_of(report)


def test_a_key_twice_by_its_case_is_told_too():
    report = lint_files({"fleet.yaml": "namespace: a\nnamespace: b\nlabels: {x: z, x: w}\n", "cm.yaml": CONFIG_MAP})
    found = [(item.place.line, item.place.column) for item in report.findings if item.rule == "duplicate-key"]
    assert found == [(2, 1), (3, 16)]


def test_what_is_merged_in_has_the_place_where_it_stands():
    text = "helm:\n  values:\n    base: &base {axis: y}\n    other: {<<: *base}\n"
    report = lint_files({"fleet.yaml": text, "Chart.yaml": CHART})
    assert {(item.rule, item.place.line, item.place.column) for item in report.findings} == {("yaml11-boolean", 3, 24)}


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# fleet-lint: disable=unknown-key it is for another tool", []),
        ("# fleet-lint: disable=unknown-key,key-case for another tool", []),
        ("# fleet-lint: disable=unknown-key", ["disable-without-reason", "unknown-key"]),
        ("# fleet-lint: disable=unknown-keys with a reason", ["disable-not-understood", "unknown-key"]),
        ("# fleet-lint: off", ["disable-not-understood", "unknown-key"]),
        ("# fleet-lint: disable=key-case for another rule", ["unknown-key"]),
    ],
)
def test_a_comment_switches_a_rule_off_in_its_file(comment, expected):
    report = lint_files({"fleet.yaml": f"{comment}\ntool: 1\n", "cm.yaml": CONFIG_MAP})
    assert sorted(rules_of(report)) == expected
    assert report.switched_off == (0 if expected else 1)


def test_a_comment_behind_something_holds_for_its_line():
    text = "tool: 1  # fleet-lint: disable=unknown-key of another tool\nother: 1\n"
    report = lint_files({"fleet.yaml": text, "cm.yaml": CONFIG_MAP})
    assert [finding.place.line for finding in report.findings] == [2]


def test_reports():
    report = lint_files({"a b/fleet.yaml": "tool: 1\n", "a b/cm.yaml": CONFIG_MAP, "c/fleet.yaml": "Name: c\n"})
    assert to_text(report).splitlines()[-1] == "2 bundles: 1 error, 1 warning, 2 notes"
    document = json.loads(to_json(report))
    assert document["counts"] == {"error": 1, "warning": 1, "note": 2}
    first = document["findings"][0]
    assert set(first) == {"path", "line", "column", "rule", "level", "message", "remedy"}
    run = json.loads(to_sarif(report, "apps"))["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    uris = {item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for item in run["results"]}
    assert uris == {"apps/a%20b/fleet.yaml", "apps/c/fleet.yaml"}
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1


OBJECTS = """\
apiVersion: fleet.cattle.io/v1alpha1
kind: Cluster
metadata: {name: a, namespace: fleet-default, labels: {env: dev}}
---
apiVersion: fleet.cattle.io/v1alpha1
kind: ClusterGroup
metadata: {name: devs, namespace: fleet-default}
spec: {selector: {matchLabels: {env: dev}}}
"""


@pytest.mark.parametrize(
    "text",
    [
        OBJECTS,
        "- {name: a, labels: {env: dev}}\n",
        "clusters: [{name: a, kubeconfig: x, labels: {env: dev}}]\n"
        "cluster_groups: [{name: devs, selector: {matchLabels: {env: dev}}}]\n",
        "plugin: gitops.fleet.clusters\nsources: [{type: file, labels: {env: dev}, clusters: [{name: a}]}]\n",
        "sources: [{type: file, path: more.yml}]\n",
        "kind: ClusterList\nitems: [{metadata: {name: a, namespace: fleet-default, labels: {env: dev}}}]\n",
    ],
)
def test_clusters_are_read_from_each_kind_of_file(text, tmp_path):
    (tmp_path / "more.yml").write_text("clusters: [{name: a, labels: {env: dev}}]\n")
    (tmp_path / "clusters.yml").write_text(text)
    found = read_clusters(tmp_path / "clusters.yml", "fleet-default").of_workspace("fleet-default")
    assert [(item.cluster.name, item.cluster.labels) for item in found] == [("a", {"env": "dev"})]
    assert [group.name for group in found[0].groups] in ([], ["devs"])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- {labels: {}}\n", "no name"),
        ("clusters: []\n", "no clusters"),
        ("- {name: a, labels: {x: 1}}\n", "not a text"),
        ("sources: [{type: kubeconfig}]\n", "needs a cluster"),
        ("clusters: [{name: a}]\ncluster_groups: [{name: g, selector: {a: b}}]\n", "selector"),
        ("{\n", "not valid YAML"),
        ("a: 1\n", "no list"),
    ],
)
def test_a_wrong_clusters_file_is_an_error_with_its_place(text, problem, tmp_path):
    (tmp_path / "clusters.yml").write_text(text)
    with pytest.raises(FleetError, match=problem) as caught:
        read_clusters(tmp_path / "clusters.yml", "fleet-default")
    assert "clusters.yml" in str(caught.value)


def test_a_values_file_is_where_its_template_is(tmp_path):
    text = """\
# fleet.yaml
helm: {chart: ., valuesFiles: [prod.yaml]}
# prod.yaml
a: 1
region: ${ .ClusterLabels.region }
# Chart.yaml
# clusters.yml
clusters: [{name: a, labels: {env: dev}}]
"""
    found = lint_text(text, tmp_path).findings
    assert [(item.rule, item.place) for item in found] == [("label-missing", Place("prod.yaml", 2, 9))]


def test_clusters_of_another_workspace_do_not_count(tmp_path):
    text = """\
# fleet.yaml
helm: {values: {region: "${ .ClusterLabels.region }"}}
# Chart.yaml
# clusters.yml
clusters: [{name: a, workspace: elsewhere}, {name: b, labels: {region: eu}}]
"""
    assert lint_text(text, tmp_path).findings == []


def live(**facts) -> list[str]:
    options = {
        "namespace": "web",
        "helm": {"values": {"a": 1, "b": {"c": 2, "d": 3}}},
        "diff": {"comparePatches": [{"kind": "Deployment", "operations": [{"op": "ignore"}]}]},
    }
    targets = [{"namespaceLabels": {"team": "a"}, "namespaceAnnotations": {"note": "x"}}]
    bundle = Bundle("web", "fleet-default", {"targets": targets})
    return [item.rule for item in lint_live([LiveDeployment(BundleDeployment(bundle, Cluster("c"), options), **facts)])]


def test_a_plan_is_told_what_it_alone_can_see():
    kept = {"kubernetes.io/metadata.name": "web", "pod-security.kubernetes.io/enforce": "baseline", "team": "b"}
    assert live(namespace_labels=kept, namespace_annotations={"note": "y"}) == []
    assert live(namespace_labels={"cost": "low"}) == ["namespace-labels-removed"]
    assert live(namespace_annotations={"cost": "low"}) == ["namespace-annotations-removed"]
    assert live(values_from={"a": 1, "b": {"c": 2}, "z": 1}) == []
    assert live(values_from={"b": {"c": "secret"}}) == ["values-from-wins"]
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "web", "name": "web"}
    assert live(modified=[deployment]) == ["op-ignore-on-modified"]
    assert live(modified=[{**deployment, "kind": "Service"}]) == []


def test_what_comes_from_a_secret_is_never_shown():
    bundle = Bundle("web", "fleet-default", {})
    deployment = BundleDeployment(bundle, Cluster("c"), {"helm": {"values": {"password": "old"}}})
    found = lint_live([LiveDeployment(deployment, values_from={"password": "hunter2"})])
    assert len(found) == 1
    assert "hunter2" not in str(found[0])


def test_a_link_to_a_directory_is_looked_at_as_fleet_does():
    tree = LinkedTree({"real/cm.yaml": CONFIG_MAP}, {"link": "real"})
    assert rules_of(lint(tree, GitRepo(name="repo", paths=["link", "real"]))) == ["empty-bundle"]


def test_a_link_out_of_the_repository_is_a_finding_and_no_error():
    report = lint(LinkedTree({"cm.yaml": CONFIG_MAP}, {"out.yaml": "../x"}), GitRepo(name="repo"))
    assert rules_of(report) == ["fleet-fails"]


PIECES = st.sampled_from(
    [
        "helm:",
        "  values:",
        "    a: ${ .x",
        "targets:",
        "- name: -",
        "  namespace: y",
        "- {",
        "}",
        "[",
        "]",
        "<<: *a",
        "a: &a {b: c}",
        "yaml: {overlays: [a]}",
        "rolloutStrategy: {partitions: [{}, null]}",
        "helm: null",
        "targets: null",
        "diff: {comparePatches: [{operations: [null, {op: ignore}]}]}",
        "dependsOn: [{name: ''}]",
        "---",
        "? [a]",
        "name: 1",
        "targetCustomizations: [null, {helm: null}, {clusterSelector: {}, helm: {values: null, force: false}}]",
        "overrideTargets: [null]",
        "helm: {chart: /etc, valuesFiles: ['', ../x, .]}",
        "kustomize: {dir: ../..}",
        "\t",
        "correctDrift: {}",
        "helm: {templateValues: {a: '${'}}",
        "labels: {a: 010}",
        "namespaceLabels: {a: b}",
        "on: y",
        "kind: GitRepo",
        "spec: {targets: [null, 1], paths: [1, /], branch: [], revision: {}}",
        "metadata: 1",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=6), st.lists(PIECES, max_size=3))
def test_whatever_is_written_gives_findings_and_no_error(options, manifest):
    files = {"fleet.yaml": "\n".join(options), "a.yaml": "\n".join(manifest), ".fleetignore": "[\n" * len(manifest)}
    for variant in (files, {**files, "Chart.yaml": CHART}, {f".{path}": text for path, text in files.items()}):
        for finding in lint_files(variant).findings:
            assert finding.place.line >= 1
            assert finding.place.column >= 1
            assert finding.rule in NAMES


def test_the_examples_have_no_findings():
    examples = Path(__file__).resolve().parents[3] / "examples" / "fleet"
    assert lint(DirectoryTree(examples), GitRepo(name="examples")).findings == []
