# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step would change, object by object, against what is really there."""

from typing import Any

from ..kube.client import ApiError
from .diff import plan_diff
from .manifest import key, parse_manifest
from .plan import Step
from .release_record import read_release
from .session import ClusterSession


def object_differences(session: ClusterSession, step: Step, planned: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The differences in Ansible's form, for the objects that the release has now or would have.

    ``planned`` is what the new release would hold; [] for a release that goes.
    """
    before = _objects_of_release(session, step)
    after = {key(item, step.namespace): item for item in planned}
    differences = []
    for name in sorted({*before, *after}):
        live = _live(session, step.namespace, after.get(name) or before[name])
        difference = plan_diff(before.get(name), after.get(name), live)
        if difference:
            differences.append(_named(difference, session, name))
    return differences


def _objects_of_release(session: ClusterSession, step: Step) -> dict[tuple, dict[str, Any]]:
    if step.release is None:
        return {}
    record = read_release(session.client, step.release.namespace, step.release.secret_name)
    if record is None:
        return {}
    return {key(item, step.namespace): item for item in parse_manifest(record.manifest)}


def _live(session: ClusterSession, release_namespace: str, item: dict[str, Any]) -> dict[str, Any] | None:
    metadata = item["metadata"]
    try:
        path = session.discovery.path(
            item["apiVersion"], item["kind"], metadata.get("namespace") or release_namespace, metadata["name"]
        )
        return session.client.request("GET", path)
    except ApiError as error:
        if error.status == 404:
            return None
        raise
