# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts with the real Helm 4 and Helm 3: values and kubeconfigs, post-rendering, templates, Kustomize."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.chart.helm import Helm, HelmError, HelmFinder, api_warnings
from ansible_collections.gitops.fleet.plugins.module_utils.chart.kustomize import Kustomize
from ansible_collections.gitops.fleet.plugins.module_utils.chart.processes import TimeLimit
from ansible_collections.gitops.fleet.plugins.module_utils.chart.render import render
from ansible_collections.gitops.fleet.plugins.module_utils.chart.templating import evaluate
from ansible_collections.gitops.fleet.plugins.module_utils.chart.upgrade_arguments import upgrade_arguments
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster
from ansible_collections.gitops.fleet.plugins.module_utils.target.deployment import BundleDeployment

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
KUBECONFIG = b"""\
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: the-token}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


@pytest.fixture(params=["helm4", "helm3"])
def finder(request, programs, tmp_path) -> Iterator[HelmFinder]:
    with RunDirectory(tmp_path) as run, HelmFinder(str(programs / request.param), run) as finder:
        yield finder


@pytest.fixture
def helm(finder) -> Helm:
    return finder.find()


@pytest.fixture
def helm_4(programs, tmp_path) -> Iterator[Helm]:
    with RunDirectory(tmp_path) as run, HelmFinder(str(programs / "helm4"), run) as finder:
        yield finder.find()


@pytest.fixture
def make_chart(tmp_path):
    def make(**templates: str) -> str:
        directory = tmp_path / f"chart-{len(list(tmp_path.iterdir()))}"
        (directory / "templates").mkdir(parents=True)
        (directory / "Chart.yaml").write_text("apiVersion: v2\nname: test\nversion: 1.0.0\n")
        for name, text in templates.items():
            (directory / "templates" / f"{name}.yaml").write_text(text)
        return str(directory)

    return make


def bundle(files: dict[str, str], name: str = "web") -> Bundle:
    resources = [{"name": path, "content": content} for path, content in files.items()]
    return Bundle(name, "fleet-default", {"resources": resources})


class TestFinding:
    def test_version(self, helm):
        assert helm.version >= (3, 17)
        assert helm.is_helm_4 == (helm.version[0] == 4)

    def test_by_variable_and_on_path(self, programs, tmp_path, monkeypatch):
        with RunDirectory(tmp_path) as run:
            monkeypatch.setenv("FLEET_HELM", str(programs / "helm4"))
            assert HelmFinder("", run).find().is_helm_4
            # The option goes before the variable.
            assert not HelmFinder(str(programs / "helm3"), run).find().is_helm_4
            monkeypatch.delenv("FLEET_HELM")
            monkeypatch.setenv("PATH", str(tmp_path))
            (tmp_path / "helm").symlink_to(programs / "helm3")
            assert not HelmFinder("", run).find().is_helm_4

    def test_missing(self, tmp_path, monkeypatch):
        monkeypatch.delenv("FLEET_HELM", raising=False)
        monkeypatch.setenv("PATH", str(tmp_path))
        with RunDirectory(tmp_path) as run:
            with pytest.raises(FleetError, match=r"helm was not found on PATH\. Install Helm 4 .*helm_binary"):
                HelmFinder("", run).find()
            with pytest.raises(FleetError, match=r"/nowhere/helm, given by the option, is no program"):
                HelmFinder("/nowhere/helm", run).find()

    @pytest.mark.parametrize(
        ("script", "problem"),
        [
            ("echo v3.16.4", r"this is Helm 3\.16\.4, and 3\.17 is the oldest that will do\. Install Helm 4"),
            ("echo hello", "this is not Helm: its version reads 'hello'"),
            ("exit 3", "this does not behave like Helm"),
        ],
    )
    def test_unusable(self, tmp_path, script, problem):
        program = tmp_path / "helm"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        with RunDirectory(tmp_path) as run, pytest.raises(FleetError, match=problem):
            HelmFinder(str(program), run).find()


class TestRunning:
    def test_values_and_kubeconfig_by_memory_files(self, helm, make_chart, monkeypatch):
        seen = []
        run = helm.processes.run
        monkeypatch.setattr(helm.processes, "run", lambda command, **more: seen.extend(command) or run(command, **more))
        chart = make_chart(a=CONFIG_MAP % "{{ .Values.a }}-{{ .Values.b }}-{{ .Values.c }}")
        output = helm.run(
            ["template", "x", chart],
            values=[b"a: one\nb: two\nc: the-secret\n", b'{"b": "later"}'],
            kubeconfig=KUBECONFIG,
            timeout=30,
        ).stdout.decode()
        assert "one-later-the-secret" in output
        assert not any("secret" in argument or "token" in argument for argument in seen)

    def test_kubeconfig_is_read(self, helm):
        with pytest.raises(HelmError, match=r"127\.0\.0\.1:1"):
            helm.run(["list"], kubeconfig=KUBECONFIG, timeout=30)

    def test_settings_of_the_user_play_no_part(self, programs, tmp_path, monkeypatch):
        for name in ("HELM_NAMESPACE", "HELM_KUBETOKEN", "HELM_PLUGINS", "KUBECONFIG", "K8S_AUTH_HOST", "HELM_DRIVER"):
            monkeypatch.setenv(name, "of-the-user")
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
        with RunDirectory(tmp_path) as run, HelmFinder(str(programs / "helm4"), run) as finder:
            output = finder.find().run(["env"], timeout=30).stdout.decode()
        assert "of-the-user" not in output
        assert 'HELM_NAMESPACE="default"' in output
        assert f'HELM_PLUGINS="{run.path}' in output

    def test_helm_s_own_message(self, helm, make_chart):
        with pytest.raises(HelmError, match=r"templates/a\.yaml:4:\d+\): no such luck"):
            helm.run(["template", "x", make_chart(a=CONFIG_MAP % "a" + '{{ fail "no such luck" }}')], timeout=30)

    def test_secrets_do_not_come_back(self, helm, make_chart):
        chart = make_chart(a='{{ fail (printf "password %s or %s" .Values.password (b64enc .Values.password)) }}')
        with pytest.raises(HelmError) as caught:
            helm.run(["template", "x", chart], values=[b"password: hunter22\n"], secrets=["hunter22"], timeout=30)
        assert "password ******** or ********" in str(caught.value)

    def test_time_limit(self, helm, make_chart):
        chart = make_chart(a="{{ range until 300000000 }}{{ end }}")
        with pytest.raises(TimeLimit, match="did not end in time"):
            helm.run(["template", "x", chart], timeout=1)

    def test_a_template_does_not_take_the_machine_s_memory(self, helm, make_chart):
        with pytest.raises(HelmError, match="fatal error: .*memory|out of memory"):
            helm.run(["template", "x", make_chart(a='{{ repeat 2000000000 "aaaa" }}')], timeout=60)

    def test_output_is_bounded(self, helm, make_chart):
        chart = make_chart(a=CONFIG_MAP % "a" + "data: {x: {{ repeat 3000000 `a` }}}\n")
        with pytest.raises(FleetError, match="wrote more than 1 MiB"):
            helm.run(["template", "x", chart], timeout=30, stdout_limit=1 << 20)

    def test_warnings_of_api_servers(self):
        stderr = 'I1124 17:51:36.211887    8887 warnings.go:107] "Warning: unknown field \\"spec.replicass\\""\nother\n'
        assert api_warnings(stderr) == ['unknown field "spec.replicass"']


class TestPostRenderer:
    def test_what_it_sees_and_says(self, helm, make_chart):
        seen = []

        def function(manifests: bytes) -> bytes:
            seen.append(manifests)
            return manifests.replace(b"name: a", b"name: changed")

        hook = "apiVersion: v1\nkind: Secret\nmetadata: {name: h, annotations: {helm.sh/hook: pre-install}}\n"
        chart = make_chart(a="apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n", h=hook)
        output = helm.run(["template", "x", chart], post_render=function, timeout=30).stdout
        assert b"name: changed" in output
        assert len(seen) == 1
        # Helm 3 does not show its post-renderer the hooks.
        assert (b"kind: Secret" in seen[0]) == helm.is_helm_4

    def test_no_objects_at_all(self, helm, make_chart):
        output = helm.run(["template", "x", make_chart(a="# nothing\n")], post_render=lambda _: b"", timeout=30).stdout
        assert b"kind" not in output

    def test_its_error_is_the_one_that_is_shown(self, helm, make_chart):
        def function(_manifests: bytes) -> bytes:
            raise FleetError("ours", place="here")

        with pytest.raises(FleetError, match="^here: ours$"):
            helm.run(["template", "x", make_chart(a=CONFIG_MAP % "a")], post_render=function, timeout=30)

    def test_helm_fails_before_it_asks(self, helm, make_chart):
        def function(_manifests: bytes) -> bytes:
            raise AssertionError("nobody asked")

        with pytest.raises(HelmError, match="no such luck"):
            helm.run(["template", "x", make_chart(a='{{ fail "no such luck" }}')], post_render=function, timeout=30)

    def test_large_manifests(self, helm, make_chart):
        line = "x" * 99 + "\n"
        chart = make_chart(a=CONFIG_MAP % "a" + "data:\n  x: |\n{{ range until 50000 }}    " + line + "{{ end }}")
        output = helm.run(["template", "x", chart], post_render=lambda manifests: manifests, timeout=120).stdout
        assert len(output) > 5_000_000

    def test_many_at_once(self, helm, make_chart):
        chart = make_chart(a="apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n")

        def one(number: int) -> bool:
            def function(manifests: bytes) -> bytes:
                assert f"name: r{number}\n".encode() in manifests
                return manifests + f"data:\n  answer: for-{number}\n".encode()

            output = helm.run(["template", f"r{number}", chart], post_render=function, timeout=120).stdout
            return f"answer: for-{number}\n".encode() in output

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(one, range(32)))
        assert not [name for name in os.listdir("/proc/self/fd") if _links_to(name, "gitops.fleet")]


def _links_to(descriptor: str, text: str) -> bool:
    try:
        return text in os.readlink(f"/proc/self/fd/{descriptor}") and "memfd" in os.readlink(
            f"/proc/self/fd/{descriptor}"
        )
    except OSError:
        return False


CLUSTER = Cluster(
    "c1",
    labels={"env": "prod", "v": "2", "empty": "", "a.b/c": "x", "fleet.cattle.io/tier": "t"},
    annotations={"note": "hi: there", "lifecycle.cattle.io/x": "hidden"},
    template_values={
        "n": 1000000,
        "big": 12345678901234567890,
        "null": None,
        "m": {"k": "v"},
        "l": ["x", "z"],
        "f": 1.5,
    },
)

# What Go's text/template, with sprig, missingkey=error and the delimiters ${ }, makes of each.
EVALUATED = [
    ("${ .ClusterName }/${ .ClusterNamespace }", "c1/fleet-default"),
    ("${ .ClusterLabels.v }", 2),
    ('"${ .ClusterLabels.v }"', '"2"'),
    ("v${ .ClusterLabels.v }", "v2"),
    ("${ .ClusterLabels.empty }", None),
    ('${ index .ClusterLabels "a.b/c" }', "x"),
    ('${ index .ClusterLabels "fleet.cattle.io/tier" }', "t"),
    ('${ index .ClusterLabels "nope" }', "<no value>"),
    ('${ get .ClusterLabels "nope" }', None),
    ('${ index .ClusterValues "null" }', "<no value>"),
    ("${ .ClusterValues.n }", 1000000),
    ("n${ .ClusterValues.n }", "n1e+06"),
    ("${ .ClusterValues.big }", 12345678901234567000),
    ("${ .ClusterValues.f }", 1.5),
    ('${ printf "%T" .ClusterValues.n }', "float64"),
    ("${ .ClusterValues.m | toJson }", {"k": "v"}),
    ("${ .ClusterValues.m.k | upper | quote }", "V"),
    ("${ .ClusterAnnotations.note }", "ERROR"),
    ("'${ .ClusterAnnotations.note }'", "'hi: there'"),
    ("${ .ClusterAnnotations | len }", 1),
    ("${ range $i, $e := .ClusterValues.l }${ $i }=${ $e };${ end }", "0=x;1=z;"),
    ("${ range .ClusterValues.l }${ . }${ break }${ end }", "x"),
    ("${ with .ClusterValues.m }${ .k }${ $.ClusterName }${ end }", "vc1"),
    ('${ if hasKey .ClusterLabels "nope" }${ .ClusterLabels.nope }${ else }none${ end }', "none"),
    ("${ if and false .ClusterLabels.nope }a${ else if eq .ClusterLabels.env `prod` }b${ end }", "b"),
    ("${ or .ClusterLabels.env .ClusterLabels.nope }", "prod"),
    ('${ $x := "a" }${ if true }${ $x = "b" }${ end }${ $x }', "b"),
    ('${ define "t" }<${ .env }>${ end }${ template "t" .ClusterLabels }', "<prod>"),
    ('${ block "t" .ClusterLabels }(${ .v })${ end }', "(2)"),
    ('${ (split "-" "a-b")._1 }', "b"),
    ('${ (semver "1.2.3").Major }', 1),
    ('${ (semver "1.2.3" | (semver "1.2.4").Compare) }', 1),
    ('${ (dict "a" (dict "b" 1)).a.b }', 1),
    ("${ (.ClusterValues).m.k }", "v"),
    ('${ fromJson "[1,2]" | first }', 1),
    ("${ list 1 2 | toJson }", [1, 2]),
    ("a ${- /* a comment */ -} b", "ab"),
    ('a ${- "}" -} b', "a}b"),
    ("{{ .Values }} { ${ .ClusterName } }", "{{ .Values }} { c1 }"),
    ("{${ .ClusterName }}", "{c1}"),
    ("${ `{{ raw }}` }", "ERROR"),
    ("'${ `{{ raw }}` }'", "'{{ raw }}'"),
    ("${ 0x1F } ${ -3 } ${ 1.5e3 } ${ 'a' }", "31 -3 1500 97"),
    ('${ printf "%d%%" 3 }', "3%"),
    ("${ true }", True),
    ("line one\n${ .ClusterName }\n  indented", "line one\nc1\n  indented"),
    # Failing as they fail in Fleet.
    ("${ .ClusterLabels.nope }", "ERROR"),
    ('${ default "x" .ClusterLabels.nope }', "ERROR"),
    ("${ .ClusterLabels.env.more }", "ERROR"),
    ('${ index .ClusterValues "null" | upper }', "ERROR"),
    ('${ (split "-" "a-b")._7 }', "ERROR"),
    ('${ (dict "a" 1).b }', "ERROR"),
    ("${ with .ClusterLabels }${ .nope }${ end }", "ERROR"),
    ('${ define "t" }${ .ClusterLabels.nope }${ end }${ template "t" . }', "ERROR"),
    ("${ toYaml .ClusterValues }", "ERROR"),
    ('${ required "x" .ClusterName }', "ERROR"),
    ('${ lookup "v1" "Pod" "a" "b" }', "ERROR"),
    ('${ include "t" . }', "ERROR"),
    ('${ tpl "x" . }', "ERROR"),
    ('${ env "HOME" }', "ERROR"),
    ('${ expandenv "$HOME" }', "ERROR"),
    ('${ getHostByName "localhost" }', "ERROR"),
    ("${ .Files }", "ERROR"),
    ("${ .Values }", "ERROR"),
    ("${ .Release.Name }", "ERROR"),
    ("${ $.Template.Name }", "ERROR"),
    ('${ template "fleet.checkKey" . }', "ERROR"),
    ('${ template "values/templates/_0.tpl" . }', "ERROR"),
    ("${ if .ClusterName }", "ERROR"),
    ("${ end }", "ERROR"),
    ("${ $undefined }", "ERROR"),
    ('${ fail "no" }', "ERROR"),
    ("${ nil }", "ERROR"),
]


def evaluated(helm: Helm, values: list[dict], cluster: Cluster = CLUSTER) -> list[dict | FleetError]:
    deployments = [
        BundleDeployment(Bundle(f"b{number}", "fleet-default", {}), cluster, {"helm": {"values": value}})
        for number, value in enumerate(values)
    ]
    results = evaluate(deployments, helm)
    return [result if isinstance(result, FleetError) else result.options["helm"]["values"] for result in results]


class TestTemplates:
    def test_what_go_makes_of_them(self, helm):
        results = evaluated(helm, [{"x": text} for text, _ in EVALUATED])
        found = [
            (text, "ERROR" if isinstance(result, FleetError) else result["x"])
            for (text, _), result in zip(EVALUATED, results, strict=True)
        ]
        assert found == EVALUATED

    def test_errors_name_cluster_and_value(self, helm_4):
        values = [
            {"a": {"b": [{"c": "${ .ClusterLabels.nope }"}]}, "z": 1},
            {"a": 1, "b": {"c": "${ toYaml . }"}},
            {"a": 1, "b": {"c": "${ if }"}},
        ]
        messages = [str(error) for error in evaluated(helm_4, values)]
        assert messages[0].startswith(
            "cluster fleet-default/c1, bundle b0, helm.values.a.b.c: the template asks for nope"
        )
        assert messages[1] == (
            "cluster fleet-default/c1, bundle b1, helm.values.b.c: "
            'this is no template that can be evaluated: function "toYaml" not defined'
        )
        assert messages[2].startswith("cluster fleet-default/c1, bundle b2, helm.values.b.c: the template cannot be")

    def test_one_text_never_reaches_another(self, helm_4):
        values = [
            {"x": '${ define "t" }one${ end }${ template "t" }'},
            {"x": '${ define "t" }two${ end }${ template "t" }'},
            {"x": '${ template "t" }'},
            {"x": '${ set .ClusterValues "n" 5 | len }'},
            {"x": "${ .ClusterValues.n }"},
        ]
        one, two, three, four, five = evaluated(helm_4, values)
        assert (one, two, four, five) == ({"x": "one"}, {"x": "two"}, {"x": 6}, {"x": 1000000})
        assert isinstance(three, FleetError)

    def test_an_error_is_the_whole_bundle_s_and_no_other_s(self, helm_4):
        clusters = [Cluster("c1", labels={"a": "1"}), Cluster("c2", labels={"b": "1"})]
        bundles = [Bundle("web", "fleet-default", {}), Bundle("db", "fleet-default", {})]
        options = [
            {"helm": {"values": {"x": "${ .ClusterLabels.a }"}}},
            {"helm": {"values": {"x": "${ .ClusterName }"}}},
        ]
        deployments = [
            BundleDeployment(bundle, cluster, option)
            for bundle, option in zip(bundles, options, strict=True)
            for cluster in clusters
        ]
        first, second, *others = evaluate(deployments, helm_4)
        assert str(first) == str(second)
        assert str(first).startswith("cluster fleet-default/c2, bundle web, helm.values.x: the template asks for a")
        assert [item.options["helm"]["values"]["x"] for item in others] == ["c1", "c2"]

    def test_template_values(self, helm):
        options = {
            "helm": {
                "values": {"kept": 1, "replaced": {"a": 1}},
                "templateValues": {
                    "replaced": "{b: ${ .ClusterLabels.v }}",
                    "list": "${ range .ClusterValues.l }\n- ${ . }\n${ end }",
                    "plain": "[1, y]",
                },
            }
        }
        [result] = evaluate([BundleDeployment(Bundle("b", "fleet-default", {}), CLUSTER, options)], helm)
        assert result.options["helm"]["values"] == {
            "kept": 1,
            "replaced": {"b": 2},
            "list": ["x", "z"],
            "plain": [1, True],
        }

    def test_disabled_and_unlabelled(self, helm_4):
        text = {"values": {"x": "${ .ClusterName }"}}
        bundle_ = Bundle("b", "fleet-default", {})
        deployments = [
            BundleDeployment(
                bundle_, CLUSTER, {"helm": {**text, "disablePreProcess": True, "templateValues": {"x": "1"}}}
            ),
            BundleDeployment(bundle_, Cluster("bare"), {"helm": text}),
        ]
        for result in evaluate(deployments, helm_4):
            assert result.options["helm"]["values"] == {"x": "${ .ClusterName }"}

    def test_few_runs_for_many_clusters(self, helm_4, monkeypatch):
        runs = []
        run = helm_4.run
        monkeypatch.setattr(helm_4, "run", lambda *arguments, **more: runs.append(arguments) or run(*arguments, **more))
        clusters = [Cluster(f"c{number}", labels={"number": str(number)}) for number in range(50)]
        bundles = [Bundle(f"b{number}", "fleet-default", {}) for number in range(20)]
        deployments = [
            BundleDeployment(
                bundle, cluster, {"helm": {"values": {"x": f"{bundle.name}-${{ .ClusterLabels.number }}"}}}
            )
            for bundle in bundles
            for cluster in clusters
        ]
        results = evaluate(deployments, helm_4)
        assert results[-1].options["helm"]["values"] == {"x": "b19-49"}
        assert len(runs) == 1

    def test_a_text_that_never_ends(self, helm_4, monkeypatch):
        monkeypatch.setattr("ansible_collections.gitops.fleet.plugins.module_utils.chart.templating.TIMEOUT", 3)
        endless = "${ range until 100000 }${ range until 100000 }${ end }${ end }"
        results = evaluated(helm_4, [{"x": "${ .ClusterName }"}, {"x": endless}, {"x": "${ .ClusterLabels.env }"}])
        assert results[0] == {"x": "c1"}
        assert results[2] == {"x": "prod"}
        assert "bundle b1, helm.values: evaluating the template takes more than 3 s" in str(results[1])


class TestKustomize:
    KUSTOMIZATION = "namePrefix: x-\nresources: [a.yaml]\n"

    @pytest.fixture
    def kustomize(self, programs, helm_4) -> Kustomize:
        return Kustomize(str(programs / "kubectl"), helm_4)

    def rendered(
        self, files: dict[str, str], helm: Helm, kustomize: Kustomize, options: dict | None = None
    ) -> list[dict]:
        deployment = BundleDeployment(bundle(files), Cluster("c1"), options or {})
        return render(deployment, helm, kustomize=kustomize)

    def test_a_bundle_of_its_own(self, helm_4, kustomize):
        files = {"kustomization.yaml": self.KUSTOMIZATION, "a.yaml": CONFIG_MAP % "a", "b.yaml": CONFIG_MAP % "b"}
        [found] = self.rendered(files, helm_4, kustomize)
        assert found["metadata"]["name"] == "x-a"
        assert found["metadata"]["annotations"]["objectset.rio.cattle.io/id"] == "default-web"

    def test_overlays_in_directories(self, helm_4, kustomize):
        files = {
            "base/kustomization.yaml": "resources: [a.yaml]\n",
            "base/a.yaml": CONFIG_MAP % "a",
            "prod/kustomization.yaml": "resources: [../base]\nnameSuffix: -prod\n",
        }
        [found] = self.rendered(files, helm_4, kustomize, {"kustomize": {"dir": "prod"}})
        assert found["metadata"]["name"] == "a-prod"

    def test_over_what_helm_rendered(self, helm_4, kustomize):
        files = {
            "Chart.yaml": "apiVersion: v2\nname: own\nversion: 1.0.0\n",
            "templates/c.yaml": CONFIG_MAP % "{{ .Release.Name }}",
            "kustomization.yaml": self.KUSTOMIZATION,
            "a.yaml": CONFIG_MAP % "a",
        }
        names = [item["metadata"]["name"] for item in self.rendered(files, helm_4, kustomize)]
        assert sorted(names) == ["x-a", "x-web"]

    def test_its_own_message_with_our_place(self, helm_4, kustomize):
        files = {"kustomization.yaml": "resources: [missing.yaml]\n", "a.yaml": CONFIG_MAP % "a"}
        with pytest.raises(FleetError) as caught:
            self.rendered(files, helm_4, kustomize)
        assert str(caught.value).startswith("cluster fleet-default/c1, bundle web, kustomization.yaml: kustomize: ")
        assert "missing.yaml" in str(caught.value)
        assert str(helm_4.directory) not in str(caught.value)

    @pytest.mark.parametrize(
        "base", ["https://example.com/org/repo//base?ref=v1", "github.com/org/repo", "https://example.com/a.yaml"]
    )
    def test_remote_bases_are_refused(self, helm_4, kustomize, base):
        with pytest.raises(
            FleetError, match=r"kustomization\.yaml: the kustomization names .*, and nothing is fetched"
        ):
            self.rendered({"kustomization.yaml": f"resources: ['{base}']\n"}, helm_4, kustomize)

    def test_files_outside_the_bundle_are_not_read(self, helm_4, kustomize, tmp_path):
        secret = tmp_path / "secret.yaml"
        secret.write_text(CONFIG_MAP % "secret")
        relative = "../" * 12 + str(secret).lstrip("/")
        for path in (str(secret), relative):
            with pytest.raises(FleetError):
                self.rendered({"kustomization.yaml": f"resources: ['{path}']\n"}, helm_4, kustomize)

    def test_variables_of_the_environment_are_not_taken(self, helm_4, kustomize, monkeypatch):
        monkeypatch.setenv("TOWER_PASSWORD", "the-secret")
        files = {
            "kustomization.yaml": "configMapGenerator:\n- {name: a, envs: [vars.env]}\n",
            "vars.env": "TOWER_PASSWORD\nHOME\n",
        }
        assert "the-secret" not in json.dumps(self.rendered(files, helm_4, kustomize))

    def test_missing(self, helm_4, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.delenv("FLEET_KUSTOMIZE", raising=False)
        with pytest.raises(FleetError, match=r"neither kustomize nor kubectl was found on PATH.*kustomize_binary"):
            self.rendered({"kustomization.yaml": self.KUSTOMIZATION, "a.yaml": ""}, helm_4, Kustomize("", helm_4))


class TestRendering:
    HOOK = "apiVersion: v1\nkind: Secret\nmetadata: {name: h, annotations: {helm.sh/hook: pre-install}}\n"

    def test_hooks_are_marked_by_helm_4(self, helm):
        files = {"templates/a.yaml": CONFIG_MAP % "a", "templates/h.yaml": self.HOOK}
        objects = render(BundleDeployment(bundle(files), Cluster("c1"), {}), helm)
        marked = {item["kind"]: "labels" in item["metadata"] for item in objects}
        assert marked == {"ConfigMap": True, "Secret": helm.is_helm_4}

    def test_chart_that_does_not_render(self, helm):
        files = {"templates/a.yaml": CONFIG_MAP % "a" + "data: {{ .Values.a.b.c }}\n"}
        with pytest.raises(
            FleetError, match=r"(?s)^cluster fleet-default/c1, bundle web: .*web/templates/a\.yaml.*nil pointer"
        ):
            render(BundleDeployment(bundle(files), Cluster("c1"), {}), helm)

    def test_ignore_files_of_helm_do_not_apply(self, helm_4):
        files = {
            "Chart.yaml": "apiVersion: v2\nname: own\nversion: 1.0.0\n",
            ".helmignore": "a.yaml\n",
            "templates/a.yaml": CONFIG_MAP % "a",
        }
        assert len(render(BundleDeployment(bundle(files), Cluster("c1"), {}), helm_4)) == 1

    @pytest.mark.parametrize("told", ["v1.30.0", "1.30.0"])
    def test_version_of_kubernetes(self, helm_4, told):
        files = {
            "Chart.yaml": "apiVersion: v2\nname: own\nversion: 1.0.0\n",
            "templates/a.yaml": CONFIG_MAP % "{{ .Capabilities.KubeVersion.Version }}",
            "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
            "charts/sub/templates/b.yaml": CONFIG_MAP
            % 'sub-{{ .Capabilities.KubeVersion.Version }}-{{ .Capabilities.APIVersions.Has "v1" }}',
        }
        objects = render(BundleDeployment(bundle(files), Cluster("c1"), {}), helm_4, kube_version=told)
        assert sorted(item["metadata"]["name"] for item in objects) == sorted([told, f"sub-{told}-true"])

    def test_namespace(self, helm_4):
        files = {"templates/a.yaml": CONFIG_MAP % '"in-{{ .Release.Namespace }}"'}
        deployment = BundleDeployment(bundle(files), Cluster("c1"), {})
        assert render(deployment, helm_4)[0]["metadata"]["name"] == "in-default"
        # Fleet's dry run has no namespace where a bundle names none.
        assert render(deployment, helm_4, set_id_prefix="")[0]["metadata"]["name"] == "in-"

    def test_nothing_is_left_behind(self, helm_4):
        render(BundleDeployment(bundle({"a.yaml": CONFIG_MAP % "a"}), Cluster("c1"), {}), helm_4)
        left = {path.name for path in helm_4.directory.iterdir()}
        assert left <= {"plugins", "config", "cache", "data", "no-plugins"}
        assert stat.S_IMODE(Path(helm_4.directory).stat().st_mode) == 0o700


class TestUpgradeArguments:
    """Both Helms take what we give them, and do what Fleet's agent does with it."""

    @pytest.fixture
    def cluster(self, lab):
        return lab.cluster("bare")

    @pytest.fixture
    def namespace(self, cluster, programs, helm) -> Iterator[str]:
        name = f"arguments-{helm.version[0]}-{uuid.uuid4().hex[:8]}"
        yield name
        kubectl = [str(programs / "kubectl"), "--kubeconfig", str(cluster.kubeconfig)]
        subprocess.run([*kubectl, "delete", "namespace", name, "--wait=false", "--ignore-not-found"], check=True)

    def upgrade(self, helm, cluster, namespace, chart, options, release="web", **more) -> str:
        arguments = upgrade_arguments(helm, release, namespace, Path(chart), options, **more)
        return helm.run(arguments, kubeconfig=cluster.kubeconfig.read_bytes(), timeout=120).stderr

    def status(self, helm, cluster, namespace, release="web") -> dict:
        arguments = ["status", release, "--namespace", namespace, "--output", "json"]
        return json.loads(helm.run(arguments, kubeconfig=cluster.kubeconfig.read_bytes(), timeout=30).stdout)

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"helm": {"takeOwnership": True, "disableDNS": True, "skipSchemaValidation": True}},
            {"helm": {"force": True, "maxHistory": 3}},
            {"helm": {"atomic": True, "timeoutSeconds": 60, "waitForJobs": True}},
        ],
    )
    def test_install_and_upgrade(self, helm, make_chart, cluster, namespace, options):
        chart = make_chart(a=CONFIG_MAP % "a" + "data: {v: {{ randAlpha 5 | quote }}}\n")
        self.upgrade(helm, cluster, namespace, chart, options, exists=False, labels={"x/y": "1"})
        self.upgrade(helm, cluster, namespace, chart, options, exists=True, labels={"x/y": "2"}, description="a, b")
        status = self.status(helm, cluster, namespace)
        assert (status["version"], status["info"]["status"]) == (2, "deployed")
        assert status["info"]["description"] == "a, b"

    def test_objects_of_others_are_taken_over_at_an_install_only_if_said(self, helm, make_chart, cluster, namespace):
        chart = make_chart(a=CONFIG_MAP % "a")
        self.upgrade(helm, cluster, namespace, chart, {}, exists=False)
        with pytest.raises(HelmError, match="cannot be imported into the current release"):
            self.upgrade(helm, cluster, namespace, chart, {}, "other", exists=False)
        self.upgrade(helm, cluster, namespace, chart, {"helm": {"takeOwnership": True}}, "other", exists=False)

    def test_objects_of_others_are_taken_over_at_an_upgrade(self, helm, make_chart, cluster, namespace, programs):
        self.upgrade(helm, cluster, namespace, make_chart(a=CONFIG_MAP % "a"), {}, exists=False)
        kubectl = [str(programs / "kubectl"), "--kubeconfig", str(cluster.kubeconfig), "--namespace", namespace]
        subprocess.run([*kubectl, "create", "configmap", "b"], check=True)
        chart = make_chart(a=CONFIG_MAP % "a", b=CONFIG_MAP % "b")
        self.upgrade(helm, cluster, namespace, chart, {}, exists=True)
        assert self.status(helm, cluster, namespace)["info"]["status"] == "deployed"

    def test_namespace_that_may_not_be_made(self, helm, make_chart, cluster, namespace):
        with pytest.raises(HelmError, match="not found"):
            self.upgrade(
                helm, cluster, namespace, make_chart(a=CONFIG_MAP % "a"), {"createNamespace": False}, exists=False
            )

    def test_unknown_fields_are_still_told_without_helm_s_own_validation(self, helm, make_chart, cluster, namespace):
        chart = make_chart(
            a="apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}], nope: 1}\n"
        )
        if helm.is_helm_4:
            with pytest.raises(HelmError, match=r"\.spec\.nope: field not declared in schema"):
                self.upgrade(helm, cluster, namespace, chart, {}, exists=False)
        else:
            stderr = self.upgrade(helm, cluster, namespace, chart, {}, exists=False)
            assert api_warnings(stderr) == ['unknown field "spec.nope"']
