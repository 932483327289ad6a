# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab, and control nodes that deploy to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fleet import CORES, ControlNode

from lab import binaries
from lab.lab import STATE, Lab


@pytest.fixture(scope="session")
def lab(worker_id) -> Iterator[Lab]:
    """The lab of the checkout (or of FLEET_LAB), brought up or repaired where it has to be. It stays up.

    Where tests run side by side (pytest -n), only the first worker has it, and each other one a lab of its own: runs
    on one cluster wait for each other.
    """
    state = Path(os.environ.get("FLEET_LAB") or STATE)
    is_first = worker_id in ("master", "gw0")
    lab = Lab(state if is_first else state.with_name(f"{state.name}-{worker_id}"))
    lab.up()
    yield lab
    if not is_first:
        lab.down()


@pytest.fixture(scope="session")
def programs() -> Path:
    """The directory with helm4, helm3, kubectl and the others."""
    return binaries.directory()


@pytest.fixture(params=sorted(CORES))
def core(request) -> str:
    """Each ansible-core that integration is tested with, by version. A test that asks for it runs once for each."""
    if not CORES[request.param].exists():
        pytest.fail(f"{CORES[request.param]} is missing: run `make venvs` with a Python that it supports")
    return request.param


@pytest.fixture
def make_node(lab, programs, tmp_path) -> Iterator[Callable[..., ControlNode]]:
    """Makes control nodes (``helm="helm3"``, ``core="2.16"``), and removes what they made when the test ends."""
    nodes: list[ControlNode] = []

    def make(**options: str) -> ControlNode:
        nodes.append(ControlNode(tmp_path / f"node-{len(nodes) + 1}", lab, programs, **options))
        return nodes[-1]

    yield make
    for node in nodes:
        node.clean_up()


@pytest.fixture
def node(make_node) -> ControlNode:
    """A control node with Helm 4 and the usual ansible-core, and all clusters of the lab."""
    return make_node()
