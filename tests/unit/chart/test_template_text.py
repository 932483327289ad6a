# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading templates with Go's rules, and writing them anew for Helm (what Helm makes of them: integration)."""

from __future__ import annotations

import re

import pytest
from ansible_collections.gitops.fleet.plugins.module_utils.chart.template_functions import FUNCTIONS
from ansible_collections.gitops.fleet.plugins.module_utils.chart.template_text import (
    TemplateSyntax,
    has_actions,
    rewrite,
)
from hypothesis import given, settings
from hypothesis import strategies as st

DECLARATION = "{{ $fleetValue := dict }}"


def body(text: str) -> str:
    template = rewrite(text, "7.").template
    assert template.startswith(DECLARATION)
    return template[len(DECLARATION) :]


def field(base: str, name: str, line: int = 1) -> str:
    kept = f'(set $fleetValue "v" {base})'
    check = f'(include "fleet.checkKey" (list $fleetValue.v "{name}" {line}))'
    return f"(index (list {kept} {check} $fleetValue.v.{name}) 2)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a { b } {{ .Values }}", 'a {{"{"}} b } {{"{"}}{{"{"}} .Values }}'),
        ("$ {x} $$", '$ {{"{"}}x} $$'),
        ('${ "x" }', '{{ "x" }}'),
        ('${"x"}', '{{ "x" }}'),
        ('{${ "}" }}', '{{"{"}}{{ "}" }}}'),
        ("${ `raw } x` }", "{{ `raw } x` }}"),
        ('a ${- "x" -} b', 'a{{ "x" }}b'),
        ("a${/* c } */}b", "ab"),
        ("a ${- /* c */ -} b", "ab"),
        ("${ .A }", "{{ " + field(".", "A") + " }}"),
        ("${ .A.B }", "{{ " + field(field(".", "A"), "B") + " }}"),
        ("${ $.A }", "{{ " + field("$", "A") + " }}"),
        ("${ $x := .A }${ $x.B }", "{{ $x := " + field(".", "A") + " }}{{ " + field("$x", "B") + " }}"),
        ("${ (list 1).A }", "{{ " + field("(list 1)", "A") + " }}"),
        ("${ range $i, $e := .A }", "{{ range $i, $e := " + field(".", "A") + " }}"),
        ("${ if .A }x${ else if .B }y${ else }z${ end }", None),
        # A method, with arguments or a piped one: its name is not checked, what it is a method of is.
        ("${ (semver .A).Compare .B }", "{{ (semver " + field(".", "A") + ").Compare " + field(".", "B") + " }}"),
        ("${ 1 | $x.f.Call }", "{{ 1 | " + field("$x", "f") + ".Call }}"),
        ('${ template "x" .A }', '{{ template "7.x" ' + field(".", "A") + " }}"),
        ("${ template `x` }", "{{ template `7.x`  }}"),
        ('${ define "x" }y${ end }', '{{ define "7.x"  }}' + DECLARATION + "y{{ end  }}"),
        ('${ block "x" . }y${ end }', '{{ block "7.x" . }}' + DECLARATION + "y{{ end  }}"),
        ('${ fromJson "1" }', '{{ mustFromJson "1" }}'),
        ("${ -1 } ${ 1.5e3 } ${ 0x1F } ${ 'a' } ${ nil } ${ true } ${ 1+2i }", None),
    ],
)
def test_rewriting(text, expected):
    found = body(text)
    if expected is not None:
        assert found == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("${", "unclosed action"),
        ("${ .A", "unclosed action"),
        ("${}", "missing value for command"),
        ("${ }", "missing value for command"),
        ('${ "x }', "unterminated quoted string"),
        ("${ `x }", "unterminated raw quoted string"),
        ("${ 'x }", "unterminated character constant"),
        ("${/* x }", "unclosed comment"),
        ("${/* x */ y}", "comment ends before closing delimiter"),
        ("${ (.A }", "unclosed left paren"),
        ("${ .A) }", "unexpected right paren"),
        ("${ .A% }", "bad character '%'"),
        ("${ % }", "unexpected '%' in command"),
        ("${ a : b }", "expected :="),
        ("${ 1x }", "bad number syntax"),
        ("${ toYaml .A }", 'function "toYaml" not defined'),
        ('${ include "x" . }', 'function "include" not defined'),
        ('${ lookup "v1" "Pod" "a" "b" }', 'function "lookup" not defined'),
        ('${ env "HOME" }', 'function "env" not defined'),
        ('${ "a".b }', "unexpected . after term"),
        ('${ "a""b" }', "unexpected"),
        ("${ .A, .B }", "unexpected ','"),
        ("${ template .A }", "unexpected '.A' in template clause"),
        ("${ .A if }", "unexpected <if> in command"),
        ("${ " + "(" * 200 + ".A" + ")" * 200 + " }", "max expression depth exceeded"),
    ],
)
def test_no_templates(text, problem):
    with pytest.raises(TemplateSyntax, match=re.escape(problem)):
        rewrite(text, "7.")


def test_lines():
    text = "a\nb: ${ .A }\nc: ${\n .B\n}\nd: ${ toYaml }\n"
    with pytest.raises(TemplateSyntax) as caught:
        rewrite(text, "")
    assert caught.value.line == 6
    rewritten = rewrite(text.replace("toYaml", ".C"), "")
    lines = rewritten.template.split("\n")
    assert [rewritten.lines[index] for index, line in enumerate(lines) if '"C"' in line] == [6]
    assert '"C" 6' in rewritten.template


def test_names_that_a_text_uses_itself():
    assert "$fleetValue_ := dict" in rewrite("${ $fleetValue := 1 }", "").template


def test_only_sprig_and_go_s_own_functions():
    assert {"upper", "index", "semver", "and"} <= FUNCTIONS
    assert not FUNCTIONS & {
        "env",
        "expandenv",
        "include",
        "tpl",
        "getHostByName",
        "toYaml",
        "required",
        "lookup",
        "toToml",
    }


def test_has_actions():
    assert has_actions("x ${ .A }")
    assert not has_actions("x $ {")


PIECES = st.sampled_from(
    [
        *("${", "}", "{{", "}}", "{", "-", " ", "\n", '"', "`", "'", "/*", "*/", ".A", ".", "$x", ":=", "=", ",", "|"),
        *("(", ")", "if", "end", "define", "template", "range", "toYaml", "upper", "nil", "1", "-1", "x", "é", "%"),
        *("\\", "\x00"),
    ]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_nothing_escapes_its_delimiters(text):
    """Whatever the text: what Helm gets are our own actions, and text that holds none."""
    try:
        template = rewrite(text, "7.").template
    except TemplateSyntax:
        return
    outside = re.sub(r'\{\{(?:"(?:[^"\\]|\\.)*"|`[^`]*`|\'(?:[^\'\\]|\\.)*\'|[^"`\'}])*\}\}', "", template)
    assert "{" not in outside
