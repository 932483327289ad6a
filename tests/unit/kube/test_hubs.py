# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs by way of a hub: read when used, once, and able to do nothing but log in."""

from __future__ import annotations

import base64

import pytest
import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError, Unreachable
from ansible_collections.gitops.fleet.plugins.module_utils.kube.client import Client
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import (
    Connection,
    ProxiedConnection,
    SecretConnection,
    TokenConnection,
)
from ansible_collections.gitops.fleet.plugins.module_utils.kube.hubs import Hubs
from ansible_collections.gitops.fleet.plugins.module_utils.kube.kubeconfig import load
from recording_server import Answer

TOKEN = "planted-token-of-a-cluster"


@pytest.fixture
def hub(servers, write, tmp_path):
    """A hub with one Secret, whose content a test may change, and what reads it."""
    server = servers()
    server.content = server.kubeconfig({"token": TOKEN}, name="eu")
    server.answer = lambda request: Answer.json({"data": {"value": encoded(server.content)}})
    server.connection = Connection(write(server.kubeconfig({"token": "hub"}), "hub"))
    server.secret = SecretConnection(server.connection, "ws", "a-kubeconfig")
    with Hubs(tmp_path, 5) as server.hubs:
        yield server


def encoded(document: object) -> str:
    text = document if isinstance(document, str) else yaml.safe_dump(document)
    return base64.b64encode(text.encode()).decode()


def test_a_kubeconfig_in_a_secret_is_read_once(hub):
    found = [hub.hubs.load(hub.secret) for _ in range(2)]
    assert found[0].user == {"token": TOKEN}
    assert found[0] is found[1]
    assert [request.path for request in hub.requests] == ["/api/v1/namespaces/ws/secrets/a-kubeconfig"]
    assert TOKEN not in repr(found[0])


def test_a_client_by_way_of_a_hub(hub, tmp_path):
    client = Client(hub.secret, temp_directory=tmp_path, timeout=5, read=hub.hubs.load)
    client.request("GET", "/api")
    assert hub.requests[-1].headers["Authorization"] == f"Bearer {TOKEN}"
    client.close()


@pytest.mark.parametrize(
    ("user", "cluster", "refused"),
    [
        ({"exec": {"command": "touch", "args": ["/tmp/executed"], "apiVersion": "v1"}}, {}, "exec"),
        ({"tokenFile": "/etc/passwd"}, {}, "tokenFile"),
        ({"client-certificate": "/etc/passwd"}, {}, "client-certificate"),
        ({"token": TOKEN}, {"certificate-authority": "/etc/passwd"}, "certificate-authority"),
        ({"token": TOKEN}, {"insecure-skip-tls-verify": True}, "insecure-skip-tls-verify"),
    ],
)
def test_a_kubeconfig_in_a_secret_runs_nothing_and_reads_no_files(hub, user, cluster, refused):
    hub.content = hub.kubeconfig(user, name="eu", **cluster)
    with pytest.raises(
        FleetError, match=f"it uses {refused}, which is allowed only in a kubeconfig file that"
    ) as error:
        hub.hubs.load(hub.secret)
    assert "Secret ws/a-kubeconfig of hub (kubeconfig " in str(error.value)
    assert TOKEN not in str(error.value)


@pytest.mark.parametrize("content", ["", f"token: [{TOKEN}", f"- {TOKEN}", TOKEN, "contexts: []"])
def test_what_is_no_kubeconfig_is_told_without_showing_it(hub, content):
    hub.content = content
    with pytest.raises(FleetError, match="Secret ws/a-kubeconfig") as error:
        hub.hubs.load(hub.secret)
    assert TOKEN not in str(error.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer.refusal(404, "NotFound", "no"), "of hub .*: it does not exist"),
        (Answer.refusal(403, "Forbidden", "may not get"), "403 Forbidden: may not get"),
        (Answer.json({"data": None}), "its key value does not hold a kubeconfig"),
        (Answer.json({"data": {"value": "no base64!"}}), "its key value does not hold a kubeconfig"),
    ],
)
def test_a_secret_that_is_not_to_be_had(hub, answer, said):
    hub.answer = lambda request: answer
    with pytest.raises(FleetError, match=said):
        hub.hubs.load(hub.secret)


def test_a_hub_that_does_not_answer_is_asked_once_for_all_its_clusters(hub):
    hub.answer = lambda request: None
    for name in ("a", "b", "c"):
        with pytest.raises(Unreachable):
            hub.hubs.load(SecretConnection(hub.connection, "ws", name))
    # A connection that breaks is tried again once.
    assert len(hub.requests) <= 2


def test_a_proxied_cluster_has_its_hubs_login(hub, write):
    path = write(hub.kubeconfig({"token": "hub"}, server=f"{hub.url}/k8s/clusters/local"), "rancher")
    found = load(ProxiedConnection(Connection(path), "/k8s/clusters/c-m-1"))
    assert found.cluster["server"] == f"{hub.url}/k8s/clusters/c-m-1"
    assert found.user == {"token": "hub"}


def test_a_server_with_a_token_in_a_variable(hub, write, monkeypatch):
    monkeypatch.setenv("RANCHER_TOKEN", f"{TOKEN}\n")
    monkeypatch.setenv("RANCHER_CA", write(hub.authority.pem.decode(), "ca.pem"))
    server = TokenConnection(hub.url, "env:RANCHER_TOKEN", "env:RANCHER_CA")
    hub.hubs.client(server).request("GET", "/v3/clusters")
    assert hub.requests[-1].headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in str(server)
