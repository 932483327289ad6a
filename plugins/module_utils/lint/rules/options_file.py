# Copyright (c) 2026 gitops.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""fleet.yaml as a file: its keys, types, words and numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ...bundle import go_json, go_yaml
from ...bundle.api_types import FLEET_YAML
from ...bundle.go_types import coerce
from ..bundle_view import BundleView
from ..document import Document, Step
from ..finding import ERROR, NOTE, WARNING, Found
from ..rule import rule
from ..schema import KEY_CASE, UNKNOWN_KEY, WRONG_TYPE

_WORDS = frozenset(("y", "n", "yes", "no", "on", "off"))
_LETTERS = frozenset("yYnN")


def _schema(bundle: BundleView, name: str) -> Iterator[Found]:
    return (problem.found for problem in bundle.schema if problem.rule == name)


@rule(UNKNOWN_KEY, ERROR, BundleView, "a key that Fleet does not know")
def unknown_key(bundle: BundleView) -> Iterator[Found]:
    yield from _schema(bundle, UNKNOWN_KEY)


@rule(KEY_CASE, NOTE, BundleView, "a key in other letters than Fleet's")
def key_case(bundle: BundleView) -> Iterator[Found]:
    yield from _schema(bundle, KEY_CASE)


@rule(WRONG_TYPE, ERROR, BundleView, "a value of a type that its field cannot take")
def wrong_type(bundle: BundleView) -> Iterator[Found]:
    yield from _schema(bundle, WRONG_TYPE)


@rule("duplicate-key", ERROR, BundleView, "a key that a mapping has twice")
def duplicate_key(bundle: BundleView) -> Iterator[Found]:
    if bundle.document is None:
        return
    for container, key, lost in bundle.document.positions.repeated:
        place = bundle.document.place_in(container, key)
        yield place.says(f"Fleet takes this {key} and drops the one of line {lost.line}", "keep one of them")


@rule("second-document", ERROR, BundleView, "a fleet.yaml with more than one document")
def second_document(bundle: BundleView) -> Iterator[Found]:
    mark = bundle.document.positions.next_document if bundle.document else None
    if mark:
        place = type(bundle.place())(bundle.options_path, mark.line, mark.column)
        yield place.says("Fleet reads the first document and ignores what follows", "put everything into one document")


@rule("text-from-value", WARNING, BundleView, "a number or boolean where a text is wanted, that changes by it")
def text_from_value(bundle: BundleView) -> Iterator[Found]:
    if bundle.document is None:
        return
    for path, value, texts in _scalars(bundle.document):
        written = bundle.document.text(*path)
        if isinstance(texts, str) and not isinstance(value, str) and texts != written and written:
            place = bundle.document.value_place(*path)
            yield place.says(f"Fleet makes the text {texts} of {written}", f'write "{written}"')


def _scalars(document: Document) -> Iterator[tuple[tuple[Step, ...], Any, Any]]:
    """Each scalar, as YAML has it and as Fleet's types make it."""
    pending: list[tuple[tuple[Step, ...], Any, Any]] = [((), document.value, coerce(document.value, FLEET_YAML))]
    while pending:
        path, value, coerced = pending.pop()
        if isinstance(value, dict):
            pending += [((*path, key), item, coerced[key]) for key, item in value.items()]
        elif isinstance(value, list):
            pending += [((*path, index), item, coerced[index]) for index, item in enumerate(value)]
        else:
            yield path, value, coerced


@rule("yaml11-key", WARNING, BundleView, "a key of the values that YAML 1.1 takes for a boolean")
def yaml11_key(bundle: BundleView) -> Iterator[Found]:
    def look(document: Document, container: Any, key: Step, _value: Any) -> Iterator[Found]:
        place = document.place_in(container, key)
        mark = document.positions.key(container, key)
        if key in ("true", "false") and mark and mark.text.lower() in _WORDS:
            yield place.says(
                f"Fleet takes the key {mark.text} for a boolean, and calls it {key}", f'write "{mark.text}"'
            )

    yield from _in_values(bundle, look)


@rule("yaml11-boolean", WARNING, BundleView, "y or n in the values, which YAML 1.1 takes for a boolean")
def yaml11_boolean(bundle: BundleView) -> Iterator[Found]:
    def look(document: Document, container: Any, key: Step, value: Any) -> Iterator[Found]:
        mark = document.positions.value(container, key)
        if isinstance(value, bool) and mark and mark.text in _LETTERS:
            place = document.value_place_in(container, key)
            yield place.says(
                f"Fleet reads {mark.text} as the boolean {str(value).lower()}",
                f'write "{mark.text}" for the letter, {str(value).lower()} for the boolean',
            )

    yield from _in_values(bundle, look)


@rule("number-loses-digits", WARNING, BundleView, "a whole number in the values that is too large to be kept")
def number_loses_digits(bundle: BundleView) -> Iterator[Found]:
    def look(document: Document, container: Any, key: Step, value: Any) -> Iterator[Found]:
        if isinstance(value, int) and not isinstance(value, bool) and go_yaml.to_float64(value) != value:
            place = document.value_place_in(container, key)
            kept = go_json.format_float(float(value))
            yield place.says(f"Fleet keeps numbers as float64, and makes {kept} of {value}", f'write "{value}"')

    yield from _in_values(bundle, look)


@rule("number-is-rewritten", NOTE, BundleView, "a number in the values that is written anew in another way")
def number_is_rewritten(bundle: BundleView) -> Iterator[Found]:
    def look(document: Document, container: Any, key: Step, value: Any) -> Iterator[Found]:
        mark = document.positions.value(container, key)
        if not isinstance(value, float) or not mark or value - value != 0:
            return
        kept = go_json.format_float(value)
        if mark.text != kept and mark.text.rstrip("0").count(".") and mark.text.endswith("0"):
            place = document.value_place_in(container, key)
            yield place.says(f"Fleet takes {mark.text} for a number and makes {kept} of it", f'write "{mark.text}"')

    yield from _in_values(bundle, look)


def _in_values(bundle: BundleView, look: Callable[[Document, Any, Step, Any], Iterator[Found]]) -> Iterator[Found]:
    """What ``look`` finds in all values of a bundle, those in values files too."""
    if bundle.document is None:
        return
    documents: dict[str, Document] = {}
    for section in bundle.sections:
        values = bundle.document.get(*section.steps, "helm", "values")
        yield from _below(bundle.document, values, look)
        documents.update({document.path: document for document in bundle.values_files(section)})
    for document in documents.values():
        yield from _below(document, document.value, look)


def _below(
    document: Document, value: Any, look: Callable[[Document, Any, Step, Any], Iterator[Found]]
) -> Iterator[Found]:
    pending = [value]
    while pending:
        container = pending.pop()
        if isinstance(container, dict | list):
            items = container.items() if isinstance(container, dict) else enumerate(container)
            for key, item in items:
                yield from look(document, container, key, item)
                pending.append(item)
