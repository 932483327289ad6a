# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health and differences against real API servers, of what Helm really deployed there."""

from __future__ import annotations

import copy
import difflib
import socket
import subprocess
import time
import uuid
from pathlib import Path

import pytest
import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.diff import plan_diffs
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.health.kinds import HealthState
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.health.waiting import wait_for_health
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.manifest import ObjectKey, index, parse_manifest
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.release_record import read_release
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError, Unreachable
from ansible_collections.gitops.fleet.plugins.module_utils.kube.client import ApiError, Client
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import Connection
from ansible_collections.gitops.fleet.plugins.module_utils.kube.discovery import Discovery

from lab.lab import Lab

OBJECTS = Path(__file__).with_name("objects.yaml")
CLUSTER_WIDE = {
    "/apis/storage.k8s.io/v1/storageclasses/late-{}",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles/all-{}",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles/part-{}",
    "/apis/scheduling.k8s.io/v1/priorityclasses/high-{}",
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/hook-{}",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{}.example.com",
}


class Place:
    """A namespace of its own on a cluster of the lab, and Helm to fill it."""

    def __init__(self, directory: Path, lab: Lab, helm: Path):
        cluster = lab.cluster("prod-us")
        self.directory = directory
        self.name = f"health-{uuid.uuid4().hex[:8]}"
        self.kubeconfig = cluster.kubeconfig
        self.helm = helm
        self.client = Client(Connection(str(cluster.kubeconfig), "prod-us"), temp_directory=directory)
        self.discovery = Discovery(self.client)

    def deploy(self, manifest: str, release: str = "") -> dict[ObjectKey, dict]:
        """Install or upgrade a release with this manifest; the objects of the manifest that Helm recorded."""
        release = release or self.name
        chart = self.directory / release
        (chart / "templates").mkdir(parents=True, exist_ok=True)
        (chart / "Chart.yaml").write_text(f"apiVersion: v2\nname: {release}\nversion: 1.0.0\n", encoding="utf-8")
        (chart / "templates" / "all.yaml").write_text(manifest, encoding="utf-8")
        command = ["upgrade", "--install", release, str(chart), "--create-namespace"]
        self.run_helm(*command)
        found = self.client.list(
            f"/api/v1/namespaces/{self.name}/secrets", query={"labelSelector": f"owner=helm,name={release}"}
        )
        newest = max(found, key=lambda secret: int(secret["metadata"]["labels"]["version"]))
        record = read_release(self.client, self.name, newest["metadata"]["name"])
        assert (record.name, record.namespace, record.status) == (release, self.name, "deployed")
        return self.index(record.manifest)

    def run_helm(self, *arguments: str) -> None:
        command = [str(self.helm), "--kubeconfig", str(self.kubeconfig), "-n", self.name, *arguments]
        completed = subprocess.run(command, capture_output=True, text=True)
        assert completed.returncode == 0, completed.stderr

    def index(self, manifest: str) -> dict[ObjectKey, dict]:
        return index(parse_manifest(manifest), self.name, self.discovery.namespaced)

    def live(self, objects: dict[ObjectKey, dict]) -> dict[ObjectKey, dict]:
        return {key: self.get(key, item["apiVersion"]) for key, item in objects.items()}

    def get(self, key: ObjectKey, api_version: str) -> dict | None:
        try:
            return self.client.request("GET", self.discovery.path(api_version, key.kind, key.namespace, key.name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def patch(self, path: str, patch: dict) -> None:
        self.client.request("PATCH", path, body=patch, content_type="application/merge-patch+json")

    def wait(self, objects: dict[ObjectKey, dict], timeout: float = 60):
        result = wait_for_health(
            self.client, self.discovery, {"r": objects.values()}, timeout, namespaces={"r": self.name}
        )
        return result["r"]

    def clean_up(self) -> None:
        for path in [f"/api/v1/namespaces/{self.name}", *(path.format(self.name) for path in CLUSTER_WIDE)]:
            try:
                self.client.request("DELETE", path)
            except FleetError:
                continue
        self.client.close()


@pytest.fixture(params=["helm4", "helm3"])
def place(request, lab, programs, tmp_path):
    """A place of its own, with each Helm."""
    place = Place(tmp_path, lab, programs / request.param)
    yield place
    place.clean_up()


@pytest.fixture
def place4(lab, programs, tmp_path):
    """A place of its own, for what does not depend on Helm's version."""
    place = Place(tmp_path, lab, programs / "helm4")
    yield place
    place.clean_up()


def changed_lines(diff: dict[str, str]) -> list[str]:
    """The lines that a reader sees marked, without context, indentation and dashes of lists."""
    found = difflib.unified_diff(diff["before"].splitlines(), diff["after"].splitlines(), lineterm="", n=0)
    lines = [line for line in found if not line.startswith(("---", "+++", "@@"))]
    return sorted(line[0] + line[1:].strip().removeprefix("- ") for line in lines)


WIDGET = """
apiVersion: {group}/v1
kind: Widget
metadata: {{name: w}}
spec: {{choice: {{none: {{}}}}, limits: {{cpu: 1000m}}}}
"""


def test_right_after_a_deployment_all_is_ready_and_nothing_differs(place):
    text = OBJECTS.read_text(encoding="utf-8").replace("RELEASE", place.name)
    objects = place.deploy(text)
    assert len(objects) == 25
    result = place.wait(objects)
    assert result.ready, result.message
    live = place.live(objects)
    assert plan_diffs(objects, objects, live, namespace=place.name) == []
    # From what people wrote, rather than from what Helm made of it: stringData, quantities, order.
    written = place.index(text)
    assert plan_diffs(written, written, live, namespace=place.name) == []

    custom = place.deploy(WIDGET.format(group=f"{place.name}.example.com"), "widget")
    live = place.live(custom)
    [found] = live.values()
    assert found["spec"]["size"] == 3
    assert plan_diffs(custom, custom, live, namespace=place.name) == []
    # No controller gives it a status: ready, after a moment in which one might have.
    started = time.monotonic()
    result = place.wait(custom)
    assert result.ready
    assert "taken as ready" in result.objects[0].message
    assert time.monotonic() - started < 20


EDITS = [
    ("image: nginx:1", "image: nginx:2", ["+image: nginx:2", "-image: nginx:1"]),
    ("cpu: 1000m, memory", "cpu: 1001m, memory", ["+cpu: 1001m", "-cpu: '1'"]),
    ("replicas: 2", "replicas: 3", None),
    ('schedule: "0 3 * * *"', 'schedule: "0 4 * * *"', ["+schedule: 0 4 * * *", "-schedule: 0 3 * * *"]),
    ("maxUnavailable: 1", "maxUnavailable: 2", ["+maxUnavailable: 2", "-maxUnavailable: 1"]),
    ("pathType: Prefix", "pathType: Exact", ["+pathType: Exact", "-pathType: Prefix"]),
    ("verbs: [get, list]", "verbs: [get]", ["-list"]),
    ("hunter2-hunter2", "hunter3-hunter3", ["+password: (hidden, changed)", "-password: (hidden)"]),
    ("type: integer, default: 3", "type: integer, default: 4", ["+default: 4", "-default: 3"]),
    ("pods: 1e2", "pods: 1e3", ["+pods: 1000", "-pods: '100'"]),
    ("ports: [{port: 80}]\n  egress", "ports: [{port: 81}]\n  egress", ["+port: 81", "-port: 80"]),
]
"""Text of the manifest, what becomes of it, and what a reader sees of that."""


def test_one_edit_of_a_manifest_gives_only_that_edit_and_what_helm_then_does(place):
    text = OBJECTS.read_text(encoding="utf-8").replace("RELEASE", place.name)
    objects = place.deploy(text)
    live = place.live(objects)
    everything = text
    for before, after, expected in EDITS:
        assert before in text
        diffs = plan_diffs(objects, place.index(text.replace(before, after)), live, namespace=place.name)
        if expected is None:
            # The number of replicas is the autoscaler's.
            assert diffs == []
            continue
        everything = everything.replace(before, after)
        assert len(diffs) == 1, (before, diffs)
        assert changed_lines(diffs[0]) == expected
        assert "hunter" not in repr(diffs)
    planned = plan_diffs(objects, place.index(everything), live, namespace=place.name)
    deployed = place.deploy(everything)
    # Helm did what the plan said: nothing is left, and seen from before it was this.
    after = place.live(deployed)
    assert plan_diffs(deployed, deployed, after, namespace=place.name) == []
    reverse = plan_diffs(deployed, objects, after, namespace=place.name)
    assert {diff["before_header"] for diff in reverse} == {diff["before_header"] for diff in planned}


def test_what_a_person_changed_on_the_cluster_is_seen_and_only_that(place4):
    place = place4
    text = OBJECTS.read_text(encoding="utf-8").replace("RELEASE", place.name)
    objects = place.deploy(text)
    namespace = f"/namespaces/{place.name}"
    place.patch(f"/api/v1{namespace}/configmaps/app", {"data": {"cpu": "1", "theirs": "x"}})
    place.patch(f"/apis/policy/v1{namespace}/poddisruptionbudgets/app", {"spec": {"maxUnavailable": None}})
    place.patch(f"/apis/batch/v1{namespace}/cronjobs/nightly", {"spec": {"suspend": True}})
    place.patch(f"/apis/apps/v1{namespace}/deployments/app", {"spec": {"revisionHistoryLimit": 3, "replicas": 4}})
    place.patch(f"/api/v1{namespace}/secrets/app", {"stringData": {"password": "guessme-guessme"}})
    place.client.request("DELETE", f"/api/v1{namespace}/services/headless")
    diffs = plan_diffs(objects, objects, place.live(objects), cluster="prod-us", namespace=place.name)
    assert {diff["before_header"].removeprefix("prod-us "): changed_lines(diff)[:4] for diff in diffs} == {
        f"ConfigMap {place.name}/app": ["+cpu: 1000m", "-cpu: '1'"],
        f"PodDisruptionBudget {place.name}/app": ["+maxUnavailable: 1"],
        f"CronJob {place.name}/nightly": ["+suspend: false", "-suspend: true"],
        f"Secret {place.name}/app": ["+password: (hidden, changed)", "-password: (hidden)"],
        f"Service {place.name}/headless": changed_lines(next(diff for diff in diffs if not diff["before"]))[:4],
    }
    assert "guessme" not in repr(diffs)


def test_fields_and_objects_that_leave_the_manifest(place):
    text = OBJECTS.read_text(encoding="utf-8").replace("RELEASE", place.name)
    objects = place.deploy(text)
    live = place.live(objects)
    shorter = copy.deepcopy(objects)
    deployment = next(item for key, item in shorter.items() if key.kind == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    del pod["initContainers"], pod["containers"][0]["livenessProbe"], pod["topologySpreadConstraints"]
    gone = next(key for key in shorter if key.kind == "PodDisruptionBudget")
    del shorter[gone]
    changed, deleted = plan_diffs(objects, shorter, live, namespace=place.name)
    assert changed_lines(changed) == [
        "-'true'",
        "-command:",
        "-httpGet:",
        "-image: busybox:1",
        "-initContainers:",
        "-livenessProbe:",
        "-maxSkew: 1",
        "-name: init",
        "-path: /",
        "-port: http",
        "-topologyKey: kubernetes.io/hostname",
        "-topologySpreadConstraints:",
        "-whenUnsatisfiable: ScheduleAnyway",
    ]
    assert deleted["after"] == ""
    assert deleted["before_header"] == str(gone)
    deployed = place.deploy("\n---\n".join(yaml.safe_dump(item) for item in shorter.values()))
    after = place.live({**deployed, gone: objects[gone]})
    assert after.pop(gone) is None
    assert (
        "initContainers"
        not in next(after[key] for key in after if key.kind == "Deployment")["spec"]["template"]["spec"]
    )
    # Seen from the old manifest as well: all of it has gone.
    assert plan_diffs(objects, deployed, after, namespace=place.name) == []


WORKLOAD = """
apiVersion: {api}
kind: {kind}
metadata: {{name: web}}
spec:
  {spec}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}, annotations: {{{annotations}}}}}
    spec: {{{pod}containers: [{{name: app, image: "nginx:nope"}}]}}
"""


def workload(kind="Deployment", spec="replicas: 2", annotations="", pod=""):
    return WORKLOAD.format(api="apps/v1", kind=kind, spec=spec, annotations=annotations, pod=pod)


NOWHERE = "nodeSelector: {nobody: has-it}, "
CRASH = "lab.gitops.fleet/outcome: crash"
QUOTA = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none}\nspec: {hard: {pods: 0}}\n---\n"
CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: web}
spec: {storageClassName: nope, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
BALANCER = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, ports: [{port: 80}]}
"""
JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: web}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {lab.gitops.fleet/outcome: fail}}
    spec: {restartPolicy: Never, containers: [{name: a, image: a}]}
"""
CONFIG_MAPS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: b}
"""
REFUSAL = "exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0"


@pytest.mark.parametrize(
    ("manifest", "cause"),
    [
        (workload(pod=NOWHERE), "0/2 nodes are available"),
        (workload(annotations=CRASH), "CrashLoopBackOff"),
        (workload("StatefulSet", annotations=CRASH), "CrashLoopBackOff"),
        (workload("DaemonSet", spec="", annotations=CRASH), "CrashLoopBackOff"),
        (QUOTA + workload(), REFUSAL),
        (QUOTA + workload("StatefulSet"), REFUSAL),
        (QUOTA + workload("DaemonSet", spec=""), REFUSAL),
        (CLAIM, 'storageclass.storage.k8s.io "nope" not found'),
        (BALANCER, "no address"),
    ],
    ids=["nowhere", "crash", "crash-sts", "crash-ds", "quota", "quota-sts", "quota-ds", "claim", "balancer"],
)
def test_what_is_not_ready_is_explained(place4, manifest, cause):
    objects = place4.deploy(manifest)
    result = place4.wait(objects, timeout=3)
    assert not result.ready
    assert cause in result.message
    assert f"{place4.name}/web: " in result.message
    assert "\n" not in result.message


def test_a_deployment_gets_ready_while_we_wait_and_is_cheap_when_it_is(place4):
    objects = place4.deploy(
        "\n---\n".join(
            workload(spec="replicas: 3").replace("name: web", f"name: web-{n}").replace("app: web", f"app: web-{n}")
            for n in range(10)
        )
    )
    assert place4.wait(objects, timeout=60).ready
    place4.discovery.path("apps/v1", "Deployment", "")
    before = place4.client.requests
    started = time.monotonic()
    assert place4.wait(objects, timeout=60).ready
    assert place4.client.requests - before == 1
    assert time.monotonic() - started < 0.5


def test_a_failed_job_ends_the_waiting(place4):
    objects = place4.deploy(JOB)
    started = time.monotonic()
    result = place4.wait(objects, timeout=60)
    assert result.objects[0].state is HealthState.FAILED
    assert "backoff limit" in result.message
    assert time.monotonic() - started < 30


def test_what_is_gone_or_unknown_is_told(place4):
    objects = place4.deploy(CONFIG_MAPS)
    place4.client.request("DELETE", f"/api/v1/namespaces/{place4.name}/configmaps/b")
    unknown = parse_manifest("apiVersion: no.example.com/v1\nkind: Nothing\nmetadata: {name: nothing}\n")
    releases = {"r": objects.values(), "u": unknown}
    namespaces = dict.fromkeys(releases, place4.name)
    result = wait_for_health(place4.client, place4.discovery, releases, 1, namespaces=namespaces)
    assert result["r"].message == f"ConfigMap {place4.name}/b: is not there"
    assert "does not know Nothing of no.example.com/v1" in result["u"].message


def test_what_may_not_be_read_is_told_at_once(lab, tmp_path):
    limited = lab.cluster("prod-us").kubeconfig.with_name("limited.kubeconfig")
    client = Client(Connection(str(limited)), temp_directory=tmp_path)
    node = parse_manifest("apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n")
    started = time.monotonic()
    result = wait_for_health(client, Discovery(client), {"r": node}, 60)["r"]
    client.close()
    assert result.objects[0].state is HealthState.UNKNOWN
    assert result.message == "Node node-1: may not be read (get and list of Node): health is not known"
    assert time.monotonic() - started < 10


def test_a_label_that_somebody_took_away_does_not_hide_an_object(place4):
    objects = place4.deploy(
        workload().replace("name: web", "name: one") + "---" + workload().replace("name: web", "name: two")
    )
    path = f"/apis/apps/v1/namespaces/{place4.name}/deployments/two"
    place4.patch(path, {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}})
    assert place4.wait(objects).ready


def test_a_cluster_that_does_not_answer_is_unreachable(tmp_path, lab):
    document = yaml.safe_load(lab.cluster("prod-us").kubeconfig.read_text(encoding="utf-8"))
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        port = nobody_listens.getsockname()[1]
    document["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    client = Client(Connection(str(path)), temp_directory=tmp_path)
    discovery = Discovery(client)
    objects = parse_manifest("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    with pytest.raises(Unreachable):
        wait_for_health(client, discovery, {"r": objects}, 0.1, namespaces={"r": "default"})
