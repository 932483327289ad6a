# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What releases a cluster holds: one metadata-only LIST of Helm's release secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..kube.client import ApiError, Client
from . import labels

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
_SELECTOR = {"labelSelector": "owner=helm", "limit": "500"}
_VERSION = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class Release:
    """The highest revision of one Helm release, as far as its labels tell.

    ``status`` is Helm's word (deployed, failed, pending-upgrade, …). ``labels`` are those of the
    release secret. ``updated`` is when that revision was made (RFC 3339).
    """

    namespace: str
    name: str
    revision: int
    status: str
    labels: dict[str, str]
    updated: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.name

    @property
    def is_ours(self) -> bool:
        return labels.OWNER in self.labels

    @property
    def is_pending(self) -> bool:
        return self.status.startswith("pending-") or self.status == "uninstalling"

    @property
    def is_at_work_for_others(self) -> bool:
        """Whether it is somebody else's upgrade that is in progress, and not one of ours that was interrupted.

        The revision that we write carries its own number. (A rollback does not tell: Helm makes one
        of its own accord where ours fails and ``atomic`` is set.)
        """
        return self.status in ("pending-install", "pending-upgrade") and self.labels.get(labels.REVISION) != str(
            self.revision
        )

    @property
    def secret_name(self) -> str:
        return f"sh.helm.release.v1.{self.name}.v{self.revision}"

    def is_up_to_date(self, deployment: str) -> bool:
        """Whether this is exactly what we deployed last.

        Helm carries custom labels over to revisions that others make (a human's ``helm upgrade``,
        ``helm rollback``, another controller), hence the label ``revision``: it must be the number
        of the revision that carries it.
        """
        return (
            self.status == "deployed"
            and self.labels.get(labels.REVISION) == str(self.revision)
            and self.labels.get(labels.DEPLOYMENT) == deployment
            and self.labels.get(labels.FORMAT) == labels.CURRENT_FORMAT
        )


@dataclass(frozen=True)
class Listing:
    """The releases by (namespace, name). ``unseen`` says what could not be looked at, or ''.

    ``forbidden`` are the namespaces among those to be deployed to in which releases may not be listed.
    """

    releases: dict[tuple[str, str], Release] = field(default_factory=dict)
    unseen: str = ""
    forbidden: frozenset[str] = frozenset()


def list_releases(client: Client, namespaces: Iterable[str]) -> Listing:
    """Every release of the cluster, in one request (and one more for each further 500 revisions).

    Where LIST of secrets over all namespaces is forbidden, the namespaces that may be seen are
    listed one by one: all that the cluster shows, or else ``namespaces``, those that are going to
    be deployed to.
    """
    try:
        return Listing(_newest(client.list("/api/v1/secrets", query=_SELECTOR, accept=METADATA_ONLY)))
    except ApiError as error:
        if error.status != 403:
            raise
    return _list_by_namespace(client, sorted(set(namespaces)))


def _list_by_namespace(client: Client, wanted: list[str]) -> Listing:
    items: list[dict] = []
    refused: list[str] = []
    for namespace in _visible_namespaces(client, wanted):
        try:
            path = f"/api/v1/namespaces/{namespace}/secrets"
            items.extend(client.list(path, query=_SELECTOR, accept=METADATA_ONLY))
        except ApiError as error:
            if error.status != 403:
                raise
            refused.append(namespace)
    return Listing(
        _newest(items),
        unseen="releases were looked for only in the namespaces that may be listed; others, if any, are not pruned",
        forbidden=frozenset(refused) & frozenset(wanted),
    )


def _visible_namespaces(client: Client, wanted: list[str]) -> list[str]:
    try:
        found = [_metadata(item).get("name") for item in client.list("/api/v1/namespaces", accept=METADATA_ONLY)]
    except ApiError as error:
        if error.status != 403:
            raise
        return wanted
    return sorted({name for name in found if isinstance(name, str) and name})


def _newest(items: Iterable[dict]) -> dict[tuple[str, str], Release]:
    releases: dict[tuple[str, str], Release] = {}
    for item in items:
        release = _release(_metadata(item))
        if release is None:
            continue
        known = releases.get(release.key)
        if known is None or known.revision < release.revision:
            releases[release.key] = release
    return releases


def _metadata(item: dict) -> dict:
    metadata = item.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _release(metadata: dict) -> Release | None:
    """The revision that a Secret holds, None where it is not Helm's: label owner=helm is free for anybody to set."""
    found = metadata.get("labels")
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        return None
    name, version, namespace = found.get("name", ""), found.get("version", ""), metadata.get("namespace")
    if not _VERSION.fullmatch(version) or metadata.get("name") != f"sh.helm.release.v1.{name}.v{version}":
        return None
    if not name or not found.get("status") or not isinstance(namespace, str) or not namespace:
        return None
    return Release(
        namespace=namespace,
        name=name,
        revision=int(version),
        status=found["status"],
        labels=found,
        updated=str(metadata.get("creationTimestamp") or ""),
    )
