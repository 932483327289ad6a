# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rewriting a template as Fleet takes it into one that Helm evaluates to the same.

Fleet's templates stand between ``${`` and ``}``, know sprig's functions alone, and fail on a key that
is missing (Go's ``missingkey=error``). Helm's stand between ``{{`` and ``}}``, know more functions, and
take a missing key for nothing. So the actions of a text are read with the rules of Go's lexer
(``text/template/parse/lex.go``) and written anew from their tokens: every name of a function is
checked, every access to a field is preceded by a check of its key, and names of templates are made the
text's own. Whether the actions make sense together (``if`` and ``end``) is left to Helm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import FleetError
from .template_functions import FUNCTIONS

LEFT, RIGHT = "${", "}"

CHECK = "fleet.checkKey"
"""The template that fails where a map has no such key: ``include CHECK (list map key line)``."""

CHECK_TEMPLATE = """\
{{- define "fleet.checkKey" -}}
{{- $value := index . 0 -}}{{- $key := index . 1 -}}
{{- if kindIs "map" $value -}}
{{- if not (typeIs "map[string]interface {}" $value) -}}{{- $value = $value | toJson | fromJson -}}{{- end -}}
{{- if not (hasKey $value $key) -}}
{{- fail (printf "line %d: map has no entry for key %q" (index . 2) $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
"""

_RENAMED = {"fromJson": "mustFromJson"}
"""Helm's fromJson is not sprig's: it reads objects only. (Sprig's own does not tell of bad JSON; this does.)"""

_MAX_DEPTH = 100
"""How deep parentheses may be nested."""

_SPACES = " \t\r\n"
_KEYWORDS = frozenset(("block", "break", "continue", "define", "else", "end", "if", "nil", "range", "template", "with"))
_STRING = re.compile(r'"(?:[^"\\\n]|\\[^\n])*"')
_CHARACTER = re.compile(r"'(?:[^'\\\n]|\\[^\n])*'")
_RAW = re.compile(r"`[^`]*`")
_DIGITS = r"(?:0[xX][0-9a-fA-F_]*|0[oO][0-7_]*|0[bB][01_]*|[0-9_]*)(?:\.[0-9a-fA-F_]*)?(?:[eEpP][-+]?[0-9_]*)?i?"
_NUMBER = re.compile(rf"[-+]?{_DIGITS}(?:[-+]{_DIGITS})?")


class TemplateSyntax(Exception):
    """A text that is no template, in Go's words. ``line`` is its line in the text, from 1."""

    def __init__(self, problem: str, line: int):
        super().__init__(problem)
        self.problem = problem
        self.line = line


@dataclass(frozen=True)
class Rewritten:
    """A template for Helm. ``lines`` has for each of its lines the line of the text that it came from."""

    template: str
    lines: list[int]


def has_actions(text: str) -> bool:
    """Whether there is anything in the text to evaluate."""
    return LEFT in text


def rewrite(text: str, names: str) -> Rewritten:
    """The template for Helm. ``names`` goes before the names of the templates that the text defines.

    Raises :class:`TemplateSyntax`.
    """
    return _Rewriter(text, names).rewrite()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


class _Rewriter:
    def __init__(self, text: str, names: str):
        self._text = text
        self._names = names
        self._scratch = "$fleetValue"
        while self._scratch in text:
            self._scratch += "_"
        self._pieces: list[str] = []
        self._lines = [1]

    def rewrite(self) -> Rewritten:
        self._add(self._declaration(), 1)
        position = 0
        trim_left = False
        while True:
            start = self._text.find(LEFT, position)
            literal = self._text[position:] if start < 0 else self._text[position:start]
            trim_right = start >= 0 and self._is_trim_marker(start + len(LEFT))
            self._add_literal(literal, position, trim_left, trim_right)
            if start < 0:
                return Rewritten("".join(self._pieces), self._lines)
            position, trim_left = self._action(start, trim_right)

    def _is_trim_marker(self, position: int) -> bool:
        return self._text[position : position + 1] == "-" and self._text[position + 1 : position + 2] in tuple(_SPACES)

    def _add_literal(self, literal: str, position: int, trim_left: bool, trim_right: bool) -> None:
        if trim_left:
            trimmed = literal.lstrip(_SPACES)
            position += len(literal) - len(trimmed)
            literal = trimmed
        if trim_right:
            literal = literal.rstrip(_SPACES)
        # A brace right before one of Helm's delimiters would be taken for a part of it.
        self._add(literal.replace("{", '{{"{"}}'), self._line_at(position))

    def _action(self, start: int, has_trim_marker: bool) -> tuple[int, bool]:
        """Rewrite the action at ``start``. Returns where it ends, and whether it trims what follows."""
        position = start + len(LEFT) + (2 if has_trim_marker else 0)
        # The marker's space may be that of a comment's.
        if self._text.startswith("/*", position):
            return self._comment(position)
        line = self._line_at(start)
        tokens, end, trims = self._tokens(position - (1 if has_trim_marker else 0), line)
        self._add("{{ " + _Action(tokens, self._names, self._scratch, line).rewritten() + " }}", line)
        if tokens and next(token.text for token in tokens if token.kind != "space") in ("define", "block"):
            # A template of its own knows none of the variables around it.
            self._add(self._declaration(), line)
        return end, trims

    def _comment(self, position: int) -> tuple[int, bool]:
        line = self._line_at(position)
        end = self._text.find("*/", position + 2)
        if end < 0:
            raise TemplateSyntax("unclosed comment", line)
        end += 2
        trims = self._text[end : end + 1] in tuple(_SPACES) and self._text[end + 1 : end + 2] == "-"
        end += 2 if trims else 0
        if not self._text.startswith(RIGHT, end):
            raise TemplateSyntax("comment ends before closing delimiter", line)
        return end + len(RIGHT), trims

    def _tokens(self, position: int, line: int) -> tuple[list[_Token], int, bool]:
        """The tokens of an action, where it ends, and whether it trims what follows."""
        tokens: list[_Token] = []
        depth = 0
        while True:
            trims = self._is_right_trim(position)
            if trims or self._text.startswith(RIGHT, position):
                if depth:
                    raise TemplateSyntax("unclosed left paren", line)
                if not any(token.kind != "space" for token in tokens):
                    raise TemplateSyntax("missing value for command", line)
                return tokens, position + (2 if trims else 0) + len(RIGHT), trims
            token = self._token(position, line)
            depth += {"(": 1, ")": -1}.get(token.kind, 0)
            if depth < 0:
                raise TemplateSyntax("unexpected right paren", line)
            tokens.append(token)
            position += len(token.text)

    def _is_right_trim(self, position: int) -> bool:
        text = self._text
        return text[position : position + 1] in tuple(_SPACES) and text.startswith("-" + RIGHT, position + 1)

    def _token(self, position: int, line: int) -> _Token:
        text = self._text
        character = text[position : position + 1]
        if not character:
            raise TemplateSyntax("unclosed action", line)
        if character in _SPACES:
            return _Token("space", self._spaces(position))
        if character in "()|=,":
            return _Token(character, character)
        if character == ":":
            if text.startswith(":=", position):
                return _Token(":=", ":=")
            raise TemplateSyntax("expected :=", line)
        for opening, pattern, kind, name in _QUOTED:
            if character == opening:
                match = pattern.match(text, position)
                if not match:
                    raise TemplateSyntax(f"unterminated {name}", line)
                return _Token(kind, match.group())
        if character == "$" or (character == "." and not text[position + 1 : position + 2].isdecimal()):
            word = self._word(position + 1, line, required=False)
            return _Token("variable" if character == "$" else "field" if word else "dot", character + word)
        if character in "+-." or character in "0123456789":
            return self._number(position, line)
        if _is_alphanumeric(character):
            word = self._word(position, line, required=True)
            return _Token("keyword" if word in _KEYWORDS else "bool" if word in ("true", "false") else "name", word)
        raise TemplateSyntax(f"unexpected {character!r} in command", line)

    def _spaces(self, position: int) -> str:
        end = position
        while self._text[end : end + 1] and self._text[end] in _SPACES:
            end += 1
        # The last one belongs to the delimiter if that trims.
        if end - position > 1 and self._is_right_trim(end - 1):
            end -= 1
        return self._text[position:end]

    def _word(self, position: int, line: int, *, required: bool) -> str:
        end = position
        while _is_alphanumeric(self._text[end : end + 1]):
            end += 1
        following = self._text[end : end + 1]
        if following and following not in " \t\r\n.,|:)(" and not self._text.startswith(RIGHT, end):
            raise TemplateSyntax(f"bad character {following!r}", line)
        return self._text[position:end]

    def _number(self, position: int, line: int) -> _Token:
        number = _NUMBER.match(self._text, position).group()
        end = position + len(number)
        if _is_alphanumeric(self._text[end : end + 1]) or not any(character.isdecimal() for character in number):
            raise TemplateSyntax(f"bad number syntax: {self._text[position : end + 1]!r}", line)
        return _Token("number", number)

    def _declaration(self) -> str:
        return f"{{{{ {self._scratch} := dict }}}}"

    def _line_at(self, position: int) -> int:
        return self._text.count("\n", 0, position) + 1

    def _add(self, piece: str, line: int) -> None:
        self._pieces.append(piece)
        self._lines += range(line + 1, line + 1 + piece.count("\n"))


_QUOTED = (
    ('"', _STRING, "string", "quoted string"),
    ("`", _RAW, "string", "raw quoted string"),
    ("'", _CHARACTER, "character", "character constant"),
)


class _Action:
    """One action, written anew from its tokens."""

    def __init__(self, tokens: list[_Token], names: str, scratch: str, line: int):
        self._tokens = tokens
        self._names = names
        self._scratch = scratch
        self._line = line
        self._position = 0
        self._depth = 0

    def rewritten(self) -> str:
        return "".join(self._opening()) + self._pipeline()

    def _peek(self) -> _Token | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def _next(self) -> _Token:
        token = self._tokens[self._position]
        self._position += 1
        return token

    def _skip_spaces(self) -> bool:
        found = False
        while (token := self._peek()) and token.kind == "space":
            self._position += 1
            found = True
        return found

    def _opening(self) -> Iterator[str]:
        """Keywords (``else if``), the name of a template, and the variables that are set."""
        self._skip_spaces()
        while (token := self._peek()) and token.kind == "keyword" and token.text != "nil":
            keyword = self._next().text
            yield keyword + " "
            self._skip_spaces()
            if keyword in ("define", "template", "block"):
                yield self._template_name(keyword) + " "
                self._skip_spaces()
        yield from self._assigned()

    def _template_name(self, keyword: str) -> str:
        token = self._peek()
        if token is None or token.kind != "string":
            raise TemplateSyntax(f"unexpected {token.text if token else RIGHT!r} in {keyword} clause", self._line)
        self._next()
        return f"{token.text[0]}{self._names}{token.text[1:]}"

    def _assigned(self) -> Iterator[str]:
        length = 0
        for offset, token in enumerate(self._tokens[self._position :]):
            if token.kind in (":=", "="):
                length = offset + 1
                break
            if token.kind not in ("variable", "space", ","):
                break
        for _unused in range(length):
            yield self._next().text
        if length:
            yield " "

    def _pipeline(self) -> str:
        """Commands up to the end of the action, or to a right parenthesis, which is left to the caller."""
        commands: list[str] = []
        while True:
            operands = self._operands()
            if not operands and not commands and self._position == len(self._tokens):
                return ""
            commands.append(self._command(operands, is_piped=bool(commands)))
            token = self._peek()
            if token is None or token.kind == ")":
                return " | ".join(commands)
            if token.kind != "|":
                raise TemplateSyntax(f"unexpected {token.text!r} in operand", self._line)
            self._next()

    def _operands(self) -> list[tuple[str, list[str]]]:
        """The operands of a command: what each is, and the fields of it that are asked for."""
        operands: list[tuple[str, list[str]]] = []
        spaced = True
        while True:
            spaced = self._skip_spaces() or spaced
            token = self._peek()
            if token is None or token.kind in (")", "|", ",", "=", ":="):
                return operands
            if not spaced:
                raise TemplateSyntax(f"unexpected {token.text!r} in operand", self._line)
            operands.append(self._operand())
            spaced = False

    def _operand(self) -> tuple[str, list[str]]:
        token = self._next()
        fields: list[str] = []
        if token.kind == "(":
            self._depth += 1
            if self._depth > _MAX_DEPTH:
                raise TemplateSyntax("max expression depth exceeded", self._line)
            base = f"({self._pipeline()})"
            self._next()
            self._depth -= 1
        elif token.kind == "field":
            base, fields = ".", [token.text[1:]]
        else:
            base = self._term(token)
        while (following := self._peek()) and following.kind == "field":
            fields.append(self._next().text[1:])
        if fields and token.kind in ("string", "number", "character", "bool", "dot", "keyword"):
            raise TemplateSyntax(f"unexpected . after term {token.text!r}", self._line)
        return base, fields

    def _term(self, token: _Token) -> str:
        if token.kind == "name" and token.text not in FUNCTIONS:
            raise TemplateSyntax(f'function "{token.text}" not defined', self._line)
        if token.kind == "keyword" and token.text != "nil":
            raise TemplateSyntax(f"unexpected <{token.text}> in command", self._line)
        return _RENAMED.get(token.text, token.text) if token.kind == "name" else token.text

    def _command(self, operands: list[tuple[str, list[str]]], *, is_piped: bool) -> str:
        texts = []
        for index, (base, fields) in enumerate(operands):
            # A field with arguments is a method, which only stands by itself.
            is_call = index == 0 and (is_piped or len(operands) > 1)
            if fields and is_call:
                texts.append(f"{self._checked(base, fields[:-1]).removesuffix('.')}.{fields[-1]}")
            else:
                texts.append(self._checked(base, fields))
        return " ".join(texts)

    def _checked(self, base: str, fields: list[str]) -> str:
        """``base.field`` with a check of its key before. ``base`` is evaluated once, and kept for that long."""
        value = f"{self._scratch}.v"
        for field in fields:
            kept = f'(set {self._scratch} "v" {base})'
            check = f'(include "{CHECK}" (list {value} "{field}" {self._line}))'
            base = f"(index (list {kept} {check} {value}.{field}) 2)"
        return base


def _is_alphanumeric(character: str) -> bool:
    return character == "_" or character.isalpha() or character.isdecimal()


def syntax_error(error: TemplateSyntax, place: str) -> FleetError:
    """What a user is told."""
    return FleetError(f"this is no template that can be evaluated: {error.problem}", place=place)
