# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that ask the API server of a hub: reaching it, LISTs, and clusters made of what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError, Unreachable
from ansible_collections.gitops.fleet.plugins.module_utils.kube.client import ApiError, Client
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import (
    AnyConnection,
    Hub,
    ProxiedConnection,
    SecretConnection,
)
from ansible_collections.gitops.fleet.plugins.module_utils.kube.kubeconfig import load
from ansible_collections.gitops.fleet.plugins.module_utils.private_files import RunDirectory
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster, ClusterGroup
from ansible_collections.gitops.fleet.plugins.module_utils.target.selector import compile_selector

from .record import Record, check_name, check_workspace, some_of
from .references import hub_reference
from .snapshot import Snapshot
from .source import Source

OPTIONS = frozenset({"kubeconfig", "context", "timeout"})
"""Options of every source that asks a hub."""

PAGE = 1000
"""Objects in one page of a LIST."""

DEFAULT_TIMEOUT = 30
_LONGEST_TEXT = 300
_NOISE = ("kubectl.kubernetes.io/last-applied-configuration", "objectset.rio.cattle.io/")
"""Annotations that repeat the object itself."""

Fetch = Callable[[Source, Client], Snapshot]


def read(source: Source, fetch: Fetch) -> list[Record]:
    """The clusters that ``fetch`` finds on the source's hub, or those that are in the cache.

    Raises :class:`FleetError`, :class:`Unreachable` where the hub did not answer and nothing kept
    may be used instead.
    """
    hub = hub_of(source)
    snapshot = _snapshot(source, hub, fetch)
    source.warnings.extend(some_of(snapshot.warnings))
    records = []
    odd: list[str] = []
    for item in snapshot.clusters:
        try:
            records.append(_record(source, hub, item))
        except FleetError as error:
            odd.append(f"cluster {item['workspace']}.{item['name']}: {error} It is left out.")
    source.cluster_groups.extend(_groups(source, snapshot.groups, odd))
    source.warnings.extend(some_of(odd))
    return records


def hub_of(source: Source) -> Hub:
    """The source's hub. Paths in it are absolute, or ``env:NAME``."""
    options = {name: source.text(name) for name in ("kubeconfig", "context", "token", "ca_file")}
    options["server"] = source.text("url").rstrip("/")
    for name in ("kubeconfig", "ca_file"):
        if options[name]:
            options[name] = source.reference(options[name])
    try:
        return hub_reference(options)
    except FleetError as error:
        raise error.at(source.place()) from error


def listed(client: Client, path: str, what: str) -> Iterator[dict[str, Any]]:
    """The objects of a LIST that are not being deleted. A kind that the hub does not know is told as ``what``."""
    try:
        for item in client.list(path, query={"limit": str(PAGE)}):
            if isinstance(item.get("metadata"), dict) and not item["metadata"].get("deletionTimestamp"):
                yield item
    except ApiError as error:
        raise explained(error, str(client.connection), what) from error


def explained(error: ApiError, place: str, what: str) -> ApiError:
    """``error`` with what to do about it for somebody who wants an inventory."""
    problem, remedy = error.problem, error.remedy
    if error.status == 404:
        problem = f"it knows no {what}"
        remedy = "Name the kubeconfig and context of the hub itself, and see that its CRDs are installed."
    elif error.status == 403:
        remedy = "Let its user list them (docs/rbac/inventory.yaml), or name workspaces that it may list."
    return ApiError(problem, place=place, remedy=remedy, status=error.status, reason=error.reason)


def described(item: dict[str, Any]) -> dict[str, Any]:
    """Name, namespace (as workspace), labels and annotations of an object."""
    metadata = item["metadata"]
    return {
        "name": metadata.get("name"),
        "workspace": metadata.get("namespace"),
        "labels": metadata.get("labels") or {},
        "annotations": own_annotations(metadata.get("annotations")),
    }


def own_annotations(found: Any) -> dict[str, str]:
    """Annotations without those that only repeat the object."""
    if not isinstance(found, dict):
        return {}
    return {str(key): str(value) for key, value in found.items() if not str(key).startswith(_NOISE)}


def mapping(item: dict[str, Any], *path: str) -> dict[str, Any]:
    """The mapping below ``path`` in an object, empty where there is none."""
    found: Any = item
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def text(value: Any) -> str:
    """A status word or message: a string of limited length."""
    return value[:_LONGEST_TEXT] if isinstance(value, str) else ""


def condition(conditions: Any, kind: str) -> dict[str, Any]:
    """The condition of this type, empty where there is none."""
    found = conditions if isinstance(conditions, list) else []
    return next((item for item in found if isinstance(item, dict) and item.get("type") == kind), {})


def _snapshot(source: Source, hub: Hub, fetch: Fetch) -> Snapshot:
    # The server's address belongs to it: the kubeconfig that a variable names may be another one tomorrow.
    identity = [source.options, source.inventory_file, load(hub).cluster.get("server")]
    kept = source.cache.valid(identity)
    if kept is not None:
        return Snapshot(**kept)
    try:
        with RunDirectory() as run:
            client = Client(hub, temp_directory=run.path, timeout=_timeout(source))
            try:
                snapshot = fetch(source, client)
            finally:
                client.close()
            snapshot.warnings.extend(client.warnings)
    except FleetError as error:
        stale = source.cache.stale(identity) if _is_passing(error) else None
        if stale is None:
            raise error if error.place else error.at(str(hub)) from error
        source.warnings.append(f"{error} What it said {_ago(stale[1])} ago is used.")
        return Snapshot(**stale[0])
    source.cache.keep(identity, vars(snapshot))
    return snapshot


def _is_passing(error: FleetError) -> bool:
    """Whether the hub is away for a while, rather than refusing."""
    return isinstance(error, Unreachable) or (
        isinstance(error, ApiError) and (error.status >= 500 or error.status == 429)
    )


def _ago(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _timeout(source: Source) -> int:
    timeout = source.options.get("timeout", DEFAULT_TIMEOUT)
    if isinstance(timeout, bool) or not isinstance(timeout, int) or timeout < 1:
        raise FleetError("timeout is not a number of seconds, 1 or more", place=source.place("timeout"))
    return timeout


def _record(source: Source, hub: Hub, item: dict[str, Any]) -> Record:
    return Record(
        cluster=Cluster(
            name=check_name(item["name"], "a cluster"),
            namespace=check_workspace(item["workspace"]),
            labels={**source.labels, **source.check_labels(item["labels"])},
            annotations=item["annotations"],
            template_values=item.get("templateValues") or {},
        ),
        connection=_connection(hub, item),
        source=source.name,
        place=f"{item['workspace']}/{item['name']} of hub ({hub})",
        status=item.get("status") or {},
    )


def _connection(hub: Hub, item: dict[str, Any]) -> AnyConnection | None:
    if item.get("secret"):
        return SecretConnection(hub, item["secret"]["namespace"], item["secret"]["name"])
    if item.get("proxy_path"):
        return ProxiedConnection(hub, item["proxy_path"])
    return None


def _groups(source: Source, items: list[dict[str, Any]], odd: list[str]) -> Iterator[ClusterGroup]:
    for item in items:
        try:
            compile_selector(item["selector"])
            yield ClusterGroup(
                name=check_name(item["name"], "a cluster group"),
                namespace=check_workspace(item["workspace"]),
                labels=source.check_labels(item["labels"]),
                selector=item["selector"],
            )
        except FleetError as error:
            odd.append(f"cluster group {item['workspace']}/{item['name']}: {error} It is left out.")
