# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clusters the lab has: names, labels, nodes. A cluster is added by a line in ``FIRST``."""

from dataclasses import dataclass, field

# The workspace (a Fleet manager's namespace of clusters) that they all belong to.
WORKSPACE = "fleet-default"

DEFAULT_COUNT = 4


@dataclass(frozen=True)
class Specification:
    """One cluster. ``nodes`` maps the names of its nodes to their operating systems."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=lambda: {"node-1": "linux", "node-2": "linux"})


FIRST = (
    Specification("prod-eu", {"env": "prod", "region": "eu"}),
    Specification("prod-us", {"env": "prod", "region": "us"}),
    Specification(
        "dev-eu",
        {"env": "dev", "region": "eu"},
        nodes={"node-1": "linux", "node-2": "linux", "node-3": "windows"},
    ),
    Specification("bare"),
)


def specifications(count: int) -> list[Specification]:
    """The first ``count`` clusters; beyond those with names of their own they are ``edge-05`` and so on."""
    more = [
        Specification(f"edge-{number:02}", {"env": "edge", "region": ("eu", "us", "ap")[number % 3]})
        for number in range(len(FIRST) + 1, count + 1)
    ]
    return [*FIRST[:count], *more]
