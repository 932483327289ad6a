# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the bundles that others depend on are in a state that these accept, on one cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .health.waiting import wait_for_health
from .manifest import parse_manifest
from .order import READY
from .plan import Action, Dependency, Key
from .release_record import read_release
from .session import ClusterSession
from .work import Work, ignored_conditions, object_name

NOT_READY, ERR_APPLIED, PENDING = "NotReady", "ErrApplied", "Pending"
"""States of a BundleDeployment (``fleet-behaviour``: those that acceptedStates may name)."""


@dataclass(frozen=True)
class _State:
    word: str
    message: str = ""


def unmet(
    session: ClusterSession,
    waiting: Sequence[Work],
    works: Mapping[Key, Work],
    timeout: float,
    sleep: Callable[[float], None],
) -> dict[Key, str]:
    """Of the steps ``waiting``, those that may not be done, with the reason, by release.

    Waits up to ``timeout`` seconds for what they depend on to be ready. ``works`` are all steps of
    the cluster. What had nothing to be done is looked at too: that it is deployed does not say that
    it is ready. Raises FleetError where the cluster does not answer.
    """
    dependencies = [dependency for work in waiting for dependency in work.step.wanted.depends_on]
    states = _states(session, dependencies, works, timeout, sleep)
    reasons = {}
    for work in waiting:
        left = [item for item in work.step.wanted.depends_on if states[item.key].word not in item.accepted]
        if left:
            reasons[work.step.wanted.key] = _reason(left, states)
    return reasons


def _reason(left: Iterable[Dependency], states: Mapping[Key, _State]) -> str:
    told = []
    for dependency in left:
        state = states[dependency.key]
        told.append(f"bundle {dependency.bundle}, which is {': '.join(filter(None, (state.word, state.message)))}")
    return f"it depends on {'; and on '.join(told)}"


def _states(
    session: ClusterSession,
    dependencies: Sequence[Dependency],
    works: Mapping[Key, Work],
    timeout: float,
    sleep: Callable[[float], None],
) -> dict[Key, _State]:
    states: dict[Key, _State] = {}
    objects: dict[Key, list[dict[str, Any]]] = {}
    for key in {dependency.key for dependency in dependencies}:
        work = works[key]
        if work.outcome.error and work.applied is None:
            states[key] = _State(ERR_APPLIED, work.outcome.error)
        elif _accepted_unseen(key, dependencies):
            states[key] = _State(READY)
        else:
            found = _objects(session, work)
            if found is None:
                states[key] = _State(PENDING, "it is not deployed")
            else:
                objects[key] = found
    if objects:
        states |= _looked_at(session, objects, works, timeout if _wants_ready(objects, dependencies) else 0, sleep)
    return states


def _accepted_unseen(key: Key, dependencies: Iterable[Dependency]) -> bool:
    """Whether it is enough that the bundle is deployed, be it ready or not."""
    return all({READY, NOT_READY} <= item.accepted for item in dependencies if item.key == key)


def _wants_ready(keys: Iterable[Key], dependencies: Iterable[Dependency]) -> bool:
    return any(READY in item.accepted for item in dependencies if item.key in keys)


def _objects(session: ClusterSession, work: Work) -> list[dict[str, Any]] | None:
    """The objects of a release: as just applied, else as its record on the cluster has them."""
    if work.applied is not None:
        return work.applied.objects
    release = work.step.release
    record = read_release(session.client, release.namespace, release.secret_name) if release else None
    if record is None or work.step.action not in (Action.NONE, Action.PAUSED):
        return None
    return [object_name(item) for item in parse_manifest(record.manifest, f"release {release.name}")]


def _looked_at(
    session: ClusterSession,
    objects: Mapping[Key, list[dict[str, Any]]],
    works: Mapping[Key, Work],
    timeout: float,
    sleep: Callable[[float], None],
) -> dict[Key, _State]:
    names = {"/".join(key): key for key in objects}
    results = wait_for_health(
        session.client,
        session.discovery,
        {name: objects[key] for name, key in names.items()},
        timeout,
        namespaces={name: key[0] for name, key in names.items()},
        ignored_conditions={name: ignored_conditions(works[key].step) for name, key in names.items()},
        sleep=sleep,
    )
    for name, key in names.items():
        works[key].outcome.healthy = results[name].ready
    return {
        key: _State(READY if results[name].ready else NOT_READY, results[name].message) for name, key in names.items()
    }
