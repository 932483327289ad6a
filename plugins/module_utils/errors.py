# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one kind of error that reaches a user: a place, what is wrong there, and what to do."""

from __future__ import annotations


class FleetError(Exception):
    """Something a user can mend.

    ``problem`` says what is wrong, ``place`` where (``fleet.yaml:12``, ``cluster prod-eu``,
    ``cluster prod-eu, bundle web, Deployment web/web``), ``remedy`` what to do. None of the three
    may hold a secret: an error goes to logs, job events and people.
    """

    def __init__(self, problem: str, *, place: str = "", remedy: str = ""):
        super().__init__(problem)
        self.problem = problem
        self.place = place
        self.remedy = remedy

    def at(self, place: str) -> FleetError:
        """The same error seen from further out: ``place`` is put before the place it already has."""
        inner = f"{place}, {self.place}" if self.place else place
        return type(self)(self.problem, place=inner, remedy=self.remedy)

    def __str__(self) -> str:
        text = f"{self.place}: {self.problem}" if self.place else self.problem
        return f"{text.rstrip('.')}. {self.remedy}" if self.remedy else text


class Unreachable(FleetError):
    """A cluster did not answer: no connection, no time left, or not the API that was expected.

    Kept apart because an unreachable cluster is a state of its own, not a failure of the others.
    """
