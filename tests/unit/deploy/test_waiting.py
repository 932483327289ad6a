# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for many objects: how often is asked, when it ends, what is told. Real clusters: tests/integration."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.health.kinds import HealthState
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.health.waiting import (
    ABSENT_TIME,
    MAX_EXPLAINED,
    wait_for_health,
)
from ansible_collections.gitops.fleet.plugins.module_utils.errors import Unreachable
from ansible_collections.gitops.fleet.plugins.module_utils.kube.client import METADATA_LIST, ApiError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.discovery import Discovery

RESOURCES = {
    "/apis/apps/v1": [{"kind": "Deployment", "name": "deployments", "namespaced": True}],
    "/api/v1": [
        {"kind": "ConfigMap", "name": "configmaps", "namespaced": True},
        {"kind": "Namespace", "name": "namespaces", "namespaced": False},
        {"kind": "PersistentVolumeClaim", "name": "persistentvolumeclaims", "namespaced": True},
    ],
}
HELM = {"app.kubernetes.io/managed-by": "Helm"}


class Cluster:
    """An API server in memory, as far as the client's two methods go, with a clock of its own."""

    def __init__(self):
        self.objects: dict[str, dict] = {}
        self.forbidden: set[str] = set()
        self.failures: list[Exception] = []
        self.asked: list[str] = []
        self.accepts: set = set()
        self.now = 0.0
        self.pauses: list[float] = []
        self.at: dict[float, callable] = {}

    def put(self, plural, name, namespace="n", labels=HELM, **fields):
        prefix = "/apis/apps/v1" if plural == "deployments" else "/api/v1"
        scope = f"/namespaces/{namespace}" if namespace else ""
        metadata = {"name": name, "labels": labels, **({"namespace": namespace} if namespace else {})}
        self.objects[f"{prefix}{scope}/{plural}/{name}"] = {"metadata": metadata, **fields}

    def request(self, method, path, *, query=None, accept=None, **_more):
        if path in RESOURCES:
            return {"resources": RESOURCES[path]}
        self._ask(path, accept)
        if path in self.objects:
            return self.objects[path]
        if path.endswith(("/pods", "/events")):
            return {"items": self._items(path)}
        raise ApiError("gone", status=404)

    def list(self, path, *, query=None, accept=None):
        self._ask(path, accept)
        selected = (query or {}).get("labelSelector")
        return iter([item for item in self._items(path) if not selected or item["metadata"]["labels"] == HELM])

    def sleep(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds
        for moment in sorted(self.at):
            if moment <= self.now:
                self.at.pop(moment)()

    def wait(self, releases, timeout=60, **more):
        return wait_for_health(
            self,
            Discovery(self),
            releases,
            timeout,
            namespaces=dict.fromkeys(releases, "n"),
            clock=lambda: self.now,
            sleep=self.sleep,
            **more,
        )

    def _ask(self, path, accept):
        self.asked.append(path)
        self.accepts.add(accept)
        if self.failures:
            raise self.failures.pop(0)
        if path in self.forbidden:
            raise ApiError("no", status=403)

    def _items(self, path):
        plural = path.rpartition("/")[2]
        within = path.rpartition("/")[0] if "/namespaces/" in path else ""
        return [
            item
            for key, item in self.objects.items()
            if key.split("/")[-2] == plural and key.startswith(f"{within}/" if within else path.rpartition("/")[0])
        ]


@pytest.fixture
def cluster():
    return Cluster()


def deployment(name, namespace=""):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}


def config_map(name, **metadata):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}


def running(ready=1):
    counts = dict.fromkeys(("replicas", "updatedReplicas"), 1) | dict.fromkeys(
        ("availableReplicas", "readyReplicas"), ready
    )
    return {
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "x"}}},
        "status": {**counts, "conditions": [{"type": "Available", "status": "True"}]},
    }


def test_many_objects_of_many_releases_cost_one_request_a_kind(cluster):
    for number in range(50):
        cluster.put("deployments", f"d{number}", **running())
        cluster.put("configmaps", f"c{number}")
    releases = {f"r{n}": [deployment(f"d{n}"), config_map(f"c{n}")] for n in range(50)}
    result = cluster.wait(releases)
    assert all(release.ready for release in result.values())
    assert cluster.asked == ["/apis/apps/v1/namespaces/n/deployments", "/api/v1/namespaces/n/configmaps"]
    assert cluster.pauses == []
    assert cluster.accepts == {None, METADATA_LIST}


def test_only_what_is_not_settled_is_read_again_with_growing_pauses(cluster):
    for name in ("a", "b"):
        cluster.put("deployments", name, **running(0))
        cluster.put("configmaps", name)
    cluster.at[5] = lambda: [cluster.put("deployments", name, **running()) for name in ("a", "b")]
    releases = {"r": [deployment("a"), deployment("b"), config_map("a"), config_map("b")]}
    assert cluster.wait(releases)["r"].ready
    assert cluster.asked.count("/api/v1/namespaces/n/configmaps") == 1
    assert cluster.pauses == [0.5, 0.75, 1.125, 1.6875, 2.0]


def test_time_runs_out(cluster):
    cluster.put("deployments", "a", **running(0))
    cluster.put("configmaps", "a")
    result = cluster.wait({"r": [deployment("a")], "other": [config_map("a")]}, timeout=3)
    assert result["r"].message == "Deployment n/a: 0 of 1 replicas available"
    assert result["other"].ready
    assert sum(cluster.pauses) == 3


def test_no_time_means_one_look(cluster):
    cluster.put("deployments", "a", **running(0))
    assert not cluster.wait({"r": [deployment("a")]}, timeout=0)["r"].ready
    assert cluster.pauses == []


def test_a_failure_ends_the_waiting_for_its_object_and_comes_first(cluster):
    failed = running(0)
    failed["status"]["conditions"] = [{"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "late"}]
    cluster.put("deployments", "z", **failed)
    cluster.put("deployments", "a", **running(0))
    result = cluster.wait({"r": [deployment("a"), deployment("z")]}, timeout=3)["r"]
    assert result.message == "Deployment n/z: late; Deployment n/a: 0 of 1 replicas available"
    cluster.objects.pop("/apis/apps/v1/namespaces/n/deployments/a")
    assert cluster.wait({"r": [deployment("z")]})["r"].objects[0].state is HealthState.FAILED


def test_several_namespaces_take_one_request_where_that_is_allowed(cluster):
    names = [("a", "one"), ("b", "two"), ("c", "three")]
    for name, namespace in names:
        cluster.put("deployments", name, namespace, **running())
    cluster.put("deployments", "a", "elsewhere", **running(0))
    releases = {"r": [deployment(*pair) for pair in names]}
    assert cluster.wait(releases)["r"].ready
    assert cluster.asked == ["/apis/apps/v1/deployments"]

    cluster.asked.clear()
    cluster.forbidden.add("/apis/apps/v1/deployments")
    assert cluster.wait(releases)["r"].ready
    assert cluster.asked[1:] == [f"/apis/apps/v1/namespaces/{name}/deployments" for name in ("one", "three", "two")]


def test_an_object_without_helms_label_is_found_by_a_second_request(cluster):
    cluster.put("deployments", "a", **running())
    cluster.put("deployments", "b", labels={}, **running())
    assert cluster.wait({"r": [deployment("a"), deployment("b")]})["r"].ready
    assert len(cluster.asked) == 2


def test_what_is_not_there_is_given_a_moment(cluster):
    result = cluster.wait({"r": [config_map("a")]}, timeout=600)["r"]
    assert result.message == "ConfigMap n/a: is not there"
    assert ABSENT_TIME <= cluster.now < ABSENT_TIME + 3
    cluster.now = 0
    cluster.at[4] = lambda: cluster.put("configmaps", "a")
    assert cluster.wait({"r": [config_map("a")]}, timeout=600)["r"].ready


def test_an_object_that_vanishes_while_we_wait(cluster):
    cluster.put("deployments", "a", **running(0))
    cluster.at[2] = cluster.objects.clear
    result = cluster.wait({"r": [deployment("a")]}, timeout=600)["r"]
    assert result.objects[0].state is HealthState.MISSING
    assert cluster.now < 2 + ABSENT_TIME + 3


def test_a_kind_that_the_cluster_does_not_know_yet(cluster):
    thing = {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "t"}}
    result = cluster.wait({"r": [thing]}, timeout=600)["r"]
    assert "does not know Thing of v1" in result.message
    assert cluster.now < ABSENT_TIME + 3


def test_what_may_not_be_read_is_told_at_once(cluster):
    cluster.forbidden.add("/apis/apps/v1/namespaces/n/deployments/a")
    result = cluster.wait({"r": [deployment("a")]}, timeout=600)["r"]
    assert result.objects[0].state is HealthState.UNKNOWN
    assert "may not be read (get and list of Deployment in apps)" in result.message
    assert cluster.pauses == []


def test_a_short_outage_is_waited_out_and_a_long_one_is_told(cluster):
    cluster.put("deployments", "a", **running())
    cluster.failures = [Unreachable("down"), ApiError("busy", status=500)]
    assert cluster.wait({"r": [deployment("a")]})["r"].ready
    cluster.failures = [Unreachable("down")] * 1000
    with pytest.raises(Unreachable):
        cluster.wait({"r": [deployment("a")]}, timeout=10)


def test_an_error_that_stays_is_told(cluster):
    cluster.failures = [ApiError("etcd is\nfull", status=500)] * 1000
    result = cluster.wait({"r": [deployment("a")]}, timeout=10)["r"]
    assert result.message == "Deployment n/a: etcd is full"


def test_hooks_and_objects_without_a_name_are_not_waited_for(cluster):
    hook = config_map("h", annotations={"helm.sh/hook": "pre-install"})
    assert cluster.wait({"r": [hook, config_map("")]})["r"].ready
    assert cluster.asked == []


def test_cluster_wide_kinds_have_no_namespace(cluster):
    cluster.put("namespaces", "x", "", status={"phase": "Active"})
    result = cluster.wait({"r": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}]})["r"]
    assert str(result.objects[0].object) == "Namespace x"
    assert result.ready


@pytest.mark.parametrize(("mode", "ready"), [("WaitForFirstConsumer", True), ("Immediate", False)])
def test_a_claim_that_is_bound_by_its_first_pod_is_ready(cluster, mode, ready):
    cluster.put("persistentvolumeclaims", "data", spec={"storageClassName": "late"}, status={"phase": "Pending"})
    storage_class = {"metadata": {"name": "late"}, "volumeBindingMode": mode}
    cluster.objects["/apis/storage.k8s.io/v1/storageclasses/late"] = storage_class
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}}
    assert cluster.wait({"r": [claim]}, timeout=3)["r"].ready is ready


def test_causes_are_looked_for_once_and_within_bounds(cluster):
    for number in range(30):
        cluster.put("deployments", f"d{number:02}", **running(0))
    condition = {"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"}
    cluster.put("pods", "d00-5d4-x", labels={"app": "x"}, status={"phase": "Pending", "conditions": [condition]})
    result = cluster.wait({"r": [deployment(f"d{number:02}") for number in range(30)]}, timeout=1)["r"]
    assert result.message.startswith(
        "Deployment n/d00: 0 of 1 replicas available: Pod d00-5d4-x: no node takes it: 0/2 nodes are available; "
    )
    assert result.message.endswith("; and 27 more objects are not ready")
    assert cluster.asked.count("/api/v1/namespaces/n/pods") == MAX_EXPLAINED
    assert cluster.asked.count("/api/v1/namespaces/n/events") == 1


def test_causes_that_may_not_be_read_stay_unsaid(cluster):
    cluster.put("deployments", "a", **running(0))
    cluster.forbidden |= {"/api/v1/namespaces/n/pods", "/api/v1/namespaces/n/events"}
    assert cluster.wait({"r": [deployment("a")]}, timeout=1)["r"].message == "Deployment n/a: 0 of 1 replicas available"


@pytest.mark.parametrize(
    ("ignored", "ready"),
    [
        ([{"type": "Stalled", "status": "True"}], True),
        ([{"type": "Stalled", "status": "False"}], False),
        ([{"type": "Other"}, {"reason": "Why"}], True),
        ([], False),
    ],
)
def test_conditions_that_fleets_option_ignores(cluster, ignored, ready):
    live = running()
    live["status"]["conditions"].append({"type": "Stalled", "status": "True", "reason": "Why"})
    cluster.put("deployments", "a", **live)
    result = cluster.wait({"r": [deployment("a")]}, ignored_conditions={"r": ignored})
    assert result["r"].ready is ready
