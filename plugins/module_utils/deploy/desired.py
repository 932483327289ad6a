# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every cluster should hold: builds and clusters in, desired releases out. Reads no cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..bundle.build import Build
from ..bundle.content import content_id
from ..chart.helm import HelmFinder
from ..errors import FleetError
from ..target.deployment import BundleDeployment, deployment_id
from ..target.targeting import Targeting
from . import labels
from .evaluation import evaluate
from .plan import Wanted
from .request import Request

_NOT_IN_PUSH = {
    "serviceAccount": "impersonating a service account",
    "downstreamResources": "copying resources to clusters",
}
"""Options that change what is deployed and that this engine does not carry out yet: refused, never ignored."""


@dataclass
class Desired:
    """The desired releases by cluster (``Target.fleet_name``), and what a plan must know besides.

    ``kept_bundles`` could not be worked out as a whole: their releases are left alone. ``errors``
    says why, by bundle.
    """

    wanted: dict[str, list[Wanted]]
    gitrepos: set[str] = field(default_factory=set)
    errors: dict[str, FleetError] = field(default_factory=dict)

    @property
    def kept_bundles(self) -> set[str]:
        return set(self.errors)


def desired_state(request: Request, helm: HelmFinder, cache: Path) -> Desired:
    """Match the bundles of all builds with the clusters of the request.

    An error in one bundle (an option that cannot be evaluated for one of its clusters, as Fleet has
    it) concerns that bundle alone.
    """
    desired = Desired(wanted={target.fleet_name: [] for target in request.targets})
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
            except FleetError as error:
                desired.errors[bundle.name] = error.at(f"bundle {bundle.name}")
        _add(desired, build, gitrepo, deployments, evaluate(deployments, helm, cache))
    return desired


def gitrepo_label(build: Build) -> str:
    """The value of label ``gitrepo``: workspace and name; '' for a bundle that has no GitRepo."""
    if not build.gitrepo.repo:
        return ""
    return labels.label_value(f"{build.gitrepo.namespace}.{build.gitrepo.name}")


def _add(
    desired: Desired,
    build: Build,
    gitrepo: str,
    deployments: Sequence[BundleDeployment],
    evaluated: Sequence[BundleDeployment | FleetError],
) -> None:
    for deployment, result in zip(deployments, evaluated, strict=True):
        if isinstance(result, FleetError):
            # One cluster's error fails the whole bundle (Fleet: the controller stops at the first).
            desired.errors.setdefault(deployment.bundle.name, result)
    ids = _DeploymentIds()
    for deployment, result in zip(deployments, evaluated, strict=True):
        final = deployment if isinstance(result, FleetError) else result
        desired.wanted[f"{final.cluster.namespace}.{final.cluster.name}"].append(
            _wanted(final, ids, gitrepo, build.commit, desired.errors.get(final.bundle.name))
        )


class _DeploymentIds:
    """Deployment IDs, with each content and each set of options digested once for all clusters that share it."""

    def __init__(self):
        self._contents: dict[str, str] = {}
        self._ids: dict[tuple[str, int], str] = {}

    def of(self, deployment: BundleDeployment) -> str:
        bundle = deployment.bundle
        if bundle.name not in self._contents:
            self._contents[bundle.name] = content_id(bundle)
        key = bundle.name, id(deployment.options)
        if key not in self._ids:
            self._ids[key] = deployment_id(self._contents[bundle.name], deployment.options)
        return self._ids[key]


def _wanted(
    deployment: BundleDeployment, ids: _DeploymentIds, gitrepo: str, commit: str, error: FleetError | None
) -> Wanted:
    error = error or _unsupported(deployment)
    return Wanted(
        bundle=deployment.bundle.name,
        gitrepo=gitrepo,
        namespace=deployment.release_namespace,
        release=deployment.release_name,
        deployment=deployment,
        value="" if error else _value(deployment, ids),
        commit=commit,
        paused=bool(deployment.bundle.spec.get("paused")),
        error=error,
    )


def _value(deployment: BundleDeployment, ids: _DeploymentIds) -> str:
    return labels.deployment_value(ids.of(deployment), deployment.namespace_labels, deployment.namespace_annotations)


def _unsupported(deployment: BundleDeployment) -> FleetError | None:
    for option, what in _NOT_IN_PUSH.items():
        if deployment.options.get(option):
            return FleetError(
                f"{option} is set, and {what} is not something that the push engine does yet",
                place=f"bundle {deployment.bundle.name}",
                remedy=f"Remove {option} from fleet.yaml, or deploy this bundle by other means.",
            )
    if deployment.bundle.spec.get("dependsOn"):
        return FleetError(
            "dependsOn is set, and the push engine does not order bundles yet",
            place=f"bundle {deployment.bundle.name}",
            remedy="Deploy the bundles that it depends on in a play before.",
        )
    return None
