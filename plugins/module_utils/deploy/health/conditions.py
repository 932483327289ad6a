# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conditions of objects: finding one, and what it says in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def conditions(obj: dict[str, Any]) -> list[dict[str, Any]]:
    """The conditions in an object's status."""
    status = obj.get("status")
    found = status.get("conditions") if isinstance(status, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def find_condition(obj: dict[str, Any], name: str) -> dict[str, Any]:
    """The condition of that type, {} where there is none."""
    return next((item for item in conditions(obj) if item.get("type") == name), {})


def without_ignored(obj: dict[str, Any], ignored: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The object without the conditions that Fleet's option ``ignore.conditions`` leaves out.

    A condition is left out where one of ``ignored`` equals it in all the fields that it names.
    """
    kept = [item for item in conditions(obj) if not any(_equals(item, fields) for fields in ignored)]
    if len(kept) == len(conditions(obj)):
        return obj
    return {**obj, "status": {**obj["status"], "conditions": kept}}


def _equals(found: dict[str, Any], fields: Mapping[str, str]) -> bool:
    return all(found.get(name) == value for name, value in fields.items())


def words(found: dict[str, Any]) -> str:
    """A condition in one line: its message, else its reason, else what it is."""
    if not found:
        return ""
    message = one_line(found.get("message"))
    if message:
        return message
    return str(found.get("reason") or f"{found.get('type')} is {found.get('status')}")


def one_line(text: Any) -> str:
    """Text without line breaks and runs of blanks."""
    return " ".join(str(text or "").split())
