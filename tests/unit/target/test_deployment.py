# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and IDs of a BundleDeployment."""

from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster
from ansible_collections.gitops.fleet.plugins.module_utils.target.deployment import (
    BundleDeployment,
    cluster_namespace,
    deployment_id,
)

CONTENT = "s-6580290030ab2d2e90fed367cd652ae5edcb9496d3f5fdf85f4872144e35c"


def deployment(options=None, name="app", **spec):
    return BundleDeployment(Bundle(name, "fleet-default", spec), Cluster("c"), options or {})


def test_release_name():
    assert deployment().release_name == "app"
    assert deployment({"helm": {"releaseName": "other"}}).release_name == "other"
    assert deployment(name="Foo_Bar").release_name == "foo-bar-263e8253"


def test_release_namespace():
    assert deployment().release_namespace == "default"
    assert deployment({"defaultNamespace": "d"}).release_namespace == "d"
    assert deployment({"defaultNamespace": "d", "namespace": "n"}).release_namespace == "n"


def test_deployment_id_is_fleets():
    # As Fleet's controller computed them.
    assert deployment_id(CONTENT, {"helm": {}}) == (
        f"{CONTENT}:2b3eb1c0044dd55963b580c402f9703533c40396e53a2aa27a2ba991ec15d145"
    )
    assert deployment_id(CONTENT, {"namespace": "p1", "helm": {}}) == (
        f"{CONTENT}:e83daffe84fc4bfd879790d2c2471d806f64873392928cf1154ec120935a87ee"
    )


def test_how_drift_is_treated_does_not_count():
    options = {"helm": {}, "diff": {"comparePatches": [{"kind": "A"}]}, "correctDrift": {"enabled": True}}
    assert deployment_id(CONTENT, options) == deployment_id(CONTENT, {"helm": {}})


def test_order_and_empty_options_do_not_count():
    first = {"helm": {"values": {"b": 1, "a": 2}}, "namespace": "n"}
    second = {"namespace": "n", "keepResources": False, "helm": {"values": {"a": 2, "b": 1}, "chart": ""}}
    assert deployment_id(CONTENT, first) == deployment_id(CONTENT, second)


def test_id_of_a_deployment():
    assert deployment({"helm": {}}, resources=[{"name": "a", "content": "b"}]).id == deployment_id(
        CONTENT, {"helm": {}}
    )


def test_the_namespace_gets_the_labels_of_all_targets():
    targets = [{"namespaceLabels": {"a": "1"}}, {"namespaceLabels": {"a": "2", "b": "3"}}, {}]
    item = deployment({"namespaceLabels": {"a": "0", "c": "4"}}, targets=targets)
    assert item.namespace_labels == {"a": "2", "b": "3", "c": "4"}
    assert item.namespace_annotations == {}


def test_with_options_leaves_the_first_alone():
    item = deployment({"namespace": "a"})
    assert item.with_options({"namespace": "b"}).release_namespace == "b"
    assert item.release_namespace == "a"


def test_cluster_namespace():
    name = cluster_namespace(Cluster("c-dev"))
    assert name.startswith("cluster-fleet-default-c-dev-")
    assert len(name.rpartition("-")[2]) == 12
