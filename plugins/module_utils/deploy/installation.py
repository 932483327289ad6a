# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing, upgrading and uninstalling one release, by Helm."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from ..chart.chart import Chart
from ..chart.helm import Helm, HelmError, api_warnings
from ..chart.hiding import hide
from ..chart.kustomize import Kustomize
from ..chart.postrender import post_rendered_objects
from ..chart.store import ChartStore
from ..chart.upgrade_arguments import upgrade_arguments
from ..chart.yaml_text import to_yaml
from ..kube.client import METADATA, METADATA_LIST, ApiError, Client
from . import labels
from .downstream import copy_all, delete_copies
from .field_managers import hand_over
from .manifest import checked, index, parse_manifest
from .masking import is_secret, secret_values
from .namespace import ensure_namespace
from .plan import Step
from .release_record import read_release
from .session import ClusterSession
from .values import Values, read_values

HELM_TIMEOUT = 600
"""Seconds for one run of Helm, hooks and all, where the bundle sets no helm.timeoutSeconds itself."""
_NO_SUCH_KIND = "ensure CRDs are installed first"
KEEP_RESOURCES = "fleet.cattle.io/keep-resources"
SERVICE_ACCOUNT = "fleet.cattle.io/service-account"


@dataclass
class Applied:
    """A release as it was just written: its objects (hooks left out), its values, and what it is now."""

    objects: list[dict[str, Any]] = field(default_factory=list)
    revision: int = 0
    version: str = ""
    values: Values = field(default_factory=Values)


class Installer:
    """Runs Helm for one run. Safe to be used by many threads, one release each."""

    def __init__(self, helm: Helm, kustomize: Kustomize, charts: ChartStore, owner: str, adopt: Collection[str] = ()):
        self._adopt = adopt
        self._helm = helm
        self._kustomize = kustomize
        self._charts = charts
        self._owner = owner

    def install_or_upgrade(self, session: ClusterSession, step: Step, *, dry_run: bool = False) -> Applied:
        """Carry out an install or upgrade step. With ``dry_run`` the server checks it and nothing is written."""
        wanted = step.wanted
        deployment = wanted.deployment
        options = deployment.options
        actor = session.actor(options.get("serviceAccount") or "")
        if not dry_run:
            _clear_interrupted(self._helm, session, step)
            _own_its_fields(session, step)
            ensure_namespace(actor.client, deployment)
            copy_all(
                session.client,
                wanted.copies,
                wanted.namespace,
                wanted.release,
                adopt=wanted.bundle in self._adopt,
                create_namespace=options.get("createNamespace") is not False,
            )
        chart = self._charts.chart(deployment, wanted.commit)
        revision = _next_revision(step)
        values = read_values(session.client, wanted.namespace, options.get("helm") or {})
        applied = Applied(revision=revision, version=chart.version, values=values)
        secrets = [*values.secrets, *session.secrets]

        def render(manifests: bytes) -> bytes:
            objects = checked(
                post_rendered_objects(
                    chart,
                    deployment,
                    manifests,
                    namespaced=session.namespaced,
                    kustomize=self._kustomize.build,
                )
            )
            # An API server may quote them where it refuses an object.
            secrets.extend(secret_values(*filter(is_secret, objects)))
            applied.objects = [item for item in objects if not _is_hook(item)]
            return to_yaml(objects)

        if not dry_run and revision == 1:
            options = _without_namespace_that_is_there(session.client, wanted.namespace, options)
        arguments = upgrade_arguments(
            self._helm,
            wanted.release,
            wanted.namespace,
            self._charts.path(chart),
            options,
            exists=revision > 1,
            labels={} if dry_run else self._labels(session, step, revision),
        )
        try:
            completed = self._helm.run(
                # Without new values Helm would go on with those that were removed.
                [*arguments, "--reset-values", *(["--dry-run=server"] if dry_run else [])],
                values=values.documents,
                kubeconfig=actor.kubeconfig.to_bytes(),
                post_render=render,
                secrets=secrets,
                timeout=HELM_TIMEOUT + max(0, (options.get("helm") or {}).get("timeoutSeconds") or 0),
            )
            for warning in api_warnings(completed.stderr):
                session.warn(f"bundle {wanted.bundle}: {hide(warning, secrets)}")
        except HelmError as error:
            if not (dry_run and _installs_missing_kinds(error, chart, revision)):
                raise
        return applied

    def uninstall(self, session: ClusterSession, step: Step) -> None:
        """Uninstall a release, or only forget it where its bundle said keepResources."""
        record = read_release(session.client, step.release.namespace, step.release.secret_name)
        annotations = record.chart_annotations if record else {}
        if annotations.get(KEEP_RESOURCES) == "true":
            _forget(session.client, step.namespace, step.name)
            return
        _uninstall(self._helm, session, step, annotations.get(SERVICE_ACCOUNT) or "")
        delete_copies(session.client, step.namespace, step.name)

    def _labels(self, session: ClusterSession, step: Step, revision: int) -> dict[str, str]:
        wanted = step.wanted
        return {
            labels.OWNER: self._owner,
            labels.GITREPO: wanted.gitrepo,
            labels.BUNDLE: labels.label_value(wanted.bundle),
            labels.CLUSTER: labels.label_value(session.target.fleet_name),
            labels.DEPLOYMENT: wanted.value,
            labels.REVISION: str(revision),
            # A SHA-256 repository's commits are longer than a label value may be.
            labels.COMMIT: wanted.commit[:63],
            labels.FORMAT: labels.CURRENT_FORMAT,
        }


def _next_revision(step: Step) -> int:
    if step.release is None or step.release.status == "uninstalling":
        return 1
    # A pending revision is removed before, so its number is used again.
    return step.release.revision if step.release.is_pending else step.release.revision + 1


def _clear_interrupted(helm: Helm, session: ClusterSession, step: Step) -> None:
    """Remove what an interrupted run left of this release, so that Helm does not refuse to go on.

    Nobody else is at work on it: this run holds the cluster's Lease. The revision that was being
    written is dropped (objects that it made carry Helm's ownership marks and are taken up again);
    an uninstall that was begun is ended.
    """
    release = step.release
    if release is None or not release.is_pending:
        return
    if release.status == "uninstalling":
        _uninstall(helm, session, step, step.wanted.deployment.options.get("serviceAccount") or "")
    else:
        _delete_secret(session.client, release.namespace, release.secret_name)


def _own_its_fields(session: ClusterSession, step: Step) -> None:
    """Where somebody else wrote the last revision: what Fleet's agent applied in it becomes ours."""
    release = step.release
    if release is None or release.is_pending or release.labels.get(labels.REVISION) == str(release.revision):
        return
    record = read_release(session.client, release.namespace, release.secret_name)
    if record:
        objects = index(parse_manifest(record.manifest), release.namespace, session.namespaced)
        hand_over(session.client, session.discovery, objects)


def _uninstall(helm: Helm, session: ClusterSession, step: Step, service_account: str) -> None:
    helm.run(
        ["uninstall", step.name, "--namespace", step.namespace, "--ignore-not-found"],
        kubeconfig=session.actor(service_account).kubeconfig.to_bytes(),
        secrets=session.secrets,
        timeout=HELM_TIMEOUT,
    )


def _without_namespace_that_is_there(client: Client, namespace: str, options: dict[str, Any]) -> dict[str, Any]:
    """The options, without the wish to make a namespace that is there.

    Helm asks for it all the same, and fails where making namespaces is forbidden. A namespace that
    may not even be looked at was made by whoever gave the rights in it.
    """
    if options.get("createNamespace") is False:
        return options
    try:
        client.request("GET", f"/api/v1/namespaces/{namespace}", accept=METADATA)
    except ApiError as error:
        if error.status == 404:
            return options
        if error.status != 403:
            raise
    return {**options, "createNamespace": False}


def _installs_missing_kinds(error: HelmError, chart: Chart, revision: int) -> bool:
    """Whether Helm could not try an install only because it would bring the kinds of its objects (``crds/``)."""
    brings = any("crds/" in name or name.endswith(".tgz") for name in chart.files)
    return revision == 1 and brings and _NO_SUCH_KIND in error.problem


def _is_hook(item: dict[str, Any]) -> bool:
    return "helm.sh/hook" in (item.get("metadata", {}).get("annotations") or {})


def _forget(client: Client, namespace: str, name: str) -> None:
    """Remove all revisions of a release, and no Secret that only carries Helm's labels."""
    query = {"labelSelector": f"owner=helm,name={name}"}
    revision = re.compile(rf"sh\.helm\.release\.v1\.{re.escape(name)}\.v\d+")
    for item in list(client.list(f"/api/v1/namespaces/{namespace}/secrets", query=query, accept=METADATA_LIST)):
        secret = str((item.get("metadata") or {}).get("name"))
        if revision.fullmatch(secret):
            _delete_secret(client, namespace, secret)


def _delete_secret(client: Client, namespace: str, name: str) -> None:
    try:
        client.request("DELETE", f"/api/v1/namespaces/{namespace}/secrets/{name}")
    except ApiError as error:
        if error.status != 404:
            raise
