# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``CONTEXTS="a b c"``: clusters of the user's own kubeconfig instead of the lab's. Nothing is done to them."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import yaml

from .errors import LabError
from .specification import FIRST, WORKSPACE


def describe(contexts: Sequence[str]) -> list[dict]:
    """The entries of the inventory file for ``contexts`` of the user's kubeconfig.

    The contexts get the labels of the lab's first clusters in the same order (again from the first when there
    are more), so that examples and demo find the targets that they select. Raises LabError.
    """
    files = _files_by_context()
    clusters = []
    for number, context in enumerate(contexts):
        if context not in files:
            raise LabError(f"no kubeconfig has a context {context}; there are: {', '.join(sorted(files)) or 'none'}")
        clusters.append(
            {
                "name": _name(context),
                "workspace": WORKSPACE,
                "labels": dict(FIRST[number % len(FIRST)].labels),
                "kubeconfig": str(files[context]),
                "context": context,
            }
        )
    names = [cluster["name"] for cluster in clusters]
    if len(set(names)) < len(names):
        raise LabError(f"contexts whose names are too alike: {', '.join(contexts)}")
    return clusters


def _files_by_context() -> dict[str, Path]:
    """Which file holds which context: the files in KUBECONFIG, else ~/.kube/config. The first to name it wins."""
    listed = os.environ.get("KUBECONFIG") or os.path.join(os.path.expanduser("~"), ".kube", "config")
    found: dict[str, Path] = {}
    for path in filter(None, listed.split(os.pathsep)):
        try:
            document = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
        except FileNotFoundError:
            continue  # as kubectl does
        except (OSError, yaml.YAMLError) as error:
            raise LabError(f"the kubeconfig {path} cannot be read: {error}") from error
        for context in document.get("contexts") or []:
            found.setdefault(context["name"], Path(path).absolute())
    return found


def _name(context: str) -> str:
    """A cluster's name made from a context's: contexts may hold signs that a host's name may not."""
    return re.sub(r"[^a-z0-9-]+", "-", context.lower()).strip("-")
