# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles' argument specs against their defaults and their tasks. Ansible itself compares none of them."""

import os
import re
from pathlib import Path

import pytest
import yaml

ROLES = sorted((Path(__file__).resolve().parents[2] / "roles").iterdir())


def read(path: Path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def options(role: Path) -> dict:
    return read(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]


pytestmark = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def test_specified_defaults_are_the_defaults(role):
    specified = {name: option["default"] for name, option in options(role).items() if not option.get("required")}
    assert specified == read(role / "defaults/main.yml")


def test_required_options_have_no_default(role):
    assert not [name for name, option in options(role).items() if option.get("required") and "default" in option]


def test_every_option_is_used(role):
    used = "".join(path.read_text(encoding="utf-8") for part in ("tasks", "vars") for path in (role / part).glob("*"))
    assert [name for name in options(role) if not re.search(rf"(?<!_){name}\b", used)] == []


def test_tasks_use_nothing_but_options_and_internal_names(role):
    used = "".join(path.read_text(encoding="utf-8") for part in ("tasks", "vars") for path in (role / part).glob("*"))
    names = set(re.findall(rf"(?<![\w.]){role.name}_\w+", used))
    assert names <= set(options(role))


def test_the_wrapper_of_python_can_be_run(role):
    assert os.access(role / "files/python_for_kubeconfig", os.X_OK)


def test_both_roles_have_the_same_wrapper_of_python(role):
    other = ROLES[0] / "files/python_for_kubeconfig"
    assert (role / "files/python_for_kubeconfig").read_text() == other.read_text()
