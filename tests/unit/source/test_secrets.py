# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

import base64
import json

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory
from ansible_collections.gitops.fleet.plugins.module_utils.source.credentials import Credentials
from ansible_collections.gitops.fleet.plugins.module_utils.source.github_app import GitHubApp
from ansible_collections.gitops.fleet.plugins.module_utils.source.gitrepo_options import (
    argument_spec,
    credentials_of,
    helm_secrets_of,
)
from recording_server import Answer, Authority, RecordingServer

AUTHORITY = Authority()
BASIC, SSH = "kubernetes.io/basic-auth", "kubernetes.io/ssh-auth"
APP = {"github_app_id": "1\n", "github_app_installation_id": "2", "github_app_private_key": "pem"}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def cluster(tmp_path):
    """A cluster with these objects, by path below /api/v1/namespaces."""
    server = RecordingServer(AUTHORITY).start(tmp_path)
    server.objects = {}

    def answer(request):
        found = server.objects.get(request.path.removeprefix("/api/v1/namespaces/"))
        if isinstance(found, Answer):
            return found
        return Answer.json(found) if found else Answer.refusal(404, "NotFound", "not found")

    server.answer = answer
    (tmp_path / "kubeconfig").write_text(json.dumps(server.kubeconfig()))
    server.path = str(tmp_path / "kubeconfig")
    yield server
    server.close()


def secret(kind: str = "Opaque", **data: str) -> dict:
    return {"type": kind, "data": {key.replace("__", "-"): encoded(value) for key, value in data.items()}}


def options(cluster=None, **given) -> dict:
    defaults = {name: item.get("default") for name, item in argument_spec().items()}
    source = {"secrets_from": {"kubeconfig": cluster.path, "context": "", "namespace": None}} if cluster else {}
    return {**defaults, "name": "apps", **source, **given}


@pytest.fixture
def run(tmp_path):
    with RunDirectory(tmp_path) as run:
        yield run


class TestClientSecret:
    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            (secret(BASIC, username="me", password="pw"), Credentials("me", "pw")),
            (secret(BASIC, password="token"), Credentials(password="token")),
            (secret(SSH, ssh__privatekey="key", known_hosts="h"), Credentials(ssh_private_key="key", known_hosts="h")),
            (secret(SSH, ssh__privatekey="key"), Credentials(ssh_private_key="key", known_hosts="of fleet")),
            (secret(**APP), Credentials(github_app=GitHubApp("1", "2", "pem"))),
        ],
    )
    def test_the_kinds_that_fleet_knows(self, cluster, run, found, expected):
        known_hosts = {"data": {"known_hosts": "of fleet"}}
        cluster.objects = {
            "fleet-default/secrets/login": found,
            "fleet-default/secrets/gitcredential": found,
            "cattle-fleet-system/configmaps/known-hosts": known_hosts,
        }
        assert credentials_of(options(cluster, client_secret_name="login"), run) == expected
        # Without a name, the one that Fleet takes by itself.
        assert credentials_of(options(cluster), run) == expected

    def test_what_is_given_otherwise_goes_before_the_default(self, cluster, run):
        given = options(cluster, password="given")
        assert credentials_of(given, run) == Credentials(password="given")
        assert credentials_of(options(cluster), run) == Credentials()
        with pytest.raises(FleetError, match="both user and password and a Secret are given"):
            credentials_of(options(cluster, password="given", client_secret_name="x"), run)

    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            (None, "Secret team/login: there is no such Secret"),
            (secret(other="x"), "Secret team/login: Secret login holds nothing to log in to git with"),
            ({"type": BASIC, "data": {"password": "planted*"}}, "holds something that is not text"),
            ({"type": BASIC, "data": {"password": "/////w=="}}, "holds something that is not text"),
            (Answer.refusal(403, "Forbidden", "secrets is forbidden"), "forbidden"),
        ],
    )
    def test_failures(self, cluster, run, found, expected):
        cluster.objects = {"team/secrets/login": found}
        source = {"kubeconfig": cluster.path, "context": "", "namespace": "team"}
        with pytest.raises(FleetError, match=expected) as raised:
            credentials_of(options(client_secret_name="login", secrets_from=source), run)
        assert "planted" not in str(raised.value)

    def test_a_name_without_a_cluster(self, run):
        with pytest.raises(FleetError, match="client_secret_name names a Secret, and no cluster is named"):
            credentials_of(options(client_secret_name="login"), run)

    def test_names_stay_in_their_place_of_the_path(self, cluster, run):
        with pytest.raises(FleetError, match="no such Secret"):
            credentials_of(options(cluster, client_secret_name="../../../nodes?x"), run)
        assert cluster.requests[-1].path == "/api/v1/namespaces/fleet-default/secrets/..%2F..%2F..%2Fnodes%3Fx"


class TestHelmSecrets:
    def test_one(self, cluster, run):
        found = secret(username="me", password="pw", cacerts="pem", insecureSkipVerify="true", basicHTTP="maybe")
        cluster.objects = {"fleet-default/secrets/charts": found}
        credentials = helm_secrets_of(options(cluster, helm_secret_name="charts"), run)["helm_credentials"]
        assert credentials == {
            "username": "me",
            "password": "pw",
            "ca_bundle": "pem",
            "insecure_skip_tls_verify": True,
            "basic_http": False,
            "ssh_private_key": "",
            "known_hosts": "",
        }

    def test_for_paths(self, cluster, run):
        text = f"apps/*: {{username: me, password: pw, caBundle: {encoded('pem')}, basicHTTP: true}}\ndb:\n"
        cluster.objects = {"fleet-default/secrets/charts": {"data": {"secrets-path.yaml": encoded(text)}}}
        given = options(cluster, helm_secret_name="unread", helm_secret_name_for_paths="charts")
        first, second = helm_secrets_of(given, run)["helm_credentials_for_paths"]
        assert (first["path"], first["username"], first["ca_bundle"], first["basic_http"]) == (
            "apps/*",
            "me",
            "pem",
            True,
        )
        assert (second["path"], second["password"]) == ("db", "")

    @pytest.mark.parametrize(
        "text", ["[planted]", "a: planted", "a: {caBundle: planted*}", "{planted", "a: {caBundle: 1}"]
    )
    def test_what_fleet_does_not_read(self, cluster, run, text):
        cluster.objects = {"fleet-default/secrets/charts": {"data": {"secrets-path.yaml": encoded(text)}}}
        with pytest.raises(FleetError, match=r"secrets-path\.yaml: is not what Fleet reads") as raised:
            helm_secrets_of(options(cluster, helm_secret_name_for_paths="charts"), run)
        assert "planted" not in str(raised.value)

    def test_failures(self, cluster, run):
        cluster.objects = {"fleet-default/secrets/half": secret(username="me")}
        for given, expected in [
            ({"helm_secret_name": "half"}, "one of username and password and not the other"),
            ({"helm_secret_name": "none"}, "no such Secret"),
            ({"helm_secret_name_for_paths": "half"}, "no key secrets-path.yaml"),
        ]:
            with pytest.raises(FleetError, match=expected):
                helm_secrets_of(options(cluster, **given), run)
        with pytest.raises(FleetError, match="helm_secret_name names a Secret, and no cluster"):
            helm_secrets_of(options(helm_secret_name="x"), run)
        assert helm_secrets_of(options(), run) == {}


class TestFiles:
    def test_they_take_the_place_of_texts(self, run, tmp_path):
        (tmp_path / "password").write_text("pw\n")
        (tmp_path / "key").write_text("pem")
        assert credentials_of(options(password_file=str(tmp_path / "password")), run) == Credentials(password="pw")
        app = {"github_app_id": "1", "github_app_installation_id": "2"}
        found = credentials_of(options(**app, github_app_private_key_file=str(tmp_path / "key")), run)
        assert found.github_app == GitHubApp("1", "2", "pem")

    def test_one_that_is_not_there(self, run):
        with pytest.raises(FleetError, match="/nowhere: password_file cannot be read"):
            credentials_of(options(password_file="/nowhere"), run)
