"""Each clause kind gives what a person with a pocket calculator gets, and reads as the formula the language says."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome import Agreement
from pyoutcome.decimals import ONE
from pyoutcome.formula import run, to_text
from tests.terms.deals import HEAD, TWO, agree, deal, pays


def formula(clause: str, **parts: str) -> str:
    """The formula a clause lowers to."""
    return to_text(agree(f"line: {clause}", **parts).rule().lines[0].formula)


@pytest.mark.parametrize(
    ("clause", "lowered"),
    [
        ("{kind: fixed_fee, amount: 2 * x}", "2 * x"),
        ("{kind: formula, is: x if y > 0 else 0}", "x if y > 0 else 0"),
        ("{kind: curve, of: x, points: [[0, 0], [10, 5]]}", "curve(x, [0 gives 0, 10 gives 5])"),
        ("{kind: curve, of: x, points: [[0, 0], [10, 5]], times: y}", "curve(x, [0 gives 0, 10 gives 5]) * y"),
        ("{kind: step, of: x, rows: {above 5: 1, otherwise: 0}, times: 3}",
         "step(x, [above 5 gives 1, otherwise 0]) * 3"),
        ("{kind: service_credit, measure: x, charges: y, levels: {at_least 99: 0, otherwise: 5%}}",
         "step(x, [at_least 99 gives 0, otherwise 0.05]) * y"),
        ("{kind: service_credit, measure: x, charges: y, levels: {at_least 99: 0, otherwise: 5%}, at_risk: 3%}",
         "min(step(x, [at_least 99 gives 0, otherwise 0.05]), 0.03) * y"),
        ("{kind: service_credit, measure: x, charges: y, levels: {at_least 99: 0, otherwise: 150%}}",
         "min(step(x, [at_least 99 gives 0, otherwise 1.5]), 1) * y"),
        ("{kind: unit_price, quantity: x, price: 3}", "x * 3"),
        ("{kind: unit_price, quantity: x, price: 3, per: 100}", "x * 3 / 100"),
        ("{kind: unit_price, quantity: x, price: 3, allowance: 5}", "max(0, x - 5) * 3"),
        ("{kind: unit_price, quantity: x, price: 3, allowance: 5, max_quantity: 7}", "min(max(0, x - 5), 7) * 3"),
        ("{kind: unit_price, quantity: x, tiers: {below 9: 3, otherwise: 2}}",
         "x * step(x, [below 9 gives 3, otherwise 2])"),
        ("{kind: unit_price, quantity: x, bands: {upto 9: 3, next 2: 1, rest: 2}, per: 10}",
         "bands(x, [upto 9 at 3, next 2 at 1, rest at 2]) / 10"),
        ("{kind: bonus_malus, of: x, target: 5, better: higher, bonus: {rate: 2}}", "max(0, x - 5) * 2"),
        ("{kind: bonus_malus, of: x, target: 5, better: lower, bonus: {rate: 2}}", "max(0, 5 - x) * 2"),
        ("{kind: bonus_malus, of: x, target: 5, better: higher, malus: {rate: 2, per: 10, deadband: 1, limit: 4}}",
         "0 - min(max(0, 5 - x - 1), 4) * 2 / 10"),
        ("{kind: bonus_malus, of: x, target: 5, better: higher, bonus: {rate: 2, deadband: 1, mode: cliff}}",
         "(max(0, x - 5) if x - 5 >= 1 else 0) * 2"),
    ],
)  # fmt: skip
def test_a_clause_is_the_formula_the_language_says(clause: str, lowered: str) -> None:
    assert lowered == formula(clause)


@pytest.mark.parametrize(
    ("entry", "lowered"),
    [
        ("at_most: 9", "min(x, 9)"),
        ("at_least: 9", "max(x, 9)"),
        ("times: y", "x * y"),
        ("plus: y", "x + y"),
        ("less: y", "x - y"),
        ("offset: y", "max(0, x - y)"),
        ("round: 0.01 half_up", "round(x, 0.01, half_up)"),
        ("nothing_unless: at_least 9", "x if x >= 9 else 0"),
        ("nothing_unless: above 9", "x if x > 9 else 0"),
    ],
)
def test_an_adjustment_is_its_operation(entry: str, lowered: str) -> None:
    agreement = agree(f"line: {{kind: formula, is: x, then: [{entry}]}}")
    line = agreement.rule().lines[0]
    inlined = {each.name: to_text(each.formula) for each in agreement.rule().definitions}
    text = to_text(line.formula)
    for name, inner in inlined.items():
        text = text.replace(name, inner)
    assert lowered == text


@given(
    st.lists(st.sampled_from(["at_most: 70", "less: 3", "times: 2", "round: 10 up", "plus: y"]), max_size=5), st.data()
)
@settings(max_examples=40, deadline=None)
def test_adjustments_apply_in_the_order_written(entries: list[str], data: st.DataObject) -> None:
    x, y = data.draw(st.integers(0, 100)), data.draw(st.integers(-9, 9))
    by_hand = Fraction(x)
    for entry in entries:
        match entry.split(":")[0]:
            case "at_most":
                by_hand = min(by_hand, Fraction(70))
            case "less":
                by_hand -= 3
            case "times":
                by_hand *= 2
            case "round":
                by_hand = Fraction((abs(by_hand) + 9) // 10 * 10) * (1 if by_hand >= 0 else -1)
            case _:
                by_hand += y
    agreement = agree(f"line: {{kind: formula, is: x, then: [{', '.join(entries)}]}}")

    assert by_hand == pays(agreement, x=str(x), y=str(y))


def test_an_adjustment_with_a_condition_applies_only_then() -> None:
    agreement = agree("line: {kind: formula, is: x, then: [{times: 2, when: y > 0}, {plus: 1, when: y > 5}]}")
    assert [10, 20, 21] == [pays(agreement, x="10", y=y) for y in ("0", "1", "6")]


def test_many_conditions_do_not_multiply_the_formula() -> None:
    entries = ", ".join("{plus: 1, when: y > 0}" for _ in range(20))
    agreement = agree(f"line: {{kind: formula, is: x, then: [{entries}]}}")
    assert 30 == pays(agreement, x="10", y="1")
    assert 10 == pays(agreement, x="10", y="0")
    assert len(agreement.program().data) < 1500


def test_when_switches_the_line_off_and_guards_what_it_needs() -> None:
    agreement = agree("line: {kind: formula, is: 100 / x, when: x > 0, then: [nothing_unless: at_least 20]}")
    assert [0, 50, 0] == [pays(agreement, x=x) for x in ("0", "2", "10")]
    assert 20 * 10**6 <= agreement.bounds().providers[0].most


@pytest.mark.parametrize(
    ("mode", "late", "expected"),
    [
        ("excess", "0", 0), ("excess", "2", 0), ("excess", "3", -100), ("excess", "12", -1000), ("excess", "40", -1000),
        ("cliff", "1.9", 0), ("cliff", "2", -200), ("cliff", "3", -300), ("cliff", "40", -1000),
    ],
)  # fmt: skip
def test_a_malus_beyond_a_deadband(mode: str, late: str, expected: int) -> None:
    agreement = agree(
        "line: {kind: bonus_malus, of: x, target: 0, better: lower, "
        f"malus: {{rate: 100, deadband: 2, limit: 10, mode: {mode}}}}}"
    )
    assert expected == pays(agreement, x=late)


@pytest.mark.parametrize(
    ("quantity", "allowance", "expected"), [("0", 5, 0), ("3", 5, 0), ("5", 5, 0), ("8", 5, 6), ("40", 5, 20)]
)
def test_units_beyond_an_allowance_up_to_a_limit(quantity: str, allowance: int, expected: int) -> None:
    agreement = agree(f"line: {{kind: unit_price, quantity: x, price: 2, allowance: {allowance}, max_quantity: 10}}")
    assert expected == pays(agreement, x=quantity)


def test_a_price_per_hundred_is_rounded_once() -> None:
    agreement = agree("line: {kind: unit_price, quantity: x, price: 1, per: 3}")
    assert Fraction(int(Fraction(7, 3) * ONE), ONE) == pays(agreement, x="7")


def test_what_a_clause_pays_the_client_is_taken_off_and_what_it_only_shows_is_not() -> None:
    agreement = agree(
        "fee: {kind: fixed_fee, amount: 100}\n"
        "credit: {kind: formula, is: x, pays: client}\n"
        "note: {kind: formula, is: x * 7, pays: nobody}"
    )
    statement = agreement.statement(1, {"x": 30 * ONE, "y": 0}).of("A")
    assert [100 * ONE, -30 * ONE, 0] == [line.amount for line in statement.lines]
    assert [100 * ONE, 30 * ONE, 210 * ONE] == [line.value for line in statement.lines]
    assert ["provider", "client", "nobody"] == [line.pays for line in statement.lines]
    assert 70 * ONE == statement.net


def test_each_provider_has_its_own_lines_and_a_named_one_its_own() -> None:
    kpis = "q: {unit: u, per: provider, range: [0, 100], if_missing: 0}"
    clauses = """
        share: {kind: formula, is: 10 * q, per: provider}
        same: {kind: formula, is: total.q, to: each}
        bonus: {kind: formula, is: q.A - q.B, to: B}
        priced: {kind: unit_price, quantity: q, price: 2, per: 4, to: each}
        info: {kind: formula, is: total.q, pays: nobody}
    """
    agreement = Agreement.parse(deal(clauses, kpis, head=TWO))
    statement = agreement.statement(1, {"q.A": Decimal(7), "q.B": Decimal(4)})

    expected = {
        "A": {"share.A": 70, "same.A": 11, "priced.A": Fraction(7, 2)},
        "B": {"share.B": 40, "same.B": 11, "bonus": 3, "priced.B": 2},
    }
    found = {
        each.provider: {line.name: Fraction(line.amount, ONE) for line in each.lines} for each in statement.providers
    }
    assert expected == found
    assert ["info"] == [line.name for line in statement.shown]
    assert 11 * ONE == statement.shown[0].value


def test_a_definition_that_reads_a_providers_kpi_is_each_providers_own() -> None:
    kpis = "q: {unit: u, per: provider, range: [0, 100], if_missing: 0}"
    text = deal(
        "fee: {kind: formula, is: twice + all, per: provider}",
        kpis,
        head=TWO,
        define="twice: 2 * base\nbase: q + 1\nall: total.q",
        settlement="[at_most: 10 * base]",
    )
    statement = Agreement.parse(text).statement(1, {"q.A": Decimal(3), "q.B": Decimal(0)})
    assert [11 * ONE, 5 * ONE] == [each.amount for each in statement.providers]
    assert {"twice.A", "twice.B", "base.A", "base.B", "all"} == {value.name for value in statement.values}


def test_choices_and_yes_no() -> None:
    kpis = """
        grade: {unit: grade, choices: [good, fair, poor], if_missing: poor}
        filed: {unit: report filed, type: yes_no, if_missing: no}
    """
    clause = "fee: {kind: formula, is: 'pick(grade, [good gives 9, otherwise 4]) if filed else 1'}"
    agreement = agree(clause, kpis)
    values = [("good", "yes", 9), ("fair", "yes", 4), ("good", "no", 1), (None, None, 1)]
    for grade, filed, expected in values:
        statement = agreement.statement(1, {"grade": grade, "filed": filed})
        assert expected * ONE == statement.providers[0].amount
    assert "poor" == agreement.kpis[0].show(agreement.value_of_missing("grade"))
    assert (
        4 * ONE
        == agree("fee: {kind: formula, is: 5 if grade == poor else 4}", kpis)
        .statement(1, {"grade": "fair", "filed": False})
        .providers[0]
        .amount
    )


def test_the_number_of_the_period() -> None:
    agreement = agree("fee: {kind: fixed_fee, amount: 100 if period <= 2 else 120}")
    assert [100, 100, 120] == [pays(agreement, period) for period in (1, 2, 3)]
    bounds = agreement.bounds()
    assert (100 * 10**6, 120 * 10**6) == (bounds.providers[0].least, bounds.providers[0].most)
    assert 320 * 10**6 == bounds.most_in_total == bounds.least_in_total


AMOUNT = st.integers(-(10**12), 10**12)
CLAUSES = """
    base: {kind: fixed_fee, amount: fee}
    curved: {kind: curve, of: y, points: [[-1000, -5000], [0, 0], [500, 9000]], then: [round: 0.01 half_up]}
    volume: {kind: unit_price, quantity: x, bands: {upto 100: 5, next 50: 4.5, rest: 4}, per: 3}
    credit: {kind: service_credit, pays: client, measure: y, charges: fee, levels: {above 0: 0, otherwise: 12.5%}}
    bonus: {kind: bonus_malus, of: y, target: 10, better: higher, bonus: {rate: 7, per: 3}, malus: {rate: 9, limit: 50}}
"""


@given(st.integers(0, 10**15), AMOUNT)
@settings(max_examples=100, deadline=None)
def test_statement_program_and_bounds_agree(x: int, y: int) -> None:
    agreement = _mixed()
    values = {"x": x * 10**12, "y": y * 10**12}

    each = agreement.statement(2, values).of("A")

    numbers = agreement.values_of(values)
    ran = run(agreement.program().data, numbers, [value for _, value in agreement.rule().parameters], 2)
    assert (each.amount,) == ran.amounts
    assert each.net == sum(line.amount for line in each.lines)
    limits = agreement.bounds().providers[0]
    assert limits.least <= each.units <= limits.most
    assert abs(each.truncated) < 10**12
    assert each.truncated * each.amount >= 0


_MIXED: list[Agreement] = []


def _mixed() -> Agreement:
    if not _MIXED:
        _MIXED.append(agree(CLAUSES, terms="fee: 1_000", settlement="[at_least: -500, round: 0.05 floor]"))
    return _MIXED[0]


def test_the_head_of_the_small_deal_has_one_provider() -> None:
    assert ("A",) == Agreement.parse(deal("f: {kind: fixed_fee, amount: 1}", head=HEAD)).providers
