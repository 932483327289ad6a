# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys and certificates of one cluster: its own authority, and what that one signed."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .processes import write_private

VALID_FOR = datetime.timedelta(days=10 * 365)

# Who may call the API server: user name and group in the certificate, as Kubernetes reads them.
CLIENTS = {
    "admin": ("lab-admin", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
}


def ensure(directory: Path, names: list[str]) -> None:
    """Make all files that are missing in ``directory``.

    These are ``ca.crt``, ``server.crt`` for the DNS names and addresses in ``names``, a certificate for each
    of ``CLIENTS``, each with its ``.key``, and ``service-accounts.key`` with its public half ``.pub``.
    """
    if (directory / "complete").exists():
        return
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority_key = _new_key()
    authority = _certificate("lab-ca", "", authority_key, None, None, [])
    _write(directory, "ca", authority, authority_key)
    key = _new_key()
    _write(directory, "server", _certificate("kube-apiserver", "", key, authority, authority_key, names), key)
    for name, (user, group) in CLIENTS.items():
        key = _new_key()
        _write(directory, name, _certificate(user, group, key, authority, authority_key, []), key)
    key = _new_key()
    write_private(directory / "service-accounts.key", _private(key))
    write_private(directory / "service-accounts.pub", _public(key))
    write_private(directory / "complete", b"")


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _certificate(
    name: str,
    group: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey | None,
    alternatives: list[str],
) -> x509.Certificate:
    """A certificate signed by ``issuer``, or an authority's own without one."""
    subject = _name(name, group)
    now = datetime.datetime.now(datetime.UTC)
    is_authority = issuer is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(_usage(is_authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer_key or key).public_key()), critical=False
        )
    )
    if not is_authority:
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if alternatives else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    if alternatives:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_alternative(text) for text in alternatives]), critical=False
        )
    return builder.sign(issuer_key or key, hashes.SHA256())


def _name(name: str, group: str) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if group:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    return x509.Name(attributes)


def _alternative(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(directory: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    write_private(directory / f"{name}.crt", certificate.public_bytes(serialization.Encoding.PEM))
    write_private(directory / f"{name}.key", _private(key))


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
