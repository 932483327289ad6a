# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module fleet_gitrepo as a play runs it."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.build import Build

from lab.git_server import GitHttpServer

CHECKOUT = Path(__file__).resolve().parents[3]
SECRET = "tr0mbone-planted-4711"

FILES = {
    "web/fleet.yaml": "helm:\n  values: {size: 1}\ntargetCustomizations:\n- clusterName: one\n  helm: {atomic: true}\n",
    "web/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "web/templates/cm.yaml": "kind: ConfigMap\napiVersion: v1\nmetadata: {name: web}\n",
    "raw/fleet.yaml": "{}\n",
    "raw/cm.yaml": "kind: ConfigMap\napiVersion: v1\nmetadata: {name: raw}\n",
}


@dataclass(frozen=True)
class Outcome:
    """The results of the tasks of a play, and what it printed."""

    results: list[dict]
    output: str

    @property
    def result(self) -> dict:
        (only,) = self.results
        return only


@pytest.fixture
def play(tmp_path, cache) -> Callable[..., Outcome]:
    """Runs one play with a task of the module for each set of options."""

    def run(*tasks: dict, arguments: tuple[str, ...] = ()) -> Outcome:
        document = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable},
            "tasks": [],
        }
        for number, options in enumerate(tasks):
            document["tasks"] += [
                {
                    "gitops.fleet.fleet_gitrepo": {
                        "cache_dir": str(cache),
                        **({} if "gitrepos" in options else {"name": "apps"}),
                        **options,
                    },
                    "register": "built",
                    "ignore_errors": True,
                },
                {
                    "ansible.builtin.copy": {
                        "content": "{{ built | to_json }}",
                        "dest": str(tmp_path / f"result-{number}.json"),
                    },
                    "check_mode": False,
                    "no_log": True,
                },
            ]
        (tmp_path / "play.yml").write_text(yaml.safe_dump([document]))
        playbook = str(Path(sys.executable).with_name("ansible-playbook"))
        done = subprocess.run(
            [playbook, "-i", "localhost,", "-c", "local", "play.yml", *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "build/collections"),
                "ANSIBLE_LOCALHOST_WARNING": "false",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        results = [json.loads((tmp_path / f"result-{number}.json").read_text()) for number in range(len(tasks))]
        return Outcome(results, done.stdout + done.stderr)

    return run


@pytest.fixture
def bundles(repository):
    repository.commit(FILES)
    return repository


def test_what_it_returns(play, bundles):
    options = {
        "repo": str(bundles.path),
        "branch": "main",
        "paths": ["raw", "web"],
        "targets": [{"clusterGroup": "prod"}],
    }
    first = play(options).result
    assert first["changed"] is False
    assert first["commit"] == bundles.git("rev-parse", "main")
    assert first["bundle_count"] == 2
    assert [
        (bundle["name"], bundle["path"], bundle["resources"], bundle["targets"], bundle["content_id"][:2])
        for bundle in first["bundles"]
    ] == [("apps-raw", "raw", 1, 1, "s-"), ("apps-web", "web", 2, 2, "s-")]
    build = Build.load(Path(first["build"]))
    assert build.commit == first["commit"]
    assert build.gitrepo.targets == [{"clusterGroup": "prod"}]
    again = play(options, arguments=("--check",)).result
    assert {key: again[key] for key in ("build", "bundles", "changed")} == {
        key: first[key] for key in ("build", "bundles", "changed")
    }


def test_by_ssh_with_files_and_with_texts(play, bundles, ssh_server, ssh_key, tmp_path):
    (tmp_path / "known_hosts").write_text(ssh_server.known_hosts)
    options = {"repo": f"{ssh_server.url}/team/apps.git", "branch": "main"}
    files = {"ssh_private_key_file": str(tmp_path / "key"), "known_hosts_file": str(tmp_path / "known_hosts")}
    texts = {"ssh_private_key": ssh_key[0], "known_hosts": ssh_server.known_hosts}
    outcome = play({**options, **files}, {**options, **texts})
    assert [result["bundle_count"] for result in outcome.results] == [2, 2]


def test_driven_scan_and_options_of_the_gitrepo(play, bundles):
    result = play(
        {
            "repo": str(bundles.path),
            "branch": "main",
            "workspace": "team-a",
            "bundles": [{"base": "web"}],
            "labels": {"team": "a", "tier": 1},
            "target_namespace": "shop",
            "paused": True,
        }
    ).result
    (bundle,) = Build.load(Path(result["build"])).bundles
    assert (bundle.name, bundle.namespace) == ("apps-web", "team-a")
    assert bundle.labels["tier"] == "1"
    assert bundle.spec["namespace"] == "shop"
    assert bundle.spec["paused"] is True


def test_branch_and_revision_together_warn(play, bundles):
    bundles.git("tag", "v1", "main")
    result = play({"repo": str(bundles.path), "branch": "main", "revision": "v1"}).result
    assert "branch and revision are both set" in " ".join(result["warnings"])


def test_failures_are_one_clear_sentence(play, bundles):
    bundles.commit({**FILES, "web/fleet.yaml": "helm:\n  values: [\n"}, branch="broken")
    expected = [
        ({"repo": "/nowhere"}, "GitRepo apps: there is no git repository at this address"),
        ({"repo": "https://me:secret@git.example.com/a"}, "give them as username and password"),
        ({"branch": "none"}, "has no branch 'none'. It has broken, main"),
        ({"paths": ["nowhere"]}, "GitRepo apps: no resources to deploy were found at: nowhere"),
        ({"targets": [{"clusterSelectr": {}}]}, "Did you mean clusterSelector?"),
        ({"name": "My App"}, "is not the name of a Kubernetes object"),
        ({"known_hosts_file": "/nowhere"}, "/nowhere: known_hosts_file cannot be read"),
        ({"username": "me"}, "GitRepo apps: username or password is given, but the repository is reached by file"),
        ({"polling_interval": "1d"}, "pollingInterval '1d' is not a duration"),
        ({"engine": "fleet"}, "must be one of: push"),
        ({"cache_dir": f"{bundles.path}/HEAD/x"}, "/HEAD/x: the cache directory cannot be made"),
        ({"branch": "broken"}, "GitRepo apps, web/fleet.yaml:"),
    ]
    outcome = play(*({"repo": str(bundles.path), "branch": "main", **options} for options, _message in expected))
    for result, (_options, message) in zip(outcome.results, expected, strict=True):
        assert result["failed"] is True
        assert message in result["msg"]
    assert "Traceback" not in outcome.output


def test_many_at_once_and_those_that_fail(play, bundles, http_server):
    """What is wrong is named; the others have their results."""
    private = {"repo": f"{http_server.url}/team/apps.git", "branch": "main", "username": "reader"}
    good = {"name": "good", "repo": str(bundles.path), "branch": "main", "paths": ["raw"], "workspace": "team"}
    gitrepos = [
        good,
        {"name": "gone", "repo": "/nowhere"},
        {"name": "private", **private, "password": "correct horse 1729"},
        {"name": "refused", **private, "password": "planted-4711"},
        {"name": "nameless-repo"},
    ]
    outcome = play(
        {"gitrepos": gitrepos},
        {"gitrepos": [good]},
        {"gitrepos": []},
        arguments=("-vvv",),
    )
    some, all_well, none = outcome.results
    assert some["failed"] is True
    assert some["msg"].startswith("3 of 5 GitRepos failed: GitRepo gone: there is no git repository")
    assert "| GitRepo refused: " in some["msg"]
    assert "| GitRepo nameless-repo: repo is missing" in some["msg"]
    assert [result["failed"] for result in some["gitrepos"]] == [False, True, False, True, True]
    assert [bundle["path"] for bundle in some["gitrepos"][0]["bundles"]] == ["raw"]
    assert some["gitrepos"][2]["bundle_count"] == 2
    assert some["builds"] == [result["build"] for result in some["gitrepos"] if not result["failed"]]
    assert Build.load(Path(all_well["builds"][0])).bundles[0].namespace == "team"
    assert (none["builds"], none["failed"]) == ([], False)
    assert "planted-4711" not in outcome.output
    assert "correct horse 1729" not in outcome.output


def test_the_environment_of_git_settings_does_not_matter(play, bundles, monkeypatch):
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_PYTHON_TRACE", "full")
    assert play({"repo": str(bundles.path), "branch": "main"}).result["bundle_count"] == 2


class TestSecrets:
    @pytest.fixture
    def http_server(self, bundles, tmp_path):
        with GitHttpServer(tmp_path / "served", users={"reader": SECRET}) as server:
            yield server

    def test_a_password_is_nowhere_to_be_found(self, play, http_server, cache, tmp_path):
        """In the output with -vvv, in arguments while it runs, in the cache; of a good run and of failing ones."""
        address = f"{http_server.url}/team/apps.git"
        with ArgumentsOfAllProcesses() as seen:
            outcome = play(
                {"repo": address, "branch": "main", "username": "reader", "password": SECRET},
                {"repo": address, "branch": "main", "username": "other", "password": SECRET},
                {"repo": f"{address}x", "branch": "main", "username": "reader", "password": SECRET},
                arguments=("-vvv",),
            )
        good, wrong, missing = outcome.results
        assert good["bundle_count"] == 2
        assert "does not accept the user name and password" in wrong["msg"]
        assert "no git repository at this address" in missing["msg"]
        assert SECRET not in outcome.output
        assert SECRET not in json.dumps(outcome.results)
        assert any("git-remote-http" in line for line in seen.lines)
        assert not any(SECRET in line for line in seen.lines)
        assert files_with(SECRET, cache) == []
        assert files_with(SECRET, Path("/dev/shm")) == []

    def test_an_ssh_key_is_nowhere_to_be_found(self, play, bundles, ssh_server, ssh_key, cache):
        middle = ssh_key[0].splitlines()[2]
        options = {"repo": f"{ssh_server.url}/team/apps.git", "branch": "main", "ssh_private_key": ssh_key[0]}
        with ArgumentsOfAllProcesses() as seen:
            outcome = play(
                {**options, "known_hosts": ssh_server.known_hosts},
                {**options, "known_hosts": "elsewhere ssh-ed25519 AAAA"},
                arguments=("-vvv",),
            )
        good, unknown = outcome.results
        assert good["bundle_count"] == 2
        assert "is not in known_hosts" in unknown["msg"]
        assert middle not in outcome.output
        assert any("git-upload-pack" in line for line in seen.lines)
        assert not any(middle in line for line in seen.lines)
        assert files_with(middle, cache) == []
        assert files_with(middle, Path("/dev/shm")) == []


class ArgumentsOfAllProcesses:
    """Looks at the arguments and environments of all processes for as long as the block runs."""

    def __enter__(self):
        self.lines: set[str] = set()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self._done.set()
        self._thread.join()

    def _look(self):
        while not self._done.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    for name in ("cmdline", "environ"):
                        self.lines.add((process / name).read_bytes().decode(errors="replace").replace("\0", " "))
                except OSError:
                    continue
            time.sleep(0.05)


def files_with(text: str, directory: Path) -> list[Path]:
    found = []
    for path in directory.rglob("*"):
        try:
            if text in path.name or (path.is_file() and text.encode() in path.read_bytes()):
                found.append(path)
        except OSError:
            continue
    return found
