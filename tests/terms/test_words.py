"""The legal text: made from the same tree as the amounts, and complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from pyoutcome import Agreement
from pyoutcome.decimals import ONE, parse
from pyoutcome.errors import NumberError, PyoutcomeError
from pyoutcome.formula.syntax import Number, walk
from pyoutcome.terms.calendar import zones_version
from pyoutcome.terms.expressions import Scope
from pyoutcome.terms.file import AgreementFile
from tests.terms.alterations import alterations, read_texts
from tests.terms.deals import TWO, agree, deal
from tests.terms.every_field import FILES

EXAMPLE = Path(__file__).parents[2] / "examples" / "punctual-arrivals" / "agreement.yaml"
CLAUSES = """
    base: {kind: fixed_fee, amount: fee * 1.05, then: [round: 0.5 half_even, {less: 77, when: y > 31}]}
    curved: {kind: curve, of: y, points: [[-1000, -5000], [0, 0], [500, 9000]], times: 2}
    volume: {kind: unit_price, quantity: x, bands: {upto 101: 5, next 57: 4.5, rest: 4}, per: 3, allowance: 11}
    credit: {kind: service_credit, pays: client, measure: y, charges: fee, levels: {above 8: 0, otherwise: 12.5%},
        at_risk: 9%}
    bonus: {kind: bonus_malus, of: y, target: 10, better: higher, bonus: {rate: 7, per: 13},
        malus: {rate: 19, limit: 53}}
    noted: {kind: formula, is: 'clamp(x, 21, 22)', pays: nobody, when: period < 6}
"""


def numbers_in(text: str) -> set[int]:
    """Every number of a text, scaled."""
    found: set[int] = set()
    for each in re.findall(r"-?[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?%?", text):
        try:
            found.add(parse(each.replace(",", "")))
        except NumberError:
            continue
    return found | {-each for each in found}


def numbers_of(agreement: Agreement) -> set[int]:
    """Every number the agreement means: in formulas, terms, ranges, counts and windows (these as written)."""
    found = {
        node.value for use in Scope(agreement.file).uses() for node in walk(use.formula) if isinstance(node, Number)
    }
    found |= set(agreement.file.terms.values())
    for kpi in agreement.kpis:
        found |= {kpi.low, kpi.high, kpi.if_missing, kpi.decimals * ONE}
    found |= {agreement.quorum * ONE, agreement.token.decimals * ONE, len(agreement.periods) * ONE}
    escrow = agreement.escrow
    found |= {escrow.evidence_window // 86_400 * ONE, escrow.default_window // 86_400 * ONE, escrow.holdback_rate}
    found |= {escrow.holdback_release // 86_400 * ONE, escrow.reserve * 10 ** (18 - agreement.token.decimals)}
    return found


DEALS = {
    "example": lambda: Agreement.load(EXAMPLE),
    "clauses": lambda: agree(
        CLAUSES, terms="fee: 1_234.5", define="d: 2 * x", settlement="[at_least: -500, times: 97%]"
    ),
}


@pytest.mark.parametrize("name", DEALS)
def test_every_number_of_the_agreement_is_in_its_words(name: str) -> None:
    agreement = DEALS[name]()
    trivial = {0, ONE}  # the defaults of fields that nobody wrote
    missing = numbers_of(agreement) - numbers_in(agreement.words()) - trivial
    assert set() == {Fraction(each, ONE) for each in missing}


def test_the_words_of_the_example() -> None:
    agreement = Agreement.load(EXAMPLE)
    words = agreement.words()

    for said in (
        "Provider (B6): JetBlue Airways.",
        "2 of 3 verifiers",
        "Period 3: from 2013-03-01 05:00:00 UTC to 2013-04-01 04:00:00 UTC.",
        f"version {zones_version()} of the IANA time zone database",
        "America/New_York",
        "the records of `flights` whose `time_hour` lies in the period and whose `carrier` is the provider's id.",
        "the number of these records for which `arr_delay < 15` holds, divided by the number of all of them",
        "rounded once, to 4 decimals (steps of 0.01%): to the nearest, ties away from zero",
        "If there is nothing to divide by, the value is missing. If the value is missing, 0% stands in for it.",
        "combination of `year`, `month`, `day`, `carrier`, `flight`, `origin` and `dest`; a second one with the same",
        '5% if "Cancelled share" is at most 3%',
        "180,000 at 90%",
        'otherwise 15%) times "Monthly fee" (250,000)',
        "40 per unit of the part up to 2,500",
        "(1) the greater of the amount so far and 180,000; (2) the lesser of the amount so far and 520,000",
        "can be owed from 180,000 TUSD to 520,000 TUSD",
        "Evidence must arrive within 10 days",
        "5% of every credit is held back and released 30 days after",
        "1,560,000 TUSD (the most that one period can cost)",
        f"0x{agreement.digest().hex()}",
    ):
        assert said in words


def test_who_owes_whom_is_said() -> None:
    words = Agreement.parse(
        deal(
            "one: {kind: fixed_fee, amount: 3, to: A}\n"
            "back: {kind: fixed_fee, amount: 4, to: B, pays: client}\n"
            "own: {kind: fixed_fee, amount: 5, to: each, title: Own fee}\n"
            "shown: {kind: fixed_fee, amount: 6, pays: nobody}",
            head=TWO,
        )
    ).words()
    assert '"One": the client owes A 3.' in words
    assert '"Back": B owes the client 4.' in words
    assert '"Own fee", for each provider with its own values: the client owes the provider 5.' in words
    assert '"Shown": shown only, never paid, 6.' in words


def test_conditions_and_adjustments_are_said_in_their_order() -> None:
    words = agree(
        "fee: {kind: formula, is: x, when: x > 5, "
        "then: [times: 2, {at_most: 90, when: y > 1}, nothing_unless: above 7]}"
    ).words()
    first, second, third = (
        words.index(said)
        for said in (
            "(1) the amount so far times 2",
            '(2) only if "Y" is more than 1: the lesser of the amount so far and 90',
            "(3) the amount so far if the amount so far is more than 7, otherwise 0",
        )
    )
    assert first < second < third
    assert 'This applies only if "X" is more than 5; otherwise the amount is 0.' in words


def keys_of(kind: Any, seen: set[Any]) -> set[str]:
    """The keys of a model and of all models inside it."""
    found: set[str] = set()
    if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in seen:
        seen.add(kind)
        for name, field in kind.model_fields.items():
            found |= {field.alias or name} | keys_of(field.annotation, seen)
            for each in field.metadata:
                found |= keys_of(each, seen)
    for each in get_args(kind):
        found |= keys_of(each, seen)
    return found


def leaves(data: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every key and value of a file, with the way to it."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*path, key), key
            yield from leaves(value, (*path, key))
    elif isinstance(data, list):
        for value in data:
            yield from leaves(value, path)
    else:
        yield path, data


def test_these_files_use_every_key_there_is() -> None:
    used = {text for file in FILES.values() for _, text in leaves(read_texts(file))}
    made_of_keys = {"head", "value"}  # a row of a table is written as its key and value
    assert set() == keys_of(AgreementFile, set()) - used - made_of_keys


@pytest.mark.parametrize("name", FILES)
def test_every_number_that_the_file_writes_is_in_its_words(name: str) -> None:
    said = numbers_in(facts_told(Agreement.parse(FILES[name])))
    said |= {each + ONE for each in said}  # a limit over 6 periods is said as the 5 before and this one
    otherwise = {"decimals", "to_units", "first", "ends"}  # said as steps, as a multiple, as days
    for path, text in leaves(read_texts(FILES[name])):
        if not otherwise & set(path) and not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", text):
            for number in re.findall(r"(?<![A-Za-z0-9_])[0-9][0-9_]*(?:\.[0-9]+)?%?", text):
                assert parse(number) in said, (path, number)


def facts_told(agreement: Agreement) -> str:
    """The words without what only follows from the rest: the digest, and the least and most (proving them is slow)."""
    agreement.__dict__["_bounds"] = SIMPLE.bounds()
    lines = [line for line in agreement.words().splitlines() if "It follows that" not in line]
    return re.sub("0x[0-9a-f]{64}", "", "\n".join(lines))


SIMPLE = agree("fee: {kind: fixed_fee, amount: 1}")
MEANS_THE_SAME = {"clauses.levels.rolling.charges_kpi"}
"""Left out, this key means what the file says with it."""
ORIGINALS = {name: Agreement.parse(text) for name, text in FILES.items()} | {"example": Agreement.load(EXAMPLE)}
TEXTS = {**FILES, "example": EXAMPLE.read_text(encoding="utf-8")}
ALTERATIONS = {name: alterations(text) for name, text in TEXTS.items()}


@pytest.mark.parametrize("name", TEXTS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_makes_another_agreement_reads_otherwise(name: str, data: st.DataObject) -> None:
    """And what leaves the digest as it is leaves the words as they are, but for percent signs."""
    original = ORIGINALS[name]
    alteration = data.draw(st.sampled_from(ALTERATIONS[name]))
    try:
        altered = Agreement.parse(alteration.apply(TEXTS[name]))
        told = facts_told(altered)
    except PyoutcomeError:
        return
    if original.digest() != altered.digest():
        assert alteration.where in MEANS_THE_SAME or facts_told(original) != told
    else:
        assert sorted(numbers_in(facts_told(original))) == sorted(numbers_in(told))


def test_a_title_cannot_speak_in_the_agreements_words() -> None:
    """Quotation marks in a title are doubled, so it cannot end early and go on."""
    words = Agreement.parse(deal("fee: {kind: formula, title: 'Fee\": the client owes A 5. \"Rest', is: x}")).words()
    assert '- "Fee"": the client owes A 5. ""Rest": the client owes A "X".' in words
