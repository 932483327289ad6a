# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/lint.md: a section for each rule, whose examples are as it says."""

import re
from pathlib import Path

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.live_deployment import LiveDeployment
from ansible_collections.gitops.fleet.plugins.module_utils.lint.catalog import RULES
from ansible_collections.gitops.fleet.plugins.module_utils.lint.finding import LEVELS
from linting import lint_text

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "lint.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^### |^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
OF_FILES = [rule for rule in RULES if rule.looks_at is not LiveDeployment]


def test_each_rule_has_a_section_in_the_order_of_the_catalog():
    assert list(SECTIONS) == [rule.name for rule in RULES]
    assert len(SECTIONS) == len(re.findall(r"^### ", PAGE, re.MULTILINE))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_section_says_level_and_summary(rule):
    assert rule.level in LEVELS
    assert " ".join(SECTIONS[rule.name].split()).startswith(f"*{rule.level}:* {rule.summary}.")
    assert re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", rule.name)


@pytest.mark.parametrize("rule", OF_FILES, ids=lambda rule: rule.name)
def test_the_wrong_form_gives_the_finding_and_the_right_form_gives_none(rule, tmp_path):
    wrong, right = re.findall(r"^```yaml\n(.*?)^```$", SECTIONS[rule.name], re.MULTILINE | re.DOTALL)
    found = [finding for finding in lint_text(wrong, tmp_path).findings if finding.rule == rule.name]
    assert found, lint_text(wrong, tmp_path).findings
    assert all(finding.level == rule.level and finding.instead for finding in found)
    assert [str(finding) for finding in lint_text(right, tmp_path).findings] == []
