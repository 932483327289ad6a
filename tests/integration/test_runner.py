# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``playbooks/deploy.yml`` run by ansible-runner as AWX runs it: no secret is left anywhere but in runner's own inputs.

AWX updates the inventory with ``ansible-inventory --list --export`` and hands the job the result. It gives credentials
by environment variables, by files that those name, and by extra variables in a file.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from fleet import CHECKOUT, CORES, closed_port
from git_repositories import Repository

from lab.git_server import GitHttpServer
from lab.git_ssh_server import GitSshServer

USER = "deployer"
PASSWORD = "pl4nted/pass+w0rd"
API_KEY = "planted-api-key-of-another-cluster"
IN_BUNDLE = "planted-value-of-a-secret-object"

INPUTS = ("env/envvars", "env/extravars", "credentials/kubeconfig", "credentials/variables.json")
"""What the job is given: credentials are in it by design."""

RUNNERS_RECORD = ("command", "env.list")
"""Under the artifacts, ansible-runner's own copies of the command and the environment that it was given."""

PATIENCE = 300


class Job:
    """A job of AWX: the private data directory that it makes for ansible-runner, and the job's environment."""

    def __init__(self, directory: Path, node: Any, core: str):
        self.directory = directory
        self.home = directory.parent / "home"
        self.temp = directory.parent / "tmp"
        self._node = node
        self._core = core
        self.arguments_seen: set[str] = set()
        for path in (
            self.home,
            self.temp,
            *(directory / name for name in ("project", "inventory", "env", "credentials")),
        ):
            path.mkdir(parents=True, mode=0o700)

    def prepare(self, kubeconfig: dict, clusters: list[dict], variables: dict, credentials: dict) -> None:
        """Lay out the project, the inventory and the credentials."""
        self._private("credentials/kubeconfig", yaml.safe_dump(kubeconfig))
        self._private("credentials/variables.json", json.dumps({"fleet_git_credentials": credentials}))
        playbook = [{"import_playbook": "gitops.fleet.deploy"}]
        (self.directory / "project/site.yml").write_text(yaml.safe_dump(playbook), encoding="utf-8")
        self._private("env/extravars", json.dumps(variables))
        self._private("env/envvars", json.dumps(self.environment()))
        self._private("env/cmdline", f"-e @{self.directory}/credentials/variables.json")
        self._update_inventory(clusters)

    def environment(self) -> dict[str, str]:
        return {
            "PATH": f"{CORES[self._core] / 'bin'}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "TMPDIR": str(self.temp),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "build/collections"),
            "ANSIBLE_HOME": str(self.home / "ansible"),
            "FLEET_HELM": str(self._node.programs / "helm4"),
            "GITOPS_FLEET_OWNER": self._node.owner,
            "JOB_KUBECONFIG": str(self.directory / "credentials/kubeconfig"),
            # As AWX's own Kubernetes credential sets them: they must lead nowhere.
            "K8S_AUTH_HOST": f"https://127.0.0.1:{closed_port()}",
            "K8S_AUTH_API_KEY": API_KEY,
            "K8S_AUTH_VERIFY_SSL": "False",
        }

    def run(self, ident: str, *options: str) -> str:
        """Run the job to its end under -vvv, watch the arguments of all processes, and return what it printed."""
        command = [sys.executable, "-m", "ansible_runner", "run", str(self.directory), "-p", "site.yml", "-vvv"]
        # ansible-runner is started as AWX does, with nothing of a credential in its own environment.
        plain = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        command += ["--ident", ident, "--cmdline", " ".join((self._cmdline, *options))]
        with subprocess.Popen(
            command, env=plain, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            watcher = threading.Thread(target=self._watch, args=(process,), daemon=True)
            watcher.start()
            output, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, output
        return output

    def files(self) -> Iterator[Path]:
        """All files that the job left, but for what ansible-runner was given and its record of that."""
        inputs = {self.directory / name for name in INPUTS}
        private = Path("/dev/shm").glob("gitops-fleet-*")
        for root in (self.directory, self.home, self.temp, *private):
            for path in root.rglob("*"):
                if path.is_file() and path not in inputs and path.name not in RUNNERS_RECORD:
                    yield path

    def artifacts(self) -> list[Path]:
        """Those of them that AWX keeps: stdout, events, facts."""
        return [path for path in self.files() if path.is_relative_to(self.directory / "artifacts")]

    @property
    def _cmdline(self) -> str:
        return f"-e @{self.directory}/credentials/variables.json"

    def _private(self, name: str, text: str) -> None:
        path = self.directory / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)

    def _update_inventory(self, clusters: list[dict]) -> None:
        source = self.directory.parent / "source"
        source.mkdir()
        (source / "clusters.yaml").write_text(yaml.safe_dump({"clusters": clusters}), encoding="utf-8")
        plugin = {"plugin": "gitops.fleet.clusters", "sources": [{"type": "file", "path": "clusters.yaml"}]}
        (source / "job.clusters.yml").write_text(yaml.safe_dump(plugin), encoding="utf-8")
        command = [CORES[self._core] / "bin/ansible-inventory", "--list", "--export", "-i", source / "job.clusters.yml"]
        listed = subprocess.run(command, env=self.environment(), check=True, capture_output=True, text=True).stdout
        script = self.directory / "inventory/hosts"
        script.write_text(f"#!/bin/sh\ncat <<'END'\n{listed}\nEND\n", encoding="utf-8")
        script.chmod(0o700)

    def _watch(self, process: subprocess.Popen) -> None:
        while process.poll() is None:
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.arguments_seen.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue
            threading.Event().wait(0.03)


def forms(secret: str) -> set[bytes]:
    """A secret as it is, and as it may have been written: for a URL, in JSON, as base64 (whatever stands before it)."""
    texts = {secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote(secret), json.dumps(secret)[1:-1]}
    encoded = {base64.b64encode(b"x" * shift + secret.encode())[4:-4] for shift in range(3)}
    return {text.encode() for text in texts} | encoded


def forms_of_lines(key: str) -> set[bytes]:
    """A key in PEM form: each of its lines is a secret on its own."""
    lines = [line for line in key.splitlines() if len(line) > 30 and "-----" not in line]
    return {form for line in lines for form in forms(line)}


def content(path: Path) -> bytes:
    """What is in a file; nothing when it went away meanwhile: other runs have private directories of their own."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def found_in(text: bytes, secrets: dict[str, set[bytes]]) -> list[str]:
    return [name for name, written in secrets.items() if any(form in text for form in written)]


@pytest.fixture
def ssh_key(tmp_path) -> tuple[str, str]:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path.read_text(), Path(f"{path}.pub").read_text()


@contextmanager
def token_for(node: Any, cluster: str, namespace: str) -> Iterator[str]:
    """A token that may do everything on the cluster, of a service account in the namespace."""
    api = node.lab.cluster(cluster).api()
    api.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    api.create(accounts, {"metadata": {"name": "job"}})
    bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    subject = {"kind": "ServiceAccount", "name": "job", "namespace": namespace}
    api.create(bindings, {"metadata": {"name": namespace}, "roleRef": role, "subjects": [subject]})
    try:
        yield api.create(f"{accounts}/job/token", {"spec": {"expirationSeconds": 3600}})["status"]["token"]
    finally:
        api.request("DELETE", f"{bindings}/{namespace}")


def with_token(kubeconfig: dict, token: str) -> dict:
    """A kubeconfig of one context whose user has nothing but a token, under the name ``by-token``."""
    cluster = {**kubeconfig["clusters"][0], "name": "by-token"}
    return {
        "clusters": [cluster],
        "users": [{"name": "by-token", "user": {"token": token}}],
        "contexts": [{"name": "by-token", "context": {"cluster": "by-token", "user": "by-token"}}],
    }


def secret_bundle(namespace: str, value: str) -> dict[str, str]:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, "stringData": {"password": value}}
    return {
        "app/fleet.yaml": yaml.safe_dump({"namespace": namespace}),
        "app/secret.yaml": yaml.safe_dump(secret),
    }


def test_a_job_of_awx_leaves_no_secret(make_node, core, ssh_key, tmp_path):
    node = make_node(core=core)
    namespace, by_ssh_namespace, accounts = node.namespace(), node.namespace(), node.namespace()
    first, last = node.lab.clusters()[0], node.lab.clusters()[-1]
    by_http, by_ssh = Repository(tmp_path / "git/by-http.git"), Repository(tmp_path / "git/by-ssh.git")
    by_http.commit(secret_bundle(namespace, IN_BUNDLE))
    by_ssh.commit(secret_bundle(by_ssh_namespace, IN_BUNDLE))
    job = Job(tmp_path / "job", node, core)

    with (
        GitHttpServer(tmp_path / "git", users={USER: PASSWORD}) as http,
        GitSshServer(tmp_path / "git", authorized_keys=[ssh_key[1]]) as ssh,
        token_for(node, last.name, accounts) as token,
    ):
        kubeconfig = yaml.safe_load(first.kubeconfig.read_text())
        client_key = kubeconfig["users"][0]["user"]["client-key-data"]
        for part, entries in with_token(yaml.safe_load(last.kubeconfig.read_text()), token).items():
            kubeconfig[part] += entries
        common = {"branch": "main", "targets": [{"name": "all", "clusterSelector": {}}]}
        job.prepare(
            kubeconfig,
            clusters=[
                {"name": "by-key", "kubeconfig": "env:JOB_KUBECONFIG", "context": kubeconfig["current-context"]},
                {"name": "by-token", "kubeconfig": "env:JOB_KUBECONFIG", "context": "by-token"},
            ],
            variables={
                "fleet_gitrepos": [
                    {"name": "by-http", "repo": f"{http.url}/by-http.git", **common},
                    {"name": "by-ssh", "repo": f"{ssh.url}/by-ssh.git", **common},
                ]
            },
            credentials={
                "by-http": {"username": USER, "password": PASSWORD},
                "by-ssh": {"ssh_private_key": ssh_key[0], "known_hosts": ssh.known_hosts},
            },
        )
        deployed = job.run("deploy")
        for cluster, place in ((first, namespace), (last, by_ssh_namespace)):
            assert node.get(cluster.name, f"/api/v1/namespaces/{place}/secrets/app"), deployed
        by_http.commit(secret_bundle(namespace, f"{IN_BUNDLE}-changed"))
        checked = job.run("check", "--check", "--diff")
        assert "(hidden, changed)" in checked

    secrets = {
        "password": forms(PASSWORD),
        "login": forms(f"{USER}:{PASSWORD}"),
        "token": forms(token),
        "API key": forms(API_KEY),
        "ssh key": forms_of_lines(ssh_key[0]),
        "client key": forms_of_lines(base64.b64decode(client_key).decode()) | {client_key.encode()},
    }
    # The search finds what is there, and the watcher saw the processes.
    assert found_in((job.directory / "artifacts/deploy/command").read_bytes(), secrets) == ["API key"]
    assert found_in((job.directory / "credentials/kubeconfig").read_bytes(), secrets) == ["token", "client key"]
    assert found_in((job.directory / "credentials/variables.json").read_bytes(), secrets) == ["password", "ssh key"]
    assert any(" upgrade " in line and " --install " in line for line in job.arguments_seen)

    assert [(path, found) for path in job.files() if (found := found_in(content(path), secrets))] == []
    assert [line for line in job.arguments_seen if found_in(line.encode(), secrets)] == []

    # Git and the caches made from it hold what the bundle says; what AWX shows and keeps must not.
    secrets["value in the bundle"] = forms(IN_BUNDLE)
    assert [(path, found) for path in job.artifacts() if (found := found_in(content(path), secrets))] == []
    assert [found_in(output.encode(), secrets) for output in (deployed, checked)] == [[], []]
