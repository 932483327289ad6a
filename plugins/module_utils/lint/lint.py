# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lint: what Fleet would do with a repository that its author hardly means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..deploy.live_deployment import LiveDeployment
from ..errors import FleetError
from ..source.gitrepo import GitRepo
from ..source.tree import FileTree
from .bundle_view import BundleView
from .catalog import NAMES, rules_for
from .finding import LEVELS, Finding, Place
from .history import Change
from .repository import Repository
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
    rules = rules_for(LiveDeployment)
    return sorted(finding for item in deployments for rule in rules for finding in _check(rule, item))


def _findings(repository: Repository, clusters: Clusters | None, before: FileTree | None) -> Iterator[Finding]:
    for rule, subject in _work(repository, clusters, before):
        try:
            yield from _check(rule, subject)
        except FleetError as error:
            yield _failure(
                error, subject.place() if isinstance(subject, BundleView | TargetedBundle) else repository.place_of("")
            )
    if repository.problem:
        yield _failure(repository.problem, repository.place_of(""))


def _work(repository: Repository, clusters: Clusters | None, before: FileTree | None) -> Iterator[tuple[Rule, object]]:
    """Each rule with each thing that it looks at."""
    subjects: list[object] = [*repository.bundles, *repository.ignore_files, *repository.gitrepos, repository]
    subjects += [repository.directives(path, NAMES) for path in repository.commented_files()]
    if clusters is not None:
        views = [view for view in repository.deployed.values() if not view.problem]
        subjects += [TargetedBundle(view, clusters, repository.knows_targets) for view in views]
    if before is not None:
        subjects.append(Change(Repository(before, repository.gitrepo), repository))
    rules: dict[type, list[Rule]] = {}
    for subject in subjects:
        kind = type(subject)
        if kind not in rules:
            rules[kind] = rules_for(kind)
        yield from ((rule, subject) for rule in rules[kind])


def _failure(error: FleetError, place: Place) -> Finding:
    where = f"{error.place}: " if error.place else ""
    does = f"Fleet fails here: {where}{error.problem}"
    return Finding(place, fleet_fails.name, fleet_fails.level, does, instead_of(error.remedy))


def _check(rule: Rule, subject: object) -> Iterator[Finding]:
    for found in rule.check(subject):
        yield Finding(found.place, rule.name, rule.level, found.does, found.instead)
