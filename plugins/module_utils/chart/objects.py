# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading manifests into Kubernetes objects, with the rules of the libraries that Fleet reads them with.

That is ``ToObjects`` of github.com/rancher/wrangler ``pkg/yaml`` on top of
k8s.io/apimachinery ``pkg/util/yaml`` and ``unstructured``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..bundle import go_yaml
from ..errors import FleetError


class MissingKind(FleetError):
    """A document is a mapping, but says no kind."""


def parse_objects(manifest: str | bytes, place: str = "", *, rendered: bool = False) -> list[dict[str, Any]]:
    """The objects of a manifest of many documents, in order. Lists are taken apart.

    What begins like JSON has to be JSON, but for what Helm ``rendered``: Helm 4 writes it anew as YAML.
    Raises :class:`MissingKind` for a document without kind, and :class:`FleetError` with ``place`` and
    the line for one that is no YAML or no mapping.
    """
    text = manifest.decode("utf-8", "replace") if isinstance(manifest, bytes) else manifest
    objects: list[dict[str, Any]] = []
    for line, document in split_documents(text, place):
        objects += _objects(_load(document, place, line, rendered), _at(place, line))
    return objects


def split_documents(text: str, place: str = "") -> Iterator[tuple[int, str]]:
    """The documents of a text, each with the number of its first line, split where a line begins with ``---``."""
    first, lines = 1, []
    for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
        if line.startswith("---"):
            rest = line[3:].strip()
            if rest and not rest.startswith("#"):
                raise FleetError(f"--- is followed by {rest[:40]!r} on its line", place=_at(place, number))
            if lines:
                yield first, "".join(lines)
                first, lines = number + 1, []
                continue
        lines.append(line.removesuffix("\r") + "\n")
    if any(line.strip() for line in lines):
        yield first, "".join(lines)


def _load(document: str, place: str, line: int, rendered: bool) -> Any:
    if document.lstrip().startswith("{"):
        try:
            return json.loads(document, parse_constant=_not_json)
        except (ValueError, RecursionError) as error:
            if not rendered:
                problem = f"this begins like JSON, but is not JSON: {error}"
                raise FleetError(problem, place=_at(place, line)) from error
    try:
        return go_yaml.load(document, place)
    except FleetError:
        # Once more, for a message with the right line.
        return go_yaml.load("\n" * (line - 1) + document, place)


def _not_json(constant: str) -> None:
    raise ValueError(f"{constant} is no number there")


def _objects(document: Any, place: str) -> list[dict[str, Any]]:
    if document is None or document == {}:
        return []
    if not isinstance(document, dict):
        raise FleetError("this document is not a Kubernetes object", place=place)
    kind = document.get("kind")
    if not isinstance(kind, str) or not kind:
        raise MissingKind("this object has no kind", place=place)
    if "items" not in document:
        return [document]
    items = document["items"] or []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise FleetError("items of this list are no objects", place=place)
    return [_typed(item, document) for item in items]


def _typed(item: dict[str, Any], containing: dict[str, Any]) -> dict[str, Any]:
    """An item of a typed list (PodList) does not have to say what it is."""
    if item.get("kind") or item.get("apiVersion"):
        return item
    return {**item, "kind": containing["kind"].removesuffix("List"), "apiVersion": containing.get("apiVersion", "")}


def _at(place: str, line: int) -> str:
    return f"{place}:{line}" if place else f"line {line}"
