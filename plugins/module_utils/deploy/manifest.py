# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests of many YAML documents, read into Kubernetes objects as Kubernetes reads them.

Kubernetes reads YAML 1.1 with Go's rules, which differ from PyYAML's: ``1e3`` is a number,
``12:30:00`` and ``2024-01-01`` are strings, ``y`` is true, ``1.0`` becomes 1, keys are strings.
"""

from __future__ import annotations

import base64
import binascii
import functools
import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from ..errors import FleetError

try:
    import yaml
except ImportError:
    yaml = None

MAX_NODES = 1_000_000
"""No document may have more values than this, with every alias written out."""

CLUSTER_SCOPED = frozenset(
    {
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("certificates.k8s.io", "ClusterTrustBundle"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "IPAddress"),
        ("networking.k8s.io", "ServiceCIDR"),
        ("node.k8s.io", "RuntimeClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("resource.k8s.io", "DeviceClass"),
        ("resource.k8s.io", "ResourceSlice"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("storage.k8s.io", "VolumeAttributesClass"),
    }
)
"""The built-in kinds that have no namespace, by (group, kind)."""


class ObjectKey(NamedTuple):
    """Which object: ``group`` is '' for the core group, ``namespace`` '' for a cluster-wide kind.

    The version is not part of it: one object can be read in several.
    """

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def group_of(api_version: str) -> str:
    """``apps`` of ``apps/v1``, '' of ``v1``."""
    group, slash, _version = api_version.partition("/")
    return group if slash else ""


def builtin_namespaced(api_version: str, kind: str) -> bool:
    """Whether objects of a kind have a namespace, known without asking a cluster; other kinds are taken to."""
    return (group_of(api_version), kind) not in CLUSTER_SCOPED


def key(
    obj: dict[str, Any], namespace: str = "", namespaced: Callable[[str, str], bool] = builtin_namespaced
) -> ObjectKey:
    """The key of an object of a release in ``namespace``, where an object without one goes."""
    api_version, kind = obj.get("apiVersion") or "", obj.get("kind") or ""
    metadata = obj.get("metadata") or {}
    own = (metadata.get("namespace") or namespace) if namespaced(api_version, kind) else ""
    return ObjectKey(group_of(api_version), kind, own, metadata.get("name") or "")


def index(
    objects: Iterable[dict[str, Any]],
    namespace: str = "",
    namespaced: Callable[[str, str], bool] = builtin_namespaced,
) -> dict[ObjectKey, dict[str, Any]]:
    """Objects by key, in their order. Of two with the same key the later one holds, as when applied."""
    return {key(obj, namespace, namespaced): obj for obj in objects}


def parse_manifest(text: str | bytes, place: str = "") -> list[dict[str, Any]]:
    """The objects of a manifest, in order; lists (``kind: List``) are taken apart, empty documents left out.

    Raises :class:`FleetError` with ``place`` and the line where the text is no YAML, or a document
    is no object.
    """
    objects: list[dict[str, Any]] = []
    for document, line in documents(text, place):
        if document is not None:
            objects.extend(_objects(document, f"{place}:{line}" if place else f"line {line}"))
    return objects


def documents(text: str | bytes, place: str = "") -> Iterator[tuple[Any, int]]:
    """Every document of a YAML text, whatever it is, with the line where it begins."""
    loader = _loader()(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            yield _Construction(place).value(node), node.start_mark.line + 1
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{place}:{mark.line + 1}" if place and mark else place or (f"line {mark.line + 1}" if mark else "")
        raise FleetError(f"this is not YAML: {error.problem or error.context}", place=where) from error
    except yaml.YAMLError as error:
        raise FleetError("this is not YAML: it has characters that YAML does not allow", place=place) from error
    except RecursionError as error:
        raise FleetError("the YAML is nested too deeply", place=place) from error
    finally:
        loader.dispose()


def _objects(document: Any, place: str) -> Iterator[dict[str, Any]]:
    if not isinstance(document, dict):
        raise FleetError("this document is not a Kubernetes object", place=place)
    kind, items = document.get("kind"), document.get("items")
    if isinstance(kind, str) and kind.endswith("List") and isinstance(items, list):
        for item in items:
            yield from _objects(item, place)
        return
    for name in ("apiVersion", "kind"):
        if not isinstance(document.get(name), str) or not document[name]:
            raise FleetError(f"this object has no {name}", place=place)
    if not isinstance(document.get("metadata") or {}, dict):
        raise FleetError("metadata of this object is not a mapping", place=place)
    yield document


_PLAIN = "plain"


@functools.cache
def _loader() -> type:
    """The loader class: libyaml where it is there, and no resolving of its own, as Go's rules are ours to apply."""
    if yaml is None:
        raise FleetError("PyYAML is missing", remedy="Install PyYAML for the Python that Ansible runs with.")

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        """Tells plain scalars from quoted ones, and leaves what they mean to :class:`_Construction`."""

        def resolve(self, kind, value, implicit):
            if kind is yaml.ScalarNode:
                return _PLAIN if implicit[0] else _STR
            return ""

    return Loader


_TAG = "tag:yaml.org,2002:"
_STR, _BINARY = _TAG + "str", _TAG + "binary"
_RESOLVED = frozenset({_PLAIN, _TAG + "int", _TAG + "float", _TAG + "bool", _TAG + "null"})
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_MAYBE_NUMBER = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]*|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_BASES = {"x": 16, "X": 16, "b": 2, "B": 2, "o": 8, "O": 8}


class _Construction:
    """Values made of one document's nodes. An alias is made anew each time, counted against MAX_NODES."""

    def __init__(self, place: str):
        self._place = place
        self._left = MAX_NODES

    def value(self, node: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise FleetError(
                f"the document has more than {MAX_NODES} values once its aliases are written out", place=self._place
            )
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.tag == _STR else self._scalar(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        return [self.value(item) for item in node.value]

    def _mapping(self, node: Any) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _PLAIN and key_node.value == "<<":
                # Go's decoder merges where it meets the key: what was written before it loses.
                self._merge(value_node, result)
            else:
                result[self._key(key_node)] = self.value(value_node)
        return result

    def _merge(self, node: Any, result: dict[str, Any]) -> None:
        sources = reversed(node.value) if isinstance(node, yaml.SequenceNode) else [node]
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                raise self._error("only mappings can be merged with <<", source)
            result.update(self.value(source))

    def _key(self, node: Any) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._error("a key has to be a plain value", node)
        key = node.value if node.tag == _STR else self._scalar(node)
        if isinstance(key, str):
            return key
        if key is None:
            raise self._error("a key is empty", node)
        if isinstance(key, bool):
            return "true" if key else "false"
        return str(key)

    def _scalar(self, node: Any) -> Any:
        if node.tag == _BINARY:
            try:
                return base64.b64decode("".join(node.value.split()), validate=True).decode("utf-8", "replace")
            except binascii.Error as error:
                raise self._error("!!binary is not followed by base64", node) from error
        if node.tag not in _RESOLVED:
            return node.value
        try:
            return plain_value(node.value)
        except ValueError as error:
            raise self._error(str(error), node) from error

    def _error(self, problem: str, node: Any) -> FleetError:
        line = node.start_mark.line + 1
        return FleetError(problem, place=f"{self._place}:{line}" if self._place else f"line {line}")


def plain_value(text: str) -> Any:
    """What an unquoted scalar means, by the rules of ``sigs.k8s.io/yaml`` (go-yaml 2, then JSON).

    Raises :class:`ValueError` for what JSON cannot hold (``.inf``, ``.nan``).
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _MAYBE_NUMBER:
        return text
    if _NO_NUMBER.fullmatch(text):
        raise ValueError(f"{text} is no number that Kubernetes can hold")
    digits = text.replace("_", "")
    if len(digits) > 400:
        return text
    if _INTEGER.fullmatch(digits):
        value = _integer(digits)
        return value if -(2**63) <= value < 2**64 else _number(float(value))
    if _FLOAT.fullmatch(digits):
        return _number(float(digits))
    return text


def _integer(digits: str) -> int:
    sign = -1 if digits[0] == "-" else 1
    body = digits.lstrip("+-")
    if body[0] != "0" or body == "0":
        return sign * int(body)
    base = _BASES.get(body[1])
    return sign * (int(body[2:] or "0", base) if base else int(body, 8))


def _number(value: float) -> int | float:
    """JSON knows one kind of number: 1.0 comes back as 1."""
    if math.isinf(value):
        raise ValueError("the number is too large for Kubernetes")
    return int(value) if value.is_integer() and abs(value) < 1e21 else value
