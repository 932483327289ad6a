# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels that a release of ours carries, and what they say."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

PREFIX = "gitops.fleet/"
OWNER = PREFIX + "owner"
GITREPO = PREFIX + "gitrepo"
BUNDLE = PREFIX + "bundle"
CLUSTER = PREFIX + "cluster"
DEPLOYMENT = PREFIX + "deployment"
REVISION = PREFIX + "revision"
COMMIT = PREFIX + "commit"
FORMAT = PREFIX + "format"
COPIED_FOR = PREFIX + "copied-for"
"""On a Secret or ConfigMap that was copied for a release: its namespace and name."""

CURRENT_FORMAT = "1"
"""The version of this scheme of labels."""

_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


def label_value(text: str) -> str:
    """``text`` where it can be a label value as it is, else 63 hex digits of its digest.

    ``null`` cannot: Helm takes it for the wish to remove the label.
    """
    if _LABEL_VALUE.fullmatch(text) and text != "null":
        return text
    return _digest(text)


def deployment_value(
    deployment_id: str,
    namespace_labels: dict[str, str],
    namespace_annotations: dict[str, str],
    copies: Sequence[Any] = (),
) -> str:
    """The value of label ``deployment``: 63 hex digits over all that a redeployment depends on.

    Fleet's deployment ID (128 characters, too long for a label) leaves out the labels and
    annotations of the namespace, and the content of resources that are copied to the cluster; here
    they count, as no agent watches either.
    """
    parts = [deployment_id, namespace_labels, namespace_annotations, *copies]
    return _digest(json.dumps(parts, sort_keys=True, separators=(",", ":")))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:63]
