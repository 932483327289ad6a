# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``dependsOn``: what it chooses, what it refuses, and the order that follows."""

from __future__ import annotations

from ansible_collections.gitops.fleet.plugins.module_utils.bundle.bundle import Bundle
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.order import in_order, level_of
from ansible_collections.gitops.fleet.plugins.module_utils.deploy.plan import Wanted
from ansible_collections.gitops.fleet.plugins.module_utils.target.cluster import Cluster
from ansible_collections.gitops.fleet.plugins.module_utils.target.deployment import BundleDeployment
from hypothesis import given
from hypothesis import strategies as st


def wanted(name, depends_on=(), labels=None, workspace="fleet-default"):
    bundle = Bundle(name, workspace, {"dependsOn": list(depends_on)}, labels=labels or {})
    return Wanted(name, "apps", "web", name, BundleDeployment(bundle, Cluster("one", workspace), {}))


def dependencies(items, name):
    found = next(item for item in in_order(items) if item.bundle == name)
    assert found.error is None, found.error
    return {item.bundle: set(item.accepted) for item in found.depends_on}


def error(items, name):
    return str(next(item for item in in_order(items) if item.bundle == name).error)


def test_a_name_chooses_the_bundle_and_ready_is_accepted():
    assert dependencies([wanted("app", [{"name": "db"}]), wanted("db"), wanted("x")], "app") == {"db": {"Ready"}}


def test_accepted_states_are_those_that_are_named():
    states = ["Ready", "Modified"]
    items = [wanted("app", [{"name": "db", "acceptedStates": states}]), wanted("db")]
    assert dependencies(items, "app") == {"db": set(states)}


def test_a_selector_chooses_by_the_bundles_labels():
    items = [
        wanted("app", [{"selector": {"matchLabels": {"tier": "data"}}}]),
        wanted("db", labels={"tier": "data"}),
        wanted("cache", labels={"tier": "data"}),
        wanted("web", labels={"tier": "front"}),
    ]
    assert set(dependencies(items, "app")) == {"db", "cache"}


def test_labels_that_fleet_adds_can_be_selected_and_those_it_drops_cannot():
    by_name = {"matchLabels": {"fleet.cattle.io/bundle-name": "db"}}
    items = [wanted("app", [{"selector": by_name}]), wanted("db", labels={"objectset.rio.cattle.io/hash": "x"})]
    assert set(dependencies(items, "app")) == {"db"}
    dropped = {"matchLabels": {"objectset.rio.cattle.io/hash": "x"}}
    assert "no such bundle" in error([wanted("app", [{"selector": dropped}]), *items[1:]], "app")


def test_name_and_selector_have_to_hold_together():
    items = [
        wanted("app", [{"name": "db", "selector": {"matchLabels": {"tier": "data"}}}]),
        wanted("db", labels={"tier": "front"}),
    ]
    assert "bundle db with the labels of its selector" in error(items, "app")


def test_a_bundle_of_another_workspace_is_not_the_one_of_that_name():
    items = [wanted("app", [{"name": "db"}]), wanted("db", workspace="fleet-local")]
    assert "no such bundle" in error(items, "app")


def test_an_entry_with_neither_is_passed_over_as_by_fleet():
    assert dependencies([wanted("app", [{}])], "app") == {}


def test_what_depends_on_nothing_that_is_there_is_refused_and_no_other():
    items = in_order([wanted("app", [{"name": "nodb"}]), wanted("web")])
    assert "bundle app: it depends on bundle nodb, and this run brings no such bundle" in str(items[0].error)
    assert items[1].error is None


def test_a_cycle_is_named_for_each_bundle_in_it_and_no_other():
    items = [
        wanted("a", [{"name": "b"}]),
        wanted("b", [{"name": "c"}]),
        wanted("c", [{"name": "a"}]),
        wanted("d", [{"name": "a"}]),
        wanted("self", [{"name": "self"}]),
    ]
    assert "it depends on itself: a → b → c → a" in error(items, "a")
    assert "b → c → a → b" in error(items, "b")
    assert "self → self" in error(items, "self")
    assert dependencies(items, "d") == {"a": {"Ready"}}


@given(st.dictionaries(st.integers(0, 8), st.sets(st.integers(0, 8), max_size=3), max_size=9))
def test_a_cycle_is_found_exactly_where_no_order_exists(graph):
    names = sorted(set(graph).union(*graph.values()))
    items = in_order([wanted(f"n{name}", [{"name": f"n{other}"} for other in graph.get(name, ())]) for name in names])
    broken = {item.bundle for item in items if item.error}
    reachable = {name: reached(graph, name) for name in names}
    assert broken == {f"n{name}" for name in names if name in reachable[name]}
    left = {item.key: [dependency.key for dependency in item.depends_on] for item in items}
    for key, needs in left.items():
        assert all(level_of(key, left) > level_of(other, left) for other in needs)


def reached(graph, start):
    found, waiting = set(), [start]
    while waiting:
        for name in graph.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found
