# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of releases: Helm's own and nothing else, whatever a cluster says and whatever may not be seen."""

from __future__ import annotations

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.deploy import labels
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.releases import Release, list_releases
from hypothesis import given
from hypothesis import strategies as st
from memory_api import Api, refused

ALL = "/api/v1/secrets"


def secret(name="web", version="1", namespace="web", **changed):
    found = {"owner": "helm", "name": name, "version": version, "status": "deployed", **changed}
    return {"metadata": {"namespace": namespace, "name": f"sh.helm.release.v1.{name}.v{version}", "labels": found}}


def listed(api, *items):
    api.answers["LIST", ALL] = list(items)
    return list_releases(api, ["web"]).releases


def test_the_highest_revision_counts_as_a_number(api):
    found = listed(api, secret(version="9"), secret(version="10", status="failed"), secret(version="2"))
    assert [(item.revision, item.status) for item in found.values()] == [(10, "failed")]


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"metadata": None},
        {"metadata": {"name": "sh.helm.release.v1.web.v1", "namespace": "web"}},
        {"metadata": {"name": "sh.helm.release.v1.web.v1", "namespace": "web", "labels": ["owner"]}},
        {"metadata": {**secret()["metadata"], "name": "mine"}},
        {"metadata": {**secret()["metadata"], "name": "sh.helm.release.v1.other.v1"}},
        {"metadata": {**secret()["metadata"], "namespace": None}},
        secret(version="²"),
        secret(version="9" * 40),
        secret(version="0"),
        secret(status=""),
        secret(status=None),
    ],
)
def test_what_only_looks_like_a_release_is_none(api, item):
    assert listed(api, item) == {}


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["metadata", "labels", "name", "namespace", "version", "status"]), inner)
    ),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.sampled_from(["metadata", "x"]), JSON), max_size=3))
def test_no_answer_breaks_it(items):
    listed(Api(), *items)


def test_where_all_may_not_be_listed_what_may_be_seen_is(api):
    api.answers["LIST", ALL] = refused(403)
    api.answers["LIST", "/api/v1/namespaces"] = [{"metadata": {"name": name}} for name in ("web", "kube-system")]
    api.answers["LIST", "/api/v1/namespaces/web/secrets"] = [secret()]
    api.answers["LIST", "/api/v1/namespaces/kube-system/secrets"] = refused(403)
    found = list_releases(api, ["web"])
    assert list(found.releases) == [("web", "web")]
    assert "not pruned" in found.unseen
    assert found.forbidden == frozenset()


def test_a_namespace_that_may_not_be_listed_is_named_and_the_others_are_looked_at(api):
    api.answers["LIST", ALL] = refused(403)
    api.answers["LIST", "/api/v1/namespaces"] = refused(403)
    api.answers["LIST", "/api/v1/namespaces/web/secrets"] = [secret()]
    api.answers["LIST", "/api/v1/namespaces/other/secrets"] = refused(403)
    found = list_releases(api, ["web", "other", "web"])
    assert list(found.releases) == [("web", "web")]
    assert found.forbidden == {"other"}


@pytest.mark.parametrize(
    ("status", "revision", "others"),
    [
        ("pending-upgrade", "3", False),
        ("pending-upgrade", "2", True),
        ("pending-install", "", True),
        ("pending-rollback", "2", False),
        ("deployed", "2", False),
    ],
)
def test_an_operation_of_ours_that_was_interrupted_is_told_from_somebody_elses(status, revision, others):
    release = Release("web", "web", 3, status, {labels.OWNER: "me", labels.REVISION: revision})
    assert release.is_at_work_for_others is others
