# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts in a bundle: malformed ones and missing dependencies are found before anything is deployed."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle import charts
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.charts import (
    VendoredCharts,
    is_remote,
    read_chart,
)
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.tree_index import TreeFiles, TreeIndex

from tests.support.charts import packed
from tests.support.trees import LinkedTree

CHART = "apiVersion: v2\nname: app\nversion: 1.0.0\n"
NEEDS = CHART + "dependencies:\n- {name: redis, version: 1.x, repository: 'https://charts.example.com'}\n"


def check(files):
    tree = TreeFiles(TreeIndex(LinkedTree(files)))
    chart = read_chart(tree, "c")
    return VendoredCharts().complete(tree, chart, "c") if chart else {}


@pytest.mark.parametrize(
    "files",
    [
        {"c/a.yaml": ""},
        {"c/Chart.yaml": CHART},
        {"c/Chart.yaml": "name: app\nversion: 1\n"},
        {"c/Chart.yaml": "name: app\nversion: v1.02-rc.1+b\ntype: library\n"},
        {"c/Chart.yaml": NEEDS, "c/charts/any/Chart.yaml": "name: redis\nversion: 1.2.3\n"},
        {"c/Chart.yaml": NEEDS, "c/charts/r.tgz": packed({"redis/Chart.yaml": "name: redis\nversion: 1.2.3\n"})},
        {"c/Chart.yaml": CHART, "c/charts/_notes.md": "", "c/charts/.hidden": "", "c/charts/a.tgz.prov": ""},
        {"c/Chart.yaml": CHART, "c/values.yaml": "a: 1\n---\nb: 2\n"},
        {"c/Chart.yaml": CHART, "c/values.yaml": ""},
    ],
)
def test_good_charts(files):
    check(files)


def test_missing_dependencies_are_named_with_the_command():
    with pytest.raises(FleetError) as caught:
        check({"c/Chart.yaml": NEEDS + "- {name: mongo, version: '2'}\n", "c/charts/x/Chart.yaml": CHART})
    assert caught.value.place == "c/Chart.yaml"
    assert caught.value.problem == "chart app needs redis, mongo, and charts/ does not hold them"
    assert "`helm dependency build c`" in caught.value.remedy
    assert "disableDependencyUpdate" in caught.value.remedy


def test_dependencies_of_old_charts_are_in_a_file_of_their_own():
    with pytest.raises(FleetError, match="chart app needs redis"):
        check({"c/Chart.yaml": "name: app\nversion: 1.0.0\n", "c/requirements.yaml": "dependencies: [{name: redis}]"})


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"c/Chart.yaml": "version: 1.0.0\n"}, "name '' is no name of a chart"),
        ({"c/Chart.yaml": "name: a/b\nversion: 1.0.0\n"}, "is no name of a chart"),
        ({"c/Chart.yaml": "name: a\n"}, "version '' is not a semantic version"),
        ({"c/Chart.yaml": "name: a\nversion: 1.0.0-01\n"}, "is not a semantic version"),
        ({"c/Chart.yaml": "name: a\nversion: 1.0.0\ntype: x\n"}, "is no type of a chart"),
        ({"c/Chart.yaml": "- a\n"}, "must be a mapping"),
        ({"c/Chart.yaml": "a: [\n"}, "c/Chart.yaml:2: is not valid YAML"),
        ({"c/Chart.yaml": CHART, "c/values.yaml": "- a\n"}, "c/values.yaml: the file must be a mapping"),
        ({"c/Chart.yaml": CHART, "c/charts/README.md": ""}, "c/charts/README.md: is not a chart"),
        ({"c/Chart.yaml": CHART, "c/charts/x.tgz": "junk"}, "is not a packed chart"),
        ({"c/Chart.yaml": CHART, "c/charts/x.tgz": packed({"x/values.yaml": ""})}, "holds no Chart.yaml"),
        ({"c/Chart.yaml": NEEDS + "- {name: redis}\n"}, "two dependencies have the name or alias redis"),
        ({"c/Chart.yaml": CHART + "dependencies: [{name: a, alias: 'b c'}]\n"}, "alias 'b c'"),
    ],
)
def test_malformed_charts(files, message):
    with pytest.raises(FleetError) as caught:
        check(files)
    assert message in str(caught.value)


def test_a_broken_link_in_a_chart_is_an_error():
    tree = LinkedTree({"c/Chart.yaml": CHART}, {"c/.hidden/l": "nope", "l": "nope"})
    with pytest.raises(FleetError, match=r"c/\.hidden/l: is a symbolic link to nothing"):
        read_chart(TreeFiles(TreeIndex(tree)), "c")


def test_a_packed_bomb_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(charts, "MAX_UNPACKED", 100_000)
    bomb = packed({"x/zeros": "0" * 1_000_000, "x/Chart.yaml": CHART})
    with pytest.raises(FleetError, match=r"c/charts/x\.tgz: is not a packed chart"):
        check({"c/Chart.yaml": CHART, "c/charts/x.tgz": bomb})


@pytest.mark.parametrize(
    ("helm", "command"),
    [
        (
            {"chart": "web", "repo": "https://c.example.com", "version": "1.2"},
            "helm pull web --repo https://c.example.com",
        ),
        ({"repo": "oci://r.example.com/web"}, "helm pull oci://r.example.com/web --untar"),
        ({"chart": "https://c.example.com/web-1.tgz"}, "helm pull https://c.example.com/web-1.tgz --untar"),
    ],
)
def test_remote_charts_are_refused_with_the_command_that_vendors_them(helm, command):
    files = TreeFiles(TreeIndex(LinkedTree(["c/web/Chart.yaml"])))
    assert is_remote(files, "c", helm)
    with pytest.raises(FleetError, match="not in the repository") as caught:
        VendoredCharts().fetch(helm, "c")
    assert command in caught.value.remedy


@pytest.mark.parametrize("chart", [".", "web", "./web", "../c/web", ""])
def test_local_charts(chart):
    assert not is_remote(TreeFiles(TreeIndex(LinkedTree(["c/web/Chart.yaml"]))), "c", {"chart": chart})


@pytest.mark.parametrize("chart", ["web", "https://h/../../../web.tgz", "git::https://h/r//../../../../x", "nope"])
def test_charts_that_are_not_there_have_to_be_fetched(chart):
    assert is_remote(TreeFiles(TreeIndex(LinkedTree(["c/other"]))), "c", {"chart": chart})


def test_a_path_that_leaves_the_repository_is_no_address():
    with pytest.raises(FleetError, match="leads out of the repository"):
        is_remote(TreeFiles(TreeIndex(LinkedTree(["c/other"]))), "c", {"chart": "../../../etc"})
