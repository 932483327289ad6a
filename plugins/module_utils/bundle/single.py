# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One bundle that comes from no GitRepo: a directory, or files that were given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..errors import FleetError
from ..source.gitrepo import GitRepo
from ..source.scan import BundleRoot
from ..source.tree import FileTree
from ..source.tree_index import TreeFiles, TreeIndex
from . import fleet_yaml
from .bundle import Bundle
from .charts import ChartLoader, VendoredCharts
from .reader import make_bundle, read_options
from .settings import REPO_LABEL, settings_of
from .validation import validate


def build_single(
    tree: FileTree,
    owner: GitRepo,
    options: dict[str, Any] | None,
    loader: ChartLoader | None = None,
) -> Bundle:
    """The tree as one bundle, named like ``owner``, with its workspace, targets and labels.

    ``options`` are those of a fleet.yaml; None reads the one in the tree.
    ``loader`` loads charts that the tree does not hold; without it that is an error. Raises FleetError, also
    for a tree that holds nothing to deploy.
    """
    _validate(owner)
    files = TreeFiles(TreeIndex(tree))
    files.prefetch(files.index.files_below(""))
    root = BundleRoot("", ".")
    if options is None:
        place, found = read_options(files, root)
    else:
        place = f"bundle {owner.name}, options"
        found = fleet_yaml.check(options, place)
    settings = settings_of(owner, "")
    labels = {key: value for key, value in settings.labels.items() if key != REPO_LABEL}
    settings = replace(settings, labels=labels)
    loader = loader or VendoredCharts()
    bundle = make_bundle(files, root, found, settings, name=owner.name, place=place, loader=loader)
    if not bundle.spec.get("resources"):
        raise FleetError(
            "there is nothing to deploy",
            place=f"bundle {bundle.name}",
            remedy="Give it at least one file that is neither its fleet.yaml nor hidden.",
        )
    validate(bundle)
    return bundle


def _validate(owner: GitRepo) -> None:
    try:
        owner.validate()
    except FleetError as error:
        place = error.place.replace(owner.place, f"bundle {owner.name}", 1)
        raise FleetError(error.problem, place=place, remedy=error.remedy) from error
