# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Linting as people do it: the playbook, the module, a checkout with history."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.lint.history import tree_at
from ansible_collections.gitops.fleet.plugins.modules import fleet_bundle

CHECKOUT = Path(__file__).resolve().parents[3]
PLAYBOOK = str(Path(sys.executable).with_name("ansible-playbook"))
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A repository whose bundle apps/web became apps/site since branch origin, and has an unknown key now."""
    path = tmp_path / "checkout"
    (path / "apps/web").mkdir(parents=True)
    (path / "apps/web/fleet.yaml").write_text("defaultNamespace: web\n")
    (path / "apps/web/cm.yaml").write_text(CONFIG_MAP)
    git(path, "init", "--quiet", "--initial-branch=main")
    git(path, "add", "--all")
    git(path, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "--message=1")
    git(path, "update-ref", "refs/remotes/origin/main", "HEAD")
    (path / "apps/web").rename(path / "apps/site")
    (path / "apps/site/fleet.yaml").write_text("defaultNamespace: web\nnamespaceLabel: {a: b}\n")
    return path


def git(path: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(path), *arguments], check=True, capture_output=True)


def playbook(cwd: Path, playbook: str, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [PLAYBOOK, playbook, "-e", json.dumps(variables)],
        cwd=cwd,
        env={
            **os.environ,
            "PWD": str(cwd),
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "build/collections"),
            "ANSIBLE_STDOUT_CALLBACK": "default",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_one_command_lints_the_current_directory(checkout, tmp_path):
    clusters = tmp_path / "clusters.yml"
    clusters.write_text("clusters: [{name: a, labels: {env: dev}}]\n")
    done = playbook(
        checkout / "apps",
        "gitops.fleet.lint",
        fleet_lint_since="origin/main",
        fleet_lint_clusters=str(clusters),
        fleet_lint_format="sarif",
        fleet_lint_dest=str(tmp_path / "out.sarif"),
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "site/fleet.yaml:2:1 unknown-key: Fleet ignores namespaceLabel" in done.stdout
    assert "it uninstalls apps-web, and installs apps-site" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    run = json.loads((tmp_path / "out.sarif").read_text())["runs"][0]
    places = {item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for item in run["results"]}
    # From the top of the checkout, as a code review page counts.
    assert places == {"apps/site/fleet.yaml"}
    assert {item["ruleId"] for item in run["results"]} == {"unknown-key", "bundle-renamed"}


def test_the_module_s_own_examples_run(checkout, tmp_path):
    tasks = [item for item in yaml.safe_load(fleet_bundle.EXAMPLES) if "state: linted" in yaml.safe_dump(item)]
    (tmp_path / "clusters.yaml").write_text("clusters: [{name: a, labels: {env: dev}}]\n")
    text = yaml.safe_dump(tasks).replace("/srv/apps", str(checkout))
    text = text.replace("clusters.yaml", str(tmp_path / "clusters.yaml")).replace("fleet.sarif", f"{tmp_path}/o.sarif")
    steps = [{**step, "register": "linted", "ignore_errors": True} for step in yaml.safe_load(text)]
    shows = {
        "ansible.builtin.debug": {"msg": "{{ linted.counts }} {{ linted.failed }} {{ linted.dest | default('-') }}"}
    }
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "environment": {},
        "tasks": [item for step in steps for item in (step, shows)],
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]).replace("GITHUB_WORKSPACE", "FLEET_TEST_WORKSPACE"))
    os.environ["FLEET_TEST_WORKSPACE"] = str(checkout)
    done = playbook(tmp_path, "play.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "'error': 1, 'warning': 0, 'note': 0} True -" in done.stdout
    assert f"'error': 2, 'warning': 0, 'note': 0}} True {tmp_path}/o.sarif" in done.stdout
    assert json.loads((tmp_path / "o.sarif").read_text())["version"] == "2.1.0"


@pytest.mark.parametrize("commit", ["gone", "-x", "HEAD:x", "a b"])
def test_a_commit_that_is_not_there_is_an_error(checkout, commit):
    with pytest.raises(FleetError, match=r"no commit|no name"), tree_at(checkout, commit):
        pass


def test_a_directory_without_history_is_an_error(tmp_path):
    with pytest.raises(FleetError, match="in no git checkout"), tree_at(tmp_path, "HEAD"):
        pass


def test_the_checkout_s_own_settings_run_nothing(checkout, tmp_path):
    for key in ("core.fsmonitor", "core.sshCommand", "core.pager", "alias.ls-tree"):
        git(checkout, "config", key, f"touch {tmp_path}/ran")
    with tree_at(checkout / "apps", "origin/main") as tree:
        assert sorted(tree.entries()) == ["web/cm.yaml", "web/fleet.yaml"]
        assert tree.read(["web/fleet.yaml"]) == {"web/fleet.yaml": b"defaultNamespace: web\n"}
    assert not (tmp_path / "ran").exists()
