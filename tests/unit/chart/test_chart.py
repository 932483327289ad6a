# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chart that a bundle becomes."""

from __future__ import annotations

import io
import json
import tarfile

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.content import content_id_of, encode_resource
from ansible_collections.gitops.fleet.plugins.module_utils.chart.chart import FORBIDDEN, build_chart
from ansible_collections.gitops.fleet.plugins.module_utils.chart.store import ChartStore, pack
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster
from ansible_collections.gitops.fleet.plugins.module_utils.target.deployment import BundleDeployment

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def bundle(files: dict[str, str | bytes], name: str = "web") -> Bundle:
    resources = [
        encode_resource(path, content if isinstance(content, bytes) else content.encode())
        for path, content in files.items()
    ]
    return Bundle(name, "fleet-default", {"resources": resources})


def chart_yaml(chart) -> dict:
    return json.loads(chart.files["Chart.yaml"])


def test_raw_manifests():
    chart = build_chart(
        bundle({"b.yaml": CONFIG_MAP % "b", "a/a.json": '{"apiVersion": "v1", "kind": "A"}'}), {}, COMMIT
    )
    assert list(chart.files) == ["raw-yaml/a/a.json", "raw-yaml/b.yaml", "Chart.yaml"]
    assert [item["kind"] for item in chart.raw_objects] == ["A", "ConfigMap"]
    assert (chart.name, chart.version) == ("web", "v0.0.0+git-0123456789ab")
    assert chart_yaml(chart)["apiVersion"] == "v2"


def test_version_without_a_commit_is_the_content():
    files = {"b.yaml": CONFIG_MAP % "b", "a.yaml": CONFIG_MAP % "a"}
    resources = bundle(files).spec["resources"]
    expected = "v0.0.0+" + content_id_of(sorted(resources, key=lambda item: item["name"]))
    assert build_chart(bundle(files), {}).version == expected
    # Fleet takes only what is longer than it shows for a commit.
    assert build_chart(bundle(files), {}, "0123456789ab").version == expected


def test_version_with_overlays_is_the_content_whatever_the_commit():
    files = {"a.yaml": CONFIG_MAP % "a", "overlays/x/b.yaml": CONFIG_MAP % "b"}
    chart = build_chart(bundle(files), {"yaml": {"overlays": ["x"]}}, COMMIT)
    assert chart.version.startswith("v0.0.0+s-")
    assert chart_yaml(chart)["annotations"]["fleet.cattle.io/commit"] == COMMIT


def test_what_raw_leaves_out():
    files = {
        "fleet.yaml": "x: y\n",
        "README.md": "text",
        "nested/fleet.yaml": "a: b\n",
        "nested/a.yaml": CONFIG_MAP % "nested",
        "chart/Chart.yaml": "name: x\n",
        "chart/templates/a.yaml": CONFIG_MAP % "chart",
        "overlays/x/a.yaml": CONFIG_MAP % "overlay",
        "kept.yml": CONFIG_MAP % "kept",
        "templates/t.yaml": CONFIG_MAP % "{{ .Release.Name }}",
    }
    chart = build_chart(bundle(files), {})
    assert list(chart.files) == ["raw-yaml/kept.yml", "templates/t.yaml", "Chart.yaml"]


def test_a_file_with_a_document_without_kind_is_left_out_whole():
    chart = build_chart(bundle({"a.yaml": CONFIG_MAP % "a" + "---\nfoo: bar\n", "b.yaml": CONFIG_MAP % "b"}), {})
    assert [item["metadata"]["name"] for item in chart.raw_objects] == ["b"]


def test_a_template_among_raw_manifests_is_an_error_with_its_file():
    with pytest.raises(FleetError, match=r"bundle web, a\.yaml:1: .*below templates/"):
        build_chart(bundle({"a.yaml": "{{ if .Values.x }}\nkind: A\n{{ end }}\n"}), {})
    with pytest.raises(FleetError, match=r"bundle web, a\.yaml:2"):
        build_chart(bundle({"a.yaml": "kind: A\nname: {{ .Values.x }}\n"}), {})


def test_a_chart_of_the_bundle():
    files = {"sub/Chart.yaml": "name: own\nversion: 1.2.3\n", "sub/templates/a.yaml": "x", "other.yaml": "kind: A\n"}
    chart = build_chart(bundle(files), {"helm": {"chart": "sub"}}, COMMIT)
    assert list(chart.files) == ["Chart.yaml", "templates/a.yaml"]
    assert (chart.name, chart.version) == ("own", "1.2.3")
    assert chart.raw_objects == []


def test_a_chart_with_a_directory_of_raw_manifests():
    files = {"Chart.yaml": "name: own\nversion: 1.2.3\n", "raw-yaml/a.yaml": CONFIG_MAP % "a"}
    assert [item["metadata"]["name"] for item in build_chart(bundle(files), {}).raw_objects] == ["a"]


def test_kustomize_has_an_empty_chart_and_the_bundle_s_files():
    files = {"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": CONFIG_MAP % "a"}
    chart = build_chart(bundle(files), {}, COMMIT)
    assert list(chart.files) == ["Chart.yaml"]
    assert chart.kustomize_dir == "."
    assert set(chart.resources) == set(files)
    assert chart.raw_objects == []


def test_annotations_of_the_release():
    options = {"serviceAccount": "deployer", "keepResources": True}
    chart = build_chart(bundle({"a.yaml": CONFIG_MAP % "a"}), options, COMMIT)
    assert chart_yaml(chart)["annotations"] == {
        "fleet.cattle.io/service-account": "deployer",
        "fleet.cattle.io/keep-resources": "true",
        "fleet.cattle.io/commit": COMMIT,
    }


@pytest.mark.parametrize("own", ["", f"annotations: {{a: b, {FORBIDDEN[0]}: x, {FORBIDDEN[1]}: y}}\n"])
def test_a_fleet_agent_never_takes_a_release_for_its_own(own):
    """An agent uninstalls each release that carries both annotations and has no BundleDeployment."""
    chart = build_chart(bundle({"Chart.yaml": f"name: own\nversion: 1.2.3\n{own}"}), {}, COMMIT)
    assert not set(FORBIDDEN) & set(chart_yaml(chart)["annotations"])
    assert {"fleet.cattle.io/bundle-id", "fleet.cattle.io/agent-namespace"} == set(FORBIDDEN)


def test_packed_as_helm_reads_it():
    binary = b"\xff\x00binary"
    chart = build_chart(bundle({"Chart.yaml": "name: own\nversion: 1.2.3\n", "files/x.bin": binary}), {})
    with tarfile.open(fileobj=io.BytesIO(pack(chart))) as archive:
        assert archive.getnames() == ["chart/Chart.yaml", "chart/files/x.bin"]
        assert archive.extractfile("chart/files/x.bin").read() == binary
    assert pack(chart) == pack(chart)


def test_one_chart_for_all_clusters_with_the_same_options(tmp_path):
    web = bundle({"a.yaml": CONFIG_MAP % "a", "overlays/x/b.yaml": CONFIG_MAP % "b"})

    def deployment(cluster, options):
        return BundleDeployment(web, Cluster(cluster), options)

    with RunDirectory(tmp_path) as run:
        store = ChartStore(run)
        one = store.chart(deployment("c1", {"helm": {"values": {"a": 1}}}))
        assert store.chart(deployment("c2", {"helm": {"values": {"a": 2}}})) is one
        assert store.chart(deployment("c3", {"yaml": {"overlays": ["x"]}})) is not one
        assert store.chart(deployment("c4", {"helm": {}}), COMMIT) is not one
        assert store.path(one) == store.path(one)
        assert store.path(one).stat().st_size > 0
