# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The delete budget: how much a run may prune, counted over all its clusters before anything is deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import FleetError
from . import labels
from .plan import Action, Step


@dataclass(frozen=True)
class DeleteBudget:
    """``number`` of releases, or ``percent`` of a GitRepo's releases, that one run may delete."""

    number: int | None = None
    percent: float | None = None

    @classmethod
    def parse(cls, text: str) -> DeleteBudget:
        """Read ``10`` or ``25%``."""
        body = text.strip()
        try:
            if body.endswith("%"):
                return cls(percent=_in_range(float(body[:-1]), 100))
            return cls(number=int(_in_range(int(body), 10**9)))
        except ValueError as error:
            raise FleetError(
                f"{text!r} is neither a number of releases nor a percentage",
                place="delete_budget",
                remedy="Write for example 10 or 25%.",
            ) from error

    def check(self, steps: Mapping[str, Sequence[Step]], existing: Mapping[str, int]) -> None:
        """Raise :class:`FleetError` where the deletes among ``steps`` (by cluster) go over the budget.

        ``existing`` is the number of releases that each GitRepo (label value) has on these clusters.
        The budget holds for each GitRepo by itself. A percentage always lets one whole bundle go,
        on however many clusters it is: removing one bundle from git is an everyday change.
        """
        deletes: dict[str, list[tuple[str, Step]]] = {}
        for cluster, cluster_steps in steps.items():
            for step in cluster_steps:
                if step.action is Action.DELETE and step.release:
                    gitrepo = step.release.labels.get(labels.GITREPO, "")
                    deletes.setdefault(gitrepo, []).append((cluster, step))
        for gitrepo, planned in deletes.items():
            self._check_gitrepo(gitrepo, planned, existing.get(gitrepo, 0))

    def _check_gitrepo(self, gitrepo: str, planned: list[tuple[str, Step]], existing: int) -> None:
        bundles = sorted({step.bundle for _cluster, step in planned})
        if self.percent is not None:
            if len(bundles) == 1 or len(planned) * 100 <= self.percent * existing:
                return
            limit = f"{self.percent:g}% of {existing} releases"
        else:
            if len(planned) <= (self.number or 0):
                return
            limit = str(self.number)
        listed = ", ".join(f"{step.namespace}/{step.name} on {cluster}" for cluster, step in planned[:5])
        more = f" and {len(planned) - 5} more" if len(planned) > 5 else ""
        raise FleetError(
            f"{len(planned)} releases of {len(bundles)} bundles would be deleted, over the delete budget of {limit}: "
            f"{listed}{more}",
            place=f"GitRepo {gitrepo}",
            remedy="Nothing was changed. If all of them are meant to go, raise delete_budget for one run, "
            f"or keep them with prune: false (delete_budget: {len(planned)} lets these through).",
        )


def _in_range(value: float, highest: float) -> float:
    if not 0 <= value <= highest:
        raise ValueError(value)
    return value
