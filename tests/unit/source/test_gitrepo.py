# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import json

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo import GitRepo
from hypothesis import given
from hypothesis import strategies as st

FULL = GitRepo(
    name="apps",
    namespace="team-a",
    repo="https://git.example.com/a.git",
    branch="main",
    revision="v1",
    paths=["a", "b/*"],
    bundles=[{"base": "c", "options": "o.yaml"}],
    targets=[{"name": "prod", "clusterSelector": {"matchLabels": {"env": "prod"}}}],
    target_namespace="shop",
    service_account="deployer",
    keep_resources=True,
    delete_namespace=True,
    correct_drift={"enabled": True},
    paused=True,
    force_sync_generation=3,
    labels={"team": "a"},
    insecure_skip_tls_verify=True,
    ca_bundle="-----BEGIN CERTIFICATE-----\n",
    client_secret_name="git",
    helm_secret_name="helm",
    helm_secret_name_for_paths="paths",
    helm_repo_url_regex="https://.*",
    disable_polling=True,
    polling_interval="1m30s",
    webhook_secret="hook",
    image_scan_interval="15m",
    image_scan_commit={"authorName": "me"},
    oci_registry_secret="oci",
)


def test_it_is_written_in_fleets_keys_and_read_back():
    written = FULL.to_dict()
    assert written["insecureSkipTLSVerify"] is True
    assert written["targetNamespace"] == "shop"
    assert written["helmRepoURLRegex"] == "https://.*"
    assert written["helmSecretNameForPaths"] == "paths"
    assert written["imageScanCommit"] == {"authorName": "me"}
    assert written["forceSyncGeneration"] == 3
    assert written["caBundle"] == "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg=="
    assert GitRepo.from_dict(json.loads(json.dumps(written))) == FULL
    assert GitRepo("apps").to_dict() == {"name": "apps", "namespace": "fleet-default"}


@given(
    st.builds(
        GitRepo,
        name=st.text(min_size=1),
        paths=st.lists(st.text()),
        paused=st.booleans(),
        ca_bundle=st.text(),
        labels=st.dictionaries(st.text(), st.text()),
    )
)
def test_reading_back_gives_the_same(gitrepo):
    assert GitRepo.from_dict(gitrepo.to_dict()) == gitrepo


def test_a_good_one_is_valid():
    FULL.validate()
    GitRepo("apps", targets=[{"clusterGroup": None, "clusterName": "a"}], bundles=[{"base": "a"}]).validate()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "My_App"}, "name 'My_App' is not the name of a Kubernetes object"),
        ({"name": "a" * 64}, "is not the name"),
        ({"name": "a", "namespace": ""}, "workspace '' is not"),
        ({"name": "a", "target_namespace": "-x"}, "targetNamespace '-x'"),
        (
            {"name": "a", "targets": [{"clusterSelektor": {}}]},
            "GitRepo a, targets\\[1\\]: there is no field 'clusterSelektor'. Did you mean clusterSelector?",
        ),
        ({"name": "a", "targets": [{"zz": 1}]}, "It may have name, clusterName"),
        ({"name": "a", "targets": [{"clusterName": 3}]}, "clusterName is not a string but 3"),
        ({"name": "a", "targets": [{"clusterSelector": "env=prod"}]}, "is not a mapping but 'env=prod'"),
        ({"name": "a", "targets": ["prod"]}, "is not a mapping but 'prod'"),
        ({"name": "a", "bundles": [{"options": "x"}]}, "base is missing"),
        ({"name": "a", "bundles": [{"bas": "x"}]}, "Did you mean base"),
        ({"name": "a", "correct_drift": {"enabled": "yes"}}, "enabled is not true or false but 'yes'"),
        ({"name": "a", "labels": {"a b": "c"}}, "label a b: 'c' is not a Kubernetes label"),
        ({"name": "a", "labels": {"a": "x" * 64}}, "is not a Kubernetes label"),
        ({"name": "a", "labels": {"UPPER.example/x": "c"}}, "is not a Kubernetes label"),
    ],
)
def test_what_is_wrong_is_named(fields, expected):
    with pytest.raises(FleetError, match=expected):
        GitRepo(**fields).validate()


def test_the_branch_that_is_followed():
    assert GitRepo("a").followed_branch == "master"
    assert GitRepo("a", branch="main").followed_branch == "main"
    assert GitRepo("a", revision="v1").followed_branch == ""
    assert GitRepo("a", branch="main", revision="v1").followed_branch == "main"


def test_a_damaged_ca_bundle_in_a_file():
    with pytest.raises(FleetError, match="caBundle is not base64"):
        GitRepo.from_dict({"name": "a", "caBundle": "%"})
