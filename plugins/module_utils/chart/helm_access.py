# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Helm is told to reach chart repositories and registries: by files that live as long as it runs, no argument."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import FleetError
from ..source.charts.address import OCI_PREFIX
from ..source.charts.credentials import ChartAccess, HelmCredentials

_NOBODY = {"nowhere.invalid": {"auth": base64.b64encode(b":").decode()}}
"""Helm asks the credential helpers that it finds on the machine, unless its own file knows some registry."""


def access_arguments(
    directory: Path,
    access: ChartAccess,
    credentials: HelmCredentials,
    addresses: Iterable[str],
    load_index: Callable[[str], bytes],
) -> list[str]:
    """The arguments for a run of Helm that loads from these addresses (http(s) repositories and ``oci://``).

    ``directory`` is private, and goes when Helm has ended. The login is given for addresses that ``access`` lets it be
    sent to. ``load_index`` gives the index.yaml of a repository: Helm itself would read one of any size, and not say
    what is wrong with it. Raises FleetError.
    """
    known = list(dict.fromkeys(addresses))
    registries = [address for address in known if address.startswith(OCI_PREFIX)]
    repositories = [address for address in known if not address.startswith(OCI_PREFIX)]
    certificates = _write_certificates(directory, credentials)
    indexes = directory / "repositories"
    indexes.mkdir(mode=0o700)
    for number, address in enumerate(repositories):
        (indexes / f"{_name(number)}-index.yaml").write_bytes(load_index(address))
    arguments = [
        f"--registry-config={_write(directory, 'registries.json', _registries(access, credentials, registries))}",
        "--repository-config="
        + _write(directory, "repositories.yaml", _repositories(access, credentials, repositories, certificates)),
        f"--repository-cache={indexes}",
    ]
    if certificates:
        arguments.append(f"--ca-file={certificates}")
    if credentials.insecure_skip_tls_verify:
        arguments.append("--insecure-skip-tls-verify")
    if credentials.basic_http:
        arguments.append("--plain-http")
    return arguments


def _registries(access: ChartAccess, credentials: HelmCredentials, addresses: list[str]) -> dict:
    auths = dict(_NOBODY)
    for address in addresses:
        allowed = access.for_address(credentials, address)
        if allowed.username and allowed.password:
            login = base64.b64encode(f"{allowed.username}:{allowed.password}".encode()).decode()
            auths[urlsplit(address).netloc] = {"auth": login}
    return {"auths": auths}


def _repositories(access: ChartAccess, credentials: HelmCredentials, addresses: list[str], certificates: str) -> dict:
    """In the shape of Helm's repositories.yaml."""
    entries = []
    for number, address in enumerate(addresses):
        allowed = access.for_address(credentials, address)
        entry = {"name": _name(number), "url": address, "caFile": certificates}
        entry["insecure_skip_tls_verify"] = credentials.insecure_skip_tls_verify
        if allowed.username and allowed.password:
            entry |= {"username": allowed.username, "password": allowed.password}
        entries.append(entry)
    return {"apiVersion": "v1", "generated": "0001-01-01T00:00:00Z", "repositories": entries}


def _name(number: int) -> str:
    """What a repository is called between us and Helm."""
    return f"repository-{number}"


def _write_certificates(directory: Path, credentials: HelmCredentials) -> str:
    """The file with the authorities to trust, '' for those of the system: Helm takes one in place of the other."""
    if not credentials.ca_bundle or credentials.insecure_skip_tls_verify:
        return ""
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cadata=credentials.ca_bundle)
    except (ssl.SSLError, ValueError) as error:
        raise FleetError("the CA bundle of the Helm credentials holds no certificate in PEM form") from error
    path = directory / "authorities.pem"
    path.write_text(
        "".join(ssl.DER_cert_to_PEM_cert(certificate) for certificate in context.get_ca_certs(binary_form=True)),
        encoding="ascii",
    )
    return str(path)


def _write(directory: Path, name: str, document: dict) -> str:
    """Write a file as JSON, which is YAML too; the directory keeps others out."""
    path = directory / name
    path.touch(mode=0o600)
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)
