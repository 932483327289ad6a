# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes label selectors, as ``metav1.LabelSelectorAsSelector`` reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import FleetError

Predicate = Callable[[Mapping[str, str]], bool]

_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether ``selector`` (matchLabels, matchExpressions) selects an object with ``labels``.

    An empty selector selects everything, none at all (None) selects nothing. All terms must hold.
    Raises :class:`FleetError` for a selector that Kubernetes would not accept.
    """
    return compile_selector(selector)(labels)


def compile_selector(selector: Mapping[str, Any] | None) -> Predicate:
    """The selector as a function of labels: checked once, for use on many clusters. Raises as :func:`matches`."""
    if selector is None:
        return lambda labels: False
    if not isinstance(selector, Mapping):
        raise FleetError("a label selector is not a mapping", remedy="Write matchLabels or matchExpressions under it.")
    unknown = sorted(set(selector) - {"matchLabels", "matchExpressions"})
    if unknown:
        raise FleetError(
            f"a label selector has the field {unknown[0]}", remedy="It may have matchLabels and matchExpressions only."
        )
    terms = [_equals(key, value) for key, value in (selector.get("matchLabels") or {}).items()]
    terms += [_expression(expression) for expression in selector.get("matchExpressions") or []]
    return lambda labels: all(term(labels) for term in terms)


def _equals(key: str, value: Any) -> Predicate:
    _check_key(key)
    _check_value(key, value)
    return lambda labels: labels.get(key) == value


def _expression(expression: Any) -> Predicate:
    if not isinstance(expression, Mapping):
        raise FleetError("an entry of matchExpressions is not a mapping", remedy="Give it key, operator and values.")
    key, operator = expression.get("key"), expression.get("operator")
    values = expression.get("values") or []
    _check_key(key)
    if not isinstance(values, list):
        raise FleetError(f"values of the matchExpression for label {key} is not a list")
    for value in values:
        _check_value(key, value)
    if operator in ("In", "NotIn") and not values:
        raise FleetError(f"operator {operator} for label {key} has no values", remedy="Give it at least one value.")
    if operator in ("Exists", "DoesNotExist") and values:
        raise FleetError(f"operator {operator} for label {key} has values", remedy="Remove them, or use In.")
    chosen = frozenset(values)
    match operator:
        case "In":
            return lambda labels: key in labels and labels[key] in chosen
        case "NotIn":  # a label that is not there is not in the list either
            return lambda labels: key not in labels or labels[key] not in chosen
        case "Exists":
            return lambda labels: key in labels
        case "DoesNotExist":
            return lambda labels: key not in labels
    raise FleetError(
        f"the matchExpression for label {key} has operator {operator}", remedy="Use In, NotIn, Exists or DoesNotExist."
    )


def _check_key(key: Any) -> None:
    prefix, slash, name = key.rpartition("/") if isinstance(key, str) else ("", "", "")
    is_valid = len(name) <= 63 and _NAME.fullmatch(name)
    if slash:
        is_valid = is_valid and len(prefix) <= 253 and _PREFIX.fullmatch(prefix)
    if not is_valid:
        raise FleetError(f"{key!r} is no label key", remedy="A key looks like env or example.com/env.")


def _check_value(key: str, value: Any) -> None:
    if not isinstance(value, str):
        raise FleetError(f"the value for label {key} is not a string", remedy="Put it in quotes.")
    if value and (len(value) > 63 or not _NAME.fullmatch(value)):
        raise FleetError(
            f"{value!r} (for label {key}) is no label value",
            remedy="It may have 63 letters, digits, and - _ . between them.",
        )
