# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as text for people, as JSON, and as SARIF for code review pages."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from .catalog import RULES
from .finding import LEVELS, Finding
from .lint import Report

PAGE = "https://docs.ansible.com/ansible/latest/collections/gitops/fleet/"
SARIF_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LONGEST = 1000


def to_text(report: Report) -> str:
    """A line a finding, and a line that counts them."""
    return "\n".join([*map(str, report.findings), summary(report)]) + "\n"


def summary(report: Report) -> str:
    """How many findings there are of each level."""
    counts = ", ".join(_plural(report.count(level), level) for level in LEVELS)
    off = f"; {report.switched_off} switched off by comments" if report.switched_off else ""
    return f"{_plural(report.bundles, 'bundle')}: {counts}{off}"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def to_dict(finding: Finding) -> dict[str, Any]:
    """A finding with the fields that modules and JSON show."""
    return {
        "path": finding.place.path,
        "line": finding.place.line,
        "column": finding.place.column,
        "rule": finding.rule,
        "level": finding.level,
        "message": finding.does,
        "remedy": finding.instead,
    }


def to_json(report: Report) -> str:
    """All findings as one JSON object."""
    document = {
        "bundles": report.bundles,
        "counts": {level: report.count(level) for level in LEVELS},
        "switched_off": report.switched_off,
        "findings": [to_dict(finding) for finding in report.findings],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def to_sarif(report: Report, root: str = "") -> str:
    """SARIF 2.1.0, with what GitHub's code scanning needs. ``root`` is where the paths begin in the checkout."""
    numbers = {rule.name: number for number, rule in enumerate(RULES)}
    document = {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "gitops.fleet lint",
                        "informationUri": PAGE,
                        "rules": [
                            {
                                "id": rule.name,
                                "shortDescription": {"text": rule.summary},
                                "fullDescription": {"text": rule.summary},
                                "help": {"text": f"See the section {rule.name} of docs/lint.md in gitops.fleet."},
                                "defaultConfiguration": {"level": rule.level},
                            }
                            for rule in RULES
                        ],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, numbers[finding.rule], root) for finding in report.findings],
            }
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _result(finding: Finding, number: int, root: str) -> dict[str, Any]:
    place = finding.place
    path = f"{root.rstrip('/')}/{place.path}" if root else place.path
    return {
        "ruleId": finding.rule,
        "ruleIndex": number,
        "level": finding.level,
        "message": {"text": finding.message[:_LONGEST]},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(path.encode("utf-8", "surrogateescape"), safe="/")},
                    "region": {"startLine": place.line, "startColumn": place.column},
                }
            }
        ],
    }
