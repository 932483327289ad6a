# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule: a function with a name and a level. What it looks at decides when it is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .finding import Found

Check = Callable[[Any], Iterator[Found]]


@dataclass(frozen=True)
class Rule:
    """``looks_at`` is the class of what ``check`` is given; None: it is given nothing, others report in its name.

    ``summary`` is one line for lists of rules. The text for people is the section of the same name
    in docs/lint.md.
    """

    name: str
    level: str
    looks_at: type | None
    summary: str
    check: Check


def rule(name: str, level: str, looks_at: type | None, summary: str) -> Callable[[Check], Rule]:
    """Make a rule of a function that yields what it finds."""
    return lambda check: Rule(name, level, looks_at, summary, check)
