# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order the bundles of one cluster are deployed: ``dependsOn``.

Fleet's rules are those of ``checkDependency`` in ``internal/cmd/agent/deployer/deployer.go``: an entry
means all bundles on the same cluster that its name and its selector choose, it has to choose one at
least, and each of them has to be in an accepted state.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..bundle.bundle import Bundle
from ..errors import FleetError
from ..target.selector import compile_selector
from .plan import Dependency, Key, Wanted

READY = "Ready"

_BUNDLE_NAME = "fleet.cattle.io/bundle-name"
_BUNDLE_NAMESPACE = "fleet.cattle.io/bundle-namespace"
_MANAGED = "fleet.cattle.io/managed"
_FLEET = "fleet.cattle.io/"
_KUBECTL = "kubectl.kubernetes.io"
_CATTLE = "cattle.io/"


def in_order(wanted: Sequence[Wanted]) -> list[Wanted]:
    """The deployments of one cluster with what each depends on; one that depends on itself or on nothing has an error.

    All that is deployed to the cluster by this run has to be in ``wanted``.
    """
    if not any(_entries(item) for item in wanted):
        return list(wanted)
    labelled = [(item, _labels(item.deployment.bundle)) for item in wanted if item.deployment]
    resolved = [_resolve(item, labelled) for item in wanted]
    return _without_cycles(resolved)


def level_of(key: Key, dependencies: Mapping[Key, Iterable[Key]]) -> int:
    """How many bundles have to come one after the other before this one. ``dependencies`` have no cycle."""
    levels: dict[Key, int] = {}
    waiting = [key]
    while waiting:
        current = waiting[-1]
        open_ones = [item for item in dependencies.get(current, ()) if item not in levels]
        if open_ones:
            waiting += open_ones
            continue
        levels[current] = max((levels[item] + 1 for item in dependencies.get(current, ())), default=0)
        waiting.pop()
    return levels[key]


def _entries(wanted: Wanted) -> list[dict[str, Any]]:
    if wanted.deployment is None:
        return []
    # Fleet passes over entries with neither.
    entries = wanted.deployment.bundle.spec.get("dependsOn") or []
    return [entry for entry in entries if entry.get("name") or entry.get("selector") is not None]


def _labels(bundle: Bundle) -> dict[str, str]:
    """The labels of the bundle's BundleDeployments, by which selectors choose (``BundleDeploymentLabels``)."""
    labels = {
        name: value
        for name, value in bundle.labels.items()
        if name.startswith(_FLEET) or not (_CATTLE in name or name.startswith(_KUBECTL))
    }
    return labels | {_BUNDLE_NAME: bundle.name, _BUNDLE_NAMESPACE: bundle.namespace, _MANAGED: "true"}


def _resolve(wanted: Wanted, labelled: Sequence[tuple[Wanted, Mapping[str, str]]]) -> Wanted:
    if wanted.error is not None:
        return wanted
    found = []
    try:
        for entry in _entries(wanted):
            chosen = _chosen(entry, wanted.deployment.bundle.namespace, labelled)
            accepted = frozenset(entry.get("acceptedStates") or [READY])
            found += [Dependency(item.bundle, item.key, accepted) for item in chosen]
    except FleetError as error:
        return replace(wanted, error=error.at(f"bundle {wanted.bundle}"))
    return replace(wanted, depends_on=tuple(found))


def _chosen(
    entry: Mapping[str, Any], workspace: str, labelled: Sequence[tuple[Wanted, Mapping[str, str]]]
) -> list[Wanted]:
    name = entry.get("name")
    selects = compile_selector(entry.get("selector") or {})
    chosen = [
        item
        for item, labels in labelled
        if selects(labels) and (not name or (labels[_BUNDLE_NAME] == name and labels[_BUNDLE_NAMESPACE] == workspace))
    ]
    if not chosen:
        what = f"bundle {name}" if name else "the bundles that a selector chooses"
        also = " with the labels of its selector" if name and entry.get("selector") else ""
        raise FleetError(
            f"it depends on {what}{also}, and this run brings no such bundle to the cluster",
            remedy="Correct dependsOn in fleet.yaml, or deploy that bundle to this cluster in the same run.",
        )
    return chosen


def _without_cycles(wanted: Sequence[Wanted]) -> list[Wanted]:
    graph = {item.key: [dependency.key for dependency in item.depends_on] for item in wanted}
    names = {item.key: item.bundle for item in wanted}
    result = []
    for item in wanted:
        way = _way_back(item.key, graph)
        if way:
            error = FleetError(
                f"it depends on itself: {' → '.join(names[key] for key in way)}",
                place=f"bundle {item.bundle}",
                remedy="Remove one of these from dependsOn.",
            )
            item = replace(item, error=error, depends_on=())
        result.append(item)
    return result


def _way_back(start: Key, graph: Mapping[Key, Sequence[Key]]) -> list[Key]:
    """The shortest way from a bundle over its dependencies back to itself, [] if there is none."""
    before: dict[Key, Key] = {}
    reached = deque([start])
    while reached:
        current = reached.popleft()
        for key in graph.get(current, ()):
            if key == start:
                way = [start, current]
                while way[-1] != start:
                    way.append(before[way[-1]])
                return way[::-1]
            if key not in before:
                before[key] = current
                reached.append(key)
    return []
