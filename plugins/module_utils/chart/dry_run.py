# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling templates what Fleet's own dry run tells them, and what Helm's arguments cannot say.

That is a version of Kubernetes without ``v``, and no namespace for a release whose bundle names none.
Only comparisons with Fleet need it: on a cluster Fleet says both as Helm does.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator, Mapping

_TEMPLATE = re.compile(r"(charts/[^/]+/)*templates/.+")
_PACKED = re.compile(r"((?:charts/[^/]+/)*charts/)[^/]+\.tgz")

_CAPABILITIES = """\
{{ $_ := set . "Capabilities" (dict \
"KubeVersion" (dict "Version" "VERSION" "GitVersion" "VERSION" \
"Major" .Capabilities.KubeVersion.Major "Minor" .Capabilities.KubeVersion.Minor) \
"APIVersions" .Capabilities.APIVersions "HelmVersion" .Capabilities.HelmVersion) }}"""
_NO_NAMESPACE = '{{ $_ := set .Release "Namespace" "" }}'


def as_in_dry_run(files: Mapping[str, bytes], kube_version: str, namespace: str) -> dict[str, bytes]:
    """The files of a chart whose templates see ``kube_version`` as it is written, and an empty ``namespace``."""
    prefix = ""
    if kube_version and not kube_version.startswith("v"):
        prefix += _CAPABILITIES.replace("VERSION", kube_version)
    if not namespace:
        prefix += _NO_NAMESPACE
    if not prefix:
        return dict(files)
    told = prefix.encode()
    return {name: told + content if _TEMPLATE.fullmatch(name) else content for name, content in _unpacked(files)}


def _unpacked(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """The files, with charts that are packed in ``charts/`` taken out."""
    for name, content in files.items():
        packed = _PACKED.fullmatch(name)
        if not packed:
            yield name, content
            continue
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            members = {
                packed.group(1) + member.name: archive.extractfile(member).read()
                for member in archive
                if member.isfile()
            }
        yield from _unpacked(members)
