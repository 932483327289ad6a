# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import os
import time
from pathlib import Path

import pytest
import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import Connection
from ansible_collections.gitops.fleet.plugins.module_utils.kube.credentials import credentials
from ansible_collections.gitops.fleet.plugins.module_utils.kube.kubeconfig import load
from hypothesis import given
from hypothesis import strategies as st

PLUGIN = {"apiVersion": "client.authentication.k8s.io/v1", "command": "aws", "args": ["eks", "get-token"]}


def kubeconfig(user: dict | None = None, **cluster: object) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "prod",
        "clusters": [
            {"name": "c1", "cluster": {"server": "https://prod:6443", **cluster}},
            {"name": "c2", "cluster": {"server": "https://dev:6443"}},
        ],
        "users": [{"name": "u1", "user": user or {"token": "t1"}}, {"name": "u2", "user": {"token": "t2"}}],
        "contexts": [
            {"name": "prod", "context": {"cluster": "c1", "user": "u1", "namespace": "elsewhere"}},
            {"name": "dev", "context": {"cluster": "c2", "user": "u2"}},
            {"name": "anonymous", "context": {"cluster": "c2"}},
            {"name": "broken", "context": {"cluster": "c3", "user": "u2"}},
        ],
    }


def failure(path: str, context: str = "", *, trusted: bool = True) -> str:
    with pytest.raises(FleetError) as caught:
        load(Connection(path, context, trusted))
    return str(caught.value)


def test_one_context_and_nothing_else(write):
    path = write(kubeconfig())
    found = load(Connection(path, "dev"))
    assert found.context == "dev"
    assert found.cluster == {"server": "https://dev:6443"}
    assert found.user == {"token": "t2"}
    text = found.to_bytes().decode()
    assert "t1" not in text
    assert yaml.safe_load(text) == json.loads(text) == found.document
    assert "t2" not in repr(found)


def test_the_current_context_is_the_default_and_its_namespace_is_dropped(write):
    found = load(Connection(write(kubeconfig())))
    assert found.context == "prod"
    assert found.document["contexts"] == [{"name": "prod", "context": {"cluster": "prod", "user": "prod"}}]


def test_a_context_without_a_user_is_anonymous(write):
    assert load(Connection(write(kubeconfig()), "anonymous")).user == {}


def test_files_are_inlined_and_count_from_the_folder_of_the_kubeconfig(write, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    (tmp_path / "pki").mkdir()
    for name in ("ca", "cert", "key"):
        (tmp_path / "pki" / name).write_bytes(name.encode())
    (tmp_path / "token").write_text("from-file\n")
    user = {
        "client-certificate": "pki/cert",
        "client-key": str(tmp_path / "pki/key"),
        "token": "x",
        "tokenFile": "token",
    }
    found = load(Connection(write(kubeconfig(user, **{"certificate-authority": "./pki/ca"}))))
    assert found.cluster == {
        "server": "https://prod:6443",
        "certificate-authority-data": base64.b64encode(b"ca").decode(),
    }
    assert found.user == {
        "client-certificate-data": base64.b64encode(b"cert").decode(),
        "client-key-data": base64.b64encode(b"key").decode(),
        "token": "from-file",
    }


def test_data_wins_over_a_file_beside_it(write):
    found = load(
        Connection(write(kubeconfig(**{"certificate-authority": "gone", "certificate-authority-data": "YQ=="})))
    )
    assert found.cluster["certificate-authority-data"] == "YQ=="


def test_a_credential_plugin_is_kept_for_helm(write, tmp_path):
    assert load(Connection(write(kubeconfig({"exec": PLUGIN})))).user == {"exec": PLUGIN}
    found = load(Connection(write(kubeconfig({"exec": {**PLUGIN, "command": "bin/login"}}))))
    assert found.user["exec"]["command"] == str(tmp_path / "bin/login")


def test_the_path_may_come_from_the_environment(write, monkeypatch):
    monkeypatch.setenv("FLEET_KUBECONFIG", write(kubeconfig()))
    assert load(Connection("env:FLEET_KUBECONFIG", "dev")).context == "dev"
    monkeypatch.delenv("FLEET_KUBECONFIG")
    assert "FLEET_KUBECONFIG" in failure("env:FLEET_KUBECONFIG")


def test_the_environment_does_not_choose_the_file_or_context(write, monkeypatch):
    other = write(kubeconfig(), "other")
    for name in ("KUBECONFIG", "K8S_AUTH_KUBECONFIG"):
        monkeypatch.setenv(name, other)
    monkeypatch.setenv("K8S_AUTH_CONTEXT", "dev")
    path = write(kubeconfig())
    assert (load(Connection(path)).path, load(Connection(path)).context) == (path, "prod")


def test_a_file_that_changed_is_read_again(write):
    path = write(kubeconfig({"token": "old"}))
    assert load(Connection(path)).user["token"] == "old"
    write(kubeconfig({"token": "new"}))
    os.utime(path, ns=(time.time_ns(), time.time_ns() + 10**9))
    assert load(Connection(path)).user["token"] == "new"


def test_what_is_loaded_is_nobody_elses(write):
    path = write(kubeconfig())
    load(Connection(path)).user["token"] = "changed"
    assert load(Connection(path)).user["token"] == "t1"


# --- mistakes ---------------------------------------------------------------------------------------


def test_missing_or_unreadable(write, tmp_path, monkeypatch):
    assert "cannot be read: No such file" in failure(str(tmp_path / "none"))
    assert "Name a file in it" in failure(str(tmp_path))
    path = write(kubeconfig())

    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    assert "Permission denied" in failure(path)
    assert f"uid {os.getuid()}" in failure(path)


def test_not_yaml_tells_the_line_and_not_its_text(write):
    text = failure(write("apiVersion: v1\nusers:\n- name: a\n  user: {token: 'super-secret\n"))
    assert ":" in text
    assert "not YAML" in text
    assert "super-secret" not in text


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("just text", "not a mapping"),
        ("", "not a mapping"),
        ({"contexts": {}}, "no current-context"),
        ({"contexts": "prod"}, "contexts is not a list"),
        ({"contexts": ["prod"]}, "entry 1 of contexts has no name"),
        ({"users": [{"name": 7}]}, "entry 1 of users has no name"),
        ({"users": [{"name": "a"}, {"name": "a"}]}, "two entries named a"),
        ({"users": [{"name": "a", "user": "b"}]}, "user of entry a is not a mapping"),
    ],
)
def test_not_a_kubeconfig(write, document, said):
    assert said in failure(write(document))


def test_unknown_context_names_those_that_are_there(write):
    text = failure(write(kubeconfig()), "staging")
    assert "there is no context staging" in text
    assert "anonymous, broken, dev, prod" in text


def test_a_context_that_leads_nowhere(write):
    assert "cluster c3" in failure(write(kubeconfig()), "broken")


def test_values_of_the_wrong_type(write):
    assert "token is not a string" in failure(write(kubeconfig({"token": 123})))
    assert "server is not a string" in failure(write(kubeconfig(server=["a"])))


def test_a_referenced_file_that_is_gone(write, tmp_path):
    text = failure(write(kubeconfig(**{"certificate-authority": "gone.crt"})))
    assert str(tmp_path / "gone.crt") in text
    assert "context prod" in text


def test_legacy_auth_provider(write):
    assert "removed in 1.26" in failure(write(kubeconfig({"auth-provider": {"name": "gcp"}})))


def test_an_endless_file(tmp_path):
    path = tmp_path / "large"
    with open(path, "wb") as file:
        file.truncate(33 * 1024 * 1024)
    assert "more than 32 MiB" in failure(str(path))


@pytest.mark.parametrize(
    ("user", "cluster", "said"),
    [
        ({"exec": PLUGIN}, {}, "exec"),
        ({"tokenFile": "/etc/passwd"}, {}, "tokenFile"),
        ({"client-key": "/etc/key"}, {}, "client-key"),
        ({"client-certificate": "/etc/crt"}, {}, "client-certificate"),
        ({}, {"certificate-authority": "/etc/ca"}, "certificate-authority"),
        ({}, {"insecure-skip-tls-verify": True}, "insecure-skip-tls-verify"),
    ],
)
def test_a_kubeconfig_that_nobody_named_may_hold_credentials_only(write, user, cluster, said):
    path = write(kubeconfig(user or None, **cluster))
    assert f"it uses {said}" in failure(path, trusted=False)
    assert load(Connection(write(kubeconfig(), "plain"), trusted=False)).user == {"token": "t1"}


def test_weak_settings_are_told(write):
    found = load(Connection(write(kubeconfig(**{"insecure-skip-tls-verify": True}))))
    assert "insecure-skip-tls-verify" in found.warnings[0]
    assert "not encrypted" in load(Connection(write(kubeconfig(server="http://x"), "http"))).warnings[0]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "clusters",
                        "users",
                        "contexts",
                        "name",
                        "cluster",
                        "user",
                        "context",
                        "current-context",
                        "server",
                        "exec",
                        "token",
                    ]
                ),
                x,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_document_is_a_kubeconfig_or_an_error(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("any") / "kubeconfig"
    path.write_text(json.dumps(document))
    try:
        credentials(load(Connection(str(path))))
    except FleetError:
        return


def test_a_file_of_thousands_of_contexts_is_parsed_once(write):
    names = [f"c{number}" for number in range(2000)]
    document = {
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}"}} for name in names],
        "users": [{"name": name, "user": {"token": name}} for name in names],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
    }
    path = write(json.dumps(document))
    load(Connection(path, "c0"))
    start = time.process_time()
    for name in names:
        assert load(Connection(path, name)).user["token"] == name
    assert time.process_time() - start < 1
    assert Path(path).exists()
