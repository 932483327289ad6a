# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every cluster should hold: builds and clusters in, desired releases out. Reads no cluster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..bundle.build import Build
from ..bundle.bundle import Bundle
from ..bundle.content import content_id
from ..bundle.names import MAX_RELEASE_NAME
from ..chart.helm import HelmFinder
from ..errors import FleetError
from ..target.deployment import BundleDeployment, deployment_id
from ..target.targeting import Targeting
from . import labels
from .cluster_values import ClusterValues
from .downstream import Copy, Sources
from .evaluation import evaluate
from .guard import as_fleet_error
from .order import in_order
from .plan import Wanted
from .request import Request

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_RELEASE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


@dataclass
class Desired:
    """The desired releases by cluster (``Target.fleet_name``), and what a plan must know besides.

    Of ``kept_bundles`` (values of label ``bundle``) nobody knows where they should be: their releases
    are left alone.
    """

    wanted: dict[str, list[Wanted]]
    gitrepos: set[str] = field(default_factory=set)
    kept_bundles: set[str] = field(default_factory=set)


def desired_state(request: Request, helm: HelmFinder, cache: Path, sources: Sources) -> Desired:
    """Match the bundles of all builds with the clusters of the request. ``sources`` are for ``downstreamResources``.

    An error in one bundle (an option that cannot be evaluated for one of its clusters, as Fleet has
    it) concerns that bundle alone.
    """
    desired = Desired(wanted={target.fleet_name: [] for target in request.targets})
    values = _DeploymentValues(sources)
    overrides = ClusterValues(request.targets)
    targeting = Targeting((target.cluster for target in request.targets), request.groups)
    for path in request.builds:
        build = Build.load(Path(path))
        gitrepo = gitrepo_label(build)
        if gitrepo:
            desired.gitrepos.add(gitrepo)
        deployments: list[BundleDeployment] = []
        for bundle in build.bundles:
            try:
                deployments.extend(targeting.match(bundle))
            except Exception as error:
                shown = as_fleet_error(error).at(f"bundle {bundle.name}")
                _add_unmatched(desired, request, gitrepo, bundle, shown)
        _add(desired, build, gitrepo, deployments, evaluate(deployments, helm, cache), values, overrides)
    desired.wanted = {cluster: in_order(wanted) for cluster, wanted in desired.wanted.items()}
    return desired


def gitrepo_label(build: Build) -> str:
    """The value of label ``gitrepo``: workspace and name; '' for a bundle that has no GitRepo."""
    if not build.gitrepo.repo:
        return ""
    return labels.label_value(f"{build.gitrepo.namespace}.{build.gitrepo.name}")


def _add_unmatched(desired: Desired, request: Request, gitrepo: str, bundle: Bundle, error: FleetError) -> None:
    """A bundle whose targets cannot be read: each cluster that it may have meant is told so."""
    desired.kept_bundles.add(labels.label_value(bundle.name))
    for target in request.targets:
        if target.cluster.namespace == bundle.namespace:
            wanted = Wanted(bundle=bundle.name, gitrepo=gitrepo, namespace="", release="", error=error)
            desired.wanted[target.fleet_name].append(wanted)


def _add(
    desired: Desired,
    build: Build,
    gitrepo: str,
    deployments: Sequence[BundleDeployment],
    evaluated: Sequence[BundleDeployment | FleetError],
    values: _DeploymentValues,
    overrides: ClusterValues,
) -> None:
    errors: dict[str, FleetError] = {}
    for deployment, result in zip(deployments, evaluated, strict=True):
        if isinstance(result, FleetError):
            # One cluster's error fails the whole bundle (Fleet: the controller stops at the first).
            errors.setdefault(deployment.bundle.name, result)
    desired.kept_bundles.update(map(labels.label_value, errors))
    finals = [
        deployment if isinstance(result, FleetError) else result
        for deployment, result in zip(deployments, evaluated, strict=True)
    ]
    for before, final in zip(finals, overrides.over_all(finals), strict=True):
        wanted = _wanted(final, values, gitrepo, build.commit, errors.get(final.bundle.name))
        desired.wanted[f"{final.cluster.namespace}.{final.cluster.name}"].append(
            replace(wanted, overridden=overrides.places(before, final))
        )


class _DeploymentValues:
    """Values of label ``deployment``: each content and each set of options digested once for all that share it."""

    def __init__(self, sources: Sources):
        self._sources = sources
        self._contents: dict[int, str] = {}
        self._values: dict[tuple[int, int], str] = {}

    def of(self, deployment: BundleDeployment) -> str:
        bundle = deployment.bundle
        if id(bundle) not in self._contents:
            self._contents[id(bundle)] = content_id(bundle)
        key = id(bundle), id(deployment.options)
        if key not in self._values:
            self._values[key] = labels.deployment_value(
                deployment_id(self._contents[id(bundle)], deployment.options),
                deployment.namespace_labels,
                deployment.namespace_annotations,
                [copy.fingerprint for copy in self.copies(deployment)],
            )
        return self._values[key]

    def copies(self, deployment: BundleDeployment) -> tuple[Copy, ...]:
        """What is copied for the deployment. Raises FleetError where it is nowhere to be found."""
        return self._sources.of(deployment.options, deployment.bundle.namespace)


def _wanted(
    deployment: BundleDeployment, values: _DeploymentValues, gitrepo: str, commit: str, error: FleetError | None
) -> Wanted:
    copies: tuple[Copy, ...] = ()
    error = error or _wrong_name(deployment)
    if not error:
        try:
            copies = values.copies(deployment)
        except FleetError as failure:
            error = failure.at(f"bundle {deployment.bundle.name}")
    return Wanted(
        bundle=deployment.bundle.name,
        gitrepo=gitrepo,
        namespace=deployment.release_namespace,
        release=deployment.release_name,
        deployment=deployment,
        value="" if error else values.of(deployment),
        commit=commit,
        paused=bool(deployment.bundle.spec.get("paused")),
        error=error,
        copies=copies,
    )


def _wrong_name(deployment: BundleDeployment) -> FleetError | None:
    """Names that no cluster takes. They become parts of paths and arguments, so nobody else is asked about them."""
    place = f"bundle {deployment.bundle.name}"
    if not _NAMESPACE.fullmatch(deployment.release_namespace):
        return FleetError(
            f"{deployment.release_namespace!r} is no name of a namespace",
            place=place,
            remedy="Correct namespace or defaultNamespace: at most 63 small letters, digits, and - between them.",
        )
    name = deployment.release_name
    if len(name) > MAX_RELEASE_NAME or not _RELEASE.fullmatch(name):
        return FleetError(
            f"{name!r} is no name of a Helm release",
            place=place,
            remedy=f"Correct helm.releaseName: at most {MAX_RELEASE_NAME} small letters, digits, and - and . between "
            "them.",
        )
    return None
