"""What holds a report to the agreement, in the rule of the escrow: ``if_missing: last``, ``require``, ``except``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.decimals import ONE
from pyoutcome.errors import AgreementError, FormulaError, PyoutcomeError
from pyoutcome.formula import Names, decode, encode, evaluate, machine, start_state, to_text
from pyoutcome.formula.machine import RUN_ERRORS
from pyoutcome.terms import Agreement
from pyoutcome.terms.stating import KpiValue
from tests.terms.deals import deal
from tests.terms.rules import paid, rule_of

KPIS: Final = """\
a: {range: [0, 9], except: [3, 7], if_missing: 5}
b: {decimals: 1, range: [2, 9], if_missing: last, opening: 3, except: [4]}
ok: {type: yes_no, if_missing: last, opening: no}
tier: {choices: [gold, base, tin], if_missing: last, opening: base, except: [tin]}
plain: {choices: [red, blue], except: [blue], if_missing: red}
sure: {type: yes_no, except: [no], if_missing: yes}
never: {type: yes_no, except: [yes], if_missing: no}
part: {range: [0, 5], per: provider, if_missing: last, opening: 1}
"""
CLAUSES: Final = """\
now: {kind: formula, is: "a * b + (100 if ok else 0) + 1000 * pick(tier, [gold gives 1, base gives 2, tin gives 3])"}
few: {kind: formula, is: "pick(tier, [base gives 5, otherwise 6]) + (7 if tier != gold else 8) + total.part"}
later: {kind: formula, is: "lag(b, 2) + sum_last(b, 3) + prev.b / 4 + (1 if prev.ok else 2)"}
and_then: {kind: formula, is: "3 if prev.tier == tin else prev.part.Provider"}
"""
REQUIRED: Final = "require: [a + b < 17, not (ok and tier == base), twice != 12]\n"
OPENINGS: Final = {"b": 3 * ONE, "ok": 0, "tier": 2 * ONE, "part.Provider": ONE}
EVERYTHING: Final = rule_of(CLAUSES, KPIS, top=REQUIRED, define="twice: 2 * a")


@st.composite
def told(draw: st.DrawFn) -> list[dict[str, int | None]]:
    """Periods in which any value can be missing that may be, mostly within what the agreement allows."""
    periods: list[dict[str, int | None]] = []
    for _ in range(draw(st.integers(1, 6))):
        values: dict[str, int | None] = {}
        for kpi in EVERYTHING.kpis:
            steps = (kpi.high - kpi.low) // kpi.shape.multiple
            value = kpi.low + kpi.shape.multiple * draw(st.integers(0, steps))
            values[kpi.name] = None if draw(st.integers(0, 2)) == 0 else value
        periods.append(values)
    return periods


@given(told())
def test_the_rule_of_the_escrow_pays_what_the_rule_pays_for_the_values_that_count(
    periods: list[dict[str, int | None]],
) -> None:
    """By the plain rule, the last values filled in by hand; evaluator, machine and statement alike. A report that the
    agreement refuses makes all of them fail, and leaves what is carried as it was."""
    plain, rule, program = EVERYTHING.rule(), EVERYTHING.enforced_rule(), EVERYTHING.program()
    last, number = dict(OPENINGS), 1
    by_hand, ours, theirs = start_state(plain, 6), start_state(rule, 6), machine.begin(program.data, 6)
    for values in periods:
        counts = [last.get(k.name, k.if_missing) if (v := values[k.name]) is None else v for k in EVERYTHING.kpis]
        given_values = tuple(
            kpi.given_if_missing if (value := values[kpi.name]) is None else value for kpi in EVERYTHING.kpis
        )
        named: Mapping[str, KpiValue] = values
        result = machine.run(program.data, given_values, (), number, theirs)
        if not _allowed(values, counts):
            assert RUN_ERRORS["division-by-zero"] == result.error
            with pytest.raises(FormulaError, match="division-by-zero"):
                evaluate(rule, given_values, period=number, state=ours)
            with pytest.raises(AgreementError):
                EVERYTHING.statement(number, named, ours)
            continue
        expected = evaluate(plain, counts, period=number, state=by_hand)
        outcome = evaluate(rule, given_values, period=number, state=ours)
        statement = EVERYTHING.statement(number, named, ours)
        assert expected.lines == outcome.lines == result.lines
        assert expected.amounts == outcome.amounts == result.amounts == (statement.providers[0].amount,)
        assert counts == [each.value for each in statement.kpis]
        assert outcome.state == result.state == statement.state
        assert outcome.state is not None
        assert result.state is not None
        assert expected.state is not None
        by_hand, ours, theirs, number = expected.state, outcome.state, result.state, number + 1
        last = {name: value for (name, value) in zip(values, counts, strict=True) if name in OPENINGS}


def _allowed(values: Mapping[str, int | None], counts: list[int]) -> bool:
    """What the file says, by hand: no excluded value is given, and every relation holds."""
    a, b, ok, tier, *_ = counts
    given_out = (
        values["b"] == 4 * ONE,
        values["tier"] == 3 * ONE,
        values["plain"] == 2 * ONE,
        values["sure"] == 0,
        values["never"] == 1,
    )
    related = a + b < 17 * ONE and not (ok and tier == 2 * ONE) and a != 6 * ONE
    return a not in (3 * ONE, 7 * ONE) and not any(given_out) and related


def test_without_them_there_is_one_rule() -> None:
    agreement = rule_of("line: {kind: formula, is: x}", "x: {range: [0, 9], if_missing: 5}")
    assert agreement.rule() is agreement.enforced_rule()
    assert not agreement.refuses


def test_it_reads_back_from_its_bytes_and_says_what_it_is() -> None:
    rule, program = EVERYTHING.enforced_rule(), EVERYTHING.program()
    assert program.data == encode(decode(program.data, Names.of(rule))).data
    small = rule_of(
        "line: {kind: formula, is: b}",
        "a: {range: [0, 9], except: [3]}\nb: {range: [0, 9], if_missing: last, opening: 4}",
        top="require: [a < 8]\n",
    ).enforced_rule()
    assert ["1 / (1 if a != 3 and a < 8 else 0)"] == [to_text(each.formula) for each in small.definitions]
    assert [("4", "prev.b if b.given < 0 else b.given")] == [
        (to_text(each.start), to_text(each.next)) for each in small.registers
    ]


def test_a_value_that_no_report_can_give_says_that_none_was_given() -> None:
    lowest = {kpi.name: kpi.given_if_missing for kpi in EVERYTHING.kpis if kpi.takes_last}
    assert {"b": 2 * ONE - ONE // 10, "ok": -1, "tier": 0, "part.Provider": -ONE} == lowest
    assert all(kpi.given_if_missing == kpi.if_missing for kpi in EVERYTHING.kpis if not kpi.takes_last)


def test_a_value_stays_over_several_periods_without_one() -> None:
    agreement = rule_of("line: {kind: formula, is: x}", "x: {range: [0, 9], if_missing: last, opening: 3}")
    periods: list[dict[str, str]] = [{}, {"x": "7"}, {}, {}, {"x": "0"}, {}]
    assert [Fraction(each) for each in (3, 7, 7, 7, 0, 0)] == paid(agreement, *periods)
    assert agreement.program().sequential


def test_on_paper_the_period_before_can_be_given_by_itself() -> None:
    agreement = rule_of("line: {kind: formula, is: x}", "x: {range: [0, 9], if_missing: last, opening: 3}")
    later = agreement.statement(5, {"x": None}, before={"x": "8"})
    assert 8 * ONE == later.providers[0].amount
    assert 2 * ONE == agreement.statement(5, {"x": "2"}).providers[0].amount
    assert 3 * ONE == agreement.statement(5, {"x": None}).providers[0].amount


def test_bounds_words_and_digest_do_not_depend_on_how_it_is_enforced() -> None:
    """They are those of the values that count, whatever was reported."""
    clauses, kpi = "line: {kind: formula, is: x * (10 - x)}", "x: {range: [0, 9], MORE}"
    lasting = rule_of(clauses, kpi.replace("MORE", "if_missing: last, opening: 3"))
    plain = rule_of(clauses, kpi.replace("MORE", "if_missing: 3"))
    assert plain.bounds() == lasting.bounds()
    assert plain.rule().kpis == tuple(replace(each, opening=None) for each in lasting.rule().kpis)
    assert "that of the period before stands in" in lasting.words()


def agreement_with(kpis: str, top: str = "") -> Agreement:
    text = deal("fee: {kind: formula, is: x}", kpis)
    return Agreement.parse(text.replace("agreement: small-deal", f"agreement: small-deal\n{top}"))


@pytest.mark.parametrize(
    ("kpis", "top", "path", "why"),
    [
        ("x: {unit: u, range: [0, 9], if_missing: 0}", "require: [x > 0]", "require.0", "do not meet"),
        (
            "x: {unit: u, range: [0, 9], if_missing: last, opening: 9, silence_may_pay: yes}",
            "require: [9 > 8, x + 1 > 0]", "require.1", "reads 'x'",
        ),
        (
            """
            x: {unit: u, range: [0, 9], if_missing: 9}
            y: {unit: u, per: provider, range: [0, 9], if_missing: last, opening: 9}
            """,
            "require: [all > 0]\ndefine: {all: 1 + total.y}", "require.0", "reads 'total.y'",
        ),
        ("x: {unit: u, range: [0, 9], if_missing: 0}", "require: [x > 0 or period < 2]", "require.0", "do not meet"),
        (
            "x: {unit: u, range: [0, 1], except: [0, 1], if_missing: refuse, better: higher}", "", "kpis.x.except",
            "excluded",
        ),
    ],
)  # fmt: skip
def test_nobody_signs_what_a_period_without_evidence_would_break(kpis: str, top: str, path: str, why: str) -> None:
    with pytest.raises(AgreementError) as refused:
        agreement_with(kpis, top).demand_default()
    assert ("missing-breaks-requirement", path) == (
        refused.value.code,
        refused.value.where and refused.value.where.path,
    )
    assert why in refused.value.why


def test_what_a_period_without_evidence_meets_can_be_signed() -> None:
    agreement = agreement_with("x: {unit: u, range: [0, 9], except: [9], if_missing: 1}", "require: [x > 0]")
    agreement.demand_default()
    assert agreement.refuses
    agreement.demand_reportable(1, {"x": "4"})
    agreement.demand_reportable(1, {"x": None})
    for value in ("0", "9"):
        with pytest.raises(AgreementError):
            agreement.demand_reportable(1, {"x": value})


def test_the_worst_value_is_one_that_is_possible() -> None:
    for better, worst in (("higher", 3), ("lower", 7)):
        kpi = f"x: {{unit: u, range: [2, 9], except: [2, 8, 9], if_missing: refuse, better: {better}}}"
        assert worst * ONE == agreement_with(kpi).value_of_missing("x")


def test_a_supplier_that_would_keep_a_good_value_by_silence_is_refused_it() -> None:
    kpi = "x: {unit: u, range: [0, 9], if_missing: last, opening: 0, better: higher}"
    with pytest.raises(PyoutcomeError) as refused:
        agreement_with(kpi).check()
    assert "silence-pays" == refused.value.code
    assert "by the value of the period before" in refused.value.why
    agreement_with(kpi.replace("last,", "last, silence_may_pay: yes,")).check()
