# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module fleet_bundle as a play runs it."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.build import Build
from ansible_collections.gitops.fleet.plugins.modules import fleet_bundle

CHECKOUT = Path(__file__).resolve().parents[3]
PLAYBOOK = str(Path(sys.executable).with_name("ansible-playbook"))
CONFIG_MAP = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n"


@pytest.fixture
def play(tmp_path) -> Callable[..., list[dict]]:
    """Runs tasks in a play and returns their results. Tasks may fail."""

    def run(*tasks: dict, arguments: tuple[str, ...] = ()) -> list[dict]:
        steps = []
        for number, task in enumerate(tasks):
            steps += [
                {"register": "built", **task, "ignore_errors": True},
                {
                    "ansible.builtin.copy": {
                        "content": "{{ " + task.get("register", "built") + " | to_json }}",
                        "dest": str(tmp_path / f"result-{number}.json"),
                    },
                    "check_mode": False,
                },
            ]
        document = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable},
            "tasks": steps,
        }
        (tmp_path / "play.yml").write_text(yaml.safe_dump([document]))
        done = subprocess.run(
            [PLAYBOOK, "-i", "localhost,", "-c", "local", "play.yml", *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "build/collections"),
                "ANSIBLE_LOCALHOST_WARNING": "false",
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
            },
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return [json.loads((tmp_path / f"result-{number}.json").read_text()) for number in range(len(tasks))]

    return run


def task(**options: object) -> dict:
    return {"gitops.fleet.fleet_bundle": {"name": "web", **options}}


def resources(**files: str) -> list[dict[str, str]]:
    return [{"name": name.replace("__", "/"), "content": content} for name, content in files.items()]


@pytest.fixture
def chart(tmp_path) -> Path:
    directory = tmp_path / "charts" / "web"
    (directory / "templates").mkdir(parents=True)
    (directory / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    (directory / "templates" / "a.yaml").write_text(CONFIG_MAP)
    return directory


def test_its_own_examples_run(play, chart, tmp_path):
    app = tmp_path / "app"
    app.mkdir()
    (app / "a.yaml").write_text(CONFIG_MAP)
    text = fleet_bundle.EXAMPLES.replace("/srv/apps/app", str(app)).replace("/tmp/app-", f"{tmp_path}/app-")
    # The examples of linting are run in test_lint.py, charts from elsewhere in test_charts.py.
    elsewhere = ("state: linted", "https://")
    examples = [item for item in yaml.safe_load(text) if not any(word in yaml.safe_dump(item) for word in elsewhere)]
    results = play(*examples)
    assert [result["failed"] for result in results] == [False] * 4
    assert Build.load(Path(results[0]["build"])).bundles[0].name == "motd"
    assert results[2]["bundle"]["spec"]["targets"][0]["helm"] == {"values": {"replicas": 3}}
    assert yaml.safe_load((tmp_path / "app-bundle.yaml").read_text())["kind"] == "Bundle"


def test_a_directory_gives_the_same_content_as_its_files_inline(play, chart):
    files = {"Chart__yaml": (chart / "Chart.yaml").read_text()}
    inline = [
        {"name": "Chart.yaml", "content": files["Chart__yaml"]},
        {"name": "templates/a.yaml", "content": CONFIG_MAP},
    ]
    first, second = play(task(path=str(chart)), task(resources=inline))
    assert first["content_id"] == second["content_id"]
    assert first["resource_names"] == ["Chart.yaml", "templates/a.yaml"]
    assert first["changed"] is second["changed"] is False


def test_dest_is_written_once_and_private(play, chart, tmp_path):
    dest = tmp_path / "bundle.yaml"
    options = task(path=str(chart), dest=str(dest))
    (checked,) = play(options, arguments=("--check",))
    assert checked["changed"] is True
    assert not dest.exists()
    assert [result["changed"] for result in play(options, options)] == [True, False]
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600


def test_a_large_bundle_is_not_returned(play):
    (result,) = play(task(resources=resources(a="x" * 100_000)))
    assert "bundle" not in result
    assert Build.load(Path(result["build"])).bundles[0].spec["resources"][0]["content"] == "x" * 100_000


def test_bad_input(play, chart, tmp_path):
    (chart / "escape.yaml").symlink_to("/etc/passwd")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "fleet.yaml").write_text("namespace: a\nhelm:\n  force: maybe\n")
    (broken / "-o").write_text("a file that looks like an option")
    results = play(
        task(path=str(tmp_path / "nope")),
        task(path=str(chart)),
        task(path=str(broken)),
        task(resources=resources(a="", __a="")),
        task(resources=resources(a=""), options={"helm": {"valuesFiles": ["missing.yaml"], "chart": "."}}),
        task(resources=resources(a=""), targets=[{"clusterNme": "x"}]),
        task(path=str(broken), resources=resources(a="")),
    )
    wanted = [
        "nope: is not a directory",
        "escape.yaml: is a symbolic link to the absolute path /etc/passwd",
        f"{broken}, fleet.yaml:3: helm.force must be true or false, not a string",
        "'/a' is no path of a file",
        "bundle web, options: helm.valuesFiles: missing.yaml: there is no such file",
        "bundle web, targets[1]: there is no field 'clusterNme'. Did you mean clusterName?",
        "mutually exclusive",
    ]
    for result, message in zip(results, wanted, strict=True):
        assert result["failed"]
        assert message in result["msg"]
    assert not (tmp_path / "cache" / "gitops.fleet" / "builds").exists()
