# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of managedFields change hands, and nothing else does."""

from __future__ import annotations

from ansible_collections.gitops.fleet.plugins.module_utils.deploy.field_managers import renamed


def entry(manager, fields, operation="Apply", **more):
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": fields, **more}


def test_what_the_former_manager_applied_is_the_new_ones():
    data = {"f:data": {"f:a": {}}}
    assert renamed([entry("fleetagent", data), entry("kubectl", {})], "fleetagent", "helm") == [
        entry("kubectl", {}),
        entry("helm", data),
    ]


def test_it_is_joined_to_what_the_new_one_has():
    entries = [entry("helm", {"f:data": {"f:a": {}}}), entry("fleetagent", {"f:data": {"f:b": {}}, "f:x": {}})]
    assert renamed(entries, "fleetagent", "helm") == [entry("helm", {"f:data": {"f:a": {}, "f:b": {}}, "f:x": {}})]


def test_updates_and_subresources_are_left_alone():
    entries = [entry("fleetagent", {}, "Update"), entry("fleetagent", {}, subresource="status"), entry("helm", {})]
    assert renamed(entries, "fleetagent", "helm") is None


def test_of_two_versions_each_keeps_its_own():
    entries = [entry("helm", {"f:a": {}}), {**entry("fleetagent", {"f:b": {}}), "apiVersion": "v2"}]
    assert renamed(entries, "fleetagent", "helm") == [entries[0], {**entries[1], "manager": "helm"}]
