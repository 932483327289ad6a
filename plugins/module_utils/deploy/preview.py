# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step would change, object by object, against what is really there."""

from __future__ import annotations

from typing import Any

from ..chart.hiding import hide
from ..errors import FleetError, Unreachable
from ..kube.client import ApiError
from .diff import plan_diffs
from .installation import Applied
from .manifest import ObjectKey, index, parse_manifest
from .plan import Step
from .release_record import ReleaseRecord, read_release
from .session import ClusterSession


def object_differences(session: ClusterSession, step: Step, planned: Applied) -> list[dict[str, str]]:
    """The differences in Ansible's form, for the objects that the release has now or would have.

    ``planned`` is what the new release would be; one without objects for a release that goes. What
    its values take from Secrets is hidden wherever a template put it.
    """
    record = _record(session, step)
    before = index(parse_manifest(record.manifest), step.namespace, session.namespaced) if record else {}
    after = index(planned.objects, step.namespace, session.namespaced)
    live: dict[ObjectKey, dict[str, Any]] = {}
    for key, item in {**before, **after}.items():
        found = _live(session, key, item)
        if found is not None:
            live[key] = found
    diffs = plan_diffs(before, after, live, cluster=session.target.host, namespace=step.namespace)
    secrets = [*planned.values.secrets, *planned.values.formerly(record.config if record else {})]
    for diff in diffs if secrets else ():
        diff.update(before=hide(diff["before"], secrets), after=hide(diff["after"], secrets))
    return diffs


def modified_objects(session: ClusterSession, step: Step) -> list[dict[str, str]]:
    """The objects of a release, by what they are, that somebody else made differ from it."""
    record = _record(session, step)
    if record is None:
        return []
    found = []
    for key, item in index(parse_manifest(record.manifest), step.namespace, session.namespaced).items():
        live = _live(session, key, item)
        if live is not None and plan_diffs({key: item}, {key: item}, {key: live}, namespace=step.namespace):
            name = {"kind": key.kind, "namespace": key.namespace, "name": key.name}
            found.append({"apiVersion": item["apiVersion"], **name})
    return found


def _record(session: ClusterSession, step: Step) -> ReleaseRecord | None:
    if step.release is None:
        return None
    return read_release(session.client, step.release.namespace, step.release.secret_name)


def _live(session: ClusterSession, key: ObjectKey, item: dict[str, Any]) -> dict[str, Any] | None:
    if not key.name:
        # A hook with generateName is never found again.
        return None
    try:
        path = session.discovery.path(item["apiVersion"], key.kind, key.namespace, key.name)
        return session.client.request("GET", path)
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    except Unreachable:
        raise
    except FleetError:
        # The cluster does not know the kind (yet).
        return None
