# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, ports, certificates and the user's own contexts."""

import socket
import ssl
import threading

import pytest
import yaml
from cryptography import x509

from lab import certificates, contexts, kubeconfigs, ports
from lab.errors import LabError
from lab.specification import FIRST, specifications


def test_the_first_clusters_have_the_kinds_that_tests_rely_on():
    labels = [cluster.labels for cluster in FIRST]
    assert {} in labels
    assert {"env": "prod", "region": "eu"} in labels
    assert any("windows" in cluster.nodes.values() for cluster in FIRST)


def test_more_clusters_have_names_of_their_own():
    names = [cluster.name for cluster in specifications(99)]
    assert len(set(names)) == 99
    assert names[:5] == ["prod-eu", "prod-us", "dev-eu", "bare", "edge-05"]
    assert [cluster.name for cluster in specifications(1)] == ["prod-eu"]


def test_a_port_in_use_is_avoided():
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        assert not ports.is_free(taken)
        assert ports.choose(taken) != taken
    assert ports.choose(taken) == taken
    assert ports.choose() in ports.RANGE


def test_a_port_taken_on_all_addresses_is_avoided():
    with socket.create_server(("0.0.0.0", 0)) as server:
        assert not ports.is_free(server.getsockname()[1])


def test_certificates_are_verified_by_their_own_authority_only(tmp_path):
    for name in ("one", "other"):
        certificates.ensure(tmp_path / name, ["127.0.0.1", "localhost"])
    assert _handshake(tmp_path / "one", trusted=tmp_path / "one" / "ca.crt") == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(tmp_path / "one", trusted=tmp_path / "other" / "ca.crt")


def test_certificates_are_kept_and_keys_are_private(tmp_path):
    certificates.ensure(tmp_path, ["localhost"])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    certificates.ensure(tmp_path, ["localhost"])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


def test_the_administrator_is_in_the_group_of_masters(tmp_path):
    certificates.ensure(tmp_path, ["localhost"])
    subject = x509.load_pem_x509_certificate((tmp_path / "admin.crt").read_bytes()).subject
    assert subject.rfc4514_string() == "O=system:masters,CN=lab-admin"


def test_a_combined_kubeconfig_has_every_context(tmp_path):
    certificates.ensure(tmp_path, ["localhost"])
    documents = [kubeconfigs.with_certificate(name, "https://x", tmp_path, "admin") for name in ("a", "b")]
    document = kubeconfigs.combined(documents)
    assert [context["name"] for context in document["contexts"]] == ["a", "b"]
    assert document["current-context"] == "a"


@pytest.fixture
def kubeconfig(tmp_path, monkeypatch):
    for number, names in enumerate((["kind-one", "two"], ["two", "arn:aws:eks:eu:1:cluster/three"])):
        document = {"contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names]}
        (tmp_path / f"{number}.yaml").write_text(yaml.safe_dump(document))
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/0.yaml:{tmp_path}/missing.yaml:{tmp_path}/1.yaml")
    return tmp_path


def test_only_named_contexts_are_described(kubeconfig):
    clusters = contexts.describe(["arn:aws:eks:eu:1:cluster/three", "two"])
    assert [(c["name"], c["context"]) for c in clusters] == [
        ("arn-aws-eks-eu-1-cluster-three", "arn:aws:eks:eu:1:cluster/three"),
        ("two", "two"),
    ]
    assert [c["kubeconfig"] for c in clusters] == [f"{kubeconfig}/1.yaml", f"{kubeconfig}/0.yaml"]
    assert [c["labels"]["env"] for c in clusters] == ["prod", "prod"]


def test_a_context_that_is_not_there(kubeconfig):
    with pytest.raises(LabError, match=r"no kubeconfig has a context four; there are: .*kind-one, two"):
        contexts.describe(["four"])


def _handshake(pki, trusted) -> str:
    """Connect to a server that has the certificate of ``pki``; returns the protocol."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(pki / "server.crt", pki / "server.key")
    client_side, server_side = socket.socketpair()

    def serve() -> None:
        try:
            server_context.wrap_socket(server_side, server_side=True).close()
        except OSError:
            server_side.close()

    thread = threading.Thread(target=serve)
    thread.start()
    client_context = ssl.create_default_context(cafile=trusted)
    try:
        with client_context.wrap_socket(client_side, server_hostname="127.0.0.1") as connection:
            return connection.version()
    finally:
        thread.join()
