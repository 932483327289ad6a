# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's metadata against what is really there."""

from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]


def read(name: str) -> dict:
    return yaml.safe_load((CHECKOUT / name).read_text(encoding="utf-8"))


def modules() -> list[str]:
    return sorted(path.stem for path in (CHECKOUT / "plugins/modules").glob("*.py"))


def test_action_group_holds_every_module():
    assert read("meta/runtime.yml")["action_groups"]["fleet"] == modules()


def test_every_module_says_that_it_is_in_the_action_group():
    for module in modules():
        text = (CHECKOUT / f"plugins/modules/{module}.py").read_text(encoding="utf-8")
        assert "- gitops.fleet.attributes.actiongroup_fleet" in text, module


def test_every_action_plugin_has_its_documentation():
    actions = {path.stem for path in (CHECKOUT / "plugins/action").glob("*.py")}
    assert actions <= set(modules())


def test_oldest_ansible_core_is_the_one_that_is_tested():
    oldest = read("meta/runtime.yml")["requires_ansible"].removeprefix(">=").removesuffix(".0")
    assert (CHECKOUT / f"requirements/ansible-{oldest}.in").exists()


def test_the_tested_kubernetes_core_is_in_the_range_of_the_dependency():
    from packaging.specifiers import SpecifierSet

    manifest = CHECKOUT / "build/collections/ansible_collections/kubernetes/core/MANIFEST.json"
    version = yaml.safe_load(manifest.read_text(encoding="utf-8"))["collection_info"]["version"]
    assert version in SpecifierSet(read("galaxy.yml")["dependencies"]["kubernetes.core"])


def test_execution_environment_names_files_that_exist():
    for name in read("meta/execution-environment.yml")["dependencies"].values():
        assert (CHECKOUT / name).exists(), name
