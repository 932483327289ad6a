# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeping secrets out of messages."""

from __future__ import annotations

import base64
import json

from ansible_collections.gitops.fleet.plugins.module_utils.chart.hiding import HIDDEN, hide, scalars
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def test_forms():
    secret = 'p"ss\\wörd'
    for form in (
        secret,
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        base64.b64encode(secret.encode()).decode(),
    ):
        assert secret not in hide(f"value {form} is wrong", [secret])
        assert HIDDEN in hide(f"value {form} is wrong", [secret])


def test_lines_of_a_key():
    key = "-----BEGIN KEY-----\nabcdefgh\n-----END KEY-----\n"
    assert "abcdefgh" not in hide("line 3: abcdefgh is no key", [key])


def test_longer_secrets_first():
    assert hide("abcdef abc", ["abc", "abcdef"]) == f"{HIDDEN} {HIDDEN}"


def test_short_strings_hide_nothing():
    assert hide("a is a letter", ["a", "", "is"]) == "a is a letter"


def test_scalars():
    assert list(scalars({"a": [1, "x", {"b": None, "c": True}], "d": "y"})) == ["1", "x", "y"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(min_size=3).filter(lambda text: text.strip() == text and len(text) >= 3 and "*" not in text), st.text())
def test_never_there(secret, around):
    hidden = hide(f"{around}{secret}{around}", [secret])
    assert secret not in hidden.replace(HIDDEN, "\0")
