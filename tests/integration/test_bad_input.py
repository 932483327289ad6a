# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is wrong: the message says where, what and what to do, nothing is half-done, and nobody sees a traceback.

The playbook runs once with all that can be wrong with repositories at the same time and something good beside it, once
more with all bad clusters, and once with all bad bundles.
What git servers and repositories can do wrong is in source/test_git.py; here stands what a user sees of it at the end.
"""

from __future__ import annotations

import base64
import datetime
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from fleet import Cluster, ControlNode, Run, bundle, config_map, dead_cluster, kubeconfig
from recording_server import Answer, Authority, RecordingServer

from lab.git_server import GitHttpServer

SECRET = "abracadabra"


@pytest.fixture(scope="module")
def make_lasting_node(lab, programs, tmp_path_factory) -> Iterator[Callable[[], ControlNode]]:
    """Makes nodes with one cluster that is well, prod-eu, for many tests."""
    nodes: list[ControlNode] = []

    def make() -> ControlNode:
        nodes.append(ControlNode(tmp_path_factory.mktemp("node"), lab, programs))
        nodes[-1].only("prod-eu")
        return nodes[-1]

    yield make
    for node in nodes:
        node.clean_up()


@pytest.fixture
def one_cluster(node) -> ControlNode:
    node.only("prod-eu")
    return node


@pytest.fixture
def namespace(one_cluster) -> str:
    namespace = one_cluster.namespace()
    one_cluster.repository().commit(bundle("app", namespace))
    return namespace


REPOSITORIES: dict[str, tuple[dict[str, Any], dict[str, str], tuple[str, ...]]] = {
    "no-repository": ({"repo": "file:///no/such/repository.git"}, {}, ("there is no git repository at this address",)),
    "no-branch": ({"branch": "no-such-branch"}, {}, ("no-such-branch",)),
    "no-revision": ({"revision": "v9.9.9"}, {}, ("v9.9.9",)),
    "no-path": ({"paths": ["no/such/path"]}, {}, ("no/such/path",)),
    "no-bundle": ({"paths": ["docs"]}, {"docs/README.md": "nothing here"}, ("docs",)),
    "bad-fleet-yaml": ({}, {"bad/fleet.yaml": "namespace: x\nhelm:\n  values: [\n"}, ("bad/fleet.yaml:",)),
    "no-mapping": ({}, {"bad/fleet.yaml": "namespace: x\nhelm: text\n"}, ("bad/fleet.yaml:2", "helm")),
    "no-mapping-in-customization": (
        {},
        {"bad/fleet.yaml": "targetCustomizations:\n- name: one\n  helm: {values: 7}\n"},
        ("bad/fleet.yaml:3", "values"),
    ),
    "no-number": (
        {},
        {"bad/fleet.yaml": "namespace: x\nhelm:\n  timeoutSeconds: soon\n"},
        ("bad/fleet.yaml:3", "timeoutSeconds"),
    ),
    "bad-release-name": (
        {},
        {"bad/fleet.yaml": "namespace: x\nhelm: {releaseName: Not_Good}\n"},
        ("bundle bad-release-name-bad", "helm.releaseName 'Not_Good' is not the name of a Helm release"),
    ),
    "bad-target": ({"targets": [{"name": "typo", "clusterSelektor": {}}]}, {}, ("clusterSelektor", "clusterSelector")),
}
"""By name of the GitRepo: fields of it, files in it, and what its error says."""


@pytest.fixture(scope="module")
def run_with_bad_repositories(make_lasting_node) -> Run:
    node = make_lasting_node()
    namespace = node.namespace()
    good = node.repository("good")
    good.commit(bundle("app", namespace))
    node.deploy().succeeded()
    good.commit(bundle("app", namespace, "two"))
    for name, (fields, files, _sentences) in REPOSITORIES.items():
        repository = node.repository(name, **fields)
        if "revision" in fields:
            del node.gitrepos[-1]["branch"]
        repository.commit(
            {**bundle("app", node.namespaces[0]), "bad/configmap.yaml": config_map("bad", "one"), **files}
        )
    run = node.deploy().failed()
    assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}
    assert run.helms == []
    return run


class TestRepositories:
    """A GitRepo that cannot be fetched or read: nothing is deployed, nothing pruned, and each says why."""

    @pytest.mark.parametrize("name", REPOSITORIES)
    def test_says_what_is_wrong(self, run_with_bad_repositories, name):
        run = run_with_bad_repositories
        (answer,) = re.findall(rf"failed: .*\(item={name}\) => (\{{.*\}})", run.output)
        message = json.loads(answer)["msg"]
        assert f"GitRepo {name}" in message or message.startswith("bad/"), message
        for sentence in REPOSITORIES[name][2]:
            assert sentence in message

    def test_a_wrong_password_is_refused_and_not_shown(self, one_cluster, namespace):
        node = one_cluster
        name = node.gitrepos[0]["name"]
        with GitHttpServer(node.directory / "git", users={"reader": "right horse"}) as server:
            node.gitrepos[0]["repo"] = f"{server.url}/{name}.git"
            run = node.deploy("-vvv", fleet_git_credentials={name: {"username": "reader", "password": "wrong horse"}})
            run.failed("user name and password")
            assert "wrong horse" not in run.output
            run = node.deploy("-vvv", fleet_git_credentials={name: {"username": "reader", "password": "right horse"}})
            assert "right horse" not in run.succeeded().output
        assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}


def broken_kubeconfig(text: str, mode: int = 0o600) -> Callable[[ControlNode, Path], None]:
    def write(_node: ControlNode, path: Path) -> None:
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)

    return write


def kubeconfig_of_bare(**fields: Any) -> Callable[[ControlNode, Path], None]:
    """A kubeconfig for the API server of the cluster bare, with other fields in its user and cluster."""

    def write(node: ControlNode, path: Path) -> None:
        bare = node.lab.cluster("bare")
        pki = bare.directory / "pki"
        user = expired_client_certificate(pki) if fields.get("user") == "expired" else fields.get("user")
        authority = fields.get("authority") or (pki / "ca.crt").read_bytes()
        data = base64.b64encode(authority).decode()
        kubeconfig(path, bare.url, user, **{"certificate-authority-data": data})

    return write


def server_that_answers(answer: Callable | Answer, **options: Any) -> Callable[[ControlNode, Path], RecordingServer]:
    """A kubeconfig for a server of ours, which gives the same answer to everything."""

    def start(node: ControlNode, path: Path) -> RecordingServer:
        authority = Authority()
        server = RecordingServer(authority, certificate=authority.issue("server", **options)).start(node.directory)
        server.answer = answer if callable(answer) else lambda _request: answer
        path.write_text(yaml.safe_dump(server.kubeconfig(name="test")), encoding="utf-8")
        return server

    return start


def silence(_request) -> None:
    """No answer before the client has given up."""
    time.sleep(15)


CLUSTERS: dict[str, tuple[Callable[[ControlNode, Path], Any], tuple[str, ...]]] = {
    "missing": (lambda _node, _path: None, ("it cannot be read: No such file or directory", "Check the path")),
    "directory": (lambda _node, path: path.mkdir(), ("it cannot be read: Is a directory",)),
    "unreadable": (broken_kubeconfig(SECRET, 0), ("it cannot be read: Permission denied", "Let the user that runs")),
    "no-yaml": (broken_kubeconfig(f"users:\n- user: {{token: {SECRET}\n"), (".kubeconfig:3: it is not YAML",)),
    "no-context": (
        lambda _node, path: kubeconfig(path, "https://127.0.0.1:1", name="other"),
        ("there is no context test", "It has: other"),
    ),
    "unknown-authority": (
        kubeconfig_of_bare(authority=Authority().pem),
        ("signed by an authority that the kubeconfig does not name", "certificate-authority-data"),
    ),
    "expired-client-certificate": (
        kubeconfig_of_bare(user="expired"),
        ("the client certificate in the kubeconfig expired on", "Renew"),
    ),
    "expired-server-certificate": (
        server_that_answers(Answer(), valid_days=-1),
        ("has expired", "Renew it, or set this machine's clock"),
    ),
    "unknown-token": (kubeconfig_of_bare(user={"token": SECRET}), ("401 Unauthorized", "Renew the credentials")),
    "no-rights": (server_that_answers(Answer.refusal(403, "Forbidden", "no")), ("forbidden", "docs/rbac")),
    "hangs": (server_that_answers(silence), ("gave no answer within 5 s",)),
    "refuses": (
        lambda node, path: Path(dead_cluster(node.directory, "x").kubeconfig).rename(path),
        ("refuses the con",),
    ),
    "fails": (
        server_that_answers(Answer.refusal(500, "InternalError", "etcdserver: no leader")),
        ("500", "etcdserver: no leader"),
    ),
    "proxy-fails": (server_that_answers(Answer(500, b"<html>", content_type="text/html")), ("500", "the proxy")),
    "login-page": (
        server_that_answers(Answer(200, b"<html>Log in</html>", content_type="text/html")),
        ("text/html", "a login page, a proxy"),
    ),
    "breaks-off": (server_that_answers(Answer(200, b'{"items": [')), ("not complete JSON",)),
    "no-list": (server_that_answers(Answer.json({"kind": "SecretList"})), ("not a list",)),
}
"""By name of the cluster: what makes its kubeconfig (and perhaps a server), and what its error says."""


@pytest.fixture(scope="module")
def run_with_bad_clusters(make_lasting_node) -> Iterator[Run]:
    node = make_lasting_node()
    namespace = node.namespace()
    node.repository().commit(bundle("app", namespace))
    servers = []
    for name, (make, _sentences) in CLUSTERS.items():
        path = node.directory / f"{name}.kubeconfig"
        servers.append(make(node, path))
        node.clusters.append(Cluster(name, str(path), "test"))
    if os.geteuid() == 0:
        # Root without its capabilities may read no more than the modes of files say.
        node.wrapper = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
    run = node.deploy("-vvv", playbook=node.playbook(IMPATIENT)).failed()
    assert SECRET not in run.output
    assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}, run.output
    yield run
    for server in servers:
        if isinstance(server, RecordingServer):
            server.close()


class TestClusters:
    """A kubeconfig or an API server that is no good fails that cluster with its own message, and no other cluster."""

    @pytest.mark.parametrize("name", CLUSTERS)
    def test_says_what_is_wrong(self, run_with_bad_clusters, name):
        run = run_with_bad_clusters
        details = run.details(name)
        message = details["unreachable"] or details["summary"]
        for sentence in CLUSTERS[name][1]:
            assert sentence in message
        places = (f"/{name}.kubeconfig", f"cluster fleet-default.{name}", "bundle ")
        assert any(place in message for place in places)
        assert run.recap[name]["failed"] == 1

    def test_the_one_that_is_well_is_deployed(self, run_with_bad_clusters):
        counters = run_with_bad_clusters.recap["prod-eu"]
        assert (counters["failed"], counters["changed"]) == (0, 1)


IMPATIENT = [
    {
        "name": "Deploy to the batch",
        "gitops.fleet.fleet_deploy": {
            "builds": "{{ fleet_built.results | map(attribute='build') }}",
            "request_timeout": 5,
        },
        "run_once": True,
        "changed_when": False,
        "register": "fleet_deployed",
    },
    {"name": "Result", "gitops.fleet.fleet_result": {"on_unreachable": "fail"}},
]

BUNDLES: dict[str, tuple[dict[str, Any], dict[str, str], tuple[str, ...]]] = {
    "yaml": ({}, {"configmap.yaml": "kind: ConfigMap\nmetadata: {name: x\ndata: {}\n"}, ("configmap.yaml:3",)),
    "chart": (
        {},
        {
            "Chart.yaml": "apiVersion: v2\nname: mine\nversion: 1.0.0\n",
            "templates/web.yaml": 'kind: ConfigMap\nvalue: {{ required "set a color" .Values.color }}\n',
        },
        ("templates/web.yaml:2", "set a color"),
    ),
    "object": ({}, {"configmap.yaml": config_map("Bad_Name", "one")}, ("Bad_Name", "metadata.name")),
    "kind": (
        {},
        {"x.yaml": "apiVersion: example.com/v1\nkind: Unheard\nmetadata: {name: x}\n"},
        ("Unheard", "example.com/v1"),
    ),
    "namespace": ({"namespace": "Not_A_Namespace"}, {}, ("Not_A_Namespace",)),
    "terminating": ({"namespace": "{going}"}, {}, ("namespace {going}", "being terminated")),
    "forbidden-namespace": ({"namespace": "{missing}", "createNamespace": False}, {}, ("{missing}",)),
    "depends-on": (
        {"dependsOn": [{"name": "base"}]},
        {},
        ("it depends on bundle base, and this run",),
    ),
    "service-account": (
        {"serviceAccount": "deployer"},
        {},
        ("service account cattle-fleet-system/deployer, as which it is to be deployed, is not there",),
    ),
}
"""By name of the bundle: fields of its fleet.yaml, files beside it, and what its error says."""


@dataclass(frozen=True)
class BundlesRun:
    """The run with the bad bundles, and the namespaces that they name."""

    run: Run
    node: ControlNode
    namespaces: dict[str, str]


@pytest.fixture(scope="module")
def bad_bundles(make_lasting_node) -> BundlesRun:
    node = make_lasting_node()
    namespaces = {name: node.namespace() for name in ("namespace", "going", "missing")}
    repository = node.repository("bundles")
    files = bundle("good", namespaces["namespace"])
    for name, (options, more, _sentences) in BUNDLES.items():
        named = {key: text.format_map(namespaces) if isinstance(text, str) else text for key, text in options.items()}
        own = more or {"configmap.yaml": config_map(name, "one")}
        files[f"{name}/fleet.yaml"] = yaml.safe_dump({"namespace": namespaces["namespace"], **named})
        files.update({f"{name}/{path}": text for path, text in own.items()})
    repository.commit(files)
    with namespace_that_does_not_go(node, namespaces["going"]):
        run = node.deploy().failed(f"{len(BUNDLES)} of {len(BUNDLES) + 1} releases failed: bundle bundles-")
    assert "fatal: [prod-eu]" in run.output
    return BundlesRun(run, node, namespaces)


class TestBundles:
    """A bundle that cannot be installed fails by itself, with its name and the cluster's; the others are deployed."""

    @pytest.mark.parametrize("name", BUNDLES)
    def test_says_what_is_wrong(self, bad_bundles, name):
        error = bad_bundles.run.release("prod-eu", f"bundles-{name}")["error"]
        for sentence in BUNDLES[name][2]:
            assert sentence.format_map(bad_bundles.namespaces) in error

    def test_nothing_is_half_done(self, bad_bundles):
        node, namespaces = bad_bundles.node, bad_bundles.namespaces
        assert bad_bundles.run.release("prod-eu", "bundles-good")["changed"]
        found = node.get("prod-eu", f"/api/v1/namespaces/{namespaces['namespace']}/configmaps")["items"]
        assert {item["metadata"]["name"] for item in found} == {"good", "kube-root-ca.crt"}
        assert node.get("prod-eu", f"/api/v1/namespaces/{namespaces['missing']}") is None


class TestControlNode:
    """What can be wrong with the machine that deploys, or with what it was told."""

    def test_helm_that_is_missing_or_too_old(self, one_cluster, namespace):
        node = one_cluster
        node.deploy(fleet_helm_binary="/no/such/helm").failed("/no/such/helm", "Install Helm 4", "FLEET_HELM")
        node.environment["FLEET_HELM"] = "/no/such/helm-either"
        node.deploy().failed("/no/such/helm-either", "Install Helm 4")
        old = node.directory / "old-helm"
        old.write_text("#!/bin/sh\necho v3.16.4+g7877b45\n", encoding="utf-8")
        old.chmod(0o755)
        node.deploy(fleet_helm_binary=str(old)).failed("this is Helm 3.16.4, and 3.17 is the oldest", "Install Helm 4")
        old.chmod(0o644)
        node.deploy(fleet_helm_binary=str(old)).failed(str(old))
        assert node.releases("prod-eu", namespace) == {}

    def test_a_full_disk_in_the_cache_directory(self, one_cluster, namespace):
        """Full from the start; then full once everything that is needed is there."""
        node = one_cluster
        node.wrapper = tiny_disk(node.cache, "16k")
        node.deploy().failed("name another directory with cache_dir")
        assert node.releases("prod-eu", namespace) == {}
        node.wrapper = []
        node.deploy().succeeded()
        kept = node.directory / "kept"
        shutil.copytree(node.cache, kept, symlinks=True)
        node.wrapper = tiny_disk(node.cache, "4m", kept)
        node.deploy().failed("name another directory with cache_dir")
        node.wrapper = []
        assert node.deploy().succeeded().changed == 0

    def test_a_budget_that_is_no_number(self, one_cluster, namespace):
        run = one_cluster.deploy(fleet_delete_budget="most")
        run.failed("delete_budget: 'most' is neither a number of releases nor a percentage")
        assert one_cluster.releases("prod-eu", namespace) == {}

    def test_a_host_that_is_no_cluster(self, one_cluster, namespace):
        node = one_cluster
        inventory = node.directory / "hosts.yml"
        hosts = {"fleet": {"hosts": {"printer": {"ansible_connection": "local"}}}}
        inventory.write_text(yaml.safe_dump(hosts), encoding="utf-8")
        run = node.deploy("--inventory", str(inventory))
        run.failed("host printer: it has no variable fleet_cluster", "gitops.fleet.clusters")
        assert run.recap["printer"]["failed"] == 1
        assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}


@contextmanager
def namespace_that_does_not_go(node: ControlNode, name: str) -> Iterator[None]:
    """A namespace of prod-eu that is being deleted for as long as the context lasts."""
    api, path = node.lab.cluster("prod-eu").api(), f"/api/v1/namespaces/{name}"
    held: dict[str, Any] = {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    api.create(f"{path}/configmaps", held)
    api.request("DELETE", path)
    try:
        yield
    finally:
        held["metadata"]["finalizers"] = []
        api.request("PUT", f"{path}/configmaps/held", held)


def tiny_disk(path: Path, size: str, content: Path | str = "") -> list[str]:
    """A command that runs another with a tiny disk at ``path``: ``content`` is copied to it, then it is filled."""
    path.mkdir(parents=True, exist_ok=True)
    script = (
        f'mount -t tmpfs -o size={size} tmpfs "$0" && if [ -n "$1" ]; then cp -a "$1/." "$0/"; fi && '
        'dd if=/dev/zero of="$0/fill" bs=4k 2>/dev/null; shift; exec "$@"'
    )
    own = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *own, "--mount", "sh", "-c", script, str(path), str(content)]


def expired_client_certificate(pki: Path) -> dict[str, str]:
    """The user part of a kubeconfig, signed by the cluster's own authority, that expired yesterday."""
    authority = x509.load_pem_x509_certificate((pki / "ca.crt").read_bytes())
    authority_key = serialization.load_pem_private_key((pki / "ca.key").read_bytes(), password=None)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=2))
        .not_valid_after(now - datetime.timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "client-certificate-data": base64.b64encode(certificate.public_bytes(serialization.Encoding.PEM)).decode(),
        "client-key-data": base64.b64encode(private).decode(),
    }
