# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""GitRepo objects that are written in files of the repository."""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import ERROR, WARNING, Found
from ..repository import GitRepoView
from ..rule import rule


@rule("branch-and-revision", ERROR, GitRepoView, "a GitRepo with both branch and revision")
def branch_and_revision(gitrepo: GitRepoView) -> Iterator[Found]:
    if gitrepo.spec.get("branch") and gitrepo.spec.get("revision"):
        yield gitrepo.document.place("spec", "revision").says(
            "Fleet deploys the content of the branch, and shows the commit of the revision", "remove one of the two"
        )


@rule("gitrepo-without-targets", WARNING, GitRepoView, "a GitRepo without targets")
def gitrepo_without_targets(gitrepo: GitRepoView) -> Iterator[Found]:
    if gitrepo.spec and not gitrepo.spec.get("targets") and gitrepo.namespace != "fleet-local":
        workspace = f"workspace {gitrepo.namespace}" if gitrepo.namespace else "any workspace but fleet-local"
        yield gitrepo.document.place("spec").says(
            f"Fleet deploys to the cluster group default then, which it does not make in {workspace}",
            "write targets, such as - clusterSelector: {} for all clusters",
        )


@rule("gitrepo-target-without-criteria", ERROR, GitRepoView, "a target of a GitRepo that matches no cluster")
def gitrepo_target_without_criteria(gitrepo: GitRepoView) -> Iterator[Found]:
    criteria = ("clusterSelector", "clusterName", "clusterGroup", "clusterGroupSelector")
    targets = gitrepo.spec.get("targets")
    for index, target in enumerate(targets if isinstance(targets, list) else []):
        if isinstance(target, dict) and all(target.get(name) in (None, "") for name in criteria):
            yield gitrepo.document.place("spec", "targets", index).says(
                "Fleet matches no cluster where no condition is set", "write clusterSelector: {} for all clusters"
            )
