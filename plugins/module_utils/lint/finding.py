# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rule finds: a place, what Fleet does there, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass

ERROR, WARNING, NOTE = LEVELS = ("error", "warning", "note")
"""error: what is written is lost, does something else, or fails. warning: hardly what is meant. note: good to know."""


@dataclass(frozen=True, order=True)
class Place:
    """A place in a file of the repository. Line and column count from 1."""

    path: str
    line: int = 1
    column: int = 1

    def says(self, does: str, instead: str = "") -> Found:
        """What a rule has found here: what Fleet does, and what to write instead."""
        return Found(self, does, instead)


@dataclass(frozen=True)
class Found:
    """What a rule yields; the rule's name and level are added to it."""

    place: Place
    does: str
    instead: str


@dataclass(frozen=True, order=True)
class Finding:
    """A finding as it is reported."""

    place: Place
    rule: str
    level: str
    does: str
    instead: str

    @property
    def message(self) -> str:
        """What Fleet does; what to write instead."""
        return f"{self.does}; {self.instead}" if self.instead else self.does

    def __str__(self) -> str:
        place = self.place
        return f"{place.path}:{place.line}:{place.column} {self.rule}: {self.message} [{self.level}]"
