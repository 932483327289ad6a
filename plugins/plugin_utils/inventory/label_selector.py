# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Label selectors in one line, as ``kubectl -l`` takes them: ``env=prod,region in (eu, us),!legacy``."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError

_KEY = r"(?P<key>[^\s!=,()]+)"
_TERMS = (
    (re.compile(rf"!\s*{_KEY}"), "DoesNotExist"),
    (re.compile(rf"{_KEY}\s*!=\s*(?P<value>[^\s!=,()]*)"), "NotIn"),
    (re.compile(rf"{_KEY}\s*==?\s*(?P<value>[^\s!=,()]*)"), "In"),
    (re.compile(rf"{_KEY}\s+in\s*\((?P<values>[^()]*)\)"), "In"),
    (re.compile(rf"{_KEY}\s+notin\s*\((?P<values>[^()]*)\)"), "NotIn"),
    (re.compile(_KEY), "Exists"),
)


def parse(text: str) -> dict[str, Any]:
    """The selector as a LabelSelector. "" selects everything. Raises :class:`FleetError`."""
    if not text.strip():
        return {}
    # A comma in parentheses parts values, not terms.
    terms = re.split(r",(?![^()]*\))", text)
    return {"matchExpressions": [_expression(term.strip(), text) for term in terms]}


def _expression(term: str, text: str) -> dict[str, Any]:
    for pattern, operator in _TERMS:
        match = pattern.fullmatch(term)
        if match:
            return {"key": match["key"], "operator": operator, "values": _values(match.groupdict())}
    raise FleetError(
        f"{term!r} in label selector {text!r} is not understood",
        remedy="Write it as for kubectl: env=prod,region in (eu,us),tier!=test,!legacy",
    )


def _values(found: dict[str, str]) -> list[str]:
    if "values" in found:
        return [value.strip() for value in found["values"].split(",")]
    return [found["value"]] if "value" in found else []
