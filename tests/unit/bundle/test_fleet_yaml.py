# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleet.yaml: fields, and errors that name file, line and field."""

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.bundle.fleet_yaml import check, field_name, parse
from ansible_collections.gitops.fleet.plugins.module_utils.errors import FleetError
from hypothesis import given
from hypothesis import strategies as st


def test_fields_labels_and_annotations():
    options = parse(b"name: web\nlabels: {a: b}\nannotations: {c: d}\nnamespace: ns\nunknown: 1\n", "fleet.yaml")
    assert options.fields == {"name": "web", "labels": {"a": "b"}, "namespace": "ns"}
    assert (options.labels, options.annotations) == ({"a": "b"}, {"c": "d"})


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"---\n", b"{}", b"null"])
def test_an_empty_file_has_no_options(content):
    assert parse(content, "f").fields == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nnamespace: n\n", "f:2: namespace must be a string, not the boolean false. Put it in quotes"),
        (b"namespace: 5\n", "f:1: namespace must be a string, not the number 5. Put it in quotes."),
        (b"helm:\n  force: 1\n", "f:2: helm.force must be true or false, not the number 1"),
        (b"helm:\n\n  values: []\n", "f:3: helm.values must be a mapping, not a list"),
        (b"helm:\n  timeoutSeconds: 1.5\n", "f:2: helm.timeoutSeconds must be a whole number, not the number 1.5"),
        (b"labels: {a: 1}\n", "f:1: labels.a must be a string"),
        (b"name: 5\n", "f:1: name must be a string"),
        (
            b"targets:\n- name: a\n- clusterSelector: x\n",
            "f:3: targets[1].clusterSelector must be a mapping, not a string",
        ),
        (b"- a\n", "f: the file must be a mapping, not a list"),
        (b"just text\n", "f: the file must be a mapping, not a string"),
        (b"helm:\n  values:\n    a: .nan\n", "f:3: helm.values.a must be a finite number"),
        (b"dependsOn:\n- {}\n", "f:2: dependsOn[0] must have a name or a selector"),
        (
            b"dependsOn:\n- name: a\n  acceptedStates: [Ready, Fine]\n",
            "f:3: dependsOn[0].acceptedStates[1] is 'Fine', which is no state of a bundle. Use one of Ready",
        ),
        (b"x: 1\nimageScans:\n- image: a\n", "f:2: image scans need Fleet's controller"),
        (b"a: [\n", "f:2: is not valid YAML"),
    ],
)
def test_errors(content, message):
    with pytest.raises(FleetError) as caught:
        parse(content, "f")
    assert str(caught.value).startswith(message)


def test_numbers_become_strings_where_fleet_makes_them():
    options = parse(b"targetCustomizations:\n- name: 1\n  clusterSelector: {matchLabels: {a: 5, b: on}}\n", "f")
    assert options.fields["targetCustomizations"] == [
        {"name": "1", "clusterSelector": {"matchLabels": {"a": "5", "b": "true"}}}
    ]


def test_an_empty_list_of_override_targets_is_not_the_same_as_none():
    assert parse(b"overrideTargets: []", "f").fields == {"overrideTargets": []}
    assert parse(b"overrideTargets:", "f").fields == {}


def test_options_that_come_from_no_file():
    assert check({"namespace": "n"}, "options").fields == {"namespace": "n"}
    with pytest.raises(FleetError, match=r"^options: helm must be a mapping, not a list$"):
        check({"helm": []}, "options")


def test_field_name():
    assert field_name(["a", 0, "b", 1, 2, "c"]) == "a[0].b[1][2].c"


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
DOCUMENT = st.dictionaries(
    st.sampled_from(["name", "labels", "helm", "targets", "namespace", "diff", "dependsOn", "Paused", "x"]),
    st.recursive(
        PLAIN,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "values", "chart", "matchLabels", "selector"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    ),
    max_size=4,
)


@given(DOCUMENT)
def test_any_document_gives_options_or_one_clear_error(document):
    assert outcome(document).startswith("options")


def outcome(document):
    try:
        check(document, "options")
    except FleetError as error:
        return str(error)
    return "options"
