# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfig documents of the lab's clusters. Each file holds everything, so it may be copied elsewhere."""

import base64
from pathlib import Path

import yaml

from .processes import write_private


def with_certificate(name: str, server: str, pki: Path, client: str) -> dict:
    """A kubeconfig for the holder of the certificate ``client`` in ``pki``; its one context is ``name``."""
    user = {
        "client-certificate-data": _encoded(pki / f"{client}.crt"),
        "client-key-data": _encoded(pki / f"{client}.key"),
    }
    return _document(name, server, pki, user)


def with_token(name: str, server: str, pki: Path, token: str) -> dict:
    """A kubeconfig for the holder of a service account's token."""
    return _document(name, server, pki, {"token": token})


def combined(documents: list[dict]) -> dict:
    """All contexts of ``documents`` in one; the first is the current one."""
    result = {"apiVersion": "v1", "kind": "Config", "current-context": "", "preferences": {}}
    for part in ("clusters", "users", "contexts"):
        result[part] = [item for document in documents for item in document[part]]
    if documents:
        result["current-context"] = documents[0]["current-context"]
    return result


def write(path: Path, document: dict) -> None:
    """Write a kubeconfig that only its owner may read."""
    write_private(path, yaml.safe_dump(document, sort_keys=False).encode())


def read(path: Path) -> dict | None:
    """The kubeconfig in ``path``; None if there is none."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _document(name: str, server: str, pki: Path, user: dict) -> dict:
    cluster = {"server": server, "certificate-authority-data": _encoded(pki / "ca.crt")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "current-context": name,
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
