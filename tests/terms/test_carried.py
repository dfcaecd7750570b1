"""What periods leave to later ones, what reports must satisfy, and files that are a rule only."""

from __future__ import annotations

from fractions import Fraction

import pytest

from pyoutcome.decimals import ONE
from pyoutcome.errors import FormulaError, PyoutcomeError
from pyoutcome.terms import Agreement
from tests.terms.deals import ESCROW, HEAD, TWO, deal
from tests.terms.rules import paid, rule_file, rule_of, values_of

X = "x: {decimals: 2, range: [-1000, 1000]}"


def test_state_is_updated_in_every_period_from_the_values_before() -> None:
    agreement = rule_of(
        "line: {kind: formula, is: best - prev.best}", X, state="best: {start: floor0, next: 'max(prev.best, x)'}",
        terms="floor0: 5",
    )  # fmt: skip
    assert [0, 4, 0, 1] == paid(agreement, *({"x": each} for each in ("3", "9", "2", "10")))
    assert "0.5" not in agreement.words()
    assert (
        '"Best" is carried from period to period and not paid by itself: it starts as "Floor0" (5)' in agreement.words()
    )


def test_a_statement_leaves_the_state_of_the_next_period() -> None:
    agreement = rule_of("line: {kind: formula, is: prev.sum}", X, state="sum: {start: 0, next: prev.sum + x}")
    first = agreement.statement(1, {"x": "3"})
    second = agreement.statement(2, {"x": "4"}, first.state)
    third = agreement.statement(3, {"x": "4"}, second.state)
    assert [0, 3, 7] == [each.providers[0].amount // ONE for each in (first, second, third)]
    assert {"sum": "11"} == values_of(third)
    with pytest.raises(FormulaError) as caught:
        agreement.statement(2, {"x": "4"})
    assert "state-needed" == caught.value.code


def test_every_provider_carries_its_own_state() -> None:
    text = (
        deal(
            "fee: {kind: formula, is: streak * 10, per: provider}",
            "late: {unit: u, per: provider, range: [0, 9], if_missing: 0}",
            head=TWO,
        )
        + "state:\n  streak: {start: 0, next: prev.streak + 1 if late > 0 else 0}\n"
    )
    told = [{"late.A": "1", "late.B": "0"}, {"late.A": "2", "late.B": "3"}, {"late.A": "0", "late.B": "1"}]
    statements = Agreement.parse(text).statements(told)
    assert [(10, 0), (20, 10), (0, 20)] == [
        tuple(each.amount // ONE for each in statement.providers) for statement in statements
    ]


def test_a_kpi_counts_as_its_opening_value_before_the_first_period() -> None:
    kpis = "x: {decimals: 2, range: [-1000, 1000], opening: 4}"
    agreement = rule_of("line: {kind: formula, is: x - prev.x}", kpis)
    assert [6, -3] == paid(agreement, {"x": "10"}, {"x": "7"})
    assert "Before the first period the value counts as 4." in agreement.words()


def test_what_was_earned_and_given_before() -> None:
    agreement = rule_of("a: {kind: formula, is: x}\nb: {kind: formula, is: earned_before + 100 * to_date.a}", X)
    # in period 2: 1 given by a before, 1 earned before; in period 3: 2 given by a, 1 + 102 earned
    assert [1, 1 + 101, 1 + 103 + 200] == paid(agreement, {"x": "1"}, {"x": "1"}, {"x": "1"})


def test_each_provider_earns_for_itself() -> None:
    text = deal(
        "fee: {kind: formula, is: 10 + earned_before, per: provider}\n"
        "lead: {kind: formula, is: earned_before, to: prime}",
        "",
        head=TWO.replace("quorum: 1", "prime: B\n  quorum: 1"),
        escrow="",
    )
    statements = Agreement.parse(text).statements([{}, {}, {}])
    amounts = [tuple(each.amount // ONE for each in statement.providers) for statement in statements]
    assert [(10, 10), (20, 30), (40, 90)] == amounts


def test_the_prime_contractor_is_named_or_alone() -> None:
    assert [5] == paid(rule_of("line: {kind: fixed_fee, amount: 5, to: prime}"), {})
    assert "the client owes Provider 5" in rule_of("line: {kind: fixed_fee, amount: 5, to: prime}").words()
    with pytest.raises(PyoutcomeError) as caught:
        Agreement.parse(deal("line: {kind: fixed_fee, amount: 5, to: prime}", head=TWO))
    assert "no-prime" == caught.value.code
    with pytest.raises(PyoutcomeError) as caught:
        Agreement.parse(deal("line: {kind: fixed_fee, amount: 5}", head=HEAD.replace("quorum", "prime: Z\n  quorum")))
    assert ("unknown-party", "parties.prime") == (caught.value.code, caught.value.where and caught.value.where.path)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ("[lifetime_at_most: 25]", [10, 10, 5, 0]),
        ("[lifetime_at_least: 15]", [15, 10, 10, 10]),
        ("[{lifetime_at_most: 15, when: x > 1}]", [10, 10, 10, 10]),
        ("[hold: {share: 20%, release_when: period >= 3}]", [8, 8, 14, 10]),
        ("[times: 3, hold: {share: 50%, release_when: period == 4}, at_most: 16]", [15, 15, 15, 16]),
        ("[{hold: {share: 10%, release_when: no}, when: period < 3}]", [9, 9, 10, 10]),
        ("[times: 1 / 3, to_units: 2]", [Fraction(333, 100)] * 4),
        ("[plus: -12, to_units: 0]", [-2] * 4),
    ],
)  # fmt: skip
def test_what_the_settlement_does_over_all_periods(entries: str, expected: list[Fraction]) -> None:
    agreement = rule_of("line: {kind: fixed_fee, amount: 10}", X, settlement="", top=f"settlement: {entries}\n")
    found = paid(agreement, *[{"x": "0"}] * 4)
    assert expected == found
    bounds = agreement.bounds().providers[0]
    assert all(bounds.least <= amount * 10**18 <= bounds.most for amount in found)


def test_decimals_are_cut_off_last_or_not_at_all() -> None:
    for entries in ("[to_units: 2, times: 2]", "[{to_units: 2, when: x > 1}]"):
        with pytest.raises(PyoutcomeError) as caught:
            rule_of("line: {kind: fixed_fee, amount: 10}", X, top=f"settlement: {entries}\n")
        assert ("to-units-not-last", "settlement.0") == (
            caught.value.code,
            caught.value.where and caught.value.where.path,
        )


def test_what_is_held_back_is_said() -> None:
    words = rule_of(
        "line: {kind: fixed_fee, amount: 10}", top="settlement: [hold: {share: 20%, release_when: period >= 3}]\n"
    ).words()
    assert "What is kept back so far in the settlement is carried from period to period" in words
    assert "what is kept back of this period in the settlement means 20% of" in words


def test_a_report_that_breaks_a_requirement_is_refused() -> None:
    agreement = rule_of(
        "line: {kind: formula, is: 1 / x}", X, top="require: [x != 0, twice < 100]\n", define="twice: 2 * x"
    )
    assert [Fraction(1, 4)] == paid(agreement, {"x": "4"})
    for x, said in (("0", "x != 0"), ("50", "twice < 100")):
        with pytest.raises(PyoutcomeError) as caught:
            paid(agreement, {"x": x})
        assert "requirement-broken" == caught.value.code
        assert said in caught.value.why
    safe = rule_of("line: {kind: formula, is: x}", X, top="require: [x != 0]\n")
    assert 'A report is signed only if "X" is not equal to 0.' in safe.words()


def test_a_requirement_that_reads_what_every_provider_has_holds_for_each() -> None:
    text = deal(
        "fee: {kind: formula, is: good, per: provider}",
        "good: {unit: u, per: provider, range: [0, 9], if_missing: 0}\n"
        "all: {unit: u, per: provider, range: [0, 9], if_missing: 0}",
        head=TWO,
    ).replace("agreement: small-deal", "agreement: small-deal\nrequire: [good <= all, total.all > 0]")
    agreement = Agreement.parse(text)
    told = {"good.A": "1", "all.A": "2", "good.B": "0", "all.B": "0"}
    assert 1 == agreement.statement(1, told).of("A").amount // ONE
    with pytest.raises(PyoutcomeError) as caught:
        agreement.statement(1, told | {"good.B": "1"})
    assert "good.B <= all.B" in caught.value.why
    assert "missing-breaks-requirement" in [finding.code for finding in agreement.check()]


def test_excluded_values_are_no_values_and_divide_nothing() -> None:
    kpis = "x: {decimals: 1, range: [-2, 2], except: [0, 1.5]}"
    agreement = rule_of("line: {kind: formula, is: 1 / abs(x)}", kpis)
    assert [Fraction(1, 2)] == paid(agreement, {"x": "-2"})
    for x in ("0", "1.5"):
        with pytest.raises(PyoutcomeError) as caught:
            paid(agreement, {"x": x})
        assert "bad-kpi-value" == caught.value.code
    bounds = agreement.bounds().providers[0]
    assert (10**18 // 2, 10 * 10**18) == (bounds.least, bounds.most)
    assert "but not 0 or 1.5" in agreement.words()
    with pytest.raises(PyoutcomeError) as caught:
        rule_of("line: {kind: formula, is: 1 / x}", "x: {range: [-2, 2], except: [1]}").bounds()
    assert "possible-division-by-zero" == caught.value.code


@pytest.mark.parametrize(
    ("kpi", "code", "path"),
    [
        ("{range: [0, 5], except: [7]}", "bad-kpi-value", "kpis.x.except"),
        ("{range: [0, 5], except: [3], if_missing: 3}", "bad-kpi", "kpis.x.if_missing"),
        ("{range: [0, 5], except: [3], opening: 3}", "bad-kpi", "kpis.x.opening"),
        ("{range: [0, 5], opening: 9}", "bad-kpi-value", "kpis.x.opening"),
        ("{range: [0, 5], if_missing: last}", "missing-key", "kpis.x.if_missing"),
    ],
)
def test_impossible_values_of_a_kpi(kpi: str, code: str, path: str) -> None:
    with pytest.raises(PyoutcomeError) as caught:
        rule_of("line: {kind: formula, is: x}", f"x: {kpi}")
    assert (code, path) == (caught.value.code, caught.value.where and caught.value.where.path)


def test_missing_values_are_refused_or_the_last_ones_or_the_agreements() -> None:
    kpis = """
        a: {range: [0, 9]}
        b: {range: [0, 9], if_missing: last, opening: 3}
        c: {range: [0, 9], if_missing: 5}
    """
    agreement = rule_of("line: {kind: formula, is: a + 10 * b + 100 * c}", kpis)
    assert [531, 572, 573] == [
        int(each) for each in paid(agreement, {"a": "1"}, {"a": "2", "b": "7", "c": "5"}, {"a": "3"})
    ]
    with pytest.raises(PyoutcomeError) as caught:
        agreement.statement(1, {"a": None, "b": "1", "c": "1"})
    assert "missing-kpi-value" == caught.value.code
    assert [False, True, True] == [kpi.may_be_missing for kpi in agreement.kpis]


def test_a_deployed_agreement_knows_the_worst_value_of_what_may_not_be_missing() -> None:
    kpi = "x: {unit: u, range: [2, 9], if_missing: refuse, better: BETTER}"
    for better, worst in (("higher", 2), ("lower", 9)):
        agreement = Agreement.parse(deal("fee: {kind: formula, is: x}", kpi.replace("BETTER", better)))
        assert worst * ONE == agreement.value_of_missing("x")
        assert f"in a period without evidence {worst} stands in" in agreement.words()
    with pytest.raises(PyoutcomeError) as caught:
        Agreement.parse(deal("fee: {kind: formula, is: x}", kpi.replace(", better: BETTER", "")))
    assert ("missing-key", "kpis.x.if_missing") == (caught.value.code, caught.value.where and caught.value.where.path)


def test_contract_years_follow_from_the_calendar_or_are_said() -> None:
    clause = "line: {kind: fixed_fee, by_year: [10, 20]}"
    quarters = "term: {every: quarter, periods: 6}\n"
    agreement = Agreement.parse(rule_file(clause, top=quarters))
    assert [10, 10, 10, 10, 20, 20] == paid(agreement, *[{}] * 6)
    weeks = "term: {every: week, periods: 3, periods_per_year: 2}\n"
    assert [10, 10, 20] == paid(Agreement.parse(rule_file(clause, top=weeks)), *[{}] * 3)
    with pytest.raises(FormulaError) as caught:
        Agreement.parse(rule_file(clause, top=weeks.replace(", periods_per_year: 2", "")))
    assert "no-calendar" == caught.value.code


def test_a_file_without_escrow_is_a_rule_that_settles_on_paper() -> None:
    agreement = Agreement.parse("agreement: bare\nclauses: {fee: {kind: fixed_fee, amount: 5}}\n")
    assert (("Provider",), 1, 18) == (agreement.providers, len(agreement.periods), agreement.token.decimals)
    assert not agreement.deployable
    assert [5] == paid(agreement, {})
    assert agreement.check()
    assert "Escrow" not in agreement.words()
    with pytest.raises(PyoutcomeError) as caught:
        _ = agreement.escrow
    assert "rule-only" == caught.value.code
    assert Agreement.parse(deal("fee: {kind: fixed_fee, amount: 5}")).deployable


def test_a_file_with_escrow_needs_everything() -> None:
    whole = deal("fee: {kind: fixed_fee, amount: x}")
    for part in ("parties", "term", "token"):
        lines = whole.splitlines(keepends=True)
        start = next(at for at, line in enumerate(lines) if line.startswith(part))
        end = next(at for at in range(start + 1, len(lines)) if not lines[at].startswith(" "))
        with pytest.raises(PyoutcomeError) as caught:
            Agreement.parse("".join(lines[:start] + lines[end:]))
        assert "missing-key" == caught.value.code
        assert ESCROW in whole
        assert Agreement.parse("".join(lines[:start] + lines[end:]).replace(ESCROW, "")).providers
