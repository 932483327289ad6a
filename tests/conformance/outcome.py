# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our own code makes of a case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.gitops.fleet.plugins.module_utils.bundle.api_types import BUNDLE_DEPLOYMENT_OPTIONS
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.reader import read_all
from ansible_collections.gitops.fleet.plugins.module_utils.chart.helm import Helm
from ansible_collections.gitops.fleet.plugins.module_utils.chart.render import render
from ansible_collections.gitops.fleet.plugins.module_utils.chart.templating import evaluate
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.deployment import BundleDeployment
from ansible_collections.gitops.fleet.plugins.module_utils.target.rollout import Rollout
from ansible_collections.gitops.fleet.plugins.module_utils.target.targeting import Targeting

from .cases import Case

KUBE_VERSION = "1.25.0"
"""The version of Kubernetes that Fleet's dry run takes for granted, as its templates see it."""


WORKSPACE = "fleet-default"
"""Where the clusters of the data are."""


class Crash(FleetError):
    """An exception that our code should have turned into a FleetError: never an expected failure."""


@dataclass
class Outcome:
    """Our answer to one case. ``errors`` of bundles are those of targeting, which fail it on all clusters."""

    case: Case
    error: FleetError | None = None
    bundles: dict[str, Bundle] = field(default_factory=dict)
    deployments: dict[str, list[BundleDeployment]] = field(default_factory=dict)
    errors: dict[str, FleetError] = field(default_factory=dict)


def read_case(case: Case) -> Outcome:
    """Read the bundles of a case."""
    outcome = Outcome(case)
    try:
        tree, roots, settings = case.read()
        outcome.bundles = {bundle.name: bundle for bundle in read_all(tree, roots, settings)}
        if not outcome.bundles:
            raise FleetError("no resources to deploy were found")
    except FleetError as error:
        outcome.error = error
    except Exception as error:
        outcome.error = Crash(repr(error))
    return outcome


def target(outcomes: Iterable[Outcome], targeting: Targeting, helm: Helm) -> None:
    """Match the bundles of many cases with the clusters, and evaluate the templates in all options at once."""
    pending: list[tuple[Outcome, BundleDeployment]] = []
    for outcome in outcomes:
        for bundle in outcome.bundles.values():
            try:
                # Fleet's command was told to look in the clusters' workspace, whichever the bundle is in.
                moved = replace(bundle, namespace=WORKSPACE)
                pending.extend((outcome, deployment) for deployment in _first_wave(targeting.rollout(moved)))
            except FleetError as error:
                outcome.errors[bundle.name] = error
    results = evaluate([deployment for _, deployment in pending], helm)
    for (outcome, deployment), result in zip(pending, results, strict=True):
        name = deployment.bundle.name
        if isinstance(result, FleetError):
            outcome.errors.setdefault(name, result)
        else:
            outcome.deployments.setdefault(name, []).append(result)
    for outcome in outcomes:
        for name in outcome.errors:
            outcome.deployments.pop(name, None)


def _first_wave(rollout: Rollout) -> list[BundleDeployment]:
    """The deployments that Fleet's command made: those of the partitions before it would wait for the clusters."""
    found: dict[str, BundleDeployment] = {}
    unavailable = 0
    for partition in rollout.partitions:
        found |= {deployment.cluster.name: deployment for deployment in partition.deployments}
        unavailable += len(partition.deployments) > partition.max_unavailable
        if unavailable > rollout.max_unavailable_partitions:
            break
    return list(found.values())


def stored_options(deployment: BundleDeployment) -> dict[str, Any]:
    """The options that Fleet stores for a cluster: with the metadata of its namespace, and none while it is paused."""
    paused = deployment.bundle.spec.get("paused")
    options = {} if paused else BUNDLE_DEPLOYMENT_OPTIONS.canonical(deployment.options)
    namespace = {
        "namespaceLabels": deployment.namespace_labels,
        "namespaceAnnotations": deployment.namespace_annotations,
    }
    return options | {key: value for key, value in namespace.items() if value}


def render_objects(deployment: BundleDeployment, helm: Helm) -> list[dict[str, Any]] | FleetError:
    """The objects of one deployment, or why there are none. Like Fleet's dry run it takes what is stored."""
    stored = deployment.with_options(stored_options(deployment))
    try:
        return render(stored, helm, set_id_prefix="", kube_version=KUBE_VERSION)
    except FleetError as error:
        return error
    except Exception as error:
        return Crash(repr(error))


def sorted_by_cluster(deployments: Sequence[BundleDeployment]) -> list[BundleDeployment]:
    """In the order of the data."""
    return sorted(deployments, key=lambda deployment: deployment.cluster.name)
