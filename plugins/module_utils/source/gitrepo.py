# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The GitRepo: which repository, which commit of it, which directories, for which clusters."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from ..errors import FleetError

DEFAULT_BRANCH = "master"
"""The branch that Fleet follows where a GitRepo names neither branch nor revision."""

_TARGET_FIELDS = {
    "name": str,
    "clusterName": str,
    "clusterSelector": Mapping,
    "clusterGroup": str,
    "clusterGroupSelector": Mapping,
}
_CORRECT_DRIFT_FIELDS = {"enabled": bool, "force": bool, "keepFailHistory": bool}
_IMAGE_SCAN_COMMIT_FIELDS = {"authorName": str, "authorEmail": str, "messageTemplate": str}
_BUNDLE_FIELDS = {"base": str, "options": str}

_IRREGULAR_KEYS = {
    "insecure_skip_tls_verify": "insecureSkipTLSVerify",
    "helm_repo_url_regex": "helmRepoURLRegex",
}

# What Fleet's API server takes (``gitrepo_types.go``).
_DURATION = re.compile(r"0|([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+")
_LONGEST_DURATION = 32

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_LONGEST_LABEL = 63


@dataclass(frozen=True)
class GitRepo:
    """A GitRepo in the shape of the custom resource ``gitrepos.fleet.cattle.io/v1alpha1``.

    ``namespace`` is the workspace. ``branch`` and ``revision`` may both be empty
    (:meth:`followed_branch` says what then holds). ``paths`` empty means the whole repository;
    ``bundles`` ({base, options}, Fleet's driven scan) replaces ``paths``. ``targets`` are GitTargets
    in Fleet's JSON keys. ``ca_bundle`` is PEM text. ``repo`` is empty only for bundles that do not
    come from git. Holds no credential, only the names of Secrets: it is kept in files and labels.
    Intervals are Go durations. What is said about polling, webhooks, image scans and OCI storage is
    for Fleet's own engine.
    """

    name: str
    namespace: str = "fleet-default"
    repo: str = ""
    branch: str = ""
    revision: str = ""
    paths: list[str] = field(default_factory=list)
    bundles: list[dict[str, str]] = field(default_factory=list)
    targets: list[dict[str, Any]] = field(default_factory=list)
    target_namespace: str = ""
    service_account: str = ""
    keep_resources: bool = False
    delete_namespace: bool = False
    correct_drift: dict[str, bool] | None = None
    paused: bool = False
    force_sync_generation: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    insecure_skip_tls_verify: bool = False
    ca_bundle: str = ""
    client_secret_name: str = ""
    helm_secret_name: str = ""
    helm_secret_name_for_paths: str = ""
    helm_repo_url_regex: str = ""
    disable_polling: bool = False
    polling_interval: str = ""
    webhook_secret: str = ""
    image_scan_interval: str = ""
    image_scan_commit: dict[str, str] | None = None
    oci_registry_secret: str = ""

    @property
    def place(self) -> str:
        """How errors name it."""
        return f"GitRepo {self.name}"

    @property
    def followed_branch(self) -> str:
        """The branch whose content is deployed, or '' where ``revision`` alone decides."""
        return self.branch or ("" if self.revision else DEFAULT_BRANCH)

    def validate(self) -> None:
        """Check what Fleet's API server would check, and misspelt keys.

        Raises FleetError. The repository's URL and the ref names are checked where they are used.
        """
        _check_name(self.name, "name", self.place)
        _check_name(self.namespace, "workspace", self.place)
        if self.target_namespace:
            _check_name(self.target_namespace, "targetNamespace", self.place)
        for number, target in enumerate(self.targets, 1):
            _check_keys(target, _TARGET_FIELDS, f"{self.place}, targets[{number}]")
        for number, bundle in enumerate(self.bundles, 1):
            place = f"{self.place}, bundles[{number}]"
            _check_keys(bundle, _BUNDLE_FIELDS, place)
            if not bundle.get("base"):
                raise FleetError("base is missing", place=place, remedy="Write the directory of the bundle.")
        if self.correct_drift is not None:
            _check_keys(self.correct_drift, _CORRECT_DRIFT_FIELDS, f"{self.place}, correctDrift")
        if self.image_scan_commit is not None:
            _check_keys(self.image_scan_commit, _IMAGE_SCAN_COMMIT_FIELDS, f"{self.place}, imageScanCommit")
        _check_duration(self.polling_interval, "pollingInterval", self.place)
        _check_duration(self.image_scan_interval, "imageScanInterval", self.place)
        _check_labels(self.labels, self.place)

    def to_dict(self) -> dict[str, Any]:
        """Name, namespace, labels and the fields of the spec in Fleet's JSON keys; empty ones are left out."""
        result: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if value not in ("", [], {}, None, False, 0):
                result[_json_key(item.name)] = value
        if self.ca_bundle:
            result["caBundle"] = base64.b64encode(self.ca_bundle.encode()).decode()
        return result

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GitRepo:
        """The reverse of :meth:`to_dict`; unknown keys are left out. Raises FleetError for a bad caBundle."""
        known = {item.name: data[_json_key(item.name)] for item in fields(cls) if _json_key(item.name) in data}
        if "ca_bundle" in known:
            try:
                known["ca_bundle"] = base64.b64decode(known["ca_bundle"], validate=True).decode()
            except (binascii.Error, UnicodeDecodeError, TypeError) as error:
                raise FleetError(
                    "caBundle is not base64 of PEM text", place=f"GitRepo {known.get('name', '')}"
                ) from error
        return cls(**known)


def _json_key(attribute: str) -> str:
    if attribute in _IRREGULAR_KEYS:
        return _IRREGULAR_KEYS[attribute]
    first, *rest = attribute.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _check_name(name: str, what: str, place: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_LABEL:
        raise FleetError(
            f"{what} {name!r} is not the name of a Kubernetes object",
            place=place,
            remedy="Use at most 63 lower-case letters, digits and dashes; begin and end with a letter or digit.",
        )


def _check_duration(value: str, what: str, place: str) -> None:
    if value and (len(value) > _LONGEST_DURATION or not _DURATION.fullmatch(value)):
        raise FleetError(
            f"{what} {value!r} is not a duration",
            place=place,
            remedy="Write a number with its unit: 15s, 5m, 1h30m. There are no days.",
        )


def _check_keys(value: Any, known: Mapping[str, type], place: str) -> None:
    if not isinstance(value, Mapping):
        raise FleetError(f"is not a mapping but {value!r}", place=place)
    for key, content in value.items():
        if key not in known:
            nearest = get_close_matches(str(key), known, 1)
            raise FleetError(
                f"there is no field {key!r}",
                place=place,
                remedy=f"Did you mean {nearest[0]}?" if nearest else f"It may have {', '.join(known)}.",
            )
        # None is what an empty value in YAML becomes, and Fleet's API takes it as not set.
        if content is not None and not isinstance(content, known[key]):
            kind = {str: "a string", bool: "true or false", Mapping: "a mapping"}[known[key]]
            raise FleetError(f"{key} is not {kind} but {content!r}", place=place)


def _check_labels(labels: Mapping[str, str], place: str) -> None:
    for key, value in labels.items():
        prefix, slash, name = key.rpartition("/")
        good_key = _LABEL_NAME.fullmatch(name) and len(name) <= _LONGEST_LABEL
        good_prefix = not slash or (_NAME.fullmatch(prefix) and len(prefix) <= 253)
        good_value = value == "" or (_LABEL_NAME.fullmatch(value) and len(value) <= _LONGEST_LABEL)
        if not (good_key and good_prefix and good_value):
            raise FleetError(
                f"label {key}: {value!r} is not a Kubernetes label",
                place=place,
                remedy="Key and value take at most 63 letters, digits, '-', '_' and '.', and begin and end with a "
                "letter or digit.",
            )
