# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comments that switch rules off, themselves."""

from __future__ import annotations

from collections.abc import Iterator

from ..directives import Directives
from ..finding import WARNING, Found
from ..rule import rule


@rule("disable-without-reason", WARNING, Directives, "a comment that switches a rule off without a reason")
def disable_without_reason(directives: Directives) -> Iterator[Found]:
    yield from directives.without_reason


@rule("disable-not-understood", WARNING, Directives, "a comment that switches nothing off")
def disable_not_understood(directives: Directives) -> Iterator[Found]:
    yield from directives.not_understood
