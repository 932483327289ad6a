# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where charts from elsewhere, and the dependencies of charts, go in a bundle."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.charts import chart_directory
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.reader import read_all
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.settings import Settings
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.changed_tree import ChangedTree
from ansible_collections.gitops.fleet.plugins.module_utils.source.scan import find_bundles

from tests.support.charts import packed
from tests.support.trees import LinkedTree

CHART = "name: web\nversion: 1.0.0\ndependencies: [{name: redis, version: 1.x, repository: 'https://h'}]\n"
FETCHED = {"web/Chart.yaml": CHART, "web/.hidden": "", "web/notes": "", "web/.fleetignore": "notes\n", "v.yaml": ""}


class Loader:
    """Gives every address the same chart, and every chart one dependency."""

    mode = "test"
    is_lasting = True
    loaded = 0

    def __init__(self, fetched=None):
        self.fetched = FETCHED if fetched is None else fetched
        self.asked = []

    def fetch(self, helm, bundle):
        self.asked.append(({key: helm.get(key) for key in ("chart", "repo", "version")}, bundle))
        return LinkedTree(self.fetched)

    def complete(self, files, chart, bundle):
        self.asked.append((chart.path, chart.missing))
        prefix = f"{chart.directory}/" if chart.directory else ""
        old = f"{prefix}charts/old.tgz"
        return {f"{prefix}charts/redis.tgz": b"packed", f"{prefix}Chart.lock": b"lock"} | (
            {old: None} if files.index.is_file(old) else {}
        )


def read(files, loader):
    tree = LinkedTree(files)
    (bundle,) = read_all(tree, find_bundles(tree, ["b"]), Settings("r"), loader=loader)
    return bundle, [item["name"] for item in bundle.spec["resources"]]


def test_each_chart_has_a_directory_of_its_own():
    loader = Loader()
    fleet_yaml = """
helm: {chart: web, repo: https://h, version: 1.x, valuesFiles: [v.yaml]}
targetCustomizations:
- {name: a, clusterName: a, helm: {version: 2.x}}
- {name: b, clusterName: b, helm: {values: {x: 1}}}
"""
    _bundle, names = read({"b/fleet.yaml": fleet_yaml, "b/v.yaml": "a: 1", "b/cm.yaml": ""}, loader)
    first = chart_directory({"chart": "web", "repo": "https://h", "version": "1.x"})
    second = chart_directory({"chart": "web", "repo": "https://h", "version": "2.x"})
    inside = ["web/Chart.lock", "web/Chart.yaml", "web/charts/redis.tgz"]
    assert names == sorted(
        [*(f"{first}/{name}" for name in inside), *(f"{second}/{name}" for name in inside), "cm.yaml"]
    )
    assert [asked for asked in loader.asked if isinstance(asked[0], dict)] == [
        ({"chart": "web", "repo": "https://h", "version": "1.x"}, "b"),
        ({"chart": "web", "repo": "https://h", "version": "2.x"}, "b"),
    ]


def test_dependencies_are_put_where_the_rules_of_the_directory_let_them():
    files = {
        "b/fleet.yaml": "{}",
        "b/Chart.yaml": CHART,
        "b/charts/old.tgz": packed({"old/Chart.yaml": "name: old\nversion: 1.0.0\n"}),
        "b/.fleetignore": "Chart.lock\n",
    }
    loader = Loader()
    assert read(files, loader)[1] == ["Chart.yaml", "charts/redis.tgz"]
    assert loader.asked == [("b/Chart.yaml", ["redis"])]


@pytest.mark.parametrize("hidden", ["b/.c/Chart.yaml", "b/ignored/Chart.yaml"])
def test_charts_that_are_left_out_are_left_alone(hidden):
    loader = Loader()
    files = {"b/fleet.yaml": "{}", "b/cm.yaml": "", hidden: CHART, "b/.fleetignore": "ignored/*\n"}
    assert read(files, loader)[1] == ["cm.yaml"]
    assert loader.asked == []


def test_who_switches_the_update_off_gets_none():
    loader = Loader()
    files = {"b/fleet.yaml": "helm: {disableDependencyUpdate: true, chart: web, repo: x}", "b/Chart.yaml": CHART}
    assert "charts/redis.tgz" not in " ".join(read(files, loader)[1])


def test_errors_name_the_file_and_the_chart():
    loader = Loader({"web/Chart.yaml": "name: web\n"})
    with pytest.raises(FleetError, match=r"^b/fleet\.yaml, chart web from https://h, version 1, web/Chart\.yaml: "):
        read({"b/fleet.yaml": "helm: {chart: web, repo: 'https://h', version: '1'}"}, loader)


def test_a_changed_tree():
    tree = ChangedTree(LinkedTree({"a": "1", "b": "2"}, {"l": "a"}), {"b": None, "c": b"3", "l": b"4"})
    assert {path: entry.mode for path, entry in tree.entries().items()} == dict.fromkeys("acl", "100644")
    assert tree.read(["a", "c", "l"]) == {"a": b"1", "c": b"3", "l": b"4"}
