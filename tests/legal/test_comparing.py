"""Two agreements compared: every changed value is named, nothing that did not change is; the words stay whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyoutcome.errors import PyoutcomeError
from pyoutcome.legal.comparison import Rereading, ThingChange, compare
from pyoutcome.legal.comparison.clauses import compare_clauses
from pyoutcome.legal.comparison.wording import compare_numbers, compare_words
from pyoutcome.terms import Agreement
from tests.terms.alterations import Alteration, alterations
from tests.terms.deals import ESCROW, KPI, TWO, deal
from tests.terms.every_field import FILES

EXAMPLE = (Path(__file__).parents[2] / "examples" / "punctual-arrivals" / "agreement.yaml").read_text(encoding="utf-8")
TEXTS = {**FILES, "example": EXAMPLE}
ENTRIES = ("kpis", "clauses", "terms", "define", "state", "records", "windows")


@cache
def agreement(name: str) -> Agreement:
    return Agreement.parse(TEXTS[name])


@cache
def changes_of(name: str) -> list[Alteration]:
    return alterations(TEXTS[name])


def altered(name: str, alteration: Alteration) -> Agreement | None:
    try:
        made = Agreement.parse(alteration.apply(TEXTS[name]))
        made.bounds()
    except PyoutcomeError:
        return None
    return made


def canonical(of: Agreement) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(of.canonical())
    return found


def entries(data: dict[str, Any], section: str) -> dict[str, Any]:
    held = data.get(section, {})
    return {each["id"]: each for each in held} if isinstance(held, list) else held


def leaves(value: Any) -> Iterator[str]:
    """Every text of a canonical form; a list of texts is one."""
    if isinstance(value, dict):
        for key, each in value.items():
            if not (key == "id" and isinstance(each, str)):  # the name of an entry in a list
                yield from leaves(each)
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for each in value:
            yield from leaves(each)
    elif isinstance(value, list):
        yield from [", ".join(value)] if value else []
    else:
        yield value


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(name=st.sampled_from(sorted(TEXTS)), at=st.integers(0, 10_000))
def test_every_changed_value_is_named_and_no_unchanged_thing_is(name: str, at: int) -> None:
    before = agreement(name)
    after = altered(name, changes_of(name)[at % len(changes_of(name))])
    if after is None:
        return
    for old, new in [(before, after)] if at % 2 else [(after, before)]:
        changes, rereadings = compare_clauses(old, new)
        assert (old.digest() == new.digest()) == (not changes)
        was, now = canonical(old), canonical(new)
        for section in ENTRIES:
            differ = {
                f"{section}.{key}"
                for key in {**entries(was, section), **entries(now, section)}
                if entries(was, section).get(key) != entries(now, section).get(key)
            }
            named = {each.key for each in changes if each.key.startswith(f"{section}.")}
            assert differ == named
        rules = [rule for each in changes for rule in each.rules if not rule.path.startswith("order of")]
        told = Counter(leaves(was))
        # An empty table has no values; that it is there or not is told as "nothing".
        told.subtract(rule.before for rule in rules if rule.before not in (None, "nothing"))
        told.update(rule.after for rule in rules if rule.after not in (None, "nothing"))
        assert Counter(leaves(now)) == +told
        assert not -told
        own = {each.key for each in changes}
        assert set() == own & {each.key for each in rereadings}
        worded: list[ThingChange | Rereading] = [*changes, *rereadings]
        for each in worded:
            assert each.before == "".join(stretch.before for stretch in each.stretches)
            assert each.after == "".join(stretch.after for stretch in each.stretches)


@pytest.mark.parametrize("name", TEXTS)
def test_an_agreement_is_not_different_from_itself(name: str) -> None:
    found = compare(agreement(name), Agreement.parse(TEXTS[name]))
    assert ((), (), (), ()) == (found.changes, found.rereadings, found.shapes, found.findings)
    assert all(each.same for each in found.extremes)


def edited(*edits: tuple[str, str]) -> Agreement:
    text = EXAMPLE
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return Agreement.parse(text)


def test_a_changed_number_is_named_as_people_read_it_and_as_the_file_means_it() -> None:
    found = compare(agreement("example"), edited(("otherwise: 15%", "otherwise: 17.5%"), ("within: 10", "within: 12")))
    credit, evidence = found.changes
    assert ("clauses.cancellations", "Clauses", "Cancellation credit", "changed") == (
        credit.key, credit.heading, credit.title, credit.kind,
    )  # fmt: skip
    assert [("15%", "17.5%")] == [(each.before, each.after) for each in credit.numbers]
    assert [("clauses.cancellations.levels.4.value", "0.15", "0.175")] == [
        (rule.path, rule.before, rule.after) for rule in credit.rules
    ]
    assert [("10", "12")] == [(each.before, each.after) for each in evidence.numbers]
    assert [("escrow.evidence_within", str(10 * 86_400), str(12 * 86_400))] == [
        (rule.path, rule.before, rule.after) for rule in evidence.rules
    ]


def test_a_band_put_between_others_leaves_them_alone() -> None:
    [volume] = compare(agreement("example"), edited(("upto 3500: 30", "upto 3000: 35, upto 3500: 30"))).changes
    assert [("clauses.volume.bands.2.head", None, "upto 3000"), ("clauses.volume.bands.2.value", None, "35")] == [
        (rule.path, rule.before, rule.after) for rule in volume.rules
    ]
    assert {("35", None), ("3,000", None)} == {(each.after, each.before) for each in volume.numbers}


def test_a_band_left_out_is_named_and_the_others_are_not() -> None:
    [volume] = compare(agreement("example"), edited(("upto 2500: 40, ", ""))).changes
    assert [("clauses.volume.bands.1.head", "upto 2500", None), ("clauses.volume.bands.1.value", "40", None)] == [
        (rule.path, rule.before, rule.after) for rule in volume.rules
    ]


def test_another_order_of_providers_is_named() -> None:
    united, jetblue = "    UA: {name: United Air Lines}\n", "    B6: {name: JetBlue Airways}\n"
    [parties] = compare(agreement("example"), edited((united + jetblue, jetblue + united))).changes
    assert [("order of parties.providers", "UA, B6, EV", "B6, UA, EV")] == [
        (rule.path, rule.before, rule.after) for rule in parties.rules
    ]


def test_a_term_is_the_change_and_the_clauses_that_mention_it_only_read_differently() -> None:
    found = compare(agreement("example"), edited(("monthly_fee: 250000", "monthly_fee: 300000")))
    assert ["terms.monthly_fee"] == [each.key for each in found.changes]
    assert ["clauses.fee", "clauses.cancellations"] == [each.key for each in found.rereadings]


def test_a_new_title_is_one_change() -> None:
    found = compare(agreement("example"), edited(("title: On-time share", "title: Share in time")))
    [kpi] = found.changes
    assert [("kpis.on_time.title", "On-time share", "Share in time")] == [
        (rule.path, rule.before, rule.after) for rule in kpi.rules
    ]
    assert ["clauses.punctuality"] == [each.key for each in found.rereadings]


def test_a_clause_comes_and_goes() -> None:
    volume = EXAMPLE[EXAMPLE.index("  volume:\n") : EXAMPLE.index("# Collar")]
    less = edited((volume, "\n"))
    [gone] = compare(agreement("example"), less).changes
    assert ("clauses.volume", "removed", "") == (gone.key, gone.kind, gone.after)
    [came] = compare(less, agreement("example")).changes
    assert ("clauses.volume", "added", "", gone.before) == (came.key, came.kind, came.before, came.after)
    assert {"2,500", "40", "3,500", "30", "20", "0"} >= {each.after for each in came.numbers} >= {"2,500", "40"}


def test_another_order_is_a_change_where_the_order_means_something() -> None:
    first = deal("a: {kind: fixed_fee, amount: 1}\nb: {kind: fixed_fee, amount: 2}", head=TWO)
    other = deal("b: {kind: fixed_fee, amount: 2}\na: {kind: fixed_fee, amount: 1}", head=TWO)
    [order] = compare(
        Agreement.parse(first.replace("amount: 1", "amount: 1, to: A").replace("amount: 2", "amount: 2, to: A")),
        Agreement.parse(other.replace("amount: 1", "amount: 1, to: A").replace("amount: 2", "amount: 2, to: A")),
    ).changes
    assert [("order of clauses", "a, b", "b, a")] == [(rule.path, rule.before, rule.after) for rule in order.rules]


def test_a_requirement_between_others_is_the_only_one_named() -> None:
    clauses, kpis = "fee: {kind: fixed_fee, amount: 5}", KPI
    old = deal(clauses, kpis, escrow="require: [x >= 1, y >= 3]\n" + ESCROW)
    new = deal(clauses, kpis, escrow="require: [x >= 1, x >= 2, y >= 3]\n" + ESCROW)
    [came] = compare(Agreement.parse(old), Agreement.parse(new)).changes
    assert ("require.2", "added") == (came.key, came.kind)
    assert 'A report is signed only if "X" is at least 2; the escrow refuses any other.' == came.after


def test_the_extremes_are_those_of_the_agreements() -> None:
    after = edited(("at_most: 520000", "at_most: 600000"), ("periods: 12", "periods: 6"))
    found = compare(agreement("example"), after)
    one = 10**18
    united, *_, client = found.extremes
    assert united.period.before is not None
    assert united.period.after is not None
    assert (180_000 * one, 520_000 * one) == (united.period.before.least, united.period.before.most)
    assert (180_000 * one, 600_000 * one) == (united.period.after.least, united.period.after.most)
    assert [(1, 6, False), (7, 12, True)] == [
        (each.first, each.last, each.change.after is None) for each in united.periods
    ]
    assert client.provider is None
    assert client.term.before is not None
    assert client.term.after is not None
    assert (3 * 12 * 520_000 * one, 3 * 6 * 600_000 * one) == (client.term.before.most, client.term.after.most)


def test_the_shape_says_what_became_true_and_what_no_longer_is() -> None:
    after = edited(("levels: {at_most 1%: 0, at_most 3%: 5%, ", "levels: {at_most 1%: 0, "))
    found = compare(agreement("example"), after)
    [shape] = found.shapes
    assert ("cancelled.UA", "cancelled.B6", "cancelled.EV") == shape.kpis
    assert {"cliff from 1.00% to 1.01%: 12,500 less", "cliff from 3.00% to 3.01%: 12,500 less"} <= set(shape.gone)
    assert ("cliff from 1.00% to 1.01%: 25,000 less", "without effect from 1.01% to 5.00%") == shape.new
    assert [("cliff", True, True), ("cliff", True, False)] == sorted(
        ((each.code, each.gone is not None, each.new is not None) for each in found.findings), reverse=True
    )


@given(before=st.text(), after=st.text())
def test_stretches_join_to_the_texts(before: str, after: str) -> None:
    found = compare_words(before, after)
    assert (before, after) == ("".join(each.before for each in found), "".join(each.after for each in found))
    assert all(left.same != right.same for left, right in pairwise(found))


def test_numbers_are_whole_with_sign_separator_and_percent() -> None:
    found = compare_numbers("pays -150,000 at 55%, 3 times", "pays -160,000 at 60.5%, 3 times and 7")
    assert [("-150,000", "-160,000"), ("55%", "60.5%"), (None, "7")] == [(each.before, each.after) for each in found]
