# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installation reads and makes on a cluster beside the release: values, namespaces, Helm's own Secrets."""

from __future__ import annotations

import base64
from types import SimpleNamespace

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.chart.helm import HelmError
from ansible_collections.gitops.fleet.plugins.module_utils.deploy import installation
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.namespace import ensure_namespace
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.values import read_values
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.client import ApiError
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster
from ansible_collections.gitops.fleet.plugins.module_utils.target.deployment import BundleDeployment
from memory_api import refused

SECRET = "/api/v1/namespaces/web/secrets/values"


def values_from(api, content, **reference):
    api.objects[SECRET] = {"data": {"values.yaml": content if content is None else base64.b64encode(content).decode()}}
    reference = {"name": "values", **reference}
    return read_values(api, "web", {"values": {"a": 1}, "valuesFrom": [{"secretKeyRef": reference}]})


def test_values_of_a_secret_come_last_and_are_hidden(api):
    values = values_from(api, b"password: hunter22\n")
    assert values.documents == [b'{"a": 1}', b"password: hunter22\n"]
    assert "hunter22" in values.secrets


@pytest.mark.parametrize(
    ("content", "reference", "message"),
    [
        (b"\xff\xfe", {}, "is not text"),
        (b"a: [hunter22", {}, "is not YAML"),
        (b"a: 1", {"key": "other"}, "has no such key"),
        (b"a: 1", {"name": ""}, "has no name of a Secret"),
        (b"a: 1", {"name": "../configmaps/values"}, "cannot be read"),
        (None, {}, "has no such key"),
    ],
)
def test_values_that_cannot_be_used_are_told_without_their_content(api, content, reference, message):
    with pytest.raises(FleetError, match=message) as caught:
        values_from(api, content, **reference)
    assert "hunter22" not in str(caught.value)
    assert all("/../" not in path for _method, path in api.requests)


def deployment(**options):
    options = {"namespace": "web", "namespaceLabels": {"team": "a"}, **options}
    return BundleDeployment(Bundle("web", "fleet-default", {}), Cluster("one"), options)


def test_a_namespace_that_another_bundle_was_quicker_to_make_is_no_failure(api):
    def taken():
        api.put("/api/v1/namespaces/web", {"metadata": {"name": "web"}})
        raise refused(409)

    api.answers["POST", "/api/v1/namespaces"] = taken
    ensure_namespace(api, deployment())
    assert api.objects["/api/v1/namespaces/web"]["patched"] == {"metadata": {"labels": {"team": "a"}}}


def test_a_namespace_is_not_made_where_the_bundle_says_so(api):
    with pytest.raises(ApiError):
        ensure_namespace(api, deployment(createNamespace=False))


@pytest.mark.parametrize(
    ("answer", "asks_helm"), [({"metadata": {}}, False), (refused(403), False), (refused(404), True)]
)
def test_helm_is_asked_only_for_a_namespace_that_is_not_there(api, answer, asks_helm):
    api.answers["GET", "/api/v1/namespaces/web"] = answer
    options = installation._without_namespace_that_is_there(api, "web", {"helm": {}})
    assert (options.get("createNamespace") is not False) is asks_helm
    assert options["helm"] == {}


def test_forgetting_a_release_leaves_secrets_that_only_carry_its_labels(api):
    path = "/api/v1/namespaces/web/secrets"
    for name in ("sh.helm.release.v1.web.v1", "sh.helm.release.v1.web.v12", "sh.helm.release.v1.web.vx", "mine"):
        api.put(f"{path}/{name}", {"metadata": {"name": name}})
    installation._forget(api, "web", "web")
    assert sorted(api.objects) == [f"{path}/mine", f"{path}/sh.helm.release.v1.web.vx"]


@pytest.mark.parametrize(
    ("message", "files", "revision", "expected"),
    [
        ('no matches for kind "A"\nensure CRDs are installed first', ["crds/a.yaml"], 1, True),
        ('no matches for kind "A"\nensure CRDs are installed first', ["charts/sub.tgz"], 1, True),
        ('no matches for kind "A"\nensure CRDs are installed first', ["templates/a.yaml"], 1, False),
        ('no matches for kind "A"\nensure CRDs are installed first', ["crds/a.yaml"], 2, False),
        ("something else", ["crds/a.yaml"], 1, False),
    ],
)
def test_kinds_that_a_chart_brings_are_missing_in_a_dry_run_only(message, files, revision, expected):
    chart = SimpleNamespace(files=dict.fromkeys(files, b""))
    assert installation._installs_missing_kinds(HelmError(message), chart, revision) is expected
