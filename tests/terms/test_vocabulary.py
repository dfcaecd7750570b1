"""The clause kinds that price units, factors, pools, milestones, credits, scores and savings, one by one."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome.errors import PyoutcomeError
from pyoutcome.formula import run, start_state, to_text
from pyoutcome.terms import Agreement
from tests.terms.rules import formula_of, paid, rule_file, rule_of, settle, values_of


@pytest.mark.parametrize(
    ("clause", "lowered"),
    [
        ("{kind: fixed_fee, by_year: [10, 12, x]}",
         "step(year, [at_most 1 gives 10, at_most 2 gives 12, otherwise x])"),
        ("{kind: fixed_fee, by_year: [x]}", "x"),
        ("{kind: unit_price, quantity: x, price: 3, blocks: 10 up}", "round(x, 10, up) * 3 / 10"),
        ("{kind: unit_price, quantity: x, price: 3, blocks: 1 ceil, allowance: 2, max_quantity: 7}",
         "min(round(max(0, x - 2), 1, ceil), 7) * 3"),
        ("{kind: unit_price, quantity: x, price: 3, cumulative: yes, per: 2}", "line.running * 3 / 2 - to_date.line"),
        ("{kind: factor, of: x, factor: y}", "x * y"),
        ("{kind: factor, of: x, factor: y, range: [0.9, 1.1], pays_change: yes}", "x * (clamp(y, 0.9, 1.1) - 1)"),
        ("{kind: pool_share, pool: 90, own: x, all: y}", "90 * x / y if y != 0 else 0"),
        ("{kind: pool_share, pool: 90, own: x, all: 30}", "90 * x / 30"),
        ("{kind: milestone, stages: [{when: x > 1, amount: 5}]}", "(5 if line.met1 else 0) - to_date.line"),
        ("{kind: service_credit, measure: x, charges: y, rate: {under: 99, credit: 2%}}",
         "min(max(0, 99 - x) * 0.02, 1) * y"),
        (("{kind: service_credit, measure: x, charges: y, "
         "rate: {over: 9, per: 3, credit: 2%, rounding: up, starts_at: 2}}"),
         "min(round(max(0, x - 9) if max(0, x - 9) >= 2 else 0, 3, up) * 0.02 / 3, 1) * y"),
        ("{kind: service_credit, charges: y, allocation: 40%, count: x, pool: 50%, at_risk: 10%}",
         "min(0.5 * 0.4 * x, 1) * 0.1 * y"),
        ("{kind: service_credit, measure: x, charges: y, levels: {above 1: 0, otherwise: 5%}, minimum: above 7}",
         (
                "step(x, [above 1 gives 0, otherwise 0.05]) * y "
                "if step(x, [above 1 gives 0, otherwise 0.05]) * y > 7 else 0"
            )),
        (("{kind: service_credit, measure: x, charges: y, levels: {above 1: 0, otherwise: 5%}, "
         "rolling: {share: 10%, periods: 12}}"),
         ("min(step(x, [above 1 gives 0, otherwise 0.05]) * y, "
         "max(0, 0.1 * (y + sum_last(y, 11)) - sum_last(line, 11)))")),
        ("{kind: scorecard, items: [{weight: 40%, level: x}, {weight: 60%, of: y, points: [[0, 0], [1, 1]]}]}",
         "0.4 * x + 0.6 * curve(y, [0 gives 0, 1 gives 1])"),
        (("{kind: scorecard, combine: min, times: 9, "
          "items: [{level: x}, {weight: 2, of: y, levels: {above 0: 1, otherwise: 0}}]}"),
         "min(x, 2 * step(y, [above 0 gives 1, otherwise 0])) * 9"),
        (("{kind: scorecard, items: [{level: x, round: 1 down}], round: 5 up, gates: [{when: y > 1, else: 2}], "
         "pays_by: {at_least 9: 100, otherwise: 0}}"),
         "step(round(round(x, 1, down), 5, up) if y > 1 else 2, [at_least 9 gives 100, otherwise 0])"),
        ("{kind: gainshare, saving: x, share: 20%}", "0.2 * max(0, x)"),
        ("{kind: gainshare, baseline: x, actual: y, share: 20%, overrun: {share: 30%}}",
         "0.2 * max(0, x - y) - 0.3 * max(0, y - x)"),
        (("{kind: gainshare, saving: x, bands: {upto 10%: 50%, rest: 20%}, scale: 500, minimum: 5, minimum_is: excess, "
         "relief: 1, limit: 40}"),
         "min(max(0, bands(max(0, max(0, x) - 5), [upto 0.1 * 500 at 0.5, rest at 0.2]) - 1), 40)"),
        ("{kind: gainshare, saving: x, share: 20%, minimum: above 5}",
         "0.2 * (max(0, x) if max(0, x) > 5 else 0)"),
        ("{kind: incentive_fee, actual_cost: x, target_cost: 100, target_fee: 10, provider_share: 20%, ceiling: 120}",
         "min(120, x + (10 + 0.2 * (100 - x)))"),
        (("{kind: incentive_fee, actual_cost: x, target_cost: 100, target_fee: 10, "
         "provider_share: {under: 20%, over: 40%}, fee_range: [2, 15], pays_cost: no}"),
         "clamp(10 + 0.2 * max(0, 100 - x) - 0.4 * max(0, x - 100), 2, 15)"),
    ],
)  # fmt: skip
def test_a_clause_is_the_formula_the_language_says(clause: str, lowered: str) -> None:
    assert lowered == formula_of(rule_of(f"line: {clause}"))


@pytest.mark.parametrize(
    ("clause", "code", "path"),
    [
        ("{kind: fixed_fee}", "one-key-needed", "clauses.line"),
        ("{kind: fixed_fee, amount: 1, by_year: [1]}", "one-key-needed", "clauses.line"),
        ("{kind: service_credit, measure: x, charges: y}", "one-key-needed", "clauses.line"),
        ("{kind: service_credit, charges: y, levels: {above 1: 0, otherwise: 1}}", "missing-key", "clauses.line"),
        ("{kind: service_credit, measure: x, charges: y, allocation: 5%}", "needless-key", "clauses.line"),
        ("{kind: service_credit, measure: x, charges: y, rate: {credit: 5%}}", "one-key-needed", "clauses.line.rate"),
        ("{kind: scorecard, items: [{weight: 5}]}", "one-level-needed", "clauses.line.items.0"),
        ("{kind: scorecard, items: [{level: x, of: y}]}", "one-level-needed", "clauses.line.items.0"),
        ("{kind: gainshare, saving: x}", "one-key-needed", "clauses.line"),
        ("{kind: gainshare, saving: x, share: 5%, scale: 4}", "needless-key", "clauses.line"),
        ("{kind: gainshare, share: 5%}", "one-saving-needed", "clauses.line"),
        ("{kind: gainshare, saving: x, baseline: y, actual: x, share: 5%}", "one-saving-needed", "clauses.line"),
        ("{kind: gainshare, saving: x, share: 5%, overrun: {}}", "one-key-needed", "clauses.line.overrun"),
        ("{kind: joint_cap, lines: [line], at_most: 5}", "unknown-line", "clauses.line.lines.0"),
        ("{kind: joint_cap, lines: [x], at_most: 5}", "unknown-line", "clauses.line.lines.0"),
        ("{kind: joint_cap, lines: [fee, credit], at_most: 5}", "lines-differ", "clauses.line.lines"),
        ("{kind: joint_cap, lines: [note], at_most: 5}", "lines-differ", "clauses.line.lines"),
        ("{kind: joint_cap, lines: [fee], at_most: 5, pays: provider}", "lines-differ", "clauses.line.pays"),
        ("{kind: factor, of: x, factor: y, range: [2, 1]}", "cap-below-floor", "clauses.line.range"),
        ("{kind: incentive_fee, actual_cost: x, target_cost: 9, target_fee: 2, provider_share: 20}", "out-of-limits",
         "clauses.line.provider_share"),
        ("{kind: incentive_fee, actual_cost: x, target_cost: 9, target_fee: 2, provider_share: 20%, ceiling: 10}",
         "cap-below-floor", "clauses.line.ceiling"),
        ("{kind: incentive_fee, actual_cost: x, target_cost: 9, target_fee: 2, provider_share: 20%, fee_range: [3, 1]}",
         "cap-below-floor", "clauses.line.fee_range"),
        ("{kind: gainshare, saving: x, bands: {upto 50: 1, upto 20: 2, rest: 0}}", "table-order", "clauses.line.bands"),
        ("{kind: scorecard, items: [{level: x}], pays_by: {at_least 2: 1, at_least 3: 2, otherwise: 0}}",
         "row-never-wins", "clauses.line.pays_by"),
        ("{kind: fixed_fee, amount: 1, then: [hold: {share: 5%, release_when: yes}]}", "unknown-key",
         "clauses.line.then.0.hold"),
        ("{kind: fixed_fee, amount: 1, restates: yes, then: [recoup: 5]}", "bad-adjustment", "clauses.line"),
        ("{kind: fixed_fee, amount: {}}", "bad-table", "clauses.line.amount"),
        ("{kind: fixed_fee, amount: {by_year: 5}}", "bad-table", "clauses.line.amount.by_year"),
        ("{kind: fixed_fee, amount: {by_year: [1], of: x}}", "bad-table", "clauses.line.amount"),
        ("{kind: fixed_fee, amount: {by_year: [1, {of: x, rows: {at_least 1: 2}}]}}", "bad-row",
         "clauses.line.amount.by_year.1.rows"),
        ("{kind: fixed_fee, amount: {of: x, rows: {at_least 1: 2 +, otherwise: 0}}}", "formula-syntax",
         "clauses.line.amount.rows.at_least 1"),
        ("{kind: fixed_fee, amount: {of: x, points: [[1, 2]]}}", "bad-table", "clauses.line.amount.points"),
        ("{kind: fixed_fee, amount: {of: x, points: [[1, 2], [3, nought]]}}", "unknown-name", "clauses.line.amount"),
        ("{kind: fixed_fee, amount: {cases: {x > 1: 5}}}", "bad-table", "clauses.line.amount.cases"),
        ("{kind: fixed_fee, amount: {cases: {otherwise: 5, x > 1: 5}}}", "bad-table", "clauses.line.amount.cases"),
        ("{kind: fixed_fee, amount: {cases: {x > > 1: 5, otherwise: 5}}}", "formula-syntax",
         "clauses.line.amount.cases.x > > 1"),
        ("{kind: fixed_fee, amount: {cases: {x: 5, otherwise: 5}}}", "wrong-type", "clauses.line"),
        ("{kind: fixed_fee, amount: {of: x, bands: [1, 2]}}", "bad-table", "clauses.line.amount.bands"),
        ("{kind: step, of: x, rows: {gold: 1, at_least 5: 2, otherwise: 0}}", "bad-row", "clauses.line.rows"),
        ("{kind: bonus_malus, of: x, target: 5, better: higher, bonus: {rate: 1, bands: {rest: 1}}}",
         "one-key-needed", "clauses.line.bonus"),
        ("{kind: bonus_malus, of: x, target: 5, better: higher, malus: {rate: 1, scale: 9}}", "needless-key",
         "clauses.line.malus"),
        ("{kind: service_credit, charges: y, allocation: 5%, earn_back: {periods: 0}}", "out-of-limits",
         "clauses.line.earn_back.periods"),
        (("{kind: incentive_fee, actual_cost: x, target_cost: 9, target_fee: 2, provider_share: {under: {upto 5: 1}, "
          "over: 20%}}"), "bad-row", "clauses.line.provider_share.under"),
        ("{kind: fixed_fee, amount: 1, to: prime, per: provider}", "unclear-payee", "clauses.line.to"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused_at_its_place(clause: str, code: str, path: str) -> None:
    others = [
        "fee: {kind: fixed_fee, amount: 3}",
        "credit: {kind: fixed_fee, amount: 3, pays: client}",
        "note: {kind: fixed_fee, amount: 3, pays: nobody}",
    ]
    text = rule_file("\n".join([*others, f"line: {clause}"]))
    with pytest.raises(PyoutcomeError) as caught:
        Agreement.parse(text, "rule.yaml")
    assert (code, path) == (caught.value.code, caught.value.where.path if caught.value.where else None)


def test_units_of_all_periods_are_priced_together_and_returns_take_back() -> None:
    rebate = rule_of(
        "line: {kind: unit_price, quantity: x, cumulative: yes, bands: {upto 2: 10, upto 4: 20, rest: 30}}"
    )
    sold = [{"x": each} for each in ("3", "2", "-4", "0")]
    assert [40, 50, -80, 0] == paid(rebate, *sold)
    whole = rule_of("line: {kind: unit_price, quantity: x, cumulative: yes, tiers: {below 5: 10, otherwise: 8}}")
    assert [30, 10, -30, 0] == paid(whole, *sold)


def test_a_clause_that_does_not_apply_carries_on_what_it_had() -> None:
    agreement = rule_of("line: {kind: unit_price, quantity: x, cumulative: yes, price: 2, when: y > 0}")
    told = [{"x": "3", "y": "1"}, {"x": "50", "y": "0"}, {"x": "1", "y": "1"}]
    assert [6, 0, 2] == paid(agreement, *told)


def test_stages_are_reached_once_and_keep_their_amount() -> None:
    stages = "[{when: x >= 1, amount: 10}, {when: x >= 2, amount: 5 * y}]"
    agreement = rule_of(f"line: {{kind: milestone, stages: {stages}}}")
    told = [("1", "7"), ("0", "7"), ("2", "3"), ("2", "9")]
    assert [10, 0, 15, 0] == paid(agreement, *({"x": x, "y": y} for x, y in told))
    first = rule_of(f"line: {{kind: milestone, mode: first, stages: {stages}}}")
    assert [0, 10, 0, 0] == paid(first, {"x": "0"}, {"x": "1"}, {"x": "2", "y": "9"}, {"x": "1"})
    assert [15, 0] == paid(
        rule_of("line: {kind: milestone, mode: first, stages: [{when: x > 1, amount: 15}, {when: x > 0, amount: 9}]}"),
        {"x": "2"}, {"x": "1"},
    )  # fmt: skip


def test_stages_of_terms_need_no_memory_of_their_amount() -> None:
    agreement = rule_of("line: {kind: milestone, stages: [{when: x > 0, amount: fee}]}", terms="fee: 7")
    assert ["line.met1"] == [each.name for each in agreement.rule().registers]
    assert [7, 0] == paid(agreement, {"x": "1"}, {"x": "1"})


def test_a_limit_over_several_periods_lets_only_the_rest_through() -> None:
    agreement = rule_of(
        "line: {kind: service_credit, measure: x, charges: 100, rate: {under: 10, credit: 1%}, "
        "rolling: {share: 5%, periods: 3}}"
    )
    told = [{"x": each} for each in ("2", "0", "10", "5", "0")]
    # 8 but at most 5 of 100; 10, and 5 left of 10 of 200; 0; 5 of 15 less (5 + 0) -> 5; 10 of 15 less 5
    assert [5, 5, 0, 5, 10] == paid(agreement, *told)


def test_a_joint_cap_gives_back_what_is_too_much() -> None:
    clauses = """
        fee: {kind: fixed_fee, amount: 100}
        late: {kind: formula, is: x, pays: client}
        bad: {kind: formula, is: y, pays: client}
        cap: {kind: joint_cap, lines: [late, bad], at_most: 30}
    """
    agreement = rule_of(clauses)
    assert [80, 70, 70] == paid(agreement, {"x": "12", "y": "8"}, {"x": "12", "y": "18"}, {"x": "12", "y": "90"})
    assert '"Cap": the client owes Provider' in agreement.words()
    fees = rule_of(
        "a: {kind: formula, is: x}\nb: {kind: formula, is: y}\ncap: {kind: joint_cap, lines: [a, b], at_most: 9}"
    )
    assert [9] == paid(fees, {"x": "7", "y": "8"})


def test_a_clause_restates_what_is_due_to_date() -> None:
    agreement = rule_of("line: {kind: formula, is: 10 * x, restates: yes, then: [at_most: 70]}")
    assert [30, 20, -10, 30] == paid(agreement, *({"x": each} for each in ("3", "5", "4", "9")))


def test_thirds_paid_by_restating_leave_no_dust() -> None:
    top = "token: {name: Coin, symbol: C, decimals: 2}\n"
    agreement = rule_of("line: {kind: formula, is: x / 3, restates: yes}", top=top)
    statements = settle(agreement, *({"x": str(100 * number)} for number in range(1, 13)))
    assert 40_000 == sum(statement.amounts[0] for statement in statements)


def test_interest_is_simple_and_by_days() -> None:
    agreement = rule_of("line: {kind: formula, is: x, then: [interest: {rate: 5.1%, days: y, basis: 365}]}")
    assert [1000 + Fraction(1000 * 51 * 60, 365 * 1000)] == [
        each.limit_denominator(10**6) for each in paid(agreement, {"x": "1000", "y": "60"})
    ]
    usual = rule_of("line: {kind: formula, is: x, then: [interest: {rate: 10%, days: 73}]}")
    assert [102] == paid(usual, {"x": "100"})


def test_parts_of_a_line_have_names() -> None:
    agreement = rule_of(
        "line: {kind: incentive_fee, actual_cost: x, target_cost: 150, target_fee: 30, provider_share: 40%, "
        "ceiling: 200, then: [times: 2, plus: 1]}",
        define="a: line.base\nb: line.then1\nc: line.pta\nd: line.profit\ne: line.overrun\nf: line.fee\ng: line.then2",
    )
    (statement,) = settle(agreement, {"x": "210"})
    found = {name: value for name, value in values_of(statement).items() if "." not in name}
    assert {"a": "200", "b": "400", "d": "-10", "e": "60", "f": "6", "g": "401"}.items() <= found.items()
    assert found["c"].startswith("183.333")


def test_the_point_of_total_assumption_lies_where_overruns_are_shared() -> None:
    agreement = rule_of(
        "line: {kind: incentive_fee, actual_cost: x, target_cost: 100, target_fee: 10, ceiling: 140, "
        "provider_share: {under: 20%, over: 40%}}",
        define="point: line.pta",
    )
    (statement,) = settle(agreement, {"x": "150"})
    assert "150" == values_of(statement)["point"]  # 100 + (140 - 110) / (1 - 40%)
    assert [Fraction(1394, 10), 140, 140] == [paid(agreement, {"x": x})[0] for x in ("149", "150", "151")]


KINDS = [
    "{kind: unit_price, quantity: x, price: y / 7, per: 3, blocks: 0.7 up}",
    "{kind: factor, of: x / 3, factor: y / 9, then: [times: 2 / 7]}",
    "{kind: service_credit, measure: x, charges: y, rate: {under: 9, per: 7, credit: 1 / 3}, at_risk: 90%}",
    "{kind: scorecard, items: [{weight: 1 / 3, level: x}, {weight: 2 / 3, level: y}], times: 7}",
    """{kind: gainshare, saving: x, share: y / 7, minimum: 1, overrun: {share: 1 / 3},
        then: [times: 0.3, {plus: 1, when: y > 0}]}""",
    """{kind: incentive_fee, actual_cost: x, target_cost: 9, target_fee: 2, provider_share: 1 / 3, ceiling: 12,
        then: [times: 1 / 7]}""",
    "{kind: milestone, stages: [{when: x > 0, amount: y / 3}]}",
    """{kind: bonus_malus, of: x, target: 2, better: higher, bonus: {rate: y / 3, per: 7}, malus: {rate: 2, per: 3},
        then: [times: 1 / 9]}""",
]


@pytest.mark.parametrize("clause", KINDS)
@given(st.integers(-30, 30), st.integers(-30, 30))
@settings(max_examples=12)
def test_asking_for_a_part_never_changes_the_amount(clause: str, x: int, y: int) -> None:
    plain, asked = _with_and_without_parts(clause)
    told = [{"x": str(x), "y": str(y)}, {"x": str(y), "y": str(x)}]
    assert paid(plain, *told) == paid(asked, *told)


def _with_and_without_parts(clause: str) -> tuple[Agreement, Agreement]:
    if clause not in _MADE:
        plain = rule_of(f"line: {clause}")
        draft, _ = plain.file.clauses["line"].draft("line", {})
        parts = [part for part in draft.part_names if not part.rstrip("0123456789").endswith(".met")]
        define = "\n".join(f"d{number}: {part}" for number, part in enumerate(parts) if part != "line.pta")
        _MADE[clause] = plain, rule_of(f"line: {clause}", define=define)
    return _MADE[clause]


_MADE: dict[str, tuple[Agreement, Agreement]] = {}


@pytest.mark.parametrize("clause", KINDS)
def test_the_program_of_a_clause_pays_the_same(clause: str) -> None:
    agreement = rule_of(f"line: {clause}", define="part: line.base")
    state = start_state(agreement.rule(), agreement.token.decimals)
    told = [{"x": x, "y": y} for x, y in (("3", "5"), ("-4", "2.5"), ("0", "-7"))]
    for number, (statement, values) in enumerate(zip(settle(agreement, *told), told, strict=True), 1):
        result = run(agreement.program().data, agreement.values_of(values), (), number, state)
        assert (0, (statement.providers[0].amount,)) == (result.error, result.amounts)
        assert result.state is not None
        state = result.state


def test_words_tell_parts_that_are_read_twice_and_what_is_carried() -> None:
    words = rule_of(
        "line: {kind: unit_price, quantity: x / 7, cumulative: yes, tiers: {below 5: 10, otherwise: 8}, when: y > 3}"
    ).words()
    assert 'The quantity of all periods so far in "Line" is carried from period to period: it starts as 0' in words
    assert "what the clause came to in earlier periods is taken off" in words
    assert "and what it carries on stays as it was" in words


def test_nothing_is_named_that_nobody_asks_for() -> None:
    agreement = rule_of(
        "line: {kind: incentive_fee, actual_cost: x, target_cost: 9, target_fee: 2, provider_share: 20%}"
    )
    assert [] == [each.name for each in agreement.rule().definitions]
    assert "x + (2 + 0.2 * (9 - x))" == to_text(agreement.rule().lines[0].formula)
