# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle import build as build_module
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.build import Build, BuildIndex, build_gitrepo
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.charts import VendoredCharts
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.settings import COMMIT_LABEL
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.git import Fetched
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from ansible_collections.gitops.fleet.plugins.module_utils.source.tree import REGULAR, Entry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GITREPO = GitRepo("apps", repo="/srv/apps.git", targets=[{"clusterSelector": {}}])
COMMIT, LATER = "c" * 40, "d" * 40

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class Tree:
    """A tree whose files may not be read."""

    def __init__(self, oid: str, files: dict[str, bytes] | None = None, directories: dict[str, str] | None = None):
        self.oid = oid
        self._files = files
        self._directories = directories or {}

    def directories(self):
        return self._directories

    def entries(self):
        return {path: Entry(REGULAR, len(content), path) for path, content in self._files.items()}

    def read(self, paths):
        return {path: self._files[path] for path in paths}


FILES = {"web/cm.yaml": b"kind: ConfigMap\n", "web/fleet.yaml": b"labels: {a: b}\n"}


def test_a_build_is_read_back_as_it_was(tmp_path):
    bundle = Bundle("web", "team-a", {"helm": {"values": {"a": 1.0}}}, {"l": "1"}, {"a": "2"})
    saved = Build(GITREPO, COMMIT, [bundle]).save(tmp_path)
    assert Build.load(saved) == Build(GITREPO, COMMIT, [bundle])
    assert saved.stat().st_mode & 0o777 == 0o600
    assert saved.parent.stat().st_mode & 0o777 == 0o700
    document = json.loads(saved.read_text())
    assert document["gitrepo"]["commit"] == COMMIT
    assert document["bundles"][0]["metadata"] == {
        "name": "web",
        "namespace": "team-a",
        "labels": {"l": "1"},
        "annotations": {"a": "2"},
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.dictionaries(st.text(), JSON_VALUES))
def test_any_spec_is_read_back_as_it_was(tmp_path, spec):
    build = Build(GITREPO, COMMIT, [Bundle("web", "team-a", spec)])
    assert Build.load(build.save(tmp_path)) == build


def test_the_same_content_is_the_same_file(tmp_path):
    first = Build(GITREPO, COMMIT, []).save(tmp_path)
    assert Build(GITREPO, COMMIT, []).save(tmp_path) == first
    assert Build(GITREPO, LATER, []).save(tmp_path) != first
    assert len(list((tmp_path / "builds").iterdir())) == 2


def test_a_file_that_a_crash_cut_short_is_written_again(tmp_path):
    saved = Build(GITREPO, COMMIT, []).save(tmp_path)
    saved.write_bytes(b"")
    assert Build.load(Build(GITREPO, COMMIT, []).save(tmp_path)).commit == COMMIT


def test_files_that_nobody_used_for_long_are_swept(tmp_path):
    old = Build(GITREPO, COMMIT, []).save(tmp_path)
    used = Build(GITREPO, LATER, []).save(tmp_path)
    long_ago = time.time() - 31 * 24 * 3600
    os.utime(old, (long_ago, long_ago))
    os.utime(used, (long_ago, long_ago))
    Build(GITREPO, LATER, []).save(tmp_path)
    assert used.exists()
    assert not old.exists()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is not a file with built bundles"),
        (b"[]", "is not a file with built bundles"),
        (b"{}", "is not a file with built bundles"),
        (b'{"format": 99}', "another version of this collection"),
        (b'{"format": 1, "gitrepo": {"name": "a"}, "bundles": []}', "is not a file with built bundles"),
        (b'{"format": 1, "gitrepo": {"name": "a", "commit": ""}, "bundles": [{}]}', "is not a file with built"),
        (b"\xff", "is not a file with built bundles"),
    ],
)
def test_what_is_no_build(tmp_path, content, expected):
    path = tmp_path / "x.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FleetError, match=expected) as caught:
        Build.load(path)
    assert caught.value.place == str(path)
    assert "fleet_gitrepo" in caught.value.remedy


class TestOfATree:
    def test_bundles_are_read_and_saved(self, tmp_path):
        built, path = build_gitrepo(GITREPO, Fetched(COMMIT, Tree("t1", FILES)), tmp_path)
        assert [bundle.name for bundle in built.bundles] == ["apps-web"]
        assert built.bundles[0].labels[COMMIT_LABEL] == COMMIT
        assert Build.load(path) == built

    def test_an_unchanged_tree_is_not_read_again(self, tmp_path):
        first, path = build_gitrepo(GITREPO, Fetched(COMMIT, Tree("t1", FILES)), tmp_path)
        again, again_path = build_gitrepo(GITREPO, Fetched(COMMIT, Tree("t1")), tmp_path)
        assert (again, again_path) == (first, path)

    def test_another_commit_of_the_same_tree_is_only_labelled(self, tmp_path):
        build_gitrepo(GITREPO, Fetched(COMMIT, Tree("t1", FILES)), tmp_path)
        later, path = build_gitrepo(GITREPO, Fetched(LATER, Tree("t1")), tmp_path)
        assert later.commit == LATER
        assert later.bundles[0].labels[COMMIT_LABEL] == LATER
        assert Build.load(path) == later
        # It is the same as if it had been read.
        assert build_gitrepo(GITREPO, Fetched(LATER, Tree("t1", FILES)), tmp_path / "new")[0] == later

    def test_a_commit_label_of_fleet_yaml_stays(self, tmp_path):
        files = {**FILES, "web/fleet.yaml": b"labels: {fleet.cattle.io/commit: mine}\n"}
        build_gitrepo(GITREPO, Fetched(COMMIT, Tree("t1", files)), tmp_path)
        later, _path = build_gitrepo(GITREPO, Fetched(LATER, Tree("t1")), tmp_path)
        assert later.bundles[0].labels[COMMIT_LABEL] == "mine"

    def test_another_tree_gitrepo_or_reader_reads_anew(self, tmp_path, monkeypatch):
        build_gitrepo(GITREPO, Fetched(COMMIT, Tree("t1", FILES)), tmp_path)
        assert BuildIndex(tmp_path, "always").find("t1", GITREPO, COMMIT) is None
        index = BuildIndex(tmp_path, VendoredCharts.mode)
        assert index.find("t1", GITREPO, COMMIT)
        assert index.find("t2", GITREPO, COMMIT) is None
        assert index.find("t1", GitRepo("apps", repo="/srv/apps.git", paths=["web"]), COMMIT) is None
        monkeypatch.setattr(build_module, "_version_of_readers", lambda: "newer")
        assert index.find("t1", GITREPO, COMMIT) is None

    def test_what_was_loaded_and_may_be_other_next_time_is_read_anew(self, tmp_path):
        loader = VendoredCharts()
        loader.is_lasting = False
        build_gitrepo(GITREPO, Fetched(COMMIT, Tree("t1", FILES)), tmp_path, loader)
        assert BuildIndex(tmp_path, loader.mode).find("t1", GITREPO, COMMIT) is None

    def test_a_build_that_is_gone_or_damaged_is_made_again(self, tmp_path):
        _first, path = build_gitrepo(GITREPO, Fetched(COMMIT, Tree("t1", FILES)), tmp_path)
        for damage in (Path.unlink, lambda file: file.write_text("x")):
            damage(path)
            assert build_gitrepo(GITREPO, Fetched(COMMIT, Tree("t1", FILES)), tmp_path)[1].stat().st_size > 100

    def test_of_another_tree_only_what_changed_is_read(self, tmp_path):
        files = {
            "a/fleet.yml": b"helm: {chart: ./}\n",
            "a/Chart.yaml": b"apiVersion: v2\nname: a\nversion: 1.0.0\n",
            "b/fleet.yaml": b"helm: {chart: ., valuesFiles: [../common.yaml]}\n",
            "b/cm.yaml": b"kind: ConfigMap\n",
            "empty/fleet.yaml": b"{}\n",
            "common.yaml": b"size: 1\n",
        }
        gitrepo = GitRepo("apps", repo="/srv/apps.git", paths=["a", "b", "empty"])
        directories = {"": "r1", "a": "a1", "b": "b1", "empty": "e1"}
        build_gitrepo(gitrepo, Fetched(COMMIT, Tree("t1", files, directories)), tmp_path)
        # The directory b reads a file beside it; a and empty are not read again, whatever is in them now.
        changed = {**files, "a/fleet.yml": b"[", "empty/fleet.yaml": b"[", "common.yaml": b"size: 2\n"}
        second = Tree("t2", changed, {**directories, "": "r2"})
        later, path = build_gitrepo(gitrepo, Fetched(LATER, second), tmp_path)
        assert [bundle.name for bundle in later.bundles] == ["apps-a", "apps-b"]
        assert [bundle.path for bundle in later.bundles] == ["a", "b"]
        assert later.bundles[0].labels[COMMIT_LABEL] == LATER
        assert later.bundles[1].spec["helm"]["values"] == {"size": 2}
        assert Build.load(path) == later
        # A third build knows what the second did not read.
        third = Tree("t3", changed, {**directories, "": "r3"})
        assert build_gitrepo(gitrepo, Fetched(LATER, third), tmp_path)[0] == later
        # Another tree, other settings: read.
        for other_gitrepo, other in [
            (gitrepo, {**directories, "a": "a2"}),
            (replace(gitrepo, paused=True), directories),
        ]:
            with pytest.raises(FleetError, match="a/fleet.yml"):
                build_gitrepo(other_gitrepo, Fetched(LATER, Tree("t4", changed, other)), tmp_path)

    def test_an_error_names_gitrepo_file_and_line(self, tmp_path):
        files = {**FILES, "web/fleet.yaml": b"labels:\n  a: [\n"}
        with pytest.raises(FleetError, match=r"^GitRepo apps, web/fleet\.yaml:\d"):
            build_gitrepo(GITREPO, Fetched(COMMIT, Tree("t1", files)), tmp_path)

    def test_a_path_that_matches_nothing(self, tmp_path):
        gitrepo = GitRepo("apps", repo="/srv/apps.git", paths=["nowhere/*"])
        with pytest.raises(FleetError, match=r"^GitRepo apps: no resources .* nowhere/\*"):
            build_gitrepo(gitrepo, Fetched(COMMIT, Tree("t1", FILES)), tmp_path)
