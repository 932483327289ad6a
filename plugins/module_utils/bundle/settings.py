# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a GitRepo says about all of its bundles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..source.gitrepo import GitRepo
from .api_types import GIT_TARGET

REPO_LABEL = "fleet.cattle.io/repo-name"
COMMIT_LABEL = "fleet.cattle.io/commit"

DEFAULT_TARGET: dict[str, Any] = {"name": "default", "clusterGroup": "default"}
"""The target of a GitRepo that has none."""


@dataclass(frozen=True)
class Settings:
    """The options of ``fleet apply``, by which Fleet's job hands a GitRepo's fields to the reading of its bundles.

    ``targets`` are BundleTargets put behind those of fleet.yaml; ``restrictions`` name the clusters
    that the bundles may go to at all.
    """

    name: str
    namespace: str = "fleet-local"
    labels: Mapping[str, str] = field(default_factory=dict)
    targets: Sequence[dict[str, Any]] = ()
    restrictions: Sequence[dict[str, Any]] = ()
    target_namespace: str = ""
    service_account: str = ""
    paused: bool = False
    force_sync_generation: int = 0
    keep_resources: bool = False
    delete_namespace: bool = False
    correct_drift: Mapping[str, bool] | None = None
    compress: bool = False


def settings_of(gitrepo: GitRepo, commit: str) -> Settings:
    """What Fleet's job for a GitRepo passes on to the reading of its bundles."""
    labels = gitrepo.labels | {REPO_LABEL: gitrepo.name}
    if commit:
        labels[COMMIT_LABEL] = commit
    targets = [GIT_TARGET.canonical(target) for target in gitrepo.targets] or [DEFAULT_TARGET]
    return Settings(
        name=gitrepo.name,
        namespace=gitrepo.namespace,
        labels=labels,
        targets=targets,
        restrictions=targets,
        target_namespace=gitrepo.target_namespace,
        service_account=gitrepo.service_account,
        paused=gitrepo.paused,
        force_sync_generation=gitrepo.force_sync_generation,
        keep_resources=gitrepo.keep_resources,
        delete_namespace=gitrepo.delete_namespace,
        correct_drift=gitrepo.correct_drift,
    )
