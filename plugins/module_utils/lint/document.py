# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A YAML file with the places of its keys and values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Union

from ..bundle import go_yaml
from ..bundle.go_types import fold
from .finding import Place

Step = Union[str, int]  # noqa: UP007 (ansible-test takes | for a mistake here)


class Document:
    """The first document of a file. Keys are found as Fleet finds them: without regard to case, if need be.

    Raises FleetError where the file is no YAML.
    """

    def __init__(self, path: str, data: bytes | str):
        self.path = path
        self.positions = go_yaml.load_with_positions(data, path)
        self.value = self.positions.document

    def place(self, *steps: Step) -> Place:
        """Where the key at this path stands, or the last one on the way that is there."""
        return self._find(steps)[0]

    def value_place(self, *steps: Step) -> Place:
        """Where the value at this path begins."""
        return self._find(steps)[1]

    def text(self, *steps: Step) -> str:
        """A scalar as it is written, without quotes; '' for what is none."""
        container = self.get(*steps[:-1])
        key = _key(container, steps[-1]) if steps else None
        mark = self.positions.value(container, key) if key is not None else None
        return mark.text if mark else ""

    def get(self, *steps: Step) -> Any:
        """The value at this path; None if there is none."""
        value = self.value
        for step in steps:
            step = _key(value, step)
            if step is None:
                return None
            value = value[step]
        return value

    def place_in(self, container: Any, key: Step) -> Place:
        """Where a key of this very mapping or list stands."""
        return self._at(self.positions.key(container, key))

    def value_place_in(self, container: Any, key: Step) -> Place:
        """Where its value begins."""
        return self._at(self.positions.value(container, key))

    def _at(self, mark: go_yaml.Mark | None) -> Place:
        return Place(self.path, mark.line, mark.column) if mark else Place(self.path)

    def _find(self, steps: tuple[Step, ...]) -> tuple[Place, Place]:
        value = self.value
        key_mark = value_mark = None
        for step in steps:
            found = _key(value, step)
            if found is None:
                break
            key_mark = self.positions.key(value, found) or key_mark
            value_mark = self.positions.value(value, found) or value_mark
            value = value[found]
        return self._at(key_mark), self._at(value_mark)


def _key(value: Any, step: Step) -> Step | None:
    """The key of ``value`` that a step means."""
    if isinstance(value, list):
        return step if isinstance(step, int) and step < len(value) else None
    if not isinstance(value, dict):
        return None
    if step in value:
        return step
    folded = fold(str(step))
    return next((key for key in value if fold(key) == folded), None)


def texts_below(value: Any, *path: Step) -> Iterator[tuple[tuple[Step, ...], str]]:
    """All texts in a value, each with the way to it; ``path`` is that to the value itself."""
    pending: list[tuple[tuple[Step, ...], Any]] = [(path, value)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, dict):
            pending += [((*path, key), item) for key, item in value.items()]
        elif isinstance(value, list):
            pending += [((*path, index), item) for index, item in enumerate(value)]
        elif isinstance(value, str):
            yield path, value
