# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing objects as YAML: what is written reads back as it was, for PyYAML as for our own reader."""

from __future__ import annotations

import time

import yaml
from ansible_collections.gitops.fleet.plugins.module_utils.bundle import go_yaml
from ansible_collections.gitops.fleet.plugins.module_utils.chart.objects import parse_objects
from ansible_collections.gitops.fleet.plugins.module_utils.chart.yaml_text import to_yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TEXT = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=40) | st.sampled_from(
    [
        "y",
        "No",
        "null",
        "~",
        "1",
        "1e3",
        "0x1f",
        "- a",
        "a: b",
        "a #b",
        "a\n",
        "\na",
        " a\nb",
        "a\n\n",
        "a\n b\n",
        "|",
        "'",
    ]
)
SCALARS = (
    TEXT
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.none()
    | st.integers(-(10**6), 10**6).map(lambda number: number + 0.125)
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(TEXT, VALUES, min_size=1, max_size=5))
def test_reads_back(value):
    text = to_yaml([value]).decode()
    assert yaml.safe_load(text) == value
    assert go_yaml.load(text) == value


def test_looks_as_people_write_it():
    item = {
        "kind": "ConfigMap",
        "metadata": {"name": "a", "labels": {"x": "true", "v": "1"}},
        "data": {"script": "one\n two\n\nthree\n", "last": "a\nb"},
        "list": [{"b": 1, "a": []}, ["x"], {}],
    }
    assert to_yaml([item, {"kind": "B"}]).decode() == (
        "---\n"
        "data:\n"
        "  last: |-\n"
        "    a\n"
        "    b\n"
        "  script: |\n"
        "    one\n"
        "     two\n"
        "\n"
        "    three\n"
        "kind: ConfigMap\n"
        "list:\n"
        "- a: []\n"
        "  b: 1\n"
        "- - x\n"
        "- {}\n"
        "metadata:\n"
        "  labels:\n"
        '    v: "1"\n'
        '    x: "true"\n'
        "  name: a\n"
        "---\n"
        "kind: B\n"
    )


def test_numbers_are_go_s():
    assert to_yaml([{"a": 1.0, "b": 2**64, "c": 0.1}]).decode() == "---\na: 1\nb: 18446744073709552000\nc: 0.1\n"


def test_large_manifests_do_not_take_seconds():
    item = {"kind": "ConfigMap", "data": {f"key-{index}": "a line of text\n" * 20 for index in range(2000)}}
    started = time.process_time()
    text = to_yaml([item] * 5)
    assert len(text) > 3_000_000
    assert parse_objects(to_yaml([item])) == [item]
    assert time.process_time() - started < 5
