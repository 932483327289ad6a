# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What releases a cluster holds: one metadata-only LIST of Helm's release secrets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..errors import FleetError
from ..kube.client import ApiError, Client
from . import labels

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
_SELECTOR = {"labelSelector": "owner=helm", "limit": "500"}


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
    """The releases by (namespace, name). ``unseen`` says what could not be looked at, or ''."""

    releases: dict[tuple[str, str], Release] = field(default_factory=dict)
    unseen: str = ""


def list_releases(client: Client, namespaces: Iterable[str]) -> Listing:
    """Every release of the cluster, in one request (and one more for each further 500 revisions).

    Where LIST of secrets over all namespaces is forbidden, the namespaces that may be seen are
    listed one by one: all that the cluster shows, or else ``namespaces``, those that are going to
    be deployed to. Raises :class:`FleetError` where not even those may be listed.
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
    blocked = sorted(set(refused) & set(wanted))
    if blocked:
        raise FleetError(
            f"listing secrets is forbidden in namespace {', '.join(blocked)}, where releases are to be deployed",
            remedy="Grant list on secrets there (docs/rbac/push-namespaced.yaml).",
        )
    seen = "only in the namespaces that may be listed"
    return Listing(_newest(items), unseen=f"releases were looked for {seen}; others, if any, are not pruned")


def _visible_namespaces(client: Client, wanted: list[str]) -> list[str]:
    try:
        found = [item["metadata"]["name"] for item in client.list("/api/v1/namespaces", accept=METADATA_ONLY)]
    except ApiError as error:
        if error.status != 403:
            raise
        return wanted
    return sorted(set(found))


def _newest(items: Iterable[dict]) -> dict[tuple[str, str], Release]:
    releases: dict[tuple[str, str], Release] = {}
    for item in items:
        release = _release(item["metadata"])
        if release is None:
            continue
        known = releases.get(release.key)
        if known is None or known.revision < release.revision:
            releases[release.key] = release
    return releases


def _release(metadata: dict) -> Release | None:
    found = metadata.get("labels") or {}
    version = found.get("version", "")
    # The label owner=helm is free for anybody to set: what does not look like Helm's is not Helm's.
    if not version.isdigit() or not found.get("name") or not found.get("status"):
        return None
    if not metadata.get("name", "").startswith("sh.helm.release.v1."):
        return None
    return Release(
        namespace=metadata["namespace"],
        name=found["name"],
        revision=int(version),
        status=found["status"],
        labels=found,
        updated=metadata.get("creationTimestamp") or "",
    )
