# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module fleet_chart, and role fleet_agent, which installs with it. Molecule runs both roles whole."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from fleet import CHECKOUT, ControlNode, closed_port

CHARTS = CHECKOUT / "tests/charts"
TOKEN = "planted-registration-token"
REGISTRATION = {
    "apiServerURL": "https://manager.example.com:6443",
    "apiServerCA": "",
    "clusterNamespace": "fleet-default",
    "token": TOKEN,
    "tokenName": "import-token",
}
FLEET_NAMESPACE = "cattle-fleet-system"


def playbook(node: ControlNode, tasks: list[dict]) -> Path:
    path = node.directory / "own.yml"
    path.write_text(yaml.safe_dump([{"hosts": "prod-eu", "gather_facts": False, "tasks": tasks}]), encoding="utf-8")
    return path


def fleet_chart(node: ControlNode, chart: Path, namespace: str, **options: Any) -> dict:
    arguments = {
        "kubeconfig": node.cluster("prod-eu").kubeconfig,
        "release": "app",
        "namespace": namespace,
        "chart": str(chart),
        **options,
    }
    return {"name": "Install the chart", "gitops.fleet.fleet_chart": arguments, "register": "result"}


def check(*conditions: str) -> dict:
    return {"name": "Check the result", "ansible.builtin.assert": {"that": list(conditions)}}


@pytest.fixture
def chart(tmp_path) -> Path:
    """A chart with a ConfigMap that has what the values say, and a Secret."""
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: app\nversion: 1.2.3\n")
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": {"text": "{{ .Values.text }}"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app"}, "stringData": {"key": "{{ .Values.key }}"}},
    ]
    (chart / "templates/objects.yaml").write_text(yaml.safe_dump_all(objects))
    (chart / "values.yaml").write_text("text: of the chart\nkey: of the chart\n")
    return chart


@pytest.mark.parametrize("helm", ["helm4", "helm3"])
def test_fleet_chart_installs_once_and_upgrades_what_changed(make_node, helm, chart):
    node = make_node(helm=helm)
    namespace = node.namespace()
    own_values = fleet_chart(node, chart, namespace, values={"text": "one"}, secret_values={"key": TOKEN})
    predicted = {**own_values, "check_mode": True}
    without_values = fleet_chart(node, chart, namespace)
    run = node.deploy(
        "-vvv",
        "--diff",
        playbook=playbook(
            node,
            [
                predicted,
                check("result.changed", "result.action == 'install'", "result.revision == 0"),
                own_values,
                check("result.changed", "result.action == 'install'", "result.revision == 1"),
                own_values,
                check("not result.changed", "result.action == 'none'", "result.chart_version == '1.2.3'"),
                {**without_values, "check_mode": True},
                check("result.action == 'upgrade'", "result.revision == 1"),
                without_values,
                check("result.action == 'upgrade'", "result.revision == 2"),
            ],
        ),
    ).succeeded()
    assert node.config_map("prod-eu", namespace, "app") == {"text": "of the chart"}
    assert node.history("prod-eu", namespace, "app") == [(1, "superseded"), (2, "deployed")]
    assert "+  text: of the chart" in run.output
    assert TOKEN not in run.output


def test_fleet_chart_goes_on_where_the_other_helm_ended(make_node, chart):
    namespace = ""
    for helm, action in (("helm4", "install"), ("helm3", "none")):
        node = make_node(helm=helm)
        namespace = node.namespace(namespace)
        node.deploy(
            playbook=playbook(node, [fleet_chart(node, chart, namespace), check(f"result.action == '{action}'")])
        ).succeeded()


def test_fleet_chart_says_what_is_wrong(node, chart, tmp_path):
    namespace = node.namespace()
    broken = tmp_path / "broken"
    shutil.copytree(chart, broken)
    (broken / "templates/objects.yaml").write_text("{{ .Values.no.such }}")
    for task, sentences in (
        (fleet_chart(node, tmp_path / "none", namespace), ("/none: there is no such chart",)),
        (fleet_chart(node, chart, "Not_A_Name"), ("'Not_A_Name' cannot be the name of a namespace",)),
        (fleet_chart(node, broken, namespace), (f"release {namespace}/app, chart {broken}", "nil pointer")),
        (fleet_chart(node, chart, namespace, kubeconfig=str(tmp_path / "none")), ("kubeconfig", "none")),
    ):
        node.deploy(playbook=playbook(node, [task])).failed(*sentences)
    assert node.history("prod-eu", namespace, "app") == []


def test_fleet_chart_leaves_a_release_alone_at_which_helm_was_ended(node, chart):
    namespace = node.namespace()
    node.deploy(playbook=playbook(node, [fleet_chart(node, chart, namespace)])).succeeded()
    secret = f"/api/v1/namespaces/{namespace}/secrets/sh.helm.release.v1.app.v1"
    record = node.get("prod-eu", secret)
    node.lab.cluster("prod-eu").api().request("PUT", secret, with_status(record, "pending-upgrade"))
    changed = fleet_chart(node, chart, namespace, values={"text": "two"})
    node.deploy(playbook=playbook(node, [changed])).failed("revision 1 is pending-upgrade", "helm rollback")
    assert node.config_map("prod-eu", namespace, "app") == {"text": "of the chart"}


def with_status(secret: dict, status: str) -> dict:
    """The Secret of a release with another status in Helm's record."""
    document = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(secret["data"]["release"]))))
    document["info"]["status"] = status
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(document).encode()))).decode()
    labels = {**secret["metadata"]["labels"], "status": status}
    return {**secret, "metadata": {**secret["metadata"], "labels": labels}, "data": {"release": packed}}


def test_role_fleet_agent_with_each_core(make_node, core):
    node = make_node(core=core)
    node.namespace(FLEET_NAMESPACE)
    # As AWX's Kubernetes credential sets them: they lead nowhere, and the role must not follow.
    node.environment = {
        "K8S_AUTH_HOST": f"https://127.0.0.1:{closed_port()}",
        "K8S_AUTH_API_KEY": "of-another-cluster",
        "K8S_AUTH_CONTEXT": "of-another-cluster",
        "KUBECONFIG": "/nonexistent",
    }
    variables = {
        "fleet_agent_kubeconfig": "{{ fleet_cluster.kubeconfig }}",
        "fleet_agent_chart_source": str(CHARTS / "fleet-agent"),
        "fleet_agent_registration_values": REGISTRATION,
        "fleet_agent_proxy": f"http://user:{TOKEN}@proxy.example.com:3128",
    }
    role = {
        "name": "Install the agent",
        "ansible.builtin.include_role": {"name": "gitops.fleet.fleet_agent"},
        "vars": variables,
    }
    own = playbook(node, [role])
    try:
        runs = [
            node.deploy("-vvv", "--check", "--diff", playbook=own).succeeded(),
            node.deploy("-vvv", "--diff", playbook=own).succeeded(),
            node.deploy("-vvv", "--diff", playbook=own).succeeded(),
        ]
        assert [run.changed for run in runs] == [1, 1, 0]
        assert [run for run in runs if TOKEN in run.output] == []
        role["vars"] = {**variables, "fleet_agent_lables": {}}
        refused = node.deploy(playbook=playbook(node, [role])).failed("has no variable fleet_agent_lables")
        assert TOKEN not in refused.output
    finally:
        wait_until_gone(node)


def wait_until_gone(node: ControlNode) -> None:
    """The name of Fleet's namespace cannot be chosen: leave the cluster ready for the next run of this test."""
    node.clean_up()
    deadline = time.monotonic() + 60
    while node.get("prod-eu", f"/api/v1/namespaces/{FLEET_NAMESPACE}") and time.monotonic() < deadline:
        time.sleep(0.2)
