# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``downstreamResources``: where they come from, and what is done to what is there."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.downstream import Sources, copy_all, delete_copies
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from memory_api import Api, refused

PULL_SECRET = {
    "kind": "Secret",
    "metadata": {"name": "pull", "labels": {"team": "web"}},
    "type": "kubernetes.io/dockerconfigjson",
    "stringData": {".dockerconfigjson": "hunter2"},
}
WANTS = {"downstreamResources": [{"kind": "secret", "name": "pull"}]}
PATH = "/api/v1/namespaces/web/secrets/pull"


def copies(*given, hub=None, options=WANTS, workspace="fleet-default"):
    return Sources(given, hub).of(options, workspace)


def copy(api, adopt=False, given=PULL_SECRET):
    copy_all(api, copies(given), "web", "app", adopt=adopt, create_namespace=True)


def test_a_given_object_is_copied_with_its_type_labels_and_data(api):
    copy(api)
    made = api.objects[PATH]
    assert made["type"] == "kubernetes.io/dockerconfigjson"
    assert made["data"] == {".dockerconfigjson": "aHVudGVyMg=="}
    assert made["metadata"]["labels"] == {"team": "web", "gitops.fleet/copied-for": "web.app"}
    assert "/api/v1/namespaces/web" in api.objects


def test_a_second_time_nothing_is_written(api):
    copy(api)
    api.requests.clear()
    copy(api)
    assert [request for request in api.requests if request[0] == "PUT"] == []


def test_a_copy_that_somebody_changed_is_put_right(api):
    copy(api)
    api.put(PATH, {**api.objects[PATH], "data": {"other": "eA=="}})
    copy(api)
    assert api.objects[PATH]["data"] == {".dockerconfigjson": "aHVudGVyMg=="}


def test_an_object_that_is_no_copy_is_left_alone_unless_it_may_be_adopted(api):
    api.put(PATH, {"metadata": {"name": "pull"}, "data": {"mine": "eA=="}})
    with pytest.raises(FleetError, match="Secret web/pull is there already"):
        copy(api)
    copy(api, adopt=True)
    assert api.objects[PATH]["data"] == {".dockerconfigjson": "aHVudGVyMg=="}


def test_a_copy_of_fleets_own_agent_is_taken_over(api):
    api.put(PATH, {"metadata": {"name": "pull", "labels": {"fleet.cattle.io/bundledeployment": "x"}}})
    copy(api)
    assert api.objects[PATH]["metadata"]["labels"]["gitops.fleet/copied-for"] == "web.app"


def test_the_copies_of_a_release_go_and_no_others(api):
    copy(api)
    api.answers["LIST", "/api/v1/namespaces/web/secrets"] = [api.objects[PATH]]
    api.answers["LIST", "/api/v1/namespaces/web/configmaps"] = refused(403)
    delete_copies(api, "web", "app")
    assert PATH not in api.objects


def test_what_is_not_given_is_read_from_the_workspaces_namespace_once():
    hub = Api()
    hub.put("/api/v1/namespaces/team-a/secrets/pull", {"type": "Opaque", "data": {"a": "eA=="}, "metadata": {}})
    sources = Sources((), hub)
    assert sources.of(WANTS, "team-a") == sources.of(WANTS, "team-a")
    assert len(hub.requests) == 1
    with pytest.raises(FleetError, match="Secret fleet-default/pull, which downstreamResources wants copied, cannot"):
        sources.of(WANTS, "fleet-default")


def test_what_was_given_for_one_workspace_is_not_for_another():
    with pytest.raises(FleetError, match=r"Secret team-a/pull.* is not given"):
        copies(PULL_SECRET, workspace="team-a")


@pytest.mark.parametrize(
    ("entry", "words"),
    [({"kind": "Deployment", "name": "x"}, "has Deployment x"), ({"kind": "Secret"}, "has Secret without a name")],
)
def test_what_cannot_be_copied(entry, words):
    with pytest.raises(FleetError, match=words):
        copies(PULL_SECRET, options={"downstreamResources": [entry]})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kind": "Pod", "metadata": {"name": "x"}}, "entry 1: this is no Secret or ConfigMap"),
        ({"kind": "Secret", "metadata": {"name": "x"}, "data": {"a": "not base64!"}}, "a is not base64"),
        ({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": 1}}, "not a mapping of strings"),
        ("x", "this is no Secret"),
    ],
)
def test_what_cannot_be_given(wrong, words):
    with pytest.raises(FleetError, match=words):
        Sources([wrong])


def test_content_and_its_changes_count_for_the_deployment():
    (before,) = copies(PULL_SECRET)
    (after,) = copies({**PULL_SECRET, "stringData": {".dockerconfigjson": "hunter3"}})
    assert before.fingerprint != after.fingerprint
    assert "hunter2" not in repr(before)
    assert "hunter2" in before.secrets


def test_an_api_server_that_quotes_the_secret_is_not_repeated(api):
    api.answers["POST", "/api/v1/namespaces/web/secrets"] = refused(422, "aHVudGVyMg== is invalid")
    with pytest.raises(FleetError) as caught:
        copy(api)
    assert "aHVudGVyMg" not in str(caught.value)
