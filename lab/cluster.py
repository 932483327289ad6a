# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster of the lab: its directory, its processes, and what is put into it."""

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from . import certificates, components, kubeconfigs, ports, processes
from .api import ApiServer
from .components import ALL, API_SERVER, CLIENTS_OF_API_SERVER, ETCD, Component
from .errors import LabError
from .specification import Specification

SERVER_NAMES = [
    "127.0.0.1",
    components.API_SERVICE_ADDRESS,
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
]

# The rights of the account `fleet-deployer`: what the push engine needs and no more.
RBAC = Path(__file__).parent.parent / "docs" / "rbac" / "push.yaml"

READY_WITHIN = 180  # seconds; four API servers that start at once on two busy cores take their time


class Cluster:
    """A cluster in the directory ``state/<name>``, whether it runs or not."""

    def __init__(self, state: Path, specification: Specification):
        self.specification = specification
        self.name = specification.name
        self.directory = state / specification.name
        # The administrator's kubeconfig, and that of the service account of limited rights.
        self.kubeconfig = self.directory / "kubeconfig"
        self.limited_kubeconfig = self.directory / "limited.kubeconfig"
        self._pki = self.directory / "pki"
        self._run = self.directory / "run"

    @property
    def port(self) -> int | None:
        """The API server's port; None before the first start."""
        try:
            return int((self.directory / "port").read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None

    @property
    def url(self) -> str:
        """The API server's address."""
        return f"https://127.0.0.1:{self.port}"

    def api(self) -> ApiServer:
        """The API server, called by the administrator."""
        return ApiServer(self.port, self._pki)

    def up(self, programs: Path) -> None:
        """Bring every part of the cluster up that is not up, and wait until the API server is ready.

        ``programs`` is the directory of the binaries. Raises LabError.
        """
        for directory in (self.directory, self._run, self.directory / "log"):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        certificates.ensure(self._pki, SERVER_NAMES)
        if not (self.directory / "etcd" / "member").exists():
            self.stop()  # whatever still runs serves data that is gone
        self._start(programs, ETCD)
        self.start_api_server(programs)
        for component in CLIENTS_OF_API_SERVER:
            self._start(programs, component)
        self._furnish(programs)

    def start_api_server(self, programs: Path) -> None:
        """Start the API server alone, on its port, and wait until it is ready. Raises LabError."""
        for _attempt in range(3):
            if not self.is_running(API_SERVER):
                self._use_port(ports.choose(self.port))
            self._start(programs, API_SERVER)
            if self._becomes_ready():
                return
            if ports.is_free(self.port):  # else somebody took the port before the server did: once more
                break
        raise self._failure("the API server ended", API_SERVER)

    def stop_api_server(self) -> None:
        """Take the API server away, as when a cluster cannot be reached. The other parts go on trying."""
        processes.stop(self._pid_file(API_SERVER), grace=2)

    def stop(self) -> int:
        """End every process of the cluster; returns how many there were."""
        return processes.stop_all([self._pid_file(component) for component in ALL], grace=5)

    def is_running(self, component: Component) -> bool:
        """True if the process that was started for ``component`` is alive."""
        return processes.is_running(processes.read(self._pid_file(component)))

    def _pid_file(self, component: Component) -> Path:
        return self._run / f"{component.name}.pid"

    def _log(self, component: Component) -> Path:
        return self.directory / "log" / f"{component.name}.log"

    def _start(self, programs: Path, component: Component) -> None:
        """Start ``component`` unless it runs, with today's program and arguments."""
        command = [str(programs / component.name), *component.arguments(self.port or 0)]
        record = self._run / f"{component.name}.command"
        if self.is_running(component):
            if record.exists() and record.read_text(encoding="utf-8") == "\n".join(command):
                return
            processes.stop(self._pid_file(component), grace=5)
        processes.write_private(record, "\n".join(command).encode())
        processes.start(
            command,
            pid_file=self._pid_file(component).absolute(),
            log=self._log(component),
            directory=self.directory,
            environment={"GOMAXPROCS": str(component.cores)},
        )

    def _use_port(self, port: int) -> None:
        """Write ``port`` into everything that names it."""
        if port != self.port:
            # They would go on calling the old one.
            processes.stop_all([self._pid_file(component) for component in CLIENTS_OF_API_SERVER], grace=5)
            processes.write_private(self.directory / "port", str(port).encode())
        for path, client in (
            (self.kubeconfig, "admin"),
            (self.directory / "kube-controller-manager.kubeconfig", "kube-controller-manager"),
            (self.directory / "kube-scheduler.kubeconfig", "kube-scheduler"),
        ):
            kubeconfigs.write(path, kubeconfigs.with_certificate(self.name, self.url, self._pki, client))
        self._write_limited_kubeconfig()

    def _becomes_ready(self) -> bool:
        """Wait until the API server is ready; False if it ends instead."""
        api = self.api()
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            if api.is_ready():
                return True
            if not self.is_running(ETCD):
                raise self._failure("etcd ended", ETCD)
            if not self.is_running(API_SERVER):
                return False
            time.sleep(0.1)
        raise self._failure(f"the API server was not ready after {READY_WITHIN} s", API_SERVER)

    def _failure(self, problem: str, component: Component) -> LabError:
        log = self._log(component)
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:] if log.exists() else []
        tail = "".join(f"\n    {line[:300]}" for line in lines)
        return LabError(f"{self.name}: {problem}; `make lab-down` and `make lab-up` begin anew. {log} ends with:{tail}")

    def _furnish(self, programs: Path) -> None:
        """Put nodes and the limited account into a cluster that does not have them yet."""
        rbac = RBAC.read_bytes()
        wanted = {"cluster": self._uid(), "rbac": hashlib.sha256(rbac).hexdigest()}
        record = self.directory / "furnished.json"
        if record.exists() and json.loads(record.read_text(encoding="utf-8")) == wanted:
            return
        self._add_nodes()
        account = self._apply_rbac(programs, rbac)
        processes.write_private(self.directory / "fleet-deployer.token", self._new_token(account).encode())
        self._write_limited_kubeconfig()
        self._wait_for("ready node", self._nodes)
        # Made by the controller manager, and needed by every pod.
        self._wait_for("service account", lambda: self.api().get("/api/v1/namespaces/default/serviceaccounts/default"))
        processes.write_private(record, json.dumps(wanted).encode())

    def _uid(self) -> str:
        """The UID of the namespace kube-system, which is another one when the cluster was made anew."""
        namespace = self._wait_for("namespace kube-system", lambda: self.api().get("/api/v1/namespaces/kube-system"))
        return namespace["metadata"]["uid"]

    def _nodes(self) -> list[dict] | None:
        """The nodes, once all are ready."""
        nodes = self.api().get("/api/v1/nodes")["items"]
        ready = [node for node in nodes if _is_ready(node)]
        return nodes if len(ready) >= len(self.specification.nodes) else None

    def _wait_for(self, what: str, ask: Callable[[], Any]) -> Any:
        """Ask until there is an answer, and return it. Raises LabError when there is none in time."""
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            if answer := ask():
                return answer
            time.sleep(0.1)
        raise LabError(f"{self.name}: there is still no {what}; the logs are in {self.directory / 'log'}")

    def _add_nodes(self) -> None:
        for name, system in self.specification.nodes.items():
            labels = {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": system,
                "kubernetes.io/arch": "amd64",
                "type": "kwok",
            }
            node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
            self.api().create("/api/v1/nodes", node)

    def _apply_rbac(self, programs: Path, manifest: bytes) -> str:
        """Apply ``manifest`` and return the API path of the service account in it."""
        answer = processes.run(
            [
                programs / "kubectl",
                "--kubeconfig",
                self.kubeconfig,
                "apply",
                "--server-side",
                "--force-conflicts",
                "-f",
                "-",
            ],
            manifest,
        )
        if answer.returncode != 0:
            raise LabError(f"{self.name}: {RBAC} could not be applied: {answer.stderr.decode(errors='replace')}")
        for document in yaml.safe_load_all(manifest):
            if document and document["kind"] == "ServiceAccount":
                metadata = document["metadata"]
                return f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{metadata['name']}"
        raise LabError(f"{RBAC} holds no ServiceAccount")

    def _new_token(self, account: str) -> str:
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 365 * 24 * 3600},
        }
        return self.api().create(f"{account}/token", request)["status"]["token"]

    def _write_limited_kubeconfig(self) -> None:
        token = self.directory / "fleet-deployer.token"
        if token.exists():
            document = kubeconfigs.with_token(self.name, self.url, self._pki, token.read_text(encoding="ascii"))
            kubeconfigs.write(self.limited_kubeconfig, document)


def _is_ready(node: dict) -> bool:
    conditions = node["status"].get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
