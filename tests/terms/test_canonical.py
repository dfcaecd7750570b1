"""The digest: the same for files that say the same, another for any change of meaning."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome import Agreement
from tests.terms.deals import deal

EXAMPLE = (Path(__file__).parents[2] / "examples" / "punctual-arrivals" / "agreement.yaml").read_text(encoding="utf-8")


def digest(text: str) -> bytes:
    return Agreement.parse(text).digest()


@cache
def example() -> bytes:
    return digest(EXAMPLE)


def altered(old: str, new: str) -> str:
    assert old in EXAMPLE
    return EXAMPLE.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("monthly_fee: 250000", "monthly_fee: 250_000"),
        ("monthly_fee: 250000", "monthly_fee: 250000.000"),
        ("monthly_fee: 250000", "monthly_fee: '250000'   # the price"),
        ("[55%, -150000]", "[0.55, -150_000]"),
        ("[55%, -150000]", "[55.0%, -150000]"),
        ("at_most 1%: 0, at_most 3%: 5%", "at_most 0.01: 0, at_most 3%: 0.050"),
        ("{upto 2500: 40", "{upto 2_500: 40"),
        ("share: 5%", "share: 0.05"),
        ("range: [0, 1]", "range: [0%, 100%]"),
        ("if_missing: 1\n", "if_missing: 100%\n"),
        ("10 days", "240 hours"),
        ("amount: monthly_fee", "amount: (monthly_fee)"),
        ("title: Punctual arrivals at New York", "title:   Punctual arrivals\n  at New York"),
        ("    pays: client\n    measure: cancelled", "    measure: cancelled\n    pays: client"),
        ("  key: [year, month, day", "  key: [ year,month,  day"),
        ("agreement: punctual-arrivals\n", "# first\n\nagreement: 'punctual-arrivals'\n"),
        ("    title: Fixed fee\n", "    title: Fixed fee\n    pays: provider\n    then: []\n"),
        ("      year: {type: decimal, digits: 4}\n      month: {type: decimal, digits: 2}\n",
         "      month: {type: decimal, digits: 2}\n      year: {type: decimal, digits: 4, scale: 0}\n"),
        ("\n", "\r\n"),
    ],
)  # fmt: skip
def test_spelling_comments_and_order_without_meaning_leave_the_digest_alone(old: str, new: str) -> None:
    assert example() == digest(altered(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("monthly_fee: 250000", "monthly_fee: 250000.000000000000000001"),
        ("[55%, -150000]", "[55%, -150001]"),
        ("at_most 1%: 0", "below 1%: 0"),
        ("share: 5%", "share: 5.1%"),
        ("range: [0, 10000]", "range: [0, 10001]"),
        ("if_missing: 1\n", "if_missing: 0.9999\n"),
        ("10 days", "11 days"),
        ("every: month", "every: week"),
        ("America/New_York", "America/Toronto"),
        ("America/New_York", "America/Chicago"),
        ("title: Fixed fee", "title: Basic fee"),
        ("name: Airport operator", "name: Airport Operator"),
        ("quorum: 2", "quorum: 3"),
        ("arr_delay < 15 ", "arr_delay < 16 "),
        ("rounding: half_up", "rounding: half_even"),
        ("denominator: everything", "denominator: dep_time is not null"),
        ("null_words: [NA]", "null_words: [NA, X]"),
        ("decimals: 6", "decimals: 5"),
        ("    UA: {name: United Air Lines}\n    B6: {name: JetBlue Airways}\n",
         "    B6: {name: JetBlue Airways}\n    UA: {name: United Air Lines}\n"),
        ("[at_least: 180000, at_most: 520000]", "[at_most: 520000, at_least: 180000]"),
        ("pays: client", "pays: nobody"),
        ("reserve: proven", "reserve: 1560000"),
        ("agreement: punctual-arrivals", "agreement: punctual-arrivals-2"),
    ],
)  # fmt: skip
def test_every_change_of_meaning_changes_the_digest(old: str, new: str) -> None:
    assert example() != digest(altered(old, new))


def test_the_order_of_terms_and_definitions_means_nothing() -> None:
    fee = "fee: {kind: fixed_fee, amount: a + b + c + d}"
    one = deal(fee, terms="a: 1\nb: 2", define="c: a\nd: b")
    other = deal(fee, terms="b: 2\na: 1", define="d: b\nc: a")
    assert Agreement.parse(one).digest() == Agreement.parse(other).digest()
    assert Agreement.parse(one).rule() == Agreement.parse(other).rule()
    assert Agreement.parse(one).program().data == Agreement.parse(other).program().data


def test_the_order_of_words_for_missing_values_means_nothing() -> None:
    one, other = (altered("null_words: [NA]", f"null_words: [{words}]") for words in ("NA, '-'", "'-', NA"))
    assert digest(one) == digest(other)


def test_the_canonical_form_is_json_without_numbers_in_one_order() -> None:
    canonical = Agreement.parse(EXAMPLE).canonical()
    data = json.loads(canonical)

    assert keccak(canonical) == example()
    assert canonical == json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert not re.search(rb"[:\[,]-?[0-9]", re.sub(rb'"[^"]*"', b'""', canonical))
    assert "pyoutcome agreement 1" == data["format"]
    assert "1357016400" == data["starts"]
    assert 12 == len(data["ends"])
    assert ["UA", "B6", "EV"] == [party["id"] for party in data["parties"]["providers"]]
    assert "0.55" == data["clauses"][1]["points"][0][0]


@given(st.integers(0, 10**9), st.integers(0, 6), st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_number_has_one_digest_however_it_is_spelt(
    digits: int, decimals: int, percent: bool, zeros: bool, underscores: bool
) -> None:
    plain = f"{digits // 10**decimals}.{digits % 10**decimals:0{decimals}d}" if decimals else str(digits)
    other = plain
    if percent:
        scaled = digits * 100
        other = f"{scaled // 10**decimals}.{scaled % 10**decimals:0{decimals}d}%" if decimals else f"{scaled}%"
    if zeros:
        body, sign = other.rstrip("%"), "%" * other.endswith("%")
        other = (f"{body}00" if "." in body else f"{body}.0") + sign
    if underscores and other[1:2].isdigit():
        other = f"{other[0]}_{other[1:]}"
    texts = [deal("fee: {kind: fixed_fee, amount: " + each + "}", terms=f"a: {each}") for each in (plain, other)]
    assert digest(texts[0]) == digest(texts[1])
