# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cause of what is not ready, from conditions, Pods and events."""

from ansible_collections.gitops.fleet.plugins.module_utils.deploy.health.explain import (
    MAX_LENGTH,
    explain,
    match_labels,
)

WEB = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "n"},
    "spec": {"selector": {"matchLabels": {"app": "web"}}},
}


def pod(name="web-5d4-abc", labels=None, namespace="n", **status):
    metadata = {"name": name, "namespace": namespace, "labels": labels or {"app": "web"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"phase": "Pending", **status}}


def container(**state):
    return {"name": "app", "image": "nginx:nope", "ready": False, **state}


def event(kind, name, reason, message, time="2026-03-01T12:00:00Z", **more):
    about = {"kind": kind, "name": name, "namespace": "n"}
    return {
        "type": "Warning",
        "reason": reason,
        "message": message,
        "involvedObject": about,
        "lastTimestamp": time,
        **more,
    }


def test_image_pull():
    waits = container(state={"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}})
    assert explain(WEB, [], [pod(containerStatuses=[waits])]) == (
        "Pod web-5d4-abc: container app: ImagePullBackOff (image nginx:nope Back-off pulling image)"
    )


def test_unschedulable():
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes:\n cpu"}
    assert explain(WEB, [], [pod(conditions=[condition])]) == "Pod web-5d4-abc: no node takes it: 0/2 nodes: cpu"


def test_crash_says_how_the_container_ended():
    crashed = container(
        state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m"}},
        lastState={"terminated": {"reason": "OOMKilled", "exitCode": 137}},
    )
    found = explain(WEB, [], [pod(phase="Running", containerStatuses=[crashed])])
    assert found == "Pod web-5d4-abc: container app: CrashLoopBackOff (OOMKilled, exit code 137)"


def test_quota_and_webhook_from_the_condition():
    refusal = 'pods "web-5d4-" is forbidden: exceeded quota: q, requested: pods=1'
    web = {**WEB, "status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": refusal}]}}
    assert explain(web, [], []) == refusal


def test_refusals_of_kinds_without_a_condition_are_in_events():
    database = {**WEB, "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "n"}}
    message = 'create Pod db-0 failed: admission webhook "policy" denied the request: no latest tag'
    assert explain(database, [event("StatefulSet", "db", "FailedCreate", message)], []) == message


def test_failing_probe_from_the_kubelets_event():
    runs = pod(phase="Running", containerStatuses=[container(state={"running": {}})])
    said = event("Pod", "web-5d4-abc", "Unhealthy", "Readiness probe failed: HTTP 503")
    assert explain(WEB, [said], [runs]) == (
        "Pod web-5d4-abc: container app runs but is not ready: Readiness probe failed: HTTP 503"
    )


def test_a_pod_with_a_cause_goes_before_one_that_only_waits():
    condition = {"type": "PodScheduled", "status": "False", "message": "no cpu"}
    pods = [pod("web-5d4-a"), pod("web-5d4-b", conditions=[condition]), pod("web-5d4-c")]
    assert explain(WEB, [], pods) == "Pod web-5d4-b: no node takes it: no cpu"


def test_only_own_pods_and_events_count():
    condition = {"type": "PodScheduled", "status": "False", "message": "no cpu"}
    others = [
        pod("other", {"app": "other"}, conditions=[condition]),
        pod("there", namespace="other", conditions=[condition]),
    ]
    events = [
        event("Deployment", "other", "Failed", "x"),
        event("ReplicaSet", "web-api-5d4", "FailedCreate", "x"),
        event("Deployment", "web", "ScalingReplicaSet", "x", type="Normal"),
    ]
    assert explain(WEB, events, others) == ""


def test_events_of_replica_sets_and_the_newest_of_several():
    events = [
        event("ReplicaSet", "web-5d4", "FailedCreate", "old", "2026-03-01T11:00:00Z"),
        event("ReplicaSet", "web-5d4", "FailedCreate", "new", "2026-03-01T12:00:00Z"),
        event(
            "ReplicaSet", "web-5d4", "FailedCreate", "series", None, series={"lastObservedTime": "2026-03-01T11:30:00Z"}
        ),
    ]
    assert explain(WEB, events, []) == "new"


def test_other_kinds_by_their_events():
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "n"}}
    said = event("PersistentVolumeClaim", "data", "ProvisioningFailed", 'storageclass "fast" not found')
    assert explain(claim, [said]) == 'ProvisioningFailed: storageclass "fast" not found'


def test_a_pod_explains_itself():
    waits = container(state={"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "x" not found'}})
    assert 'secret "x" not found' in explain(pod(containerStatuses=[waits]))


def test_length_is_bounded():
    web = {**WEB, "status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "x" * 5000}]}}
    assert len(explain(web)) == MAX_LENGTH


def test_selector_of_a_replication_controller():
    assert match_labels({"kind": "ReplicationController", "spec": {"selector": {"a": "b"}}}) == {"a": "b"}
