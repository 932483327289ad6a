# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing in ansible-core compares an action's argument spec with the documentation in its module file: this does."""

import importlib

import pytest
import yaml

SAME = ("type", "required", "default", "choices", "elements")


def spec_of(action: str) -> dict:
    return importlib.import_module(f"ansible_collections.gitops.fleet.plugins.action.{action}").ARGUMENT_SPEC


def documented(action: str) -> dict:
    module = importlib.import_module(f"ansible_collections.gitops.fleet.plugins.modules.{action}")
    return yaml.safe_load(module.DOCUMENTATION)["options"]


@pytest.mark.parametrize("action", ["fleet_deploy", "fleet_result"])
def test_the_documentation_says_what_the_action_takes(action):
    wanted = {name: {key: option[key] for key in SAME if key in option} for name, option in spec_of(action).items()}
    said = {name: {key: option[key] for key in SAME if key in option} for name, option in documented(action).items()}
    assert said == wanted
