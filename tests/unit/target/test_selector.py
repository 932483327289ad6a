# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from ansible_collections.gitops.fleet.plugins.module_utils.target.selector import matches
from hypothesis import given
from hypothesis import strategies as st

PROD_EU = {"env": "prod", "region": "eu", "example.com/tier": ""}


def expression(key, operator, *values):
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": None, "matchExpressions": None}, True),
        ({"matchLabels": {"env": "prod"}}, True),
        ({"matchLabels": {"env": "prod", "region": "us"}}, False),
        ({"matchLabels": {"example.com/tier": ""}}, True),
        ({"matchLabels": {"missing": ""}}, False),
        (expression("env", "In", "dev", "prod"), True),
        (expression("env", "In", "dev"), False),
        (expression("missing", "In", "dev"), False),
        (expression("env", "NotIn", "dev"), True),
        (expression("env", "NotIn", "prod"), False),
        (expression("missing", "NotIn", "dev"), True),
        (expression("env", "Exists"), True),
        (expression("missing", "Exists"), False),
        (expression("env", "DoesNotExist"), False),
        (expression("missing", "DoesNotExist"), True),
        ({"matchLabels": {"env": "prod"}, **expression("region", "In", "us")}, False),
    ],
)
def test_matching(selector, expected):
    assert matches(selector, PROD_EU) is expected


@pytest.mark.parametrize(
    "selector",
    [
        "env=prod",
        {"matchLabel": {"env": "prod"}},
        {"matchLabels": {"env": True}},
        {"matchLabels": {"-env": "prod"}},
        {"matchLabels": {"a/b/c": "prod"}},
        {"matchLabels": {"Upper.example/env": "prod"}},
        {"matchLabels": {"env": "a b"}},
        {"matchLabels": {"env": "x" * 64}},
        {"matchExpressions": ["env"]},
        expression("env", "In"),
        expression("env", "Exists", "x"),
        expression("env", "Equals", "x"),
        expression("", "Exists"),
    ],
)
def test_what_kubernetes_would_not_accept(selector):
    with pytest.raises(FleetError):
        matches(selector, PROD_EU)


KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.sampled_from(["1", "2", "3"])


@given(st.dictionaries(KEYS, VALUES), KEYS, st.lists(VALUES, min_size=1))
def test_each_operator_and_its_contrary_divide_all_clusters(labels, key, values):
    assert matches(expression(key, "In", *values), labels) != matches(expression(key, "NotIn", *values), labels)
    assert matches(expression(key, "Exists"), labels) != matches(expression(key, "DoesNotExist"), labels)
