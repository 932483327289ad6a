# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job: what is in git is on the clusters, what has not changed is left alone, what is gone is pruned."""

from __future__ import annotations

import json

import pytest
import yaml
from fleet import Proxy, bundle, deployment, service

PAIR = ("prod-eu", "prod-us")


@pytest.fixture
def watched(node, request):
    """The two clusters of the inventory, each behind a proxy that records what is asked of it."""
    proxies = [Proxy(node.lab.cluster(name), node.directory) for name in PAIR]
    node.clusters = [proxy.cluster for proxy in proxies]
    yield proxies
    for proxy in proxies:
        proxy.close()


@pytest.mark.parametrize("helm", ["helm4", "helm3"])
def test_second_run_asks_each_cluster_once_and_starts_no_helm(make_node, helm):
    node = make_node(helm=helm)
    proxies = [Proxy(node.lab.cluster(name), node.directory) for name in PAIR]
    node.clusters = [proxy.cluster for proxy in proxies]
    namespace = node.namespace()
    node.repository().commit({**bundle("app", namespace), **bundle("other", namespace)})
    first = node.deploy().succeeded()
    assert first.changed == 2
    assert all(release["version"] for release in first.details("prod-eu")["releases"])
    for proxy in proxies:
        proxy.forget()

    second = node.deploy().succeeded()
    assert second.changed == 0
    assert second.helms == []
    for proxy in proxies:
        assert len(proxy.requests) == 1, proxy.requests
        assert proxy.requests[0].startswith("GET /api/v1/secrets?")
        proxy.close()


def test_a_change_of_one_bundle_moves_only_its_releases(node):
    node.only(*PAIR)
    namespace = node.namespace()
    repository = node.repository()
    repository.commit({**bundle("app", namespace), **bundle("other", namespace)})
    node.deploy().succeeded()

    commit = repository.commit(bundle("app", namespace, "two"))
    run = node.deploy().succeeded()
    assert run.changed == 2
    assert sorted(helm.split()[0] for helm in run.helms if "version" not in helm) == ["upgrade", "upgrade"]
    for cluster in PAIR:
        assert node.config_map(cluster, namespace, "app") == {"value": "two"}
        assert node.history(cluster, namespace, f"{repository.name}-app")[-1] == (2, "deployed")
        assert node.history(cluster, namespace, f"{repository.name}-other") == [(1, "deployed")]
        assert run.release(cluster, f"{repository.name}-app")["commit"] == commit


def test_check_mode_predicts_and_writes_nothing(node, watched):
    namespace = node.namespace()
    repository = node.repository()
    repository.commit(bundle("app", namespace))
    plan = node.deploy("--check").succeeded()
    assert plan.changed == 2
    assert plan.helms == []
    assert [len(proxy.requests) for proxy in watched] == [1, 1]
    node.deploy().succeeded()

    repository.commit({**bundle("other", namespace), "app/fleet.yaml": None, "app/configmap.yaml": None})
    for proxy in watched:
        proxy.forget()
    plan = node.deploy("--check", "--diff").succeeded()
    assert plan.changed == 2
    assert plan.details("prod-us")["counts"] == {"delete": 1, "install": 1}
    assert [proxy.writes for proxy in watched] == [[], []]
    assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}
    assert node.config_map("prod-eu", namespace, "other") is None

    done = node.deploy().succeeded()
    assert done.changed == 2
    assert done.details("prod-us")["counts"] == {"delete": 1, "install": 1}
    assert node.config_map("prod-eu", namespace, "app") is None
    assert node.config_map("prod-eu", namespace, "other") == {"value": "one"}


@pytest.mark.parametrize("helm", ["helm4", "helm3"])
def test_check_with_diff_shows_the_real_edit_and_nothing_else(make_node, helm):
    node = make_node(helm=helm)
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    web = yaml.safe_dump_all([deployment("web", replicas=1), service("web")])
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"key": "hunter2"}}
    files = {**bundle("app", namespace), "app/web.yaml": web, "app/secret.yaml": yaml.safe_dump(secret)}
    repository.commit(files)
    node.deploy().succeeded()

    secret["stringData"]["key"] = "hunter3"
    repository.commit(
        {"app/web.yaml": web.replace("replicas: 1", "replicas: 2"), "app/secret.yaml": yaml.safe_dump(secret)}
    )
    run = node.deploy("--check", "--diff").succeeded()
    edits = [line for line in run.output.splitlines() if line[:1] in ("+", "-") and line[:3] not in ("+++", "---")]
    assert [edit.split() for edit in edits if "replicas" in edit] == [["-", "replicas:", "1"], ["+", "replicas:", "2"]]
    assert len(edits) == 4, "replicas, and that the Secret's value changed:\n" + "\n".join(edits)
    assert "hunter" not in run.output
    assert f"{namespace}/web" in run.output

    assert node.deploy("--diff").succeeded().changed == 1
    assert node.get("prod-eu", f"/apis/apps/v1/namespaces/{namespace}/deployments/web")["spec"]["replicas"] == 2


def test_what_git_no_longer_has_is_pruned_but_not_beyond_the_budget(node):
    node.only(*PAIR)
    namespace = node.namespace()
    repository = node.repository()
    for name in ("a", "b", "c"):
        repository.files.update(bundle(name, namespace))
    repository.commit({})
    node.deploy().succeeded()

    repository.commit(
        {path: None for path in repository.files if path.startswith(("a/", "b/"))} | bundle("d", namespace)
    )
    run = node.deploy().failed(
        "4 releases of 2 bundles would be deleted, over the delete budget of 25% of 6 releases", "Nothing was changed"
    )
    assert run.helms == []
    for name in ("a", "b", "c"):
        assert node.config_map("prod-eu", namespace, name) is not None
    assert node.config_map("prod-eu", namespace, "d") is None
    node.deploy(fleet_delete_budget="3").failed("over the delete budget of 3", "delete_budget: 4")

    kept = node.deploy(fleet_prune=False).succeeded()
    assert kept.details("prod-eu")["counts"] == {"install": 1, "none": 1}
    pruned = node.deploy(fleet_delete_budget="4").succeeded()
    assert pruned.details("prod-us")["counts"] == {"delete": 2, "none": 2}
    for cluster in PAIR:
        assert node.config_map(cluster, namespace, "a") is None
        assert set(node.releases(cluster, namespace)) == {
            f"sh.helm.release.v1.{repository.name}-{name}.v1" for name in ("c", "d")
        }


def test_a_bundle_that_no_longer_targets_a_cluster_is_pruned_there_alone(node):
    node.only(*PAIR)
    namespace = node.namespace()
    repository = node.repository()
    repository.commit(bundle("app", namespace))
    node.deploy().succeeded()
    node.gitrepos[0]["targets"] = [{"name": "eu", "clusterSelector": {"matchLabels": {"region": "eu"}}}]
    node.deploy().succeeded()
    assert node.config_map("prod-eu", namespace, "app") is not None
    assert node.config_map("prod-us", namespace, "app") is None


def test_a_repository_without_bundles_prunes_nothing(node):
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit(bundle("app", namespace))
    node.deploy().succeeded()
    repository.commit(dict.fromkeys(repository.files) | {"README.md": "nothing here"})
    node.deploy().failed(f"GitRepo {repository.name}", "bundle")
    assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}


def test_keep_resources_leaves_the_objects_when_the_release_goes(node):
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit({**bundle("app", namespace, keepResources=True), **bundle("other", namespace)})
    node.deploy().succeeded()
    repository.commit({"app/fleet.yaml": None, "app/configmap.yaml": None})
    node.deploy().succeeded()
    assert node.history("prod-eu", namespace, f"{repository.name}-app") == []
    assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}


def test_releases_are_ordinary_and_what_a_person_does_to_them_is_put_right(node):
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit(bundle("app", namespace))
    node.deploy().succeeded()
    repository.commit(bundle("app", namespace, "two"))
    node.deploy().succeeded()
    release = f"{repository.name}-app"
    listed = json.loads(node.run_helm("prod-eu", "list", "-n", namespace, "-o", "json"))
    assert [(item["name"], item["revision"], item["status"]) for item in listed] == [(release, "2", "deployed")]
    assert listed[0]["chart"].startswith(f"{release}-v0.0.0+git-")
    assert node.history("prod-eu", namespace, release) == [(1, "superseded"), (2, "deployed")]

    node.run_helm("prod-eu", "rollback", release, "1", "-n", namespace)
    assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}
    run = node.deploy().succeeded()
    assert run.release("prod-eu", release)["reason"] == "revision 3 was made by somebody else"
    assert node.config_map("prod-eu", namespace, "app") == {"value": "two"}
    assert node.history("prod-eu", namespace, release)[-1] == (4, "deployed")

    node.run_helm("prod-eu", "upgrade", release, str(chart(node.directory)), "-n", namespace)
    assert node.config_map("prod-eu", namespace, "app") is None
    run = node.deploy().succeeded()
    assert run.changed == 1
    assert node.config_map("prod-eu", namespace, "app") == {"value": "two"}
    assert node.config_map("prod-eu", namespace, "by-hand") is None
    assert node.history("prod-eu", namespace, release)[-1] == (6, "deployed")
    assert node.deploy().succeeded().changed == 0

    node.run_helm("prod-eu", "uninstall", release, "-n", namespace)
    assert node.deploy().succeeded().changed == 1
    assert node.history("prod-eu", namespace, release) == [(1, "deployed")]


def test_names_and_namespaces_are_those_of_fleet(node):
    node.only("prod-eu")
    default, forced, own = node.namespace(), node.namespace(), node.namespace()
    repository = node.repository("names")
    long = "a-directory-with-a-name/so-long-that-no-release/can-be-called-so"
    repository.commit(
        {
            f"{long}/configmap.yaml": bundle("x", "")["x/configmap.yaml"],
            f"{long}/fleet.yaml": f"defaultNamespace: {default}\n",
            **bundle("Upper_Case", forced),
            **bundle("named", own, helm={"releaseName": "my-release"}),
            "Upper_Case/configmap.yaml": bundle("x", "")["x/configmap.yaml"],
        }
    )
    node.deploy().succeeded()
    listed = json.loads(node.run_helm("prod-eu", "list", "-A", "-o", "json"))
    found = {item["namespace"]: item["name"] for item in listed if item["namespace"] in (default, forced, own)}
    # As `fleet apply names .` calls these bundles.
    assert found == {
        default: "names-a-directory-with-a-name-so-long-that-no-r-42f9f",
        forced: "names-upper-case-686ea77d",
        own: "my-release",
    }


def test_helm_3_and_helm_4_take_turns(make_node):
    node = make_node(helm="helm4")
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit(bundle("app", namespace))
    node.deploy().succeeded()
    release = f"{repository.name}-app"

    helm3 = str(node.programs / "helm3")
    assert node.deploy(fleet_helm_binary=helm3).succeeded().changed == 0
    repository.commit(bundle("app", namespace, "two"))
    assert node.deploy(fleet_helm_binary=helm3).succeeded().changed == 1
    assert node.config_map("prod-eu", namespace, "app") == {"value": "two"}
    repository.commit(bundle("app", namespace, "three"))
    assert node.deploy().succeeded().changed == 1
    assert node.config_map("prod-eu", namespace, "app") == {"value": "three"}
    assert node.history("prod-eu", namespace, release)[-1] == (3, "deployed")


def test_waits_until_workloads_are_ready_and_says_which_are_not(node):
    node.only("prod-eu", "dev-eu")
    namespace = node.namespace()
    repository = node.repository()
    broken = {**deployment("web"), "metadata": {"name": "stuck"}}
    broken["spec"]["template"]["spec"]["nodeSelector"] = {"no": "such-node"}
    customization = {"name": "stuck", "clusterName": "dev-eu", "yaml": {"overlays": ["stuck"]}}
    repository.commit(
        {
            "app/fleet.yaml": yaml.safe_dump({"namespace": namespace, "targetCustomizations": [customization]}),
            "app/web.yaml": yaml.safe_dump(deployment("web", replicas=2)),
            "app/overlays/stuck/stuck.yaml": yaml.safe_dump(broken),
        }
    )
    run = node.deploy(fleet_wait_timeout=6).failed("Deployment", f"{namespace}/stuck")
    assert run.release("prod-eu", f"{repository.name}-app")["healthy"] is True
    assert run.release("prod-eu", f"{repository.name}-app")["state"] == "Ready"
    assert run.recap["prod-eu"]["failed"] == 0
    assert run.recap["dev-eu"]["failed"] == 1
    web = node.get("prod-eu", f"/apis/apps/v1/namespaces/{namespace}/deployments/web")
    assert web["status"]["readyReplicas"] == 2


def test_one_node_deploys_two_gitrepos_and_a_failing_bundle_stops_no_other(node):
    node.only("prod-eu")
    namespace = node.namespace()
    one, two = node.repository(), node.repository()
    one.commit(
        {
            **bundle("good", namespace),
            **bundle("bad", namespace),
            "bad/configmap.yaml": "kind: ConfigMap\napiVersion: v1\nmetadata: {name: Bad}\n",
        }
    )
    two.commit(bundle("also", namespace))
    run = node.deploy().failed(f"bundle {one.name}-bad", "Bad")
    assert node.config_map("prod-eu", namespace, "good") == {"value": "one"}
    assert node.config_map("prod-eu", namespace, "also") == {"value": "one"}
    assert run.details("prod-eu")["summary"].startswith("1 of 3 releases failed")
    one.commit(bundle("bad", namespace))
    assert node.deploy().succeeded().details("prod-eu")["counts"] == {"none": 2, "upgrade": 1}
    assert node.history("prod-eu", namespace, f"{one.name}-bad")[-1][1] == "deployed"


def chart(directory):
    """A chart that a person wrote, with another ConfigMap in it."""
    path = directory / "by-hand"
    (path / "templates").mkdir(parents=True)
    (path / "Chart.yaml").write_text("apiVersion: v2\nname: by-hand\nversion: 1.0.0\n")
    (path / "templates" / "configmap.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: by-hand}\n")
    return path


def test_a_preview_warns_of_what_only_the_cluster_shows(node):
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit(bundle("app", namespace))
    node.deploy().succeeded()
    api = node.lab.cluster("prod-eu").api()
    patches = [{"op": "add", "path": "/metadata/labels/cost", "value": "low"}]
    kind = {"content_type": "application/json-patch+json"}
    assert api.request("PATCH", f"/api/v1/namespaces/{namespace}", patches, **kind)[0] == 200
    edited = [{"op": "replace", "path": "/data/value", "value": "by hand"}]
    assert api.request("PATCH", f"/api/v1/namespaces/{namespace}/configmaps/app", edited, **kind)[0] == 200
    secret = {"metadata": {"name": "more"}, "stringData": {"values.yaml": "password: hunter2"}}
    assert api.request("POST", f"/api/v1/namespaces/{namespace}/secrets", secret)[0] == 201

    reference = {"secretKeyRef": {"name": "more"}}
    ignored = {"apiVersion": "v1", "kind": "ConfigMap", "name": "app", "operations": [{"op": "ignore"}]}
    repository.commit(
        bundle(
            "app",
            namespace,
            namespaceLabels={"team": "a"},
            helm={"values": {"password": "other"}, "valuesFrom": [reference]},
            diff={"comparePatches": [ignored]},
        )
    )
    run = node.deploy("--check", "--diff").succeeded()
    warnings = " ".join(run.details("prod-eu")["warnings"])
    for rule in ("namespace-labels-removed", "values-from-wins", "op-ignore-on-modified"):
        assert f"({rule})" in warnings, run.output
    assert "hunter2" not in run.output + warnings
    assert node.deploy("--check").succeeded().details("prod-eu")["warnings"] == []
