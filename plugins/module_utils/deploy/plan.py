# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done on one cluster: desired deployments against the releases that are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from ..errors import FleetError
from ..target.deployment import BundleDeployment
from . import labels
from .downstream import Copy
from .releases import Listing, Release

_MOST_PLACES = 5


class Action(StrEnum):
    """What a step does to its release."""

    INSTALL = "install"
    UPGRADE = "upgrade"
    NONE = "none"
    PAUSED = "paused"
    DELETE = "delete"
    REFUSED = "refused"


Key = tuple[str, str]
"""Namespace and name of a release."""


@dataclass(frozen=True)
class Dependency:
    """A bundle on the same cluster that has to be in one of the ``accepted`` states first; ``key`` is its release."""

    bundle: str
    key: Key
    accepted: frozenset[str]


@dataclass(frozen=True)
class Wanted:
    """One deployment as it should be. ``error`` is set where it could not be worked out.

    ``gitrepo`` is the GitRepo's name as a label value, '' for a bundle of no GitRepo. ``value`` is
    the value that label ``deployment`` is to have. ``overridden`` are the places of Helm values that
    the inventory's ``fleet_values`` set.
    """

    bundle: str
    gitrepo: str
    namespace: str
    release: str
    deployment: BundleDeployment | None = None
    value: str = ""
    commit: str = ""
    paused: bool = False
    error: FleetError | None = None
    depends_on: tuple[Dependency, ...] = ()
    copies: tuple[Copy, ...] = ()
    overridden: tuple[str, ...] = ()

    @property
    def key(self) -> Key:
        return self.namespace, self.release


@dataclass(frozen=True)
class Scope:
    """Whose releases a plan may touch on which cluster.

    ``gitrepos`` are those whose releases are pruned where nobody wants them any more; releases of
    ``kept_bundles`` (label values) are not pruned: what they should be is not known. ``adopt`` names the
    bundles that may take over a release of the same name that others made.
    """

    owner: str
    cluster: str
    gitrepos: Collection[str]
    kept_bundles: Collection[str] = ()
    adopt: Collection[str] = ()
    prune: bool = True
    accept_identity: bool = False


@dataclass(frozen=True)
class Step:
    """One action on one release, with the reason that a person is told."""

    action: Action
    bundle: str
    namespace: str
    name: str
    reason: str
    wanted: Wanted | None = None
    release: Release | None = None
    remedy: str = ""

    @property
    def writes(self) -> bool:
        return self.action in (Action.INSTALL, Action.UPGRADE, Action.DELETE)


def plan_cluster(scope: Scope, wanted: Collection[Wanted], listing: Listing) -> list[Step]:
    """The steps for one cluster, sorted by bundle; deletes come last.

    Raises :class:`FleetError` where the cluster is not the one that it is taken for.
    """
    if not scope.accept_identity:
        _check_identity(scope, listing)
    taken = Counter(item.key for item in wanted)
    steps = [_plan_release(scope, item, listing, taken[item.key] > 1) for item in wanted]
    deletes = _plan_deletes(scope, set(taken), listing) if scope.prune else []
    return sorted(steps, key=lambda step: step.bundle) + deletes


def _check_identity(scope: Scope, listing: Listing) -> None:
    """Refuse a cluster whose releases say that they were made for another one.

    A context that was pointed elsewhere would otherwise have the other cluster's releases pruned.
    """
    for release in listing.releases.values():
        other = _other_cluster(scope, release)
        if release.labels.get(labels.OWNER) == scope.owner and other:
            raise FleetError(
                f"its kubeconfig context leads to another cluster: release {release.namespace}/{release.name} "
                f"there was deployed to cluster {other}",
                remedy="Nothing was changed. Correct the context; if the cluster was renamed or moved to another "
                f"workspace, run once with accept_identity: [{scope.cluster}].",
            )


def _other_cluster(scope: Scope, release: Release) -> str:
    """The cluster that the release says it was deployed to, where that is another one; else ''."""
    found = release.labels.get(labels.CLUSTER, "")
    return found if found != labels.label_value(scope.cluster) else ""


def _plan_release(scope: Scope, wanted: Wanted, listing: Listing, taken_twice: bool) -> Step:
    release = listing.releases.get(wanted.key)

    def step(action: Action, reason: str, remedy: str = "") -> Step:
        if action in (Action.INSTALL, Action.UPGRADE) and wanted.overridden:
            reason += f"; fleet_values set {_shortened(wanted.overridden)}"
        return Step(action, wanted.bundle, wanted.namespace, wanted.release, reason, wanted, release, remedy)

    if wanted.error is not None:
        return step(Action.REFUSED, str(wanted.error))
    if taken_twice:
        return step(
            Action.REFUSED,
            f"another bundle has the same release {wanted.namespace}/{wanted.release} on this cluster",
            "Give one of them another helm.releaseName or namespace.",
        )
    if wanted.paused:
        return step(Action.PAUSED, "the bundle or its GitRepo is paused")
    if wanted.namespace in listing.forbidden:
        return step(
            Action.REFUSED,
            f"listing secrets is forbidden in namespace {wanted.namespace}, where releases are to be deployed",
            "Grant list on secrets there (docs/rbac/push-namespaced.yaml).",
        )
    if release is None:
        return step(Action.INSTALL, "not there yet")
    stranger = _whose(scope, wanted, release)
    if stranger and wanted.bundle not in scope.adopt:
        return step(
            Action.REFUSED,
            f"release {release.namespace}/{release.name} exists and {stranger}",
            f"To take it over, run once with adopt: [{wanted.bundle}].",
        )
    if release.is_pending and (stranger or release.is_at_work_for_others):
        return step(
            Action.REFUSED,
            f"another operation is in progress on it ({release.status})",
            "Wait for it to end; if nobody is at work on it, end it with helm rollback.",
        )
    if release.is_pending:
        return step(Action.UPGRADE, f"an interrupted run left it {release.status}")
    moved = _other_cluster(scope, release)
    if release.is_up_to_date(wanted.value) and not stranger and not moved:
        return step(Action.NONE, "up to date")
    return step(Action.UPGRADE, _why_upgrade(wanted, release, stranger, moved))


def _shortened(places: Collection[str]) -> str:
    shown = ", ".join(sorted(places)[:_MOST_PLACES])
    return shown if len(places) <= _MOST_PLACES else f"{shown} and {len(places) - _MOST_PLACES} more"


def _whose(scope: Scope, wanted: Wanted, release: Release) -> str:
    """Why the release is not this GitRepo's to change, or ''."""
    if not release.is_ours:
        return "was not made by this collection"
    owner = release.labels.get(labels.OWNER, "")
    if owner != scope.owner:
        return f"belongs to owner {owner}"
    gitrepo = release.labels.get(labels.GITREPO, "")
    if gitrepo != wanted.gitrepo:
        return f"belongs to GitRepo {gitrepo}" if gitrepo else "belongs to a bundle without a GitRepo"
    return ""


def _why_upgrade(wanted: Wanted, release: Release, stranger: str, moved: str) -> str:
    if stranger:
        return f"taken over: it {stranger}"
    if release.status != "deployed":
        return f"its last revision is {release.status}"
    if release.labels.get(labels.REVISION) != str(release.revision):
        return f"revision {release.revision} was made by somebody else"
    if moved:
        # Accepted once; the upgrade writes the cluster's present name, so that it need not be accepted again.
        return f"it was deployed to cluster {moved}"
    return "content or options changed"


def _plan_deletes(scope: Scope, wanted: set[tuple[str, str]], listing: Listing) -> list[Step]:
    steps = []
    for key, release in sorted(listing.releases.items()):
        bundle = release.labels.get(labels.BUNDLE, "")
        if (
            key in wanted
            or release.labels.get(labels.OWNER) != scope.owner
            or release.labels.get(labels.GITREPO) not in scope.gitrepos
            or bundle in scope.kept_bundles
        ):
            continue
        reason = "no bundle asks for it on this cluster any more"
        steps.append(Step(Action.DELETE, bundle, release.namespace, release.name, reason, release=release))
    return steps
