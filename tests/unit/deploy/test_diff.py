# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences show what a deployment changes, no noise, and never a secret."""

import base64
import copy
import difflib
import json

import pytest
import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.diff import (
    LIMIT,
    hpa_targets,
    object_diff,
    plan_diff,
    plan_diffs,
)
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.manifest import index, parse_manifest
from hypothesis import assume, given
from hypothesis import strategies as st

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web, empty: ""}
  annotations: {}
  creationTimestamp: null
spec:
  replicas: 2
  paused: false
  selector: {matchLabels: {app: web}}
  strategy: {}
  template:
    metadata: {labels: {app: web}, creationTimestamp: null}
    spec:
      hostNetwork: false
      terminationGracePeriodSeconds: 5
      nodeSelector: {}
      tolerations: []
      volumes:
      - {name: tmp, emptyDir: {}}
      - {name: c, configMap: {name: c}}
      containers:
      - name: app
        image: nginx:1
        command: [run, now]
        resources: {limits: {cpu: 1, memory: 1073741824}, requests: {cpu: 0.5}}
        ports: [{containerPort: 80}, {containerPort: 80, protocol: UDP}]
        env: [{name: A, value: ""}, {name: B, value: b}, {name: C, valueFrom: null}]
        readinessProbe: {httpGet: {path: /, port: 80}}
      - {name: side, image: side}
status: {}
"""


def manifest(text=DEPLOYMENT):
    [obj] = parse_manifest(text)
    return obj


def live_deployment():
    """The Deployment as an API server gives it back: defaults filled in, empty fields gone, normal forms."""
    obj = manifest()
    obj["metadata"] = {
        "name": "web",
        "namespace": "default",
        "labels": {"app": "web", "empty": "", "app.kubernetes.io/managed-by": "Helm"},
        "annotations": {
            "deployment.kubernetes.io/revision": "3",
            "meta.helm.sh/release-name": "web",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
        },
        "uid": "u",
        "resourceVersion": "77",
        "generation": 3,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "helm"}],
    }
    spec = obj["spec"]
    del spec["paused"]
    spec |= {"progressDeadlineSeconds": 600, "revisionHistoryLimit": 10, "strategy": {"type": "RollingUpdate"}}
    spec["template"]["metadata"] = {"creationTimestamp": None, "labels": {"app": "web"}}
    pod = spec["template"]["spec"]
    for name in ("hostNetwork", "nodeSelector", "tolerations"):
        del pod[name]
    pod |= {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "securityContext": {}}
    pod["volumes"][1]["configMap"]["defaultMode"] = 420
    app = pod["containers"][0]
    app["resources"] = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}
    app["ports"] = [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 80, "protocol": "UDP"}]
    app["env"] = [{"name": "A"}, {"name": "B", "value": "b"}, {"name": "C"}]
    app["readinessProbe"] |= {"periodSeconds": 10, "timeoutSeconds": 1}
    app["readinessProbe"]["httpGet"]["scheme"] = "HTTP"
    app |= {"imagePullPolicy": "Always", "terminationMessagePath": "/dev/termination-log"}
    # A webhook put its own beside ours.
    pod["containers"].insert(0, {"name": "istio-proxy", "image": "proxy"})
    pod["initContainers"] = [{"name": "istio-init", "image": "init"}]
    pod["volumes"].append({"name": "injected", "emptyDir": {}})
    app["env"].append({"name": "INJECTED", "value": "1"})
    obj["status"] = {"replicas": 2}
    return obj


def lines(diff):
    """The lines that a reader sees marked, without context."""
    found = difflib.unified_diff(diff["before"].splitlines(), diff["after"].splitlines(), lineterm="", n=0)
    return [line for line in found if line[0] in "+-" and not line.startswith(("---", "+++"))]


def words(diff):
    return sorted("".join(line.split()) for line in lines(diff))


def test_defaulted_and_injected_is_no_difference():
    assert plan_diff(None, manifest(), live_deployment()) is None
    assert plan_diff(manifest(), manifest(), live_deployment()) is None


def set_at(obj, path, value):
    *parents, last = path
    for step in parents:
        obj = obj[step]
    if value is ...:
        del obj[last]
    else:
        obj[last] = value


APP = ("spec", "template", "spec", "containers")
EDITS = [
    (("spec", "replicas"), 3, ["+replicas:3", "-replicas:2"]),
    ((*APP, 0, "image"), "nginx:2", ["+image:nginx:2", "-image:nginx:1"]),
    ((*APP, 0, "resources", "limits", "cpu"), "1001m", ["+cpu:1001m", "-cpu:'1'"]),
    ((*APP, 0, "env", 0, "value"), "x", ["+value:x"]),
    ((*APP, 0, "command"), ["run"], ["-now"]),
    (("metadata", "labels", "new"), "", ["+new:''"]),
    (("spec", "template", "spec", "volumes", 0), {"name": "tmp", "hostPath": {"path": "/"}}, None),
    (("spec", "template", "spec", "hostNetwork"), True, ["+hostNetwork:true"]),
    (("spec", "minReadySeconds"), 5, ["+minReadySeconds:5"]),
]


@pytest.mark.parametrize(("path", "value", "expected"), EDITS)
def test_one_edit_of_the_manifest_gives_only_that(path, value, expected):
    new = manifest()
    set_at(new, path, value)
    diff = plan_diff(manifest(), new, live_deployment())
    assert diff is not None
    if expected:
        assert sorted(line.replace("- ", "") for line in words(diff)) == sorted(
            line if not line.startswith("-now") else "--now" for line in expected
        )


LIVE_APP = ("spec", "template", "spec", "containers", 1)
LIVE_EDITS = [
    (("spec", "replicas"), 5, ["+replicas:2", "-replicas:5"]),
    (("spec", "replicas"), ..., ["+replicas:2"]),
    ((*LIVE_APP, "image"), "evil", ["+-image:nginx:1", "--image:evil"]),
    ((*LIVE_APP, "resources", "limits", "memory"), "2Gi", ["+memory:1073741824", "-memory:2Gi"]),
    ((*LIVE_APP, "env", 1, "value"), "B", ["+value:b", "-value:B"]),
    (("metadata", "labels", "app"), "other", ["+app:web", "-app:other"]),
    (("metadata", "labels", "empty"), ..., ["+empty:''"]),
    ((*LIVE_APP, "env", 1), ..., ["+-name:B", "+value:b"]),
    (
        ("spec", "template", "spec", "volumes", 0),
        {"name": "tmp", "hostPath": {"path": "/"}},
        ["+-emptyDir:{}", "+name:tmp", "--name:tmp"],
    ),
    ((*LIVE_APP, "ports", 1, "protocol"), "SCTP", ["+-containerPort:80", "+protocol:UDP"]),
]


@pytest.mark.parametrize(("path", "value", "expected"), LIVE_EDITS)
def test_what_somebody_changed_is_put_back(path, value, expected):
    live = live_deployment()
    set_at(live, path, value)
    diff = plan_diff(manifest(), manifest(), live)
    shown = words(diff)
    if path[-1] == "image":
        # command comes first in this container, so that the dash is not before image
        expected = ["+image:nginx:1", "-image:evil"]
    assert shown == sorted(expected)


@pytest.mark.parametrize("path", [("spec", "minReadySeconds"), ("metadata", "labels", "theirs"), (*LIVE_APP, "tty")])
def test_what_others_added_stays(path):
    live = live_deployment()
    set_at(live, path, "1")
    assert plan_diff(manifest(), manifest(), live) is None


REMOVED = [
    (("metadata", "labels", "gone"), "x", ["-gone:x"]),
    (("spec", "minReadySeconds"), 7, ["-minReadySeconds:7"]),
    (("spec", "template", "spec", "affinity"), {"nodeAffinity": {"x": "y"}}, ["-affinity:", "-nodeAffinity:", "-x:y"]),
]


@pytest.mark.parametrize(("path", "value", "expected"), REMOVED)
def test_a_field_that_left_the_manifest_goes(path, value, expected):
    old, live = manifest(), live_deployment()
    set_at(old, path, value)
    set_at(live, path, value)
    assert words(plan_diff(old, manifest(), live)) == sorted(expected)
    # Already gone: nothing to do.
    assert plan_diff(old, manifest(), live_deployment()) is None


def test_a_container_that_left_the_manifest_goes_and_injected_ones_stay():
    new = manifest()
    del new["spec"]["template"]["spec"]["containers"][1]
    assert words(plan_diff(manifest(), new, live_deployment())) == ["--image:side", "-name:side"]


def test_order_of_our_own_containers_counts():
    new = manifest()
    new["spec"]["template"]["spec"]["containers"].reverse()
    assert plan_diff(manifest(), new, live_deployment()) is not None


def test_creation_deletion_and_nothing():
    created = plan_diff(None, manifest(), None, cluster="prod-eu", namespace="default")
    assert created["before"] == ""
    assert yaml.safe_load(created["after"])["spec"]["replicas"] == 2
    assert created["before_header"] == created["after_header"] == "prod-eu Deployment default/web"
    deleted = plan_diff(manifest(), None, live_deployment())
    assert deleted["after"] == ""
    assert "managedFields" not in deleted["before"]
    assert "status" not in deleted["before"]
    assert deleted["before_header"] == "Deployment default/web"
    assert plan_diff(manifest(), None, None) is None
    assert plan_diff(None, None, live_deployment()) is None


def test_what_helm_is_told_to_keep_is_not_deleted():
    old = manifest()
    old["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
    assert plan_diff(old, None, live_deployment()) is None


def simple(api_version, kind, **fields):
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x", "namespace": "n"}, **fields}


QUIET = [
    (
        "addresses that the server allots",
        simple("v1", "Service", spec={"clusterIP": "", "ports": [{"port": 80, "targetPort": "80", "nodePort": 0}]}),
        simple(
            "v1",
            "Service",
            spec={
                "clusterIP": "10.0.0.1",
                "clusterIPs": ["10.0.0.1"],
                "ports": [{"port": 80, "targetPort": 80, "nodePort": 30000, "protocol": "TCP"}],
                "type": "ClusterIP",
            },
        ),
    ),
    (
        "rules of an aggregated role",
        simple("rbac.authorization.k8s.io/v1", "ClusterRole", aggregationRule={"a": "b"}, rules=[]),
        simple("rbac.authorization.k8s.io/v1", "ClusterRole", aggregationRule={"a": "b"}, rules=[{"verbs": ["get"]}]),
    ),
    (
        "caBundle that a controller fills in",
        simple(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            webhooks=[{"name": "w", "clientConfig": {"caBundle": ""}}],
        ),
        simple(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            webhooks=[{"name": "w", "clientConfig": {"caBundle": "Q0E="}, "timeoutSeconds": 10}],
        ),
    ),
    (
        "defaults in the elements of plain lists",
        simple("networking.k8s.io/v1", "Ingress", spec={"rules": [{"http": {"paths": [{"path": "/"}]}}]}),
        simple(
            "networking.k8s.io/v1",
            "Ingress",
            spec={"rules": [{"http": {"paths": [{"path": "/", "pathType": "Exact"}]}}]},
        ),
    ),
    (
        "tokens of a service account",
        simple("v1", "ServiceAccount", imagePullSecrets=[{"name": "a"}]),
        simple("v1", "ServiceAccount", imagePullSecrets=[{"name": "token-1"}, {"name": "a"}], secrets=[{"name": "t"}]),
    ),
    (
        "empty values in custom resources",
        simple("x.io/v1", "X", spec={"list": [], "text": "", "no": False, "zero": 0, "nothing": None}),
        simple("x.io/v1", "X", spec={"defaulted": 1}),
    ),
    (
        "resources in custom resources",
        simple("x.io/v1", "X", spec={"resources": {"limits": {"cpu": "1000m"}}}),
        simple("x.io/v1", "X", spec={"resources": {"limits": {"cpu": 1}}}),
    ),
    (
        "stringData is data",
        simple("v1", "Secret", stringData={"a": "b"}, data={"c": "ZA=="}),
        simple("v1", "Secret", data={"a": "Yg==", "c": "ZA=="}, type="Opaque"),
    ),
    (
        "base64 in lines",
        simple("v1", "Secret", data={"a": "YWJj\nZGVm\n"}),
        simple("v1", "Secret", data={"a": "YWJjZGVm"}),
    ),
    (
        "numbers beyond 2^53",
        simple("x.io/v1", "X", spec={"n": 12345678901234567890}),
        simple("x.io/v1", "X", spec={"n": 12345678901234567000}),
    ),
]


@pytest.mark.parametrize(("new", "live"), [case[1:] for case in QUIET], ids=[case[0] for case in QUIET])
def test_no_noise(new, live):
    assert plan_diff(new, new, live) is None


LOUD = [
    (
        "a choice by an empty mapping",
        simple("cert-manager.io/v1", "Issuer", spec={"selfSigned": {}}),
        simple("cert-manager.io/v1", "Issuer", spec={"ca": {}}),
    ),
    (
        "values that look like quantities in a ConfigMap",
        simple("v1", "ConfigMap", data={"limits": "1000m"}),
        simple("v1", "ConfigMap", data={"limits": "1"}),
    ),
    (
        "an empty entry in a ConfigMap",
        simple("v1", "ConfigMap", data={"a": "", "b": "b"}),
        simple("v1", "ConfigMap", data={"b": "b"}),
    ),
    ("true is not 1", simple("x.io/v1", "X", spec={"a": True}), simple("x.io/v1", "X", spec={"a": 1})),
    (
        "who is selected",
        simple("networking.k8s.io/v1", "NetworkPolicy", spec={"ingress": [{"from": [{"podSelector": {}}]}]}),
        simple("networking.k8s.io/v1", "NetworkPolicy", spec={"ingress": [{"from": [{"namespaceSelector": {}}]}]}),
    ),
    (
        "one more port in a NetworkPolicy",
        simple("networking.k8s.io/v1", "NetworkPolicy", spec={"ingress": [{"ports": [{"port": 80}]}]}),
        simple("networking.k8s.io/v1", "NetworkPolicy", spec={"ingress": [{"ports": [{"port": 80}, {"port": 22}]}]}),
    ),
    (
        "one more rule in a Role",
        simple("rbac.authorization.k8s.io/v1", "Role", rules=[{"verbs": ["get"]}]),
        simple("rbac.authorization.k8s.io/v1", "Role", rules=[{"verbs": ["get"]}, {"verbs": ["*"]}]),
    ),
    (
        "a finalizer of ours that is gone",
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "finalizers": ["a", "b"]}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "finalizers": ["b", "c"]}},
    ),
    (
        "another type of value",
        simple("x.io/v1", "X", spec={"a": {"b": 1}}),
        simple("x.io/v1", "X", spec={"a": "b"}),
    ),
]


@pytest.mark.parametrize(("new", "live"), [case[1:] for case in LOUD], ids=[case[0] for case in LOUD])
def test_real_differences(new, live):
    diff = plan_diff(new, new, live)
    assert diff is not None
    assert diff["before"] != diff["after"]


def test_of_a_longer_list_only_the_extra_element_is_shown():
    new = simple("rbac.authorization.k8s.io/v1", "Role", rules=[{"verbs": ["get"]}, {"verbs": ["list"]}])
    live = simple(
        "rbac.authorization.k8s.io/v1",
        "Role",
        rules=[{"verbs": ["get"], "x": 1}, {"verbs": ["evil"]}, {"verbs": ["list"], "x": 1}],
    )
    assert words(plan_diff(new, new, live)) == ["--evil", "--verbs:"]


def test_replicas_belong_to_the_autoscaler_of_the_same_bundle():
    hpa = manifest(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\n"
        "spec: {minReplicas: 2, maxReplicas: 6, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}"
    )
    new, old = index([hpa, manifest()], "default"), index([manifest()], "default")
    assert hpa_targets([hpa], "default") == {next(iter(old)): (2, 6)}
    live_hpa = copy.deepcopy(hpa)
    live = live_deployment()
    there = index([live_hpa, live], "default")
    live["spec"]["replicas"] = 5
    assert plan_diffs(new, new, there, namespace="default") == []
    live["spec"]["replicas"] = 7
    assert len(plan_diffs(new, new, there, namespace="default")) == 1


def test_a_release_as_a_whole():
    old = index(parse_manifest("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: gone}\n"), "ns")
    new = index(parse_manifest("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: new}\ndata: {a: b}\n"), "ns")
    diffs = plan_diffs(old, new, old, cluster="c", namespace="ns")
    assert [(diff["before_header"], bool(diff["before"]), bool(diff["after"])) for diff in diffs] == [
        ("c ConfigMap ns/new", False, True),
        ("c ConfigMap ns/gone", True, False),
    ]


def test_the_inputs_stay_as_they_are():
    old, new, live = manifest(), manifest(), live_deployment()
    new["spec"]["replicas"] = 9
    copies = copy.deepcopy((old, new, live))
    plan_diff(old, new, live)
    object_diff(live, new)
    assert (old, new, live) == copies


def test_whole_numbers_are_written_as_such():
    new = manifest("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\nspec: {hard: {pods: 1e3, x: 1.50}}")
    live = {**new, "spec": {"hard": {"pods": "100", "x": "1500m"}}}
    assert words(plan_diff(new, new, live)) == ["+pods:1000", "-pods:'100'"]


def test_texts_of_several_lines_are_readable():
    diff = object_diff(None, simple("v1", "ConfigMap", data={"f": "one\ntwo\n"}))
    assert "f: |\n    one\n    two\n" in diff["after"]


def test_large_objects_are_cut_around_what_differs():
    many = {f"key-{number:05}": "value" for number in range(5000)}
    before = simple("v1", "ConfigMap", data=many)
    after = simple("v1", "ConfigMap", data={**many, "key-02500": "other"})
    diff = object_diff(before, after)
    assert len(diff["before"]) < 1000
    assert words(diff) == ["+key-02500:other", "-key-02500:value"]
    assert "kind: ConfigMap" in diff["after"]
    assert "equal lines left out" in diff["after"]


@pytest.mark.parametrize("size", [LIMIT * 3, 3_000_000])
def test_what_is_still_too_large_is_cut_with_a_note(size):
    diff = object_diff(None, simple("v1", "ConfigMap", data={"a": "x" * size, "b": "line\n" * (size // 5)}))
    assert len(diff["after"]) < LIMIT + 1000
    assert "more characters" in diff["after"]
    assert "more lines were cut" in diff["after"]


def test_a_difference_in_the_cut_part_is_said():
    text = "x" * LIMIT * 2
    diff = object_diff(
        simple("v1", "ConfigMap", data={"a": f"{text}1"}), simple("v1", "ConfigMap", data={"a": f"{text}2"})
    )
    assert diff["before"] != diff["after"]


def secret(data=None, string_data=None, annotations=None):
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "creds", "namespace": "n", "annotations": annotations or {}},
        **({"data": data} if data is not None else {}),
        **({"stringData": string_data} if string_data is not None else {}),
    }


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def test_keys_of_a_secret_are_shown_and_whether_they_change():
    live = secret({"same": encoded("one"), "other": encoded("two"), "gone": encoded("three")})
    new = secret(string_data={"same": "one", "other": "TWO", "new": "four"})
    diff = plan_diff(live, new, live)
    assert yaml.safe_load(diff["after"])["data"] == {
        "same": "(hidden)",
        "other": "(hidden, changed)",
        "new": "(hidden, new)",
    }
    assert yaml.safe_load(diff["before"])["data"] == dict.fromkeys(("same", "other", "gone"), "(hidden)")


# The sign keeps it from being a word of ours, which does get out.
VALUES = st.text(st.characters(codec="utf-8"), min_size=7, max_size=40).map(lambda text: f"§{text}")


@given(values=st.lists(VALUES, min_size=3, max_size=3, unique=True), key=st.text("abc", min_size=1))
def test_no_value_of_a_secret_gets_out(values, key):
    one, two, three = values
    before = secret({key: encoded(one), "k": encoded(three)})
    applied = json.dumps(before)
    before["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": applied,
        "copy-of-last-applied": applied,
        "plain": f"it is {one}!",
    }
    after = secret(string_data={key: two}, annotations={"token": two, "note": encoded(two)})
    old = secret(string_data={key: three})
    diffs = [
        object_diff(before, after),
        object_diff(None, after),
        object_diff(before, None),
        object_diff(after, before),
        plan_diff(old, after, before),
        plan_diff(before, None, before),
        plan_diff(None, after, None),
        plan_diff(after, old, before),
    ]
    text = repr(diffs) + "".join(diff[side] for diff in diffs if diff for side in ("before", "after"))
    for value in values:
        for form in (value, encoded(value), repr(value)[1:-1], json.dumps(value)[1:-1]):
            assert form not in text


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_the_same_words_whatever_the_values(one, two):
    """Nothing of the output depends on a value, so nothing can be guessed from it."""
    assume(one != two)
    known = plan_diff(None, secret(string_data={"k": "aaaa"}), secret({"k": encoded("bbbbbbbb")}))
    assert plan_diff(None, secret(string_data={"k": one}), secret({"k": encoded(two)})) == known


LEAVES = st.none() | st.booleans() | st.integers(-100, 100) | st.text("abc1mGi", max_size=4)
TREES = st.dictionaries(
    st.sampled_from(["a", "b", "limits", "ports", "containers", "env", "data", "emptyDir", "rules"]),
    st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["name", "port", "a", "b", "cpu", "labels"]), inner, max_size=4)
        ),
        max_leaves=15,
    ),
    max_size=4,
)
KINDS = st.sampled_from([("apps/v1", "Deployment"), ("x.io/v1", "X"), ("v1", "Secret"), ("v1", "ConfigMap")])


def grown(value, path=()):
    """What a server may make of an object: more fields in every mapping."""
    if isinstance(value, dict):
        return {**{name: grown(item) for name, item in value.items()}, "server-default": {"x": 1}}
    if isinstance(value, list):
        return [grown(item) for item in value]
    return value


@given(KINDS, TREES)
def test_an_object_as_it_is_has_no_difference(kind, spec):
    obj = {"apiVersion": kind[0], "kind": kind[1], "metadata": {"name": "x"}, "spec": spec}
    assert plan_diff(obj, obj, copy.deepcopy(obj)) is None


@given(TREES)
def test_what_a_server_adds_is_no_difference(spec):
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": spec}
    assert plan_diff(obj, obj, grown(obj)) is None


@given(KINDS, TREES, TREES, TREES)
def test_never_raises_and_shows_a_change_if_it_says_one(kind, old, new, live):
    objects = [
        {"apiVersion": kind[0], "kind": kind[1], "metadata": {"name": "x"}, "spec": spec} for spec in (old, new, live)
    ]
    diff = plan_diff(*objects)
    if diff is not None:
        assert diff["before"] != diff["after"]


@given(TREES, st.sampled_from(["a", "b"]), st.integers(1000, 2000))
def test_one_edit_gives_only_that_edit(spec, name, number):
    old = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {**spec, name: 1}}
    new = {**old, "spec": {**spec, name: number}}
    assert words(plan_diff(old, new, grown(old))) == sorted([f"-{name}:1", f"+{name}:{number}"])
