# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Indexes of chart repositories, in Helm's own style and in others."""

import json
from contextlib import suppress

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.source.charts import index
from ansible_collections.gitops.fleet.plugins.module_utils.source.charts.index import (
    IndexEntry,
    absolute_url,
    find_chart,
)
from hypothesis import given
from hypothesis import strategies as st

HELM_STYLE = b"""apiVersion: v1
entries:
  other:
  - description: |
      web:
      - version: 9.9.9
    urls:
    - o.tgz
    version: 3.0.0
  web:
  - urls:
    - web-1.0.0.tgz
    version: 1.0.0
  # a remark
  - digest: ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789
    urls:
    - https://h/web-1.10.0.tgz
    version: 1.10
  - urls:
    - web-1.9.0.tgz
    version: 1.9.0
  zoo:
  - urls: [z.tgz]
    version: 1.0.0
generated: "2026-01-01T00:00:00Z"
"""
DIGEST = "abcdef0123456789" * 4


def as_json(text):
    import yaml

    return json.dumps(yaml.load(text, Loader=yaml.BaseLoader)).encode()


@pytest.mark.parametrize("style", [lambda text: text, as_json, lambda text: text.replace(b"\n", b"\r\n")])
@pytest.mark.parametrize(
    ("version", "entry"),
    [
        ("", IndexEntry("1.10", "https://h/web-1.10.0.tgz", DIGEST)),
        ("1.0.0", IndexEntry("1.0.0", "web-1.0.0.tgz")),
        ("<1.10", IndexEntry("1.9.0", "web-1.9.0.tgz")),
        ("1.10", IndexEntry("1.10", "https://h/web-1.10.0.tgz", DIGEST)),
    ],
)
def test_the_newest_version_that_fits(style, version, entry):
    assert find_chart(style(HELM_STYLE), "web", version) == entry


def test_only_the_part_of_the_chart_is_parsed(monkeypatch):
    monkeypatch.setattr(index, "LARGEST_PARSED", 1_000)
    large = HELM_STYLE.replace(b"  zoo:\n", b"  zoo:\n" + b"  # filler\n" * 1_000)
    assert find_chart(large, "web", "1.0.0").version == "1.0.0"
    with pytest.raises(FleetError, match="more than"):
        find_chart(as_json(HELM_STYLE) + b" " * 1_000, "web", "")


def test_an_alias_into_another_chart_is_followed():
    text = b"entries:\n  base:\n  - &one\n    version: 1.0.0\n    urls: [b.tgz]\n  web:\n  - *one\n"
    assert find_chart(text, "web", "") == IndexEntry("1.0.0", "b.tgz")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not the index"),
        (b"<html>", "not the index"),
        (b"entries: [", "not the index"),
        (b"entries: {a: []}", "no chart 'web'"),
        (b"entries: {webb: []}", "Did you mean webb"),
        (b"entries: {web: [1, {version: 1.0.0}]}", "no archive"),
        (b"entries: {web: [{version: nonsense, urls: [a]}]}", "no version of chart web"),
        (b"a: &a [*b]", "not the index"),
        (b"[" * 5_000, "not the index"),
    ],
)
def test_what_is_no_index_for_the_chart(text, message):
    with pytest.raises(FleetError, match=message):
        find_chart(text, "web", "")


def test_an_alias_bomb_costs_nothing():
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    with pytest.raises(FleetError, match="not the index"):
        find_chart("\n".join(lines).encode(), "web", "")


def test_addresses_of_archives():
    assert absolute_url("https://h/charts/", "web.tgz") == "https://h/charts/web.tgz"
    assert absolute_url("https://h/charts", "/web.tgz") == "https://h/charts/web.tgz"
    assert absolute_url("https://h/charts", "https://o/web.tgz") == "https://o/web.tgz"


@given(st.binary(max_size=60).map(lambda data: b"entries:\n  web:\n" + data))
def test_any_bytes_are_answered(text):
    with suppress(FleetError):
        assert find_chart(text, "web", "")
