# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML and JSON files that people write: read fast, and able to say where in them something stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlFile:
    """The file at ``path``, parsed. Raises :class:`FleetError` where that cannot be done."""

    def __init__(self, path: str):
        self.path = path
        try:
            self._text = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise FleetError(
                f"it cannot be read: {error.strerror}",
                place=path,
                remedy="Relative paths count from the file that they are written in.",
            ) from error
        except UnicodeDecodeError as error:
            raise FleetError("it is not UTF-8 text", place=path) from error
        self.document = self._parse()

    def _parse(self) -> Any:
        if self._text.lstrip().startswith(("{", "[")):
            try:
                return json.loads(self._text)
            except ValueError:
                pass  # YAML's flow style begins in the same way
        try:
            return yaml.load(self._text, Loader=_LOADER)  # noqa: S506  (a safe loader)
        except yaml.MarkedYAMLError as error:
            line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
            raise FleetError(f"it is not YAML: {error.problem}", place=f"{self.path}{line}") from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            raise FleetError("it is not YAML", place=self.path) from error

    def place(self, *keys: str | int) -> str:
        """``path:line`` of the node that ``keys`` lead to, or of the last one on the way that is there."""
        try:
            node = yaml.compose(self._text, Loader=_LOADER)
        except (yaml.YAMLError, RecursionError):
            return self.path
        line = node.start_mark.line if node else 0
        for key in keys:
            found = _child(node, key)
            if found is None:
                break
            node, line = found
        return f"{self.path}:{line + 1}"


def line_in(path: str, *keys: str | int) -> str:
    """``path:line`` of what ``keys`` lead to in the file, for a message; only ``path`` where it is not plain YAML."""
    try:
        return YamlFile(path).place(*keys)
    except FleetError:
        return path


def _child(node: Any, key: str | int) -> tuple[yaml.Node, int] | None:
    """The node below ``node`` and the line on which it begins (that of its key in a mapping)."""
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key].start_mark.line
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            if key_node.value == str(key):
                return value_node, key_node.start_mark.line
    return None
