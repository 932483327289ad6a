# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BundleDeploymentOptions: how a target's options change those of the bundle.

The rules are those of ``internal/cmd/controller/options/calculate.go`` in rancher/fleet. No argument
is ever changed; results share parts with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..bundle.api_types import BUNDLE_DEPLOYMENT_OPTIONS
from ..bundle.values_files import merge_values

Options = dict[str, Any]

_OPTION_NAMES = frozenset(item.name for item in BUNDLE_DEPLOYMENT_OPTIONS.fields)
_OF_TARGETS = frozenset(("namespaceLabels", "namespaceAnnotations"))

_REPLACED = ("defaultNamespace", "namespace", "serviceAccount", "correctDrift")
_HELM_REPLACED = ("repo", "chart", "version", "releaseName")
_HELM_SWITCHED_ON = ("force", "atomic", "takeOwnership", "disablePreProcess", "waitForJobs", "disableDNS")


def bundle_options(spec: Mapping[str, Any]) -> Options:
    """The options at the root of a BundleSpec."""
    return {name: value for name, value in spec.items() if name in _OPTION_NAMES}


def target_options(target: Mapping[str, Any]) -> Options:
    """The options in a target. Its namespaceLabels and -annotations are no options: they go to the namespace."""
    return {name: value for name, value in target.items() if name in _OPTION_NAMES and name not in _OF_TARGETS}


def merge(base: Options, custom: Options) -> Options:
    """``base`` with what ``custom`` sets put over it.

    Switches can only be switched on; ``createNamespace``, ``deleteNamespace``, ``ignore`` and some
    others of the base cannot be changed. A result keeps nothing empty that Go would leave out.
    """
    result = dict(base)
    for name in _REPLACED:
        # Fleet has a reset by "-" in mind, but its code never gets there: the dash is taken literally.
        if custom.get(name) not in (None, ""):
            result[name] = custom[name]
    if custom.get("helm") is not None:
        result["helm"] = _merge_helm(base.get("helm") or {}, custom["helm"])
    if custom.get("kustomize") is not None:
        result["kustomize"] = dict(base.get("kustomize") or {})
        if custom["kustomize"].get("dir"):
            result["kustomize"]["dir"] = custom["kustomize"]["dir"]
    if custom.get("diff") is not None:
        patches = _merge_by_key(base.get("diff") or {}, custom["diff"], "comparePatches", _patch_key)
        result["diff"] = {"comparePatches": patches} if patches else {}
    if custom.get("yaml") is not None:
        overlays = [*(base.get("yaml") or {}).get("overlays", ()), *custom["yaml"].get("overlays", ())]
        result["yaml"] = {"overlays": overlays} if overlays else {}
    if custom.get("forceSyncGeneration", 0) > 0:
        result["forceSyncGeneration"] = custom["forceSyncGeneration"]
    if custom.get("keepResources"):
        result["keepResources"] = True
    if custom.get("downstreamResources"):
        result["downstreamResources"] = _merge_by_key(base, custom, "downstreamResources", _resource_key)
    return result


def _merge_helm(base: Mapping[str, Any], custom: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    timeout = custom.get("timeoutSeconds", 0)
    if timeout > 0:
        result["timeoutSeconds"] = timeout
    elif timeout < 0:
        result.pop("timeoutSeconds", None)
    if custom.get("values") is not None:
        present = base.get("values")
        result["values"] = custom["values"] if present is None else merge_values(present, custom["values"])
    if custom.get("templateValues"):
        result["templateValues"] = {**base.get("templateValues", {}), **custom["templateValues"]}
    if custom.get("valuesFrom"):
        result["valuesFrom"] = _merge_by_key(base, custom, "valuesFrom", _values_key)
    for name in _HELM_REPLACED:
        if custom.get(name):
            result[name] = custom[name]
    for name in _HELM_SWITCHED_ON:
        if custom.get(name):
            result[name] = True
    return result


def _merge_by_key(
    base: Mapping[str, Any], custom: Mapping[str, Any], name: str, key_of: Callable[[Mapping[str, Any]], Any]
) -> list[Any]:
    """Entries of ``custom`` replace those of ``base`` with the same key, in their place; the rest is appended.

    Of several with one key in ``custom`` the first counts; an entry without a key (None) is always appended.
    """
    result = list(base.get(name) or [])
    places = {key_of(item): number for number, item in enumerate(result)}
    seen = set()
    for item in custom.get(name) or []:
        key = key_of(item)
        if key is None:
            result.append(item)
        elif key not in seen:
            seen.add(key)
            if key in places:
                result[places[key]] = item
            else:
                result.append(item)
    return result


def _patch_key(patch: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(patch.get(name) or "" for name in ("apiVersion", "kind", "namespace", "name"))


def _resource_key(resource: Mapping[str, Any]) -> tuple[str, str]:
    return (resource.get("kind") or "").lower(), resource.get("name") or ""


def _values_key(source: Mapping[str, Any]) -> tuple[str, ...] | None:
    for kind in ("configMapKeyRef", "secretKeyRef"):
        reference = source.get(kind)
        if reference is not None:
            return (kind, *(reference.get(name) or "" for name in ("namespace", "name", "key")))
    return None
