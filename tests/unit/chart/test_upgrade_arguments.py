# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of ``helm upgrade --install`` that equal what Fleet's agent does."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.chart.upgrade_arguments import upgrade_arguments

HELM_4 = SimpleNamespace(is_helm_4=True)
HELM_3 = SimpleNamespace(is_helm_4=False)


def arguments(options, *, helm=HELM_4, exists=False, **more) -> list[str]:
    return upgrade_arguments(helm, "web", "ns", Path("chart.tgz"), options, exists=exists, **more)


def following(found: list[str], name: str) -> str:
    return found[found.index(name) + 1]


def test_plain():
    assert arguments({}) == [
        "upgrade", "web", "chart.tgz", "--install", "--namespace", "ns", "--hide-notes", "--history-max", "2",
        "--timeout", "300s", "--disable-openapi-validation", "--create-namespace", "--enable-dns",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("helm_options", "exists", "expected"),
    [
        ({}, False, []),
        ({}, True, ["--take-ownership"]),
        ({"takeOwnership": True}, False, ["--take-ownership", "--server-side=false"]),
        ({"takeOwnership": True}, True, ["--take-ownership"]),
        ({"force": True}, False, ["--force-replace", "--server-side=false"]),
        ({"force": True}, True, ["--take-ownership", "--force-replace", "--server-side=false"]),
    ],
)
def test_ownership(helm_options, exists, expected):
    wanted = {"--take-ownership", "--force-replace", "--server-side=false"}
    assert [item for item in arguments({"helm": helm_options}, exists=exists) if item in wanted] == expected


def test_ownership_in_helm_3_which_has_no_server_side_apply():
    found = arguments({"helm": {"force": True, "takeOwnership": True}}, helm=HELM_3)
    assert "--force" in found
    assert "--take-ownership" in found
    assert not any(item.startswith("--server-side") for item in found)


def test_force_of_drift_correction():
    assert "--force-replace" in arguments({"correctDrift": {"enabled": True, "force": True}})


def test_waiting_begins_with_a_timeout():
    assert "--wait=watcher" in arguments({"helm": {"timeoutSeconds": 60}})
    assert "--wait" in arguments({"helm": {"timeoutSeconds": 60}}, helm=HELM_3)
    assert following(arguments({"helm": {"timeoutSeconds": 60}}), "--timeout") == "60s"
    assert "--wait-for-jobs" in arguments({"helm": {"timeoutSeconds": 60, "waitForJobs": True}})
    assert not any(item.startswith("--wait") for item in arguments({"helm": {"waitForJobs": True}}))
    assert not any(item.startswith("--wait") for item in arguments({"helm": {"timeoutSeconds": -1}}))


def test_switches():
    found = arguments(
        {
            "createNamespace": False,
            "helm": {"disableDNS": True, "skipSchemaValidation": True, "atomic": True, "maxHistory": 5},
        }
    )
    assert "--create-namespace" not in found
    assert "--enable-dns" not in found
    assert "--skip-schema-validation" in found
    assert "--rollback-on-failure" in found
    assert following(found, "--history-max") == "5"
    assert "--atomic" in arguments({"helm": {"atomic": True}}, helm=HELM_3)
    assert "--create-namespace" in arguments({"createNamespace": None})


def test_labels_and_description():
    found = arguments({}, labels={"b": "2", "a": "1"}, description="by hand, with a comma")
    assert following(found, "--labels") == "a=1,b=2"
    assert following(found, "--description") == "by hand, with a comma"
