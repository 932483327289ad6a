# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster as an inventory source found it: what Fleet knows of it, and how to reach it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.kube.connection import AnyConnection
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster

from .references import to_variables

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_MOST_WARNINGS = 10
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")


@dataclass(frozen=True)
class Record:
    """``connection`` is how it is reached, by reference; None where its source does not say.

    ``source`` is the name of the source, ``place`` where in it this cluster stands (for messages).
    ``status`` is what the source says of its state, ``nodes`` what its nodes say, if they were asked.
    """

    cluster: Cluster
    connection: AnyConnection | None
    uid: str = ""
    source: str = ""
    place: str = ""
    status: Mapping[str, Any] = field(default_factory=dict)
    nodes: Mapping[str, Any] | None = None

    @property
    def full_name(self) -> str:
        return f"{self.cluster.namespace}.{self.cluster.name}"

    def variable(self) -> dict[str, Any]:
        """The host variable ``fleet_cluster``."""
        found = {
            "name": self.cluster.name,
            "workspace": self.cluster.namespace,
            "labels": self.cluster.labels,
            "annotations": self.cluster.annotations,
            "templateValues": self.cluster.template_values,
            "status": self.status,
            "source": self.source,
            **to_variables(self.connection),
            "uid": self.uid,
        }
        if self.nodes is not None:
            found["nodes"] = self.nodes
        return found


def check_name(name: Any, what: str) -> str:
    """A name that a Fleet object may have (RFC 1123 subdomain). Raises FleetError."""
    if not isinstance(name, str) or len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        raise FleetError(
            f"{name!r} is no name that {what} can have",
            remedy="Use lower-case letters, digits, - and . (Kubernetes allows nothing else).",
        )
    return name


def check_workspace(name: Any) -> str:
    """A workspace is a namespace on the Fleet manager, so its name has no dots. Raises FleetError."""
    check_name(name, "a workspace")
    if "." in name or len(name) > 63:
        raise FleetError(f"{name!r} is no name that a workspace can have", remedy="It may have 63 characters, no dots.")
    return name


def some_of(warnings: Sequence[str]) -> list[str]:
    """The first of warnings that may be as many as a fleet has clusters, and how many more there are."""
    more = len(warnings) - _MOST_WARNINGS
    return [*warnings[:_MOST_WARNINGS], *([f"And {more} more warnings of that kind"] if more > 0 else [])]


class LabelCheck:
    """Checks labels as Kubernetes does. Remembers what was right: fleets repeat their labels a thousand times."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()

    def __call__(self, labels: Any) -> dict[str, str]:
        """The labels, or FleetError that says which one is wrong."""
        if not isinstance(labels, Mapping):
            raise FleetError("labels is not a mapping", remedy="Write it as key: value.")
        checked = dict(labels)
        for pair in checked.items():
            if not all(isinstance(text, str) for text in pair) or pair not in self._known:
                _check_label(*pair)
                self._known.add(pair)
        return checked


def _check_label(key: Any, value: Any) -> None:
    prefix, slash, name = key.rpartition("/") if isinstance(key, str) else ("", "", "")
    if len(name) > 63 or not _LABEL_NAME.fullmatch(name) or (slash and not _SUBDOMAIN.fullmatch(prefix)):
        raise FleetError(f"{key!r} is no label key", remedy="A key looks like env or example.com/env.")
    if not isinstance(value, str):
        raise FleetError(f"the value of label {key} is not a string: {value!r}", remedy="Put it in quotes.")
    if value and (len(value) > 63 or not _LABEL_NAME.fullmatch(value)):
        raise FleetError(
            f"{value[:80]!r} is no value that a label ({key}) can have",
            remedy="It may have 63 letters and digits, with - _ . between them; longer texts are annotations.",
        )
