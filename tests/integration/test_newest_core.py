# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job with the newest ansible-core, where there is a Python that it runs on."""

from __future__ import annotations

import fleet
import pytest
from fleet import CHECKOUT, bundle

NEWEST = CHECKOUT / ".venv-newest"


@pytest.mark.skipif(not NEWEST.exists(), reason="the newest ansible-core needs Python 3.12 or later; none was found")
def test_deploy_change_and_nothing_to_do(make_node, monkeypatch):
    monkeypatch.setitem(fleet.CORES, "newest", NEWEST)
    node = make_node(core="newest")
    namespace = node.namespace()
    repository = node.repository()
    repository.commit({**bundle("app", namespace), **bundle("other", namespace)})
    hosts = len(node.clusters)
    assert node.deploy().succeeded().changed == hosts
    assert node.config_map("prod-eu", namespace, "app") == {"value": "one"}
    repository.commit(bundle("app", namespace, "two"))
    assert node.deploy("--check", "--diff").succeeded().changed == hosts
    assert node.deploy().succeeded().changed == hosts
    assert node.config_map("prod-eu", namespace, "app") == {"value": "two"}
    second = node.deploy().succeeded()
    assert second.changed == 0
    assert second.helms == []
