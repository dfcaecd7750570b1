"""The schema of the agreement file accepts what the loader reads, and refuses every mistake of form that it refuses."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pyoutcome import Agreement
from pyoutcome.decimals import parse
from pyoutcome.errors import PyoutcomeError
from pyoutcome.terms import problems_of
from pyoutcome.terms.part import Part
from pyoutcome.terms.schema import _SPELLINGS, render, write_file_schema, write_terms_schema
from tests.corpus.published import MORE_NAMES, NAMES, find_file
from tests.terms.alterations import Alteration, alterations
from tests.terms.deals import deal
from tests.terms.editors import as_editor
from tests.terms.every_field import FILES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "agreement-file.md").read_text(encoding="utf-8")
EXAMPLES = {
    path.relative_to(ROOT / "examples").as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "examples").rglob("*.yaml")
    if path.name != "about.yaml"
}
PUBLISHED = {name: find_file("agreements", name).read_text(encoding="utf-8") for name in (*NAMES, *MORE_NAMES)}
AGREEMENTS = {**EXAMPLES, **FILES, **PUBLISHED, "page": re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]}
WHOLE = AGREEMENTS["page"]
OF_FORM = frozenset({
    "bad-adjustment", "bad-name", "bad-rounding", "missing-key", "missing-range", "not-a-date", "not-a-duration",
    "one-key-needed", "one-level-needed", "one-saving-needed", "reserved-word", "term-incomplete", "unknown-key",
    "unknown-word", "wrong-count", "wrong-shape",
})  # fmt: skip
"""Codes of mistakes that the schema sees whatever else the file says."""


@cache
def file_schema() -> Draft202012Validator:
    return Draft202012Validator(write_file_schema())


@cache
def terms_schema() -> Draft202012Validator:
    return Draft202012Validator(write_terms_schema())


def complaints(validator: Draft202012Validator, data: Any) -> list[str]:
    return [f"{each.json_path}: {each.message[:200]}" for each in validator.iter_errors(data)]


def refusals(text: str) -> set[str]:
    """Codes of everything the loader finds wrong."""
    try:
        Agreement.parse(text)
    except PyoutcomeError as error:
        return {each.code for each in problems_of(error)}
    return set()


def test_both_are_schemas() -> None:
    Draft202012Validator.check_schema(write_file_schema())
    Draft202012Validator.check_schema(write_terms_schema())


@pytest.mark.parametrize("name", AGREEMENTS)
def test_every_agreement_there_is_fits(name: str) -> None:
    text = AGREEMENTS[name]
    assert [] == complaints(file_schema(), as_editor(text))
    assert [] == complaints(terms_schema(), json.loads(Agreement.parse(text).canonical()))


def test_no_spelling_has_the_name_of_a_model() -> None:
    """Both are definitions of one schema."""
    models: set[str] = set()
    waiting: list[type[Part]] = [Part]
    while waiting:
        found = waiting.pop().__subclasses__()
        models |= {each.__name__ for each in found}
        waiting += found
    assert {"Kpi", "FixedFee", "Least"} <= models
    assert set() == models & _SPELLINGS.keys()


def test_the_committed_schema_is_what_the_command_writes() -> None:
    assert render(write_file_schema()) == (ROOT / "docs" / "agreement.schema.json").read_text(encoding="utf-8")


def test_every_key_of_the_file_has_a_description_or_a_name_that_has() -> None:
    """Editors show it; of a key that only refers, what it refers to is shown."""
    schema = write_file_schema()
    named = schema["$defs"]
    for name, model in named.items():
        for key, held in model.get("properties", {}).items():
            told = {**named.get(held.get("$ref", "").rpartition("/")[2], {}), **held}
            assert told.keys() & {"description", "const", "enum", "oneOf", "items"}, f"{name}.{key}"


BROKEN = {
    "unknown key": ("title: Help desk support", "titel: Help desk support", "unknown-key"),
    "unknown key of a party": ("{name: Northern Bank}", "{name: Northern Bank, phone: 1}", "unknown-key"),
    "unknown key of a clause": ("amount: base_fee}", "amount: base_fee, sum: 3}", "unknown-key"),
    "unknown kind": ("kind: curve", "kind: curved", "unknown-word"),
    "unknown kind of measure": ("kind: ratio", "kind: rate", "unknown-word"),
    "no kind": ("    kind: curve\n", "", "missing-key"),
    "unknown word": ("every: month", "every: fortnight", "unknown-word"),
    "unknown rounding": ("rounding: half_up", "rounding: halfway", "unknown-word"),
    "true for yes": ("escrow:\n", "escrow:\n  restates: true\n", "unknown-word"),
    "missing section": ("token: {name: Euro token, symbol: EURX, decimals: 6}\n", "", "missing-key"),
    "missing key of a section": ("  quorum: 2\n", "", "missing-key"),
    "missing key of a kind": ("{kind: fixed_fee, per: provider, amount: base_fee}", "{kind: fixed_fee}",
                              "one-key-needed"),
    "two keys of which one belongs": ("price: 0.50}", "price: 0.50, bands: {rest: 1}}", "one-key-needed"),
    "missing unit of a KPI": ("    unit: tickets\n", "", "missing-key"),
    "missing range": ("    range: [0, 5000]\n", "", "missing-range"),
    "range of one end": ("range: [0, 5000]", "range: [5000]", "missing-key"),
    "range of three ends": ("range: [0, 5000]", "range: [0, 9, 5000]", "wrong-count"),
    "question left open": ("      rounding: half_up\n", "", "measure-ambiguous"),
    "copies left open": ("    duplicates: refuse\n", "", "measure-ambiguous"),
    "digits of a decimal column": ("digits: 9, ", "", "missing-key"),
    "length of time without unit": ("10 days", "10", "not-a-duration"),
    "length of time in months": ("10 days", "2 months", "not-a-duration"),
    "broken length of time": ("10 days", "1.5 days", "not-a-duration"),
    "date": ("2026-01-01", "1.1.2026", "not-a-date"),
    "thirteenth month": ("2026-01-01", "2026-13-01", "not-a-date"),
    "number with a comma": ("base_fee: 12_000", "base_fee: '12,000'", "not-a-number"),
    "number in words": ("base_fee: 12_000", "base_fee: twelve", "not-a-number"),
    "number with 19 decimals": ("base_fee: 12_000", "base_fee: '0.1234567890123456789'", "too-many-decimals"),
    "formula for a constant": ("base_fee: 12_000", "base_fee: 12 * 1000", "not-a-number"),
    "broken whole number": ("periods: 12", "periods: 12.5", "not-a-whole-number"),
    "negative whole number": ("quorum: 2", "quorum: -2", "not-a-whole-number"),
    "too great a whole number": ("decimals: 6}", "decimals: 19}", "out-of-limits"),
    "quorum of nobody": ("quorum: 2", "quorum: 0", "out-of-limits"),
    "share above all": ("share: 5%", "share: 105%", "out-of-limits"),
    "share as a number above all": ("share: 5%", "share: 5", "out-of-limits"),
    "map for a text": ("title: Help desk support", "title: {en: Help desk}", "wrong-shape"),
    "text for a map": ("client: {name: Northern Bank}", "client: Northern Bank", "wrong-shape"),
    "list for a map": ("holdback: {share: 5%, release: 30 days}", "holdback: [5%, 30 days]", "wrong-shape"),
    "empty value": ("title: Help desk support", "title:", "empty-value"),
    "reserved name": ("base_fee: 12_000", "base_fee: 12_000\n  total: 3", "reserved-word"),
    "name with a hyphen": ("base_fee: 12_000", "base_fee: 12_000\n  other-fee: 3", "bad-name"),
    "agreement's name": ("agreement: help-desk", "agreement: Help Desk", "bad-name"),
    "point of three": ("[95%, 0]", "[95%, 0, 1]", "wrong-count"),
    "single point": ("[[80%, -3000], [90%, 0], [95%, 0], [100%, 2000]]", "[[80%, -3000]]", "wrong-count"),
    "two operations": ("[at_least: 0, at_most: 15_000]", "[{at_least: 0, at_most: 15_000}]", "bad-adjustment"),
    "sign no formula has": ("numerator: minutes <= 240", "numerator: ''", "empty-value"),
    "currency in a formula": ("price: 0.50", "price: $0.50", "formula-syntax"),
    "reserve": ("reserve: proven", "reserve: all", "not-a-number"),
    "periods and ends": ("periods: 12}", "periods: 12, ends: [2026-02-01]}", "term-incomplete"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", BROKEN)
def test_mistakes_of_form_are_refused_by_loader_and_schema(mistake: str) -> None:
    old, new, code = BROKEN[mistake]
    assert old in WHOLE
    text = WHOLE.replace(old, new, 1)
    assert code in refusals(text)
    assert complaints(file_schema(), as_editor(text))


TABLES = {
    "no otherwise": ("rows: {at_least 9: 1, at_least 5: 2}", "bad-row"),
    "otherwise alone": ("rows: {otherwise: 1}", "bad-row"),
    "edge without a number": ("rows: {at_least: 1, otherwise: 2}", "bad-row"),
    "band among rows": ("rows: {upto 5: 1, otherwise: 2}", "bad-row"),
    "labels among rows": ("rows: {gold: 1, at_least 5: 2, otherwise: 0}", "bad-row"),
    "rest in rows": ("rows: {at_least 5: 1, rest: 2}", "bad-row"),
    "list of rows": ("rows: [at_least 5, 1]", "wrong-shape"),
}


@pytest.mark.parametrize("mistake", TABLES)
def test_tables_of_a_wrong_form_are_refused_by_loader_and_schema(mistake: str) -> None:
    rows, code = TABLES[mistake]
    text = deal(f"line: {{kind: step, of: x, {rows}}}")
    assert code in refusals(text)
    assert complaints(file_schema(), as_editor(text))


FORMULAS = {
    "unknown table": "{of: x, row: {at_least 5: 1, otherwise: 2}}",
    "two tables": "{of: x, rows: {at_least 5: 1, otherwise: 2}, bands: {rest: 1}}",
    "bands without rest": "{of: x, bands: {upto 5: 1}}",
    "points of one": "{of: x, points: [[1], [2]]}",
    "no years": "{by_year: []}",
    "cases without otherwise": "{cases: {x > 5: 1, x > 3: 2}}",
    "nested": "{by_year: [1, {cases: {x > 5: 1}}]}",
    "list": "[x, y]",
}


@pytest.mark.parametrize("mistake", FORMULAS)
def test_formulas_of_a_wrong_form_are_refused_by_loader_and_schema(mistake: str) -> None:
    text = deal(f"line: {{kind: formula, is: {FORMULAS[mistake]}}}")
    assert refusals(text)
    assert complaints(file_schema(), as_editor(text))


ONLY_READ = {
    "name of nothing": ("amount: base_fee", "amount: base_feee", "unknown-name"),
    "formula that does not close": ("amount: base_fee", "amount: (base_fee", "formula-syntax"),
    "value outside the range": ("    range: [0, 5000]\n    if_missing: 0", "    range: [1, 5000]\n    if_missing: 0",
                                "bad-kpi-value"),
    "range that ends before it starts": ("range: [0, 5000]", "range: [5000, 0]", "bad-kpi"),
    "points out of order": ("[90%, 0], [95%, 0]", "[95%, 0], [90%, 0]", "table-order"),
    "column of nothing": ("key: [id]", "key: [ids]", "unknown-column"),
    "day no month has": ("2026-01-01", "2026-02-30", "not-a-date"),
    "zone of nowhere": ("Europe/Berlin", "Europe/Bonn", "unknown-zone"),
    "exponent that YAML reads as a number": ("base_fee: 12_000", "base_fee: 1.2e4", "not-a-number"),
    "key that stands twice": ("terms:\n", "terms:\n  base_fee: 1\n", "duplicate-key"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", ONLY_READ)
def test_what_a_file_means_is_for_the_loader_alone(mistake: str) -> None:
    """docs/schema.md lists these: a file that fits the schema still has to be checked."""
    old, new, code = ONLY_READ[mistake]
    assert old in WHOLE
    text = WHOLE.replace(old, new, 1)
    assert code in refusals(text)
    assert [] == complaints(file_schema(), as_editor(text))


CHANGES = [(name, each) for name, text in FILES.items() for each in alterations(text)]


@settings(max_examples=100)
@given(st.sampled_from(CHANGES))
def test_a_changed_file_fits_if_it_loads_and_not_if_its_form_is_wrong(change: tuple[str, Alteration]) -> None:
    name, alteration = change
    text = alteration.apply(FILES[name])
    codes = refusals(text)
    found = complaints(file_schema(), as_editor(text))
    if not codes:
        assert [] == found
    if codes & OF_FORM:
        assert found, codes


@settings(max_examples=50)
@given(st.sampled_from(CHANGES))
def test_the_canonical_form_of_a_changed_file_fits(change: tuple[str, Alteration]) -> None:
    name, alteration = change
    text = alteration.apply(FILES[name])
    if not refusals(text):
        assert [] == complaints(terms_schema(), json.loads(Agreement.parse(text).canonical()))


NUMBERS = st.from_regex(r"-?[0-9_]{0,6}(\.[0-9]{0,20})?%?", fullmatch=True) | st.from_regex(
    r"-?[0-9]{1,30}(\.[0-9]{1,18})?%?", fullmatch=True
)


@given(NUMBERS)
def test_texts_of_numbers_fit_exactly_if_they_are_read(text: str) -> None:
    pattern = write_file_schema()["$defs"]["Number"]["pattern"]
    try:
        parse(text)
    except PyoutcomeError:
        assert re.search(pattern, text) is None
    else:
        assert re.search(pattern, text) is not None


def leaves(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    if isinstance(data, dict):
        return [way for key, each in data.items() for way in leaves(each, (*path, key))]
    if isinstance(data, list):
        return [way for at, each in enumerate(data) for way in leaves(each, (*path, at))]
    return [path]


def changed(data: Any, path: tuple[str | int, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(data))
    here = copy
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value
    return copy


@cache
def canonical(name: str) -> Any:
    return json.loads(Agreement.parse(AGREEMENTS[name]).canonical())


PLACES = [(name, path) for name in ("page", *FILES) for path in leaves(canonical(name))]


@settings(max_examples=60)
@given(st.sampled_from(PLACES), st.sampled_from([5, 0.5, True, None, [], {}, ""]))
def test_the_canonical_form_with_another_type_anywhere_does_not_fit(
    place: tuple[str, tuple[str | int, ...]], value: object
) -> None:
    name, path = place
    assert complaints(terms_schema(), changed(canonical(name), path, value)), path


@pytest.mark.parametrize("value", ["1_000", "1.50", "01", "-0.10", "1e3", "5%", "+5", "1."])
def test_numbers_have_one_spelling_in_the_canonical_form(value: str) -> None:
    assert complaints(terms_schema(), changed(canonical("page"), ("terms", "base_fee"), value))


def test_the_canonical_form_holds_no_other_key_and_lacks_none() -> None:
    data = canonical("page")
    assert complaints(terms_schema(), data | {"more": "1"})
    for key in data:
        if key not in ("title", "windows", "escrow"):
            assert complaints(terms_schema(), {name: each for name, each in data.items() if name != key}), key
