# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint: what Fleet would do with a repository that its author hardly means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import FleetError
from ..source.gitrepo import GitRepo
from ..source.tree import FileTree
from .bundle_view import BundleView
from .catalog import NAMES, rules_for
from .directives import Directives
from .finding import LEVELS, Finding, Place
from .history import Change
from .live import LiveDeployment
from .repository import GitRepoView, IgnoreFile, Repository
from .rule import Rule
from .rules.scanning import fleet_fails, instead_of
from .targeted import Clusters, TargetedBundle


@dataclass
class Report:
    """``findings`` in the order of files and lines; ``switched_off`` how many were by comments; ``bundles`` read."""

    findings: list[Finding] = field(default_factory=list)
    switched_off: int = 0
    bundles: int = 0

    def count(self, level: str) -> int:
        """How many findings there are of a level."""
        return sum(finding.level == level for finding in self.findings)

    def at_least(self, level: str) -> list[Finding]:
        """The findings of a level and those that are worse."""
        return [finding for finding in self.findings if LEVELS.index(finding.level) <= LEVELS.index(level)]


def lint(
    tree: FileTree, gitrepo: GitRepo, *, clusters: Clusters | None = None, before: FileTree | None = None
) -> Report:
    """Run all rules that can be run over a repository.

    ``gitrepo`` says where bundles are and what they are called; without targets any cluster may be
    one. ``clusters`` and ``before`` (the tree of an earlier commit) are for the rules that need them.
    What is wrong in the repository is a finding, and never raised.
    """
    repository = Repository(tree, gitrepo)
    report = Report(bundles=len(repository.bundles))
    for finding in dict.fromkeys(_findings(repository, clusters, before)):
        if repository.directives(finding.place.path, NAMES).switch_off(finding.rule, finding.place.line):
            report.switched_off += 1
        else:
            report.findings.append(finding)
    report.findings.sort()
    return report


def lint_live(deployments: Iterable[LiveDeployment]) -> list[Finding]:
    """The findings that a plan can tell, from what it has read of clusters; the place is cluster and bundle."""
    return sorted(_run(rules_for(LiveDeployment), deployments))


def _findings(repository: Repository, clusters: Clusters | None, before: FileTree | None) -> Iterator[Finding]:
    bundles = repository.bundles
    yield from _run(rules_for(BundleView), bundles)
    yield from _run(rules_for(IgnoreFile), repository.ignore_files)
    yield from _run(rules_for(GitRepoView), repository.gitrepos)
    yield from _run(rules_for(Repository), [repository])
    if repository.problem:
        yield from _failure(repository.problem, repository.place_of(""))
    for path in repository.commented_files():
        yield from _run(rules_for(Directives), [repository.directives(path, NAMES)])
    if clusters is not None:
        yield from _targeted(repository, clusters)
    if before is not None:
        yield from _run(rules_for(Change), [Change(Repository(before, repository.gitrepo), repository)])


def _targeted(repository: Repository, clusters: Clusters) -> Iterator[Finding]:
    for view in repository.deployed.values():
        if view.problem:
            continue
        bundle = TargetedBundle(view, clusters, repository.knows_targets)
        try:
            _ = bundle.deployments, bundle.served
        except FleetError as error:
            yield from _failure(error, view.place())
            continue
        yield from _run(rules_for(TargetedBundle), [bundle])


def _failure(error: FleetError, place: Place) -> Iterator[Finding]:
    where = f"{error.place}: " if error.place else ""
    does = f"Fleet fails here: {where}{error.problem}"
    yield Finding(place, fleet_fails.name, fleet_fails.level, does, instead_of(error.remedy))


def _run(rules: Sequence[Rule], subjects: Iterable[object]) -> Iterator[Finding]:
    for subject in subjects:
        for rule in rules:
            for found in rule.check(subject):
                yield Finding(found.place, rule.name, rule.level, found.does, found.instead)
