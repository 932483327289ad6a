# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comments that switch rules off: ``# fleet-lint: disable=<rule>[,<rule>] <reason>``.

Alone on its line, a comment holds for the file; behind something, for its line.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from .finding import Found, Place

WORD = b"fleet-lint:"
_COMMENT = re.compile(r"^(?P<before>(?:|.*[ \t]))#[ \t]*fleet-lint:[ \t]*(?P<rest>.*?)[ \t]*$")
_DISABLE = re.compile(r"disable=(?P<rules>[\w,-]+)(?:[ \t]+(?P<reason>.*))?$")


@dataclass
class Directives:
    """Those of one file: rules that are off in all of it, and by line."""

    everywhere: set[str] = field(default_factory=set)
    by_line: dict[int, set[str]] = field(default_factory=dict)
    without_reason: list[Found] = field(default_factory=list)
    not_understood: list[Found] = field(default_factory=list)

    def switch_off(self, rule: str, line: int) -> bool:
        """Whether a rule is off on a line."""
        return rule in self.everywhere or rule in self.by_line.get(line, ())


def read_directives(path: str, data: bytes, known: Collection[str]) -> Directives:
    """The comments of a file. One without a reason, or of a rule that is not known, switches nothing off."""
    result = Directives()
    if WORD not in data:
        return result
    for number, column, before, rest in _comments(data.decode("utf-8", "replace")):
        place = Place(path, number, column)
        match = _DISABLE.fullmatch(rest)
        if not match:
            does = f"the comment {rest[:40]!r} is not understood, and switches nothing off"
            result.not_understood.append(place.says(does, "write # fleet-lint: disable=<rule> <reason>"))
            continue
        for rule in filter(None, match["rules"].split(",")):
            if rule not in known:
                does = f"there is no rule {rule}, so that this comment switches nothing off"
                result.not_understood.append(place.says(does, "write the name of a rule as findings show it"))
            elif not match["reason"]:
                does = f"{rule} stays on, because the comment gives no reason"
                instead = f"write why after the rule: # fleet-lint: disable={rule} <reason>"
                result.without_reason.append(place.says(does, instead))
            elif before.strip():
                result.by_line.setdefault(number, set()).add(rule)
            else:
                result.everywhere.add(rule)
    return result


def _comments(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Line, column, what is before, and what is said."""
    for number, line in enumerate(text.split("\n"), 1):
        match = _COMMENT.match(line.removesuffix("\r"))
        if match:
            yield number, len(match["before"]) + 1, match["before"], match["rest"]
