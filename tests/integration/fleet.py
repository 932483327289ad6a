# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control node for a test: git repositories, an inventory, and ``ansible-playbook playbooks/deploy.yml``.

Nothing here uses the code under test. What is on a cluster is read by the lab's own client or by Helm.
"""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from git_repositories import Repository as BareRepository
from recording_server import Answer, RecordingServer, Request

from lab.cluster import Cluster as LabCluster
from lab.lab import Lab

CHECKOUT = Path(__file__).resolve().parents[2]
PLAYBOOK = CHECKOUT / "playbooks" / "deploy.yml"
CORES = {"2.16": CHECKOUT / ".venv-2.16", "2.19": CHECKOUT / ".venv"}
"""The environments with the oldest and the usual ansible-core (made by ``make venvs``)."""

PATIENCE = 180
"""Seconds after which a run is taken to hang. None of these takes a tenth of it."""

_RECAP = re.compile(r"^(\S+)\s+: ((?:\w+=\d+\s*)+)$", re.MULTILINE)
_MARK = "FLEET_TEST_MARK"


@dataclass
class Cluster:
    """A cluster as it stands in the inventory. Its name is that of the lab's cluster unless said otherwise."""

    name: str
    kubeconfig: str
    context: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    uid: str = ""
    workspace: str = ""

    def document(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if value}


class Repository:
    """A bare git repository that is deployed by its file:// address."""

    def __init__(self, directory: Path, name: str):
        directory.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.files: dict[str, str] = {}
        self._bare = BareRepository(directory / f"{name}.git")

    @property
    def url(self) -> str:
        return f"file://{self._bare.path}"

    def commit(self, changes: Mapping[str, str | None]) -> str:
        """Commit the files there are, with these ``changes`` (None removes a file); return the commit's ID."""
        self.files = {name: text for name, text in {**self.files, **changes}.items() if text is not None}
        return self._bare.commit(self.files)


@dataclass
class Run:
    """A run of ``ansible-playbook`` that has ended."""

    returncode: int
    output: str
    seconds: float
    helms: list[str]
    details_directory: Path | None

    @property
    def recap(self) -> dict[str, dict[str, int]]:
        """The recap's counters by host: ``recap["prod-eu"]["failed"]``."""
        _before, _mark, text = self.output.rpartition("PLAY RECAP")
        return {
            host: {name: int(count) for name, count in (pair.split("=") for pair in counters.split())}
            for host, counters in _RECAP.findall(text)
        }

    @property
    def changed(self) -> int:
        """How many results the recap counts as changed, over all hosts."""
        return sum(counters["changed"] for counters in self.recap.values())

    @property
    def failed_hosts(self) -> set[str]:
        """The hosts that the recap counts as failed."""
        return {host for host, counters in self.recap.items() if counters["failed"]}

    @property
    def message(self) -> str:
        """The output with its line breaks, quotes' escapes and runs of spaces evened out: for looking up sentences."""
        return re.sub(r"\s+", " ", self.output.replace("\\n", " ").replace('\\"', '"'))

    def details(self, host: str) -> dict[str, Any]:
        """What the last batch of the run wrote down for ``host``."""
        assert self.details_directory, self.output
        return json.loads((self.details_directory / f"{host}.json").read_text(encoding="utf-8"))

    def release(self, host: str, bundle: str) -> dict[str, Any]:
        """What the run did to the release of ``bundle`` on ``host``."""
        return next(release for release in self.details(host)["releases"] if release["bundle"] == bundle)

    def succeeded(self) -> Run:
        """This run, after making sure that it went well."""
        assert self.returncode == 0, self.output
        assert "Traceback" not in self.output, self.output
        return self

    def failed(self, *sentences: str) -> Run:
        """This run, after making sure that it failed and said each of ``sentences``, without a traceback."""
        assert self.returncode != 0, self.output
        assert "Traceback" not in self.output, self.output
        for sentence in sentences:
            assert sentence in self.message, f"{sentence!r} is not said in:\n{self.output}"
        return self


class ControlNode:
    """Somebody who deploys: an owner with a cache, an inventory and GitRepos of their own.

    Namespaces that it hands out are removed from all clusters of the lab by ``clean_up``.
    """

    def __init__(self, directory: Path, lab: Lab, programs: Path, *, helm: str = "helm4", core: str = "2.19"):
        self.directory = directory
        self.lab = lab
        self.programs = programs
        self.core = core
        self.owner = f"test-{uuid.uuid4().hex[:8]}"
        self.cache = directory / "cache"
        self.gitrepos: list[dict[str, Any]] = []
        self.clusters: list[Cluster] = [
            Cluster(cluster.name, str(cluster.kubeconfig), cluster.name, cluster.specification.labels)
            for cluster in lab.clusters()
        ]
        self.namespaces: list[str] = []
        # Clusters that are not of this lab, by name.
        self.strangers: dict[str, LabCluster] = {}
        # Added to the environment of a run, and a command that runs it.
        self.environment: dict[str, str] = {}
        self.wrapper: list[str] = []
        directory.mkdir(parents=True, exist_ok=True)
        self._helm_log = directory / "helm.log"
        self.helm = self._counted_helm(programs / helm)

    def repository(self, name: str = "", **gitrepo: Any) -> Repository:
        """A new repository and its GitRepo, by default for all clusters. ``gitrepo`` adds fields of it."""
        repository = Repository(self.directory / "git", name or f"repo-{uuid.uuid4().hex[:6]}")
        targets = [{"name": "all", "clusterSelector": {}}]
        self.gitrepos.append(
            {"name": repository.name, "repo": repository.url, "branch": "main", "targets": targets, **gitrepo}
        )
        return repository

    def namespace(self, name: str = "") -> str:
        """A name for a namespace that no other test uses."""
        namespace = name or f"test-{uuid.uuid4().hex[:8]}"
        self.namespaces.append(namespace)
        return namespace

    def cluster(self, name: str) -> Cluster:
        return next(cluster for cluster in self.clusters if cluster.name == name)

    def add(self, cluster: LabCluster, name: str) -> None:
        """Take a cluster of another lab into the inventory."""
        self.strangers[name] = cluster
        self.clusters.append(Cluster(name, str(cluster.kubeconfig), cluster.name))

    def only(self, *names: str) -> None:
        """Keep only these clusters in the inventory, in this order."""
        self.clusters = [self.cluster(name) for name in names]

    def deploy(self, *options: str, playbook: Path = PLAYBOOK, **variables: Any) -> Run:
        """Run the playbook to its end. ``variables`` are extra variables (``fleet_serial=1``)."""
        started = time.monotonic()
        process = self.start(*options, playbook=playbook, **variables)
        try:
            output, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            kill_tree(process)
            raise
        return self.ended(process, output, time.monotonic() - started)

    def start(self, *options: str, playbook: Path = PLAYBOOK, **variables: Any) -> subprocess.Popen:
        """Start the playbook in a process group of its own, as a shell does."""
        self._helm_log.write_text("", encoding="utf-8")
        extra = {"fleet_gitrepos": self.gitrepos, **variables}
        (self.directory / "variables.json").write_text(json.dumps(extra), encoding="utf-8")
        command = [
            *self.wrapper,
            CORES[self.core] / "bin" / "ansible-playbook",
            "--inventory",
            self.write_inventory(),
            playbook,
            "--extra-vars",
            f"@{self.directory / 'variables.json'}",
            *options,
        ]
        return subprocess.Popen(
            command,
            cwd=self.directory,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )

    def ended(self, process: subprocess.Popen, output: str, seconds: float = 0) -> Run:
        """The run of a process that has ended."""
        runs = sorted((self.cache / "gitops.fleet" / "runs").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        helms = self._helm_log.read_text(encoding="utf-8").splitlines()
        return Run(process.returncode, output, seconds, helms, runs[-1] if runs else None)

    def write_inventory(self) -> Path:
        """The inventory: the clusters' file, and the plugin that reads it."""
        clusters = [cluster.document() for cluster in self.clusters]
        (self.directory / "clusters.yaml").write_text(yaml.safe_dump({"clusters": clusters}), encoding="utf-8")
        plugin = {"plugin": "gitops.fleet.clusters", "sources": [{"type": "file", "path": "clusters.yaml"}]}
        inventory = self.directory / "test.clusters.yml"
        inventory.write_text(yaml.safe_dump(plugin), encoding="utf-8")
        return inventory

    def playbook(self, tasks: Sequence[Mapping], name: str = "own.yml", **play: Any) -> Path:
        """A playbook of the user's own: the repositories are fetched, then ``tasks`` run for the clusters."""
        plays = yaml.safe_load(PLAYBOOK.read_text(encoding="utf-8"))
        own = {"name": "Deploy", "hosts": "fleet", "gather_facts": False, **play, "tasks": list(tasks)}
        path = self.directory / name
        path.write_text(yaml.safe_dump([plays[0], own], sort_keys=False), encoding="utf-8")
        return path

    def run_helm(self, cluster: str, *arguments: str, helm: str = "helm4", check: bool = True) -> str:
        """What a person's own Helm says about a cluster."""
        kubeconfig = self._lab_cluster(cluster).kubeconfig
        command = [self.programs / helm, "--kubeconfig", kubeconfig, *arguments]
        completed = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert completed.returncode == 0 or not check, completed.stdout
        return completed.stdout

    def history(self, cluster: str, namespace: str, release: str) -> list[tuple[int, str]]:
        """The release's revisions with their states, oldest first; [] where there is no such release."""
        answer = self.run_helm(cluster, "history", release, "-n", namespace, "-o", "json", check=False)
        if "not found" in answer:
            return []
        return [(item["revision"], item["status"]) for item in json.loads(answer)]

    def get(self, cluster: str, path: str) -> dict[str, Any] | None:
        """The object at ``path`` of a cluster's API, None where it is not there."""
        status, answer = self._lab_cluster(cluster).api().request("GET", path)
        assert status in (200, 404), answer
        return json.loads(answer) if status == 200 else None

    def config_map(self, cluster: str, namespace: str, name: str) -> dict[str, str] | None:
        """The data of a ConfigMap on a cluster, None where it is not there."""
        found = self.get(cluster, f"/api/v1/namespaces/{namespace}/configmaps/{name}")
        return (found.get("data") or {}) if found else None

    def releases(self, cluster: str, namespace: str) -> dict[str, dict[str, Any]]:
        """The release Secrets of a namespace: metadata by Secret name."""
        path = f"/api/v1/namespaces/{namespace}/secrets?labelSelector=owner%3Dhelm"
        return {item["metadata"]["name"]: item for item in (self.get(cluster, path) or {"items": []})["items"]}

    def clean_up(self) -> None:
        """Remove the namespaces that were handed out, and with them their releases. Waits for nothing."""
        for cluster in self.lab.clusters():
            for namespace in self.namespaces:
                cluster.api().request("DELETE", f"/api/v1/namespaces/{namespace}")

    def _lab_cluster(self, name: str) -> LabCluster:
        return self.strangers.get(name) or self.lab.cluster(name)

    def _environment(self) -> dict[str, str]:
        path = f"{CORES[self.core] / 'bin'}:{self.programs}:{os.environ['PATH']}"
        return {
            "PATH": path,
            "HOME": str(self.directory),
            "LC_ALL": "C.UTF-8",
            "XDG_CACHE_HOME": str(self.cache),
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "build" / "collections"),
            "ANSIBLE_HOME": str(self.directory / "ansible"),
            "ANSIBLE_REMOTE_TMP": str(self.directory / "ansible" / "tmp"),
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "FLEET_HELM": str(self.helm),
            "GITOPS_FLEET_OWNER": self.owner,
            _MARK: self.owner,
            **self.environment,
        }

    def _counted_helm(self, helm: Path) -> Path:
        """A helm that writes a line into a log each time that it is started."""
        script = self.directory / "helm"
        script.write_text(f'#!/bin/sh\necho "$*" >>"{self._helm_log}"\nexec "{helm}" "$@"\n', encoding="utf-8")
        script.chmod(0o755)
        return script


def bundle(directory: str, namespace: str, value: str = "one", **options: Any) -> dict[str, str]:
    """The files of a small bundle: a ConfigMap named as its directory. ``options`` are fields of fleet.yaml."""
    document = {"namespace": namespace, **options}
    return {
        f"{directory}/fleet.yaml": yaml.safe_dump(document, sort_keys=False),
        f"{directory}/configmap.yaml": config_map(directory, value),
    }


def config_map(name: str, value: str) -> str:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"value": value}}
    return yaml.safe_dump(document, sort_keys=False)


def deployment(name: str, replicas: int = 1) -> dict[str, Any]:
    """A Deployment, which the lab's clusters can make ready."""
    labels = {"app": name}
    container = {"name": "web", "image": "example.com/web:1"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def service(name: str) -> dict[str, Any]:
    """A Service for the pods of a Deployment of this name."""
    spec = {"selector": {"app": name}, "ports": [{"port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def failing_on(cluster: str, directory: str, namespace: str) -> dict[str, str]:
    """The files of a bundle whose ConfigMap has, on that one cluster, a name that no API server takes."""
    customization = {"name": "broken", "clusterName": cluster, "yaml": {"overlays": ["broken"]}}
    return {
        **bundle(directory, namespace, targetCustomizations=[customization]),
        f"{directory}/overlays/broken/configmap.yaml": config_map("Not_A_Name", "one"),
    }


def closed_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def kubeconfig(
    path: Path, server: str, user: Mapping[str, Any] | None = None, *, name: str = "test", **cluster: Any
) -> Path:
    """A kubeconfig with the one context ``name``."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {"server": server, **cluster}}],
        "users": [{"name": name, "user": dict(user or {})}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    path.chmod(0o600)
    return path


def dead_cluster(directory: Path, name: str, **labels: str) -> Cluster:
    """A cluster whose API server is not there."""
    path = kubeconfig(directory / f"{name}.kubeconfig", f"https://127.0.0.1:{closed_port()}", {"token": "none"})
    return Cluster(name, str(path), "test", labels)


class Proxy:
    """Stands before a cluster's API server, hands everything on, and records what was asked."""

    def __init__(self, cluster: LabCluster, directory: Path):
        self._port = cluster.port
        pki = cluster.directory / "pki"
        self._tls = ssl.create_default_context(cafile=pki / "ca.crt")
        self._tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        self._server = RecordingServer()
        self._server.answer = self._forward
        self._server.start(directory)
        path = directory / f"{cluster.name}.proxy.kubeconfig"
        path.write_text(json.dumps(self._server.kubeconfig()), encoding="utf-8")
        self.cluster = Cluster(cluster.name, str(path), labels=cluster.specification.labels)

    @property
    def requests(self) -> list[str]:
        """Method and path of each request so far."""
        return [f"{request.method} {request.path}" for request in self._server.requests]

    @property
    def writes(self) -> list[str]:
        """Those that may have changed something: asking whether one may, or what would come of it, does not."""
        reads = re.compile(r"GET |POST /apis/authorization\.k8s\.io/|\w+ \S+[?&]dryRun=All")
        return [request for request in self.requests if not reads.match(request)]

    def forget(self) -> None:
        """Count from here."""
        self._server.requests.clear()

    def close(self) -> None:
        self._server.close()

    def _forward(self, request: Request) -> Answer:
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=60, context=self._tls)
        try:
            headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_CONNECTION}
            connection.request(request.method, request.path, body=request.body or None, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            given = {name: value for name, value in answer.headers.items() if name.lower() in _OF_THE_ANSWER}
            return Answer(answer.status, body, given, answer.headers.get("Content-Type", "text/plain"))
        finally:
            connection.close()


# Without If-None-Match no answer is empty (304): one that says its type anew would spoil what Helm has cached.
_OF_THE_CONNECTION = ("host", "connection", "content-length", "transfer-encoding", "if-none-match")
_OF_THE_ANSWER = ("content-encoding", "warning", "retry-after", "etag", "vary", "last-modified")


def release_record(secret: Mapping[str, Any]) -> dict[str, Any]:
    """What Helm wrote into a release Secret."""
    return json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))


def processes(node: ControlNode, program: str = "") -> list[int]:
    """The pids of what runs for a control node, or only of those that run ``program`` (the end of its path)."""
    return [pid for pid in _processes_with(f"{_MARK}={node.owner}") if not program or _program(pid).endswith(program)]


def kill_tree(process: subprocess.Popen, node: ControlNode | None = None) -> None:
    """SIGKILL a run and everything that it started, as a machine that loses power does."""
    while pids := [pid for pid in [process.pid, *(processes(node) if node else [])] if _is_alive(pid)]:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.poll()
    process.wait()


def _processes_with(setting: str) -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if setting.encode() in (path / "environ").read_bytes().split(b"\0"):
                yield int(path.name)
        except OSError:
            continue


def _program(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def _is_alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
