# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data from outside that must never run as a template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

try:
    # From ansible-core 2.19 on, only what is marked as trusted is a template.
    from ansible.template import trust_as_template as _  # noqa: F401  # pylint: disable=unused-import

    _UNMARKED_IS_TEMPLATE = False
except ImportError:
    _UNMARKED_IS_TEMPLATE = True

if _UNMARKED_IS_TEMPLATE:
    from ansible.utils.unsafe_proxy import wrap_var


def plain(value: Any) -> Any:
    """``value`` in Python's own types: without Ansible's marks of where it came from or that it is trusted."""
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return "".join(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if isinstance(value, float) else int(value)
    return value


def unsafe(value: Any) -> Any:
    """``value`` (of Python's own types), so that no string in it is ever run as a template."""
    return wrap_var(value) if _UNMARKED_IS_TEMPLATE else value
