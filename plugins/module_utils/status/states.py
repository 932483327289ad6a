# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet's states of a bundle on a cluster, and how they add up for bundles, GitRepos, clusters, groups.

States, ranks, counts and messages are those of Fleet's manager (``internal/cmd/controller/summary``
and ``…/reconciler`` in rancher/fleet). Two words are our own: DEPLOYED, where only the releases
were looked at, and UNREACHABLE, for a cluster that did not answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_LISTED = 10
"""A summary lists no more deployments that are not ready, and a group no more clusters."""
_MAX_DETAILS = 4


class BundleState(StrEnum):
    """What a bundle is on one cluster."""

    READY = "Ready"
    NOT_READY = "NotReady"
    PENDING = "Pending"
    OUT_OF_SYNC = "OutOfSync"
    MODIFIED = "Modified"
    WAIT_APPLIED = "WaitApplied"
    ERR_APPLIED = "ErrApplied"
    DEPLOYED = "Deployed (health not checked)"
    UNREACHABLE = "Unreachable"


RANK: Mapping[str, int] = {
    BundleState.DEPLOYED: 1,
    BundleState.READY: 1,
    BundleState.NOT_READY: 2,
    BundleState.PENDING: 3,
    BundleState.OUT_OF_SYNC: 4,
    BundleState.MODIFIED: 5,
    BundleState.WAIT_APPLIED: 6,
    BundleState.ERR_APPLIED: 7,
    BundleState.UNREACHABLE: 8,
}
"""How bad a state is: Fleet's ranks, and our two words at the ends. '' and other words have rank 0."""

_COUNTS: Mapping[BundleState, str] = {
    BundleState.READY: "ready",
    BundleState.NOT_READY: "notReady",
    BundleState.PENDING: "pending",
    BundleState.OUT_OF_SYNC: "outOfSync",
    BundleState.MODIFIED: "modified",
    BundleState.WAIT_APPLIED: "waitApplied",
    BundleState.ERR_APPLIED: "errApplied",
    BundleState.DEPLOYED: "deployed",
    BundleState.UNREACHABLE: "unreachable",
}
_GOOD = frozenset({BundleState.READY, BundleState.DEPLOYED})


@dataclass(frozen=True)
class ResourceProblem:
    """One object that is not ready or not as deployed; ``problem`` is what Fleet writes after its name.

    For a modified object: ``missing``, ``extra``, ``is not owned by us`` or ``modified``. No patch
    is part of it, as that could hold a secret.
    """

    api_version: str
    kind: str
    namespace: str
    name: str
    problem: str

    def __str__(self) -> str:
        # Fleet writes what stands before the slash: the group, or the version of the core group.
        kind = f"{self.kind.lower()}.{self.api_version.split('/')[0]}" if self.api_version else self.kind.lower()
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{kind} {name} {self.problem}"


@dataclass(frozen=True)
class Deployment:
    """What is known of one BundleDeployment.

    ``name`` is the BundleDeployment's, ``cluster`` is ``workspace/name``. ``staged`` is the
    deployment ID that git asks for, ``desired`` the one that the rollout or a pause lets through
    ('': none yet), ``applied`` the one that is there. ``apply_error`` says why it could not be
    applied; ``install_error`` what Helm found wrong with it for good (Fleet does not retry those).
    ``not_ready`` and ``modified`` are None where that was not looked at.
    """

    name: str
    cluster: str
    gitrepo: str = ""
    staged: str = ""
    desired: str = ""
    applied: str = ""
    apply_error: str = ""
    install_error: str = ""
    not_ready: Sequence[ResourceProblem] | None = None
    modified: Sequence[ResourceProblem] | None = None
    unreachable: str = ""

    @property
    def state(self) -> BundleState:
        """The first that holds, in Fleet's order."""
        if self.unreachable:
            return BundleState.UNREACHABLE
        if not self.desired:
            return BundleState.PENDING
        if self.install_error:
            return BundleState.NOT_READY
        if self.applied != self.desired:
            return BundleState.ERR_APPLIED if self.apply_error else BundleState.WAIT_APPLIED
        if self.not_ready:
            return BundleState.NOT_READY
        if self.staged != self.desired:
            return BundleState.OUT_OF_SYNC
        if self.modified:
            return BundleState.MODIFIED
        return BundleState.READY if self.not_ready is not None else BundleState.DEPLOYED

    @property
    def state_in_bundle(self) -> BundleState:
        """The state as the Bundle shows it: against what git asks for, so that paused reads WaitApplied."""
        if self.unreachable or not self.desired or self.applied == self.staged:
            return self.state
        return BundleState.ERR_APPLIED if self.apply_error else BundleState.WAIT_APPLIED

    @property
    def message(self) -> str:
        return self.unreachable or self.apply_error or self.install_error


def worst(states: Iterable[str]) -> str:
    """The state of the highest rank, '' of none."""
    return max(states, key=lambda state: RANK.get(state, 0), default="")


@dataclass(frozen=True)
class _Listed:
    """One of the deployments that a summary names."""

    name: str
    state: BundleState
    message: str
    modified: Sequence[ResourceProblem]
    not_ready: Sequence[ResourceProblem]


@dataclass(frozen=True)
class Summary:
    """Fleet's BundleSummary: how many deployments are in which state, and the first that are not ready."""

    counts: Mapping[BundleState, int]
    listed: Sequence[_Listed]

    @property
    def ready(self) -> int:
        return self.counts.get(BundleState.READY, 0)

    @property
    def desired_ready(self) -> int:
        return sum(self.counts.values())

    @property
    def is_ready(self) -> bool:
        return self.ready == self.desired_ready

    @property
    def state(self) -> str:
        """The worst state of the deployments that are listed, '' where none is."""
        return worst(item.state for item in self.listed)

    def ready_message(self, noun: str) -> str:
        """The message of condition Ready; ``noun`` is what is named: Cluster in a Bundle, else Bundle."""
        messages: list[str] = []
        for state in _COUNTS:
            first = next((item for item in self.listed if item.state is state), None)
            if first is None:
                continue
            said = f": {first.message}" if first.message else ""
            messages.append(f"{state}({self.counts[state]}) [{noun} {first.name}{said}]")
            messages += [str(problem) for problem in first.modified[:_MAX_DETAILS]]
            messages += [str(problem) for problem in first.not_ready[:_MAX_DETAILS]]
        return "; ".join(sorted(messages))

    def as_dict(self) -> dict[str, Any]:
        """In the shape of Fleet's ``status.summary``, counts of zero left out."""
        result: dict[str, Any] = {name: self.counts[state] for state, name in _COUNTS.items() if self.counts.get(state)}
        result["ready"] = self.ready
        result["desiredReady"] = self.desired_ready
        if self.listed:
            result["nonReadyResources"] = [_listed_dict(item) for item in self.listed]
        return result


def _listed_dict(item: _Listed) -> dict[str, Any]:
    result: dict[str, Any] = {"name": item.name, "bundleState": str(item.state)}
    if item.message:
        result["message"] = item.message
    if item.modified:
        result["modifiedStatus"] = [_problem_dict(problem) for problem in item.modified]
    if item.not_ready:
        result["nonReadyStatus"] = [_problem_dict(problem) for problem in item.not_ready]
    return result


def _problem_dict(problem: ResourceProblem) -> dict[str, str]:
    return {
        "apiVersion": problem.api_version,
        "kind": problem.kind,
        "namespace": problem.namespace,
        "name": problem.name,
        "message": problem.problem,
    }


def _summary(items: Iterable[tuple[str, BundleState, Deployment]]) -> Summary:
    counts: Counter[BundleState] = Counter()
    listed = []
    for name, state, deployment in items:
        counts[state] += 1
        if state not in _GOOD and len(listed) < MAX_LISTED:
            listed.append(
                _Listed(name, state, deployment.message, deployment.modified or (), deployment.not_ready or ())
            )
    return Summary(counts, listed)


@dataclass(frozen=True)
class Display:
    """What a person sees of one Bundle, GitRepo, Cluster or ClusterGroup.

    ``state`` is '' where all is well, as in Fleet. ``ready`` is ``r/d``; ``ready_clusters`` is
    ``r/d`` clusters with all their deployments ready (of a group with the names of the others).
    """

    state: str
    ready: str
    ready_clusters: str
    message: str
    summary: Summary


def bundle_display(deployments: Iterable[Deployment]) -> Display:
    """A Bundle over its clusters."""
    ordered = sorted(deployments, key=lambda item: item.cluster)
    summary = _summary((item.cluster, item.state_in_bundle, item) for item in ordered)
    ready = f"{summary.ready}/{summary.desired_ready}"
    return Display(summary.state, ready, ready, summary.ready_message("Cluster"), summary)


def gitrepo_display(deployments: Iterable[Deployment], *, is_fetched: bool = True) -> Display:
    """A GitRepo (or HelmOp) over all deployments of its bundles; ``is_fetched``: git was read, and could be."""
    ordered = sorted(deployments, key=lambda item: item.name)
    summary = _summary((item.name, item.state, item) for item in ordered)
    state = worst(item.state for item in ordered)
    if not is_fetched:
        state = "GitUpdating"
    elif state in _GOOD:
        state = ""
    ready, clusters = _ready_clusters(ordered)
    return Display(
        state,
        f"{summary.ready}/{summary.desired_ready}",
        f"{ready}/{clusters}",
        summary.ready_message("Bundle"),
        summary,
    )


def cluster_display(deployments: Iterable[Deployment], *, unreachable: str = "") -> Display:
    """A Cluster over the deployments on it. ``unreachable`` says why it did not answer."""
    ordered = sorted(deployments, key=lambda item: item.name)
    summary = _summary((item.name, item.state, item) for item in ordered)
    ready, clusters = _ready_clusters(ordered)
    return Display(
        str(BundleState.UNREACHABLE) if unreachable else summary.state,
        f"{summary.ready}/{summary.desired_ready}",
        f"{ready}/{clusters}",
        unreachable or summary.ready_message("Bundle"),
        summary,
    )


def ready_gitrepos(deployments: Iterable[Deployment]) -> str:
    """A Cluster's GitRepos as ``r/d``: one counts as ready as soon as one deployment of it is."""
    ready: dict[str, bool] = defaultdict(bool)
    for item in deployments:
        if item.gitrepo:
            ready[item.gitrepo] |= item.state is BundleState.READY
    return f"{sum(ready.values())}/{len(ready)}"


def group_display(clusters: Mapping[str, Iterable[Deployment]]) -> Display:
    """A ClusterGroup over its clusters, by name."""
    displays = {name: cluster_display(clusters[name]) for name in sorted(clusters)}
    counts: Counter[BundleState] = Counter()
    listed: list[_Listed] = []
    for display in displays.values():
        counts.update(display.summary.counts)
        if len(listed) < MAX_LISTED:
            # Fleet adds all of the next cluster's, and so may go past ten.
            listed += display.summary.listed
    summary = Summary(counts, listed)
    bad = [name for name, display in displays.items() if not display.summary.is_ready]
    ready_clusters = f"{len(displays) - len(bad)}/{len(displays)}"
    if bad:
        ready_clusters += f" ({','.join(bad[:MAX_LISTED])})"
    ready = f"{summary.ready}/{summary.desired_ready}"
    return Display(summary.state, ready, ready_clusters, summary.ready_message("Bundle"), summary)


def _ready_clusters(deployments: Sequence[Deployment]) -> tuple[int, int]:
    all_ready: dict[str, bool] = {}
    for item in deployments:
        all_ready[item.cluster] = all_ready.get(item.cluster, True) and item.state is BundleState.READY
    return sum(all_ready.values()), len(all_ready)
