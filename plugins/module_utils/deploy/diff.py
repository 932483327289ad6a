# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``--diff`` shows: one difference an object, in Ansible's shape, without noise and secrets."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from . import masking
from .compare import compare, without_noise
from .manifest import ObjectKey, group_of
from .manifest import key as object_key

try:
    import yaml
except ImportError:
    yaml = None

LIMIT = 20_000
"""Characters of ``before`` and of ``after`` at most: job events keep every difference."""

_CONTEXT = 3
_LONG_LINE = 500
_KEEP = "helm.sh/resource-policy"
_FIRST = ("apiVersion", "kind", "metadata")


def object_diff(
    before: dict[str, Any] | None, after: dict[str, Any] | None, *, cluster: str = "", namespace: str = ""
) -> dict[str, str]:
    """Two states of one object side by side, for ``diff`` of an Ansible result.

    None stands for "no object". ``before`` and ``after`` of the result are YAML, '' where there is
    no object; the headers name cluster, kind, namespace and name. ``namespace`` is where an object
    without one goes.
    """
    header = _header(before or after or {}, cluster, namespace)
    values = masking.secret_values(before, after) if _is_secret(before, after) else set()
    shown_before = without_noise(before) if before is not None else None
    shown_after = without_noise(after) if after is not None else None
    if _is_secret(before, after):
        shown_before, shown_after = _plain(shown_before), _plain(shown_after)
    return _shape(shown_before, shown_after, values, header)


def plan_diff(
    old_manifest: dict[str, Any] | None,
    new_manifest: dict[str, Any] | None,
    live: dict[str, Any] | None,
    *,
    cluster: str = "",
    namespace: str = "",
    hpa_replicas: tuple[int, int] | None = None,
) -> dict[str, str] | None:
    """What a deployment will do to one object; None where it does nothing.

    ``old_manifest`` is the object in the release's last manifest, ``new_manifest`` in the one to
    come (None: it is deleted), ``live`` the object in the cluster. ``hpa_replicas`` are the least
    and most replicas of a HorizontalPodAutoscaler in the same bundle that scales this object: as
    long as the live number lies between them it is not ours.
    """
    if new_manifest is None:
        return _deletion(old_manifest, live, cluster, namespace)
    if live is None:
        return object_diff(None, new_manifest, cluster=cluster, namespace=namespace)
    old, new, there = old_manifest, new_manifest, live
    if _is_scaled_by_hpa(live, hpa_replicas):
        old, new = _without_replicas(old), _without_replicas(new)
    if _rules_are_aggregated(new):
        old, new = _without(old, "rules"), _without(new, "rules")
    values: set[str] = set()
    if _is_secret(old, new, there):
        values = masking.secret_values(old, new, there)
        old, new, there = _plain(old), _plain(new), _plain(there)
    comparison = compare(there, new, old)
    if not comparison.changed:
        return None
    return _shape(comparison.before, comparison.after, values, _header(live, cluster, namespace))


def plan_diffs(
    old: Mapping[ObjectKey, dict[str, Any]],
    new: Mapping[ObjectKey, dict[str, Any]],
    live: Mapping[ObjectKey, dict[str, Any]],
    *,
    cluster: str = "",
    namespace: str = "",
) -> list[dict[str, str]]:
    """The differences of all objects of one release: those of the new manifest in its order, then deletions.

    ``namespace`` is the release's.
    """
    scaled = hpa_targets(new.values(), namespace)
    diffs = []
    for key in [*new, *(key for key in old if key not in new)]:
        diff = plan_diff(
            old.get(key),
            new.get(key),
            live.get(key),
            cluster=cluster,
            namespace=namespace,
            hpa_replicas=scaled.get(key),
        )
        if diff is not None:
            diffs.append(diff)
    return diffs


def hpa_targets(objects: Iterable[dict[str, Any]], namespace: str = "") -> dict[ObjectKey, tuple[int, int]]:
    """Least and most replicas of what the HorizontalPodAutoscalers among ``objects`` scale, by object.

    ``namespace`` is where objects without one go.
    """
    targets = {}
    for obj in objects:
        if obj.get("kind") != "HorizontalPodAutoscaler" or group_of(obj.get("apiVersion") or "") != "autoscaling":
            continue
        spec = obj.get("spec") or {}
        target = spec.get("scaleTargetRef") or {}
        least, most = spec.get("minReplicas", 1), spec.get("maxReplicas")
        if isinstance(least, int) and isinstance(most, int):
            scaled = {
                **target,
                "metadata": {"name": target.get("name"), "namespace": object_key(obj, namespace).namespace},
            }
            targets[object_key(scaled, namespace)] = (least, most)
    return targets


def _deletion(
    old: dict[str, Any] | None, live: dict[str, Any] | None, cluster: str, namespace: str
) -> dict[str, str] | None:
    if live is None or old is None:
        return None
    if any(_annotation(obj, _KEEP) == "keep" for obj in (old, live)):
        return None
    return object_diff(live, None, cluster=cluster, namespace=namespace)


def _annotation(obj: dict[str, Any], name: str) -> str:
    return str(((obj.get("metadata") or {}).get("annotations") or {}).get(name, "")).strip().lower()


def _is_scaled_by_hpa(live: dict[str, Any], hpa_replicas: tuple[int, int] | None) -> bool:
    if hpa_replicas is None:
        return False
    replicas = (live.get("spec") or {}).get("replicas")
    return isinstance(replicas, int) and hpa_replicas[0] <= replicas <= hpa_replicas[1]


def _without_replicas(obj: dict[str, Any] | None) -> dict[str, Any] | None:
    if obj is None or not isinstance(obj.get("spec"), dict):
        return obj
    return {**obj, "spec": {name: value for name, value in obj["spec"].items() if name != "replicas"}}


def _rules_are_aggregated(obj: dict[str, Any]) -> bool:
    """Of an aggregated ClusterRole a controller writes the rules."""
    return obj.get("kind") == "ClusterRole" and bool(obj.get("aggregationRule"))


def _without(obj: dict[str, Any] | None, field: str) -> dict[str, Any] | None:
    return obj and {name: value for name, value in obj.items() if name != field}


def _is_secret(*objects: dict[str, Any] | None) -> bool:
    return any(masking.is_secret(obj) for obj in objects)


def _plain(secret: dict[str, Any] | None) -> dict[str, Any] | None:
    return secret and masking.plain_data(secret)


def _shape(
    before: dict[str, Any] | None, after: dict[str, Any] | None, values: Iterable[str], header: str
) -> dict[str, str]:
    if _is_secret(before, after):
        before, after = masking.masked(before, after, values)
    before_text, after_text = _capped(_text(before), _text(after))
    return {"before": before_text, "after": after_text, "before_header": header, "after_header": header}


def _header(obj: dict[str, Any], cluster: str, namespace: str) -> str:
    name = str(object_key(obj, namespace))
    return f"{cluster} {name}" if cluster else name


def _text(obj: dict[str, Any] | None) -> str:
    if obj is None:
        return ""
    ordered = {name: _sorted(obj[name]) for name in _FIRST if name in obj}
    ordered.update((name, _sorted(obj[name])) for name in sorted(obj) if name not in _FIRST)
    return _dump(ordered)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value, key=str)}
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        # A manifest may say 1e3; the API server says 1000.
        return int(value)
    return value


def _dump(value: Any) -> str:
    return yaml.dump(
        value, Dumper=_dumper(), sort_keys=False, default_flow_style=False, allow_unicode=True, width=10**6
    )


@functools.cache
def _dumper() -> type:
    class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):
        """Writes text of several lines as such, and no aliases."""

        def ignore_aliases(self, data):
            return True

    def text(dumper, data):
        style = "|" if "\n" in data else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    Dumper.add_representer(str, text)
    return Dumper


def _capped(before: str, after: str) -> tuple[str, str]:
    """Both texts within LIMIT: equal lines at both ends go first, then what is too long, with a note."""
    if len(before) <= LIMIT and len(after) <= LIMIT:
        return before, after
    left, right = before.splitlines(), after.splitlines()
    if left and right:
        start = _equal_lines(left, right)
        end = _equal_lines(left[start:][::-1], right[start:][::-1])
        left, right = _middle(left, start, end), _middle(right, start, end)
    short_before, short_after = _cut(left), _cut(right)
    if short_before == short_after:
        short_after += "# what differs lies in the part that was cut\n"
    return short_before, short_after


def _equal_lines(left: list[str], right: list[str]) -> int:
    count = 0
    for one, other in zip(left, right, strict=False):
        if one != other:
            break
        count += 1
    return count


def _middle(lines: list[str], start: int, end: int) -> list[str]:
    """The lines that differ with a few before and after; ``end`` counts from the end."""
    first, last = max(0, start - _CONTEXT), len(lines) - max(0, end - _CONTEXT)
    result = lines[first:last]
    if first:
        result = [*lines[: len(_FIRST)], f"# {first} equal lines left out", *result]
    if last < len(lines):
        result.append(f"# {len(lines) - last} equal lines left out")
    return result


def _cut(lines: list[str]) -> str:
    result: list[str] = []
    size = 0
    for number, line in enumerate(lines):
        if len(line) > _LONG_LINE:
            line = f"{line[:_LONG_LINE]}… # {len(line) - _LONG_LINE} more characters"
        size += len(line) + 1
        if size > LIMIT:
            result.append(f"# {len(lines) - number} more lines were cut")
            break
        result.append(line)
    return "".join(line + "\n" for line in result)
