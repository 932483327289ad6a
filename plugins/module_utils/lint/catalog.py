# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All rules. A new one is a function in a file of rules/; a new file is named here."""

from __future__ import annotations

from types import ModuleType

from .rule import Rule
from .rules import (
    clusters,
    comments,
    customizations,
    gitrepos,
    history,
    live,
    options,
    options_file,
    rendering,
    scanning,
    values,
)

_FILES: tuple[ModuleType, ...] = (
    options_file,
    options,
    customizations,
    values,
    rendering,
    scanning,
    gitrepos,
    clusters,
    history,
    live,
    comments,
)

RULES: tuple[Rule, ...] = tuple(
    item
    for file in _FILES
    for item in vars(file).values()
    if isinstance(item, Rule) and item.check.__module__ == file.__name__
)
"""In the order of docs/lint.md."""

NAMES = frozenset(item.name for item in RULES)


def rules_for(subject: type) -> list[Rule]:
    """The rules that look at things of a class."""
    return [item for item in RULES if item.looks_at is subject]
