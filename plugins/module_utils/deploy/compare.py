# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One object three ways: the last manifest, the new manifest and what is live.

The live object is looked at only where one of the two manifests says something. What the server
filled in, what other controllers own and what a webhook injected is therefore no difference; a
field that we set and somebody changed is, and so is a field that the new manifest no longer has.
These are the rules by which Helm's patch changes the object (three-way strategic merge, or
server-side apply by one field manager).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import builtin
from .manifest import group_of
from .quantity import same_quantity

NOISE_IN_METADATA = (
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
)
NOISE_IN_ANNOTATIONS = ("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision")

_LITERAL = frozenset({"labels", "annotations", "data", "binaryData", "stringData", "nodeSelector", "matchLabels"})
"""Maps of the user's own strings: ``1000m`` and ``1`` are two values there, and '' is one."""

_MAX_PAIRS = 10_000


class _Missing:
    """Stands where there is no value, as None is one that YAML can write."""


MISSING = _Missing()


@dataclass(frozen=True)
class Comparison:
    """``before`` (live) and ``after`` (as it will be), cut down to what the manifests say; None: no object."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None
    changed: bool


def compare(live: dict[str, Any], new: dict[str, Any], old: dict[str, Any] | None = None) -> Comparison:
    """What applying ``new`` changes in ``live``, ``old`` being the manifest that was applied last."""
    api_version = str(new.get("apiVersion") or "")
    body = _Alignment(is_builtin=group_of(api_version) in builtin.GROUPS)
    # Metadata has the same Go type in every kind.
    metadata = _Alignment(is_builtin=True)
    live, new, old = without_noise(live), without_noise(new), without_noise(old or {})
    old_metadata = old.pop("metadata", MISSING)
    pairs = {
        "metadata": metadata.value(live.pop("metadata", {}), new.pop("metadata", {}), old_metadata, "", "metadata")
    }
    same = {name: new.pop(name, None) for name in ("apiVersion", "kind")}
    for name in same:
        live.pop(name, None)
        old.pop(name, None)
    rest_before, rest_after = body.value(live, new, old, "", "")
    return Comparison(
        before={**same, "metadata": pairs["metadata"][0], **rest_before},
        after={**same, "metadata": pairs["metadata"][1], **rest_after},
        changed=body.changed or metadata.changed,
    )


def without_noise(obj: dict[str, Any]) -> dict[str, Any]:
    """A copy (of the upper levels) without what the server and other tools keep in an object."""
    result = {name: value for name, value in obj.items() if name != "status" and value is not None}
    metadata = result.get("metadata")
    if isinstance(metadata, dict):
        metadata = {name: value for name, value in metadata.items() if name not in NOISE_IN_METADATA}
        annotations = metadata.get("annotations")
        if isinstance(annotations, dict):
            kept = {name: value for name, value in annotations.items() if name not in NOISE_IN_ANNOTATIONS}
            metadata["annotations"] = kept
            if not kept:
                del metadata["annotations"]
        result["metadata"] = metadata
    return result


class _Alignment:
    """Walks the three side by side. ``changed`` is set as soon as one value differs."""

    def __init__(self, *, is_builtin: bool):
        self._builtin = is_builtin
        self.changed = False

    def value(self, live: Any, new: Any, old: Any, parent: str, field: str) -> tuple[Any, Any]:
        """The value before and after, each MISSING where there is none."""
        if new is MISSING or new is None:
            return self._removed(live, old, parent, field), MISSING
        if live is MISSING or live is None:
            if self._says_nothing(new, parent, field):
                return new, new
            return self._differ(MISSING, new)
        if isinstance(new, dict) and isinstance(live, dict):
            return self._mapping(live, new, old if isinstance(old, dict) else {}, field)
        if isinstance(new, list) and isinstance(live, list):
            return self._list(live, new, old if isinstance(old, list) else [], parent, field)
        if self._same(live, new, parent, field):
            return new, new
        return self._differ(live, new)

    def _differ(self, before: Any, after: Any) -> tuple[Any, Any]:
        self.changed = True
        return before, after

    def _mapping(self, live: dict, new: dict, old: dict, field: str) -> tuple[dict, dict]:
        before, after = {}, {}
        for name in [*new, *(name for name in old if name not in new)]:
            left, right = self.value(
                live.get(name, MISSING), new.get(name, MISSING), old.get(name, MISSING), field, name
            )
            if left is not MISSING:
                before[name] = left
            if right is not MISSING:
                after[name] = right
        return before, after

    def _removed(self, live: Any, old: Any, parent: str, field: str) -> Any:
        """What of a value that the new manifest no longer has is still there, MISSING if nothing."""
        if live is MISSING or live is None or old is MISSING or old is None:
            return MISSING
        if self._builtin and parent not in _LITERAL and _is_zero(old, field) and _is_zero(live, field):
            return MISSING
        if isinstance(live, dict) and isinstance(old, dict):
            kept = {name: self._removed(live.get(name, MISSING), old[name], field, name) for name in old}
            kept = {name: value for name, value in kept.items() if value is not MISSING}
            return kept or MISSING
        self.changed = True
        if isinstance(live, list) and isinstance(old, list):
            return self._removed_list(live, old, parent, field)
        return live

    def _removed_list(self, live: list, old: list, parent: str, field: str) -> list:
        """What is left of a list that goes: of each element only what we had written, of others' none."""
        keys = self._merge_keys(parent, field, old)
        theirs, ours = _by_key(live, keys), _by_key(old, keys)
        if theirs is not None and ours is not None:
            pairs = [(element, ours[key]) for key, element in theirs.items() if key in ours]
        elif len(live) == len(old):
            pairs = list(zip(live, old, strict=True))
        else:
            return live
        left = [self._removed(element, known, field, "") for element, known in pairs]
        return [element for element in left if element is not MISSING]

    def _merge_keys(self, parent: str, field: str, elements: list) -> tuple[str, ...]:
        return builtin.merge_keys(parent, field, elements) if self._builtin else ()

    def _list(self, live: list, new: list, old: list, parent: str, field: str) -> tuple[list, list]:
        keys = self._merge_keys(parent, field, new or old or live)
        by_key = [_by_key(elements, keys) for elements in (live, new, old)]
        if keys and None not in by_key:
            return self._keyed_list(*by_key, field)
        if self._builtin and field in builtin.SETS:
            return self._set(live, new, old)
        if len(live) == len(new):
            return self._plain_list(live, new, old, field)
        self.changed = True
        return self._resized_list(live, new, field), new

    def _keyed_list(self, live: dict, new: dict, old: dict, field: str) -> tuple[list, list]:
        """Elements of others stay out; the order of ours counts (environment, init containers)."""
        aligned = {
            key: self.value(live.get(key, MISSING), new.get(key, MISSING), old.get(key, MISSING), field, "")
            for key in {**new, **old}
        }
        if [key for key in live if key in new] != [key for key in new if key in live]:
            self.changed = True
        before = [aligned[key][0] for key in live if key in aligned]
        before += [aligned[key][0] for key in new if key not in live]
        return (
            [element for element in before if element is not MISSING],
            [aligned[key][1] for key in new],
        )

    def _set(self, live: list, new: list, old: list) -> tuple[list, list]:
        before = [element for element in live if element in new or element in old]
        if sorted(map(str, before)) == sorted(map(str, new)):
            return new, new
        return self._differ(before, new)

    def _plain_list(self, live: list, new: list, old: list, field: str) -> tuple[list, list]:
        known = old if len(old) == len(new) else [MISSING] * len(new)
        pairs = [self._element(*three, field) for three in zip(live, new, known, strict=True)]
        return [before for before, _after in pairs], [after for _before, after in pairs]

    def _element(self, live: Any, new: Any, old: Any, field: str) -> tuple[Any, Any]:
        if live is None or new is None:
            return (new, new) if live is new else self._differ(live, new)
        return self.value(live, new, old, field, "")

    def _resized_list(self, live: list, new: list, field: str) -> list:
        """The live elements, those that say the same as one of ``new`` in the words of ``new``."""
        if len(live) * len(new) > _MAX_PAIRS:
            return live
        left = list(new)
        result = []
        for element in live:
            match = next((wanted for wanted in left if self._matches(element, wanted, field)), MISSING)
            if match is MISSING:
                result.append(element)
            else:
                left.remove(match)
                result.append(match)
        return result

    def _matches(self, live: Any, new: Any, field: str) -> bool:
        probe = _Alignment(is_builtin=self._builtin)
        probe._element(live, new, MISSING, field)
        return not probe.changed

    def _same(self, live: Any, new: Any, parent: str, field: str) -> bool:
        if isinstance(live, bool) or isinstance(new, bool):
            return live is new
        if live == new or (self._builtin and not new and field in builtin.ALLOCATED):
            return True
        if isinstance(live, int | float) and isinstance(new, int | float):
            # Beyond 2^53 one of the two went through a float on its way.
            return float(live) == float(new)
        if parent in _LITERAL:
            return False
        if builtin.is_quantity(parent, field):
            return same_quantity(live, new)
        if self._builtin and builtin.is_int_or_string(field):
            return str(live) == str(new)
        return False

    def _says_nothing(self, new: Any, parent: str, field: str) -> bool:
        """Whether leaving the value out means the same, so that the server may have dropped it.

        In custom resources an empty mapping is kept, and means something where it stands for a
        choice (``selfSigned: {}``).
        """
        if parent in _LITERAL or field in builtin.MEANINGFUL_WHEN_EMPTY:
            return False
        if isinstance(new, dict) and not self._builtin:
            return False
        return _is_zero(new, field)


def _is_zero(value: Any, field: str = "") -> bool:
    """Whether this is a Go type's zero value, all the way down."""
    if isinstance(value, dict):
        return not (field in _LITERAL and value) and all(
            item is None or (name not in builtin.MEANINGFUL_WHEN_EMPTY and _is_zero(item, name))
            for name, item in value.items()
        )
    return not value


def _by_key(elements: list, keys: tuple[str, ...]) -> dict[tuple, dict] | None:
    """The elements of a list that is a map, None where they cannot be told apart by their keys."""
    if not keys:
        return None
    result = {}
    for element in elements:
        if not isinstance(element, dict):
            return None
        key = tuple(element.get(name) or ("TCP" if name == "protocol" else "") for name in keys)
        if not all(isinstance(part, str | int) for part in key) or key in result:
            return None
        result[key] = element
    return result
