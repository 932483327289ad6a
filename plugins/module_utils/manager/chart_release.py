# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One chart as one release of one cluster: the charts by which Fleet's manager and agents are installed.

Whether there is something to do is found by comparing what Helm wrote down about the release with what it
would write down now. Objects in the cluster are not looked at.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..chart.helm import Helm, HelmError
from ..deploy.manifest import parse_manifest
from ..deploy.release_record import ReleaseRecord, read_release
from ..errors import FleetError
from ..kube.client import METADATA_LIST, Client

# What is neither waiting for objects nor for hooks: rendering, sending, and the answers of a slow API server.
_HELM_SECONDS = 120
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@dataclass(frozen=True)
class ChartRelease:
    """What is wanted. ``chart`` is a directory or archive; later ``values`` win; ``wait_timeout`` is in seconds.

    ``secrets`` are strings out of the values that no message may hold.
    """

    name: str
    namespace: str
    chart: str
    values: tuple[dict[str, Any], ...] = ()
    secrets: tuple[str, ...] = ()
    wait: bool = True
    wait_timeout: int = 300

    def __post_init__(self):
        for what, value, longest in (("release", self.name, 53), ("namespace", self.namespace, 63)):
            if not _NAME.fullmatch(value) or len(value) > longest:
                raise FleetError(
                    f"{value!r} cannot be the name of a {what}",
                    remedy=f"Use lower case letters, digits and '-', {longest} characters at most.",
                )
        if not os.path.exists(self.chart):
            raise FleetError(
                "there is no such chart", place=self.chart, remedy="Name a chart's directory or its archive (.tgz)."
            )


@dataclass(frozen=True)
class Rendered:
    """What a revision of the release is made of, whichever Helm wrote it."""

    chart_name: str
    chart_version: str
    config: dict[str, Any] = field(repr=False)
    objects: list[dict[str, Any]] = field(repr=False)
    hooks: list[dict[str, Any]] = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """``action`` is install, upgrade or none; ``revision`` that of the release afterwards (0: not there)."""

    action: str
    before: Rendered | None
    after: Rendered
    revision: int


class ChartInstaller:
    """Installs and upgrades releases of one cluster. ``kubeconfig`` leads ``helm`` where ``client`` goes."""

    def __init__(self, client: Client, helm: Helm, kubeconfig: bytes):
        self._client = client
        self._helm = helm
        self._kubeconfig = kubeconfig

    def apply(self, wanted: ChartRelease, *, check: bool) -> Outcome:
        """Bring the release to what is wanted, or with ``check`` only find out what that would take."""
        record = self._latest(wanted)
        before = _from_record(record) if record else None
        if check or record:
            planned = self._planned(wanted, exists=bool(record), check=check)
            action = _action(record, before, planned)
            if check or action == "none":
                return Outcome(action, before, planned, record.revision if record else 0)
        document = self._helm_upgrade(wanted, ["--wait", "--timeout", f"{wanted.wait_timeout}s"] if wanted.wait else [])
        action = "upgrade" if record else "install"
        return Outcome(action, before, _from_document(document), int(document.get("version") or 0))

    def _latest(self, wanted: ChartRelease) -> ReleaseRecord | None:
        """The highest revision of the release. Raises FleetError where somebody is, or was, in the middle of one."""
        secrets = self._client.list(
            f"/api/v1/namespaces/{wanted.namespace}/secrets",
            query={"labelSelector": f"owner=helm,name={wanted.name}"},
            accept=METADATA_LIST,
        )
        revisions = {_revision(secret): secret["metadata"]["name"] for secret in secrets}
        if not revisions:
            return None
        record = read_release(self._client, wanted.namespace, revisions[max(revisions)])
        if record and (record.status.startswith("pending-") or record.status == "uninstalling"):
            raise FleetError(
                f"its revision {record.revision} is {record.status}: helm is at work on it, or was ended in the middle",
                place=f"release {wanted.namespace}/{wanted.name}",
                remedy="If nobody is at work on it, helm rollback (or helm uninstall, when it is revision 1) frees it.",
            )
        return record

    def _planned(self, wanted: ChartRelease, *, exists: bool, check: bool) -> Rendered:
        try:
            return _from_document(self._helm_upgrade(wanted, ["--dry-run=server"]))
        except HelmError as error:
            # In check mode the chart that brings the kinds was not installed either.
            if check and not exists and "no matches for kind" in error.problem:
                return self._rendered_offline(wanted)
            raise

    def _helm_upgrade(self, wanted: ChartRelease, options: list[str]) -> dict[str, Any]:
        arguments = ["upgrade", "--install", wanted.name, os.path.abspath(wanted.chart)]
        # Without --reset-values, Helm would keep values of the last revision when none are given.
        arguments += ["--namespace", wanted.namespace, "--create-namespace", "--reset-values", "--output", "json"]
        return json.loads(self._run(wanted, [*arguments, *options], kubeconfig=self._kubeconfig))

    def _rendered_offline(self, wanted: ChartRelease) -> Rendered:
        chart = os.path.abspath(wanted.chart)
        text = self._run(wanted, ["template", wanted.name, chart, "--namespace", wanted.namespace, "--no-hooks"])
        metadata = parse_manifest(self._run(wanted, ["show", "chart", chart], with_values=False), place=chart)[0]
        return Rendered(
            chart_name=str(metadata.get("name") or ""),
            chart_version=str(metadata.get("version") or ""),
            config={},
            objects=parse_manifest(text),
            hooks=[],
        )

    def _run(
        self, wanted: ChartRelease, arguments: list[str], *, kubeconfig: bytes | None = None, with_values: bool = True
    ) -> bytes:
        documents = [json.dumps(values).encode() for values in wanted.values] if with_values else []
        try:
            return self._helm.run(
                arguments,
                values=documents,
                kubeconfig=kubeconfig,
                secrets=wanted.secrets,
                timeout=_HELM_SECONDS + wanted.wait_timeout,
            ).stdout
        except FleetError as error:
            raise error.at(f"release {wanted.namespace}/{wanted.name}, chart {wanted.chart}") from error


def secret_strings(value: Any) -> Iterable[str]:
    """Every text in a value that is long enough to be a secret."""
    if isinstance(value, dict):
        for item in value.values():
            yield from secret_strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from secret_strings(item)
    elif isinstance(value, str) and len(value) > 3:
        yield value


def _revision(secret: dict[str, Any]) -> int:
    text = (secret["metadata"].get("labels") or {}).get("version", "")
    return int(text) if text.isdecimal() else 0


def _action(record: ReleaseRecord | None, before: Rendered | None, planned: Rendered) -> str:
    if record is None or record.status == "uninstalled":
        return "install"
    return "none" if record.status == "deployed" and before == planned else "upgrade"


def _from_record(record: ReleaseRecord) -> Rendered:
    return Rendered(
        chart_name=record.chart_name,
        chart_version=record.chart_version,
        config=record.config,
        objects=parse_manifest(record.manifest),
        hooks=_hooks(record.hooks),
    )


def _from_document(document: dict[str, Any]) -> Rendered:
    """What Helm printed about a revision that it made, or would make."""
    chart = (document.get("chart") or {}).get("metadata") or {}
    return Rendered(
        chart_name=str(chart.get("name") or ""),
        chart_version=str(chart.get("version") or ""),
        config=document.get("config") or {},
        objects=parse_manifest(document.get("manifest") or ""),
        hooks=_hooks(document.get("hooks") or ()),
    )


def _hooks(hooks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The hooks' objects: when they last ran makes no difference."""
    return [obj for hook in hooks for obj in parse_manifest(str(hook.get("manifest") or ""))]
