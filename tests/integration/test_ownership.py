# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose release is it, and which cluster is this? Nothing of others is touched, nothing goes on the wrong cluster."""

from __future__ import annotations

import pytest
import yaml
from fleet import bundle, config_map, deployment, release_record

FOREIGN_ANNOTATIONS = ("fleet.cattle.io/bundle-id", "fleet.cattle.io/agent-namespace")
"""By which a Fleet agent takes a release for an orphan of its own and uninstalls it."""


def install_by_hand(node, cluster: str, namespace: str, release: str) -> None:
    chart = node.directory / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: theirs\nversion: 1.0.0\n")
    (chart / "templates" / "configmap.yaml").write_text(config_map("theirs", "theirs"))
    node.run_helm(cluster, "install", release, str(chart), "-n", namespace, "--create-namespace")


def test_a_release_of_others_is_refused_and_taken_over_only_on_demand(node):
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit({**bundle("app", namespace), **bundle("other", namespace)})
    release = f"{repository.name}-app"
    install_by_hand(node, "prod-eu", namespace, release)

    refused = node.deploy().failed(
        f"release {namespace}/{release} exists and was not made by this collection", f"adopt: [{release}]"
    )
    assert refused.details("prod-eu")["counts"] == {"install": 1, "refused": 1}
    assert node.config_map("prod-eu", namespace, "theirs") == {"value": "theirs"}
    assert node.config_map("prod-eu", namespace, "app") is None
    assert node.config_map("prod-eu", namespace, "other") == {"value": "one"}

    # Not ours, so not ours to prune either.
    repository.commit({"app/fleet.yaml": None, "app/configmap.yaml": None})
    assert node.deploy().succeeded().changed == 0
    assert node.history("prod-eu", namespace, release) == [(1, "deployed")]

    repository.commit(bundle("app", namespace))
    assert node.deploy("--check", fleet_adopt=[release]).succeeded().changed == 1
    adopted = node.deploy(fleet_adopt=[release]).succeeded()
    assert adopted.release("prod-eu", release)["reason"] == "taken over: it was not made by this collection"
    assert node.config_map("prod-eu", namespace, "theirs") is None
    assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}
    assert node.history("prod-eu", namespace, release)[-1] == (2, "deployed")
    assert node.deploy().succeeded().changed == 0


def test_owners_with_gitrepos_of_one_name_never_touch_each_others_releases(make_node):
    ours, theirs = make_node(), make_node()
    namespace = ours.namespace()
    for node, directory in ((ours, "ours"), (theirs, "theirs")):
        node.only("prod-eu")
        node.repository("same-name").commit({**bundle(directory, namespace), **bundle("both", namespace)})
    ours.deploy().succeeded()
    refused = theirs.deploy().failed(f"belongs to owner {ours.owner}", "adopt: [same-name-both]")
    assert refused.details("prod-eu")["counts"] == {"install": 1, "refused": 1}
    assert ours.deploy().succeeded().changed == 0
    names = {secret["metadata"]["labels"]["name"] for secret in ours.releases("prod-eu", namespace).values()}
    assert names == {"same-name-ours", "same-name-theirs", "same-name-both"}

    taken = theirs.deploy(fleet_adopt=["same-name-both"]).succeeded()
    assert taken.changed == 1
    ours.deploy().failed(f"belongs to owner {theirs.owner}")


def test_a_release_of_another_gitrepo_is_refused(node):
    node.only("prod-eu")
    namespace = node.namespace()
    first, second = node.repository(), node.repository()
    first.commit(bundle("app", namespace, helm={"releaseName": "shared"}))
    second.commit(bundle("else", namespace))
    node.deploy().succeeded()
    second.commit(bundle("app", namespace, helm={"releaseName": "shared"}))
    node.gitrepos.pop(0)
    node.deploy().failed(f"release {namespace}/shared exists and belongs to GitRepo fleet-default.{first.name}")
    assert node.history("prod-eu", namespace, "shared") == [(1, "deployed")]


def test_two_bundles_of_one_release_name_are_both_refused(node):
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit(
        {
            **bundle("one", namespace, helm={"releaseName": "same"}),
            **bundle("two", namespace, helm={"releaseName": "same"}),
            **bundle("good", namespace),
        }
    )
    run = node.deploy().failed(
        f"bundle {repository.name}-one: another bundle has the same release {namespace}/same on this cluster",
        f"bundle {repository.name}-two: another bundle has the same release",
        "Give one of them another helm.releaseName or namespace",
    )
    assert run.details("prod-eu")["counts"] == {"install": 1, "refused": 2}
    assert node.config_map("prod-eu", namespace, "good") == {"value": "one"}
    assert node.history("prod-eu", namespace, "same") == []


def test_swapped_contexts_are_refused_before_anything_is_changed(make_node):
    node = make_node()
    node.only("prod-eu", "prod-us")
    namespace = node.namespace()
    repository = node.repository()
    only_eu = {"targets": [{"clusterName": "prod-eu"}]}
    repository.commit({**bundle("app", namespace), **bundle("eu", namespace, **only_eu)})
    node.gitrepos[0]["targets"] = [{"name": "all", "clusterSelector": {}}]
    node.deploy().succeeded()
    before = {name: set(node.releases(name, namespace)) for name in ("prod-eu", "prod-us")}

    eu, us = node.cluster("prod-eu"), node.cluster("prod-us")
    eu.kubeconfig, us.kubeconfig = us.kubeconfig, eu.kubeconfig
    eu.context, us.context = us.context, eu.context
    repository.commit(bundle("app", namespace, "two") | {"eu/fleet.yaml": None, "eu/configmap.yaml": None})
    for cache in ("cache", "another-cache"):
        # A control node that has seen neither of the clusters (an AWX job) is told by the releases' labels.
        node.cache = node.directory / cache
        run = node.deploy(fleet_delete_budget="100%").failed(
            "cluster fleet-default.prod-eu: its kubeconfig context leads to another cluster",
            "was deployed to cluster fleet-default.prod-us",
            "Nothing was changed",
            "accept_identity: [fleet-default.prod-eu]",
        )
        assert [run.recap[name]["failed"] for name in ("prod-eu", "prod-us")] == [1, 1]
        assert {name: set(node.releases(name, namespace)) for name in before} == before
        assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}

    eu.kubeconfig, us.kubeconfig = us.kubeconfig, eu.kubeconfig
    eu.context, us.context = us.context, eu.context
    assert node.deploy(fleet_delete_budget="100%").succeeded().changed == 2


def test_a_known_name_that_leads_to_a_fresh_cluster_is_refused(node):
    """No label tells there: the control node's own memory of the UID does."""
    node.only("prod-eu", "bare")
    namespace = node.namespace()
    node.repository().commit(bundle("app", namespace))
    node.deploy("--limit", "prod-eu").succeeded()
    known, fresh = node.cluster("prod-eu"), node.cluster("bare")
    known.kubeconfig, known.context = fresh.kubeconfig, fresh.context
    node.only("prod-eu")
    node.deploy().failed(
        "cluster fleet-default.prod-eu: its kubeconfig context leads to another cluster than before",
        "the UID of namespace kube-system is",
        "Nothing was changed there",
        "accept_identity: [fleet-default.prod-eu]",
    )
    assert node.releases("bare", namespace) == {}
    assert node.deploy(fleet_accept_identity=["fleet-default.prod-eu"]).succeeded().changed == 1
    assert node.config_map("bare", namespace, "app") == {"value": "one"}
    assert node.deploy().succeeded().changed == 0


def test_a_renamed_cluster_is_accepted_on_demand(node):
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit(bundle("app", namespace))
    node.deploy().succeeded()
    node.cluster("prod-eu").name = "renamed"
    node.deploy().failed("was deployed to cluster fleet-default.prod-eu", "accept_identity: [fleet-default.renamed]")
    assert node.deploy(fleet_accept_identity=["fleet-default.renamed"]).succeeded().changed == 1
    # Once is enough, as the message says.
    assert node.deploy().succeeded().changed == 0


def test_the_uid_that_the_inventory_states_must_be_that_of_the_cluster(node):
    node.only("prod-eu")
    namespace = node.namespace()
    node.repository().commit(bundle("app", namespace))
    node.cluster("prod-eu").uid = "0d2b4bdc-0000-4000-8000-000000000000"
    node.deploy().failed("was 0d2b4bdc-0000-4000-8000-000000000000", "The inventory states another uid")
    assert node.releases("prod-eu", namespace) == {}
    node.cluster("prod-eu").uid = node.get("prod-eu", "/api/v1/namespaces/kube-system")["metadata"]["uid"]
    assert node.deploy().succeeded().changed == 1


@pytest.mark.parametrize("helm", ["helm4", "helm3"])
def test_no_release_of_ours_would_be_taken_for_an_orphan_by_a_fleet_agent(make_node, helm):
    node = make_node(helm=helm)
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    chart = "apiVersion: v2\nname: mine\nversion: 1.0.0\nannotations:\n"
    chart += "".join(f"  {name}: {namespace}\n" for name in FOREIGN_ANNOTATIONS)
    commit = repository.commit(
        {
            **bundle("raw", namespace),
            # A chart that carries them itself: written by hand, or packed by a tool.
            "chart/Chart.yaml": chart,
            "chart/templates/configmap.yaml": config_map("chart", "one"),
            "chart/fleet.yaml": f"namespace: {namespace}\n",
        }
    )
    node.deploy().succeeded()
    secrets = node.releases("prod-eu", namespace)
    assert len(secrets) == 2
    for secret in secrets.values():
        record = release_record(secret)
        annotations = record["chart"]["metadata"].get("annotations") or {}
        assert not set(FOREIGN_ANNOTATIONS) & set(annotations), (secret["metadata"]["name"], annotations)
        found = secret["metadata"]["labels"]
        assert found["gitops.fleet/owner"] == node.owner
        assert found["gitops.fleet/gitrepo"] == f"fleet-default.{repository.name}"
        assert found["gitops.fleet/bundle"] == found["name"]
        assert found["gitops.fleet/revision"] == found["version"] == "1"
        assert len(found["gitops.fleet/deployment"]) == 63
        assert found["gitops.fleet/commit"] == commit
        assert found["gitops.fleet/format"] == "1"


def patch(node, cluster: str, path: str, operations: list) -> None:
    api = node.lab.cluster(cluster).api()
    status, answer = api.request("PATCH", path, operations, content_type="application/json-patch+json")
    assert status == 200, answer


def without_our_labels(node, cluster: str, namespace: str) -> None:
    """Make the releases of a namespace what they are where others made them."""
    for name, secret in node.releases(cluster, namespace).items():
        labels = {key: value for key, value in secret["metadata"]["labels"].items() if "gitops.fleet" not in key}
        operations = [{"op": "replace", "path": "/metadata/labels", "value": labels}]
        patch(node, cluster, f"/api/v1/namespaces/{namespace}/secrets/{name}", operations)


def as_fleets_agent_applied(node, cluster: str, path: str) -> None:
    """Make the object what it is where Fleet's agent applied it: everything belongs to its field manager."""
    entries = node.get(cluster, path)["metadata"]["managedFields"]
    for entry in entries:
        entry["manager"] = entry["manager"].replace("helm", "fleetagent")
    patch(node, cluster, path, [{"op": "replace", "path": "/metadata/managedFields", "value": entries}])
    assert {entry["manager"] for entry in node.get(cluster, path)["metadata"]["managedFields"]} >= {"fleetagent"}


def test_a_release_of_fleets_agent_is_taken_over_whole_and_nothing_restarts(node):
    node.only("prod-eu")
    namespace = node.namespace()
    repository = node.repository()
    release = f"{repository.name}-app"
    web = deployment("web")
    web["spec"]["template"]["metadata"]["annotations"] = {"one": "1", "two": "2"}
    files = {**bundle("app", namespace), "app/web.yaml": yaml.safe_dump(web)}
    repository.commit(files)
    # The release that Fleet makes is the one that we make, less our labels.
    node.deploy().succeeded()
    without_our_labels(node, "prod-eu", namespace)
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    as_fleets_agent_applied(node, "prod-eu", path)
    as_fleets_agent_applied(node, "prod-eu", f"/api/v1/namespaces/{namespace}/configmaps/app")
    before = node.get("prod-eu", path)["metadata"]

    node.deploy(fleet_adopt=[release]).succeeded()
    after = node.get("prod-eu", path)["metadata"]
    assert (after["generation"], after["uid"]) == (before["generation"], before["uid"])
    assert "fleetagent" not in {entry["manager"] for entry in after["managedFields"]}

    web["spec"]["template"]["metadata"]["annotations"] = {"one": "changed"}
    repository.commit({"app/web.yaml": yaml.safe_dump(web)})
    node.deploy().succeeded()
    assert node.get("prod-eu", path)["spec"]["template"]["metadata"]["annotations"] == {"one": "changed"}
