"""What carried values, tables in place of formulas and limits over several periods mean, against plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import ONE
from pyoutcome.errors import PyoutcomeError
from pyoutcome.formula import to_text
from pyoutcome.terms import Agreement, Statement
from tests.terms.rules import formula_of, paid, rule_file, rule_of, settle

STATE = """\
    count_all: {count: x > 0}
    count_some: {count: x > 0, last: 3}
    count_year: {count: x > 0, per: year}
    count_on: {count: x > 0, start: 7}
    streak_all: {streak: x > 0}
    streak_year: {streak: x > 0, per: year}
    sum_all: {sum: x}
    sum_some: {sum: x, last: 4}
    sum_year: {sum: x, per: year}
    sum_one: {sum: x, last: 1}
    mean_all: {mean: x}
    mean_some: {mean: x, last: 3}
    mean_year: {mean: x, per: year}
    highest_all: {highest: x}
    highest_some: {highest: x, last: 3}
    highest_year: {highest: x, per: year}
    highest_on: {highest: x, start: 2}
    lowest_all: {lowest: x}
    lowest_some: {lowest: x, last: 2}
    lowest_on: {lowest: x, start: 2}
    yearly: {start: 10, each_year: prev.yearly + x}
"""
QUARTERS = "term: {every: quarter, periods: 40}\n"
NUMBERS = st.lists(st.integers(-5, 5), min_size=1, max_size=11)


def quarterly(clauses: str, **sections: str) -> Agreement:
    return Agreement.parse(rule_file(clauses, top=QUARTERS, **sections), "rule.yaml")


CARRIED = quarterly("line: {kind: formula, is: x}", state=STATE)


def cut(number: Fraction) -> Fraction:
    """As a division leaves it: 18 decimals, toward zero."""
    size = abs(number) * ONE
    return Fraction((size.numerator // size.denominator) * (1 if number >= 0 else -1), ONE)


def run_of(values: Sequence[int]) -> int:
    """How many at the end are positive."""
    length = 0
    for value in reversed(values):
        if value <= 0:
            break
        length += 1
    return length


@settings(deadline=None, max_examples=40)
@given(NUMBERS)
def test_a_carried_value_is_what_its_key_says(numbers: list[int]) -> None:
    statements = settle(CARRIED, *({"x": str(number)} for number in numbers))

    for period, statement in enumerate(statements, 1):
        so_far = numbers[:period]
        year = so_far[(period - 1) // 4 * 4 :]
        positive = [number > 0 for number in so_far]
        expected: dict[str, int | Fraction] = {
            "count_all": sum(positive),
            "count_some": sum(positive[-3:]),
            "count_year": sum(number > 0 for number in year),
            "count_on": 7 + sum(positive),
            "streak_all": run_of(so_far),
            "streak_year": run_of(year),
            "sum_all": sum(so_far),
            "sum_some": sum(so_far[-4:]),
            "sum_year": sum(year),
            "sum_one": so_far[-1],
            "mean_all": cut(Fraction(sum(so_far), period)),
            "mean_some": cut(Fraction(sum(so_far[-3:]), min(period, 3))),
            "mean_year": cut(Fraction(sum(year), len(year))),
            "highest_all": max(so_far),
            "highest_some": max(so_far[-3:]),
            "highest_year": max(year),
            "highest_on": max(2, *so_far),
            "lowest_all": min(so_far),
            "lowest_some": min(so_far[-2:]),
            "lowest_on": min(2, *so_far),
            "yearly": 10 + sum(so_far[4::4]),
        }
        found = {each.name: Fraction(each.shown.replace(",", "")) for each in statement.values if "." not in each.name}
        assert {name: Fraction(value) for name, value in expected.items()} == found


def test_the_value_before_this_period_is_read_with_prev_whatever_the_key() -> None:
    agreement = quarterly(
        "line: {kind: formula, is: prev.some + 10 * prev.all + 100 * prev.usual}",
        state="some: {count: x > 0, last: 2}\nall: {sum: x}\nusual: {mean: x}",
    )
    # 0, then 1 + 20 + 200, then 2 + 50 + 250
    assert [Fraction(0), Fraction(221), Fraction(302)] == paid(agreement, {"x": "2"}, {"x": "3"}, {"x": "0"})


@pytest.mark.parametrize(
    ("state", "code", "path"),
    [
        ("{}", "one-key-needed", "state.s"),
        ("{start: 1}", "one-key-needed", "state.s"),
        ("{sum: x, count: x > 0}", "one-key-needed", "state.s"),
        ("{next: x}", "missing-key", "state.s"),
        ("{each_year: x}", "missing-key", "state.s"),
        ("{start: 0, next: x, last: 3}", "needless-key", "state.s"),
        ("{streak: x > 0, last: 3}", "needless-key", "state.s"),
        ("{sum: x, last: 3, per: year}", "needless-key", "state.s"),
        ("{sum: x, last: 3, start: 1}", "needless-key", "state.s"),
        ("{mean: x, start: 1}", "needless-key", "state.s"),
        ("{highest: x, last: 25}", "out-of-limits", "state.s"),
        ("{sum: x, last: 128}", "out-of-limits", "state.s.last"),
        ("{sum: z}", "unknown-name", "state.s.sum"),
        ("{count: x}", "wrong-type", "state.s"),
    ],
)
def test_a_carried_value_that_makes_no_sense_is_refused_at_its_place(state: str, code: str, path: str) -> None:
    with pytest.raises(PyoutcomeError) as caught:
        quarterly("line: {kind: formula, is: x}", state=f"s: {state}")
    assert (code, path) == (caught.value.code, caught.value.where.path if caught.value.where else None)


@pytest.mark.parametrize(
    ("table", "formula"),
    [
        ("{by_year: [1, x, 3]}", "step(year, [at_most 1 gives 1, at_most 2 gives x, otherwise 3])"),
        ("{by_period: [1, 2]}", "step(period, [at_most 1 gives 1, otherwise 2])"),
        ("{by_year: [x]}", "x"),
        ("{of: x, rows: {above 1: 2, otherwise: y}}", "step(x, [above 1 gives 2, otherwise y])"),
        ("{of: x, bands: {upto 5: 2, next y: 1, rest: 0}}", "bands(x, [upto 5 at 2, next y at 1, rest at 0])"),
        ("{of: x + y, points: [[1, 2], [3, y]]}", "curve(x + y, [1 gives 2, 3 gives y])"),
        (
            "{of: tier, rows: {gold: 1, silver: {by_year: [2, 3]}}}",
            "pick(tier, [gold gives 1, silver gives step(year, [at_most 1 gives 2, otherwise 3])])",
        ),
        (
            "{cases: {x > 5 and tier == gold: 1, x > y: 2, otherwise: y}}",
            "1 if x > 5 and tier == gold else 2 if x > y else y",
        ),
        ("{of: tier, rows: {gold: 1, otherwise: 4}}", "pick(tier, [gold gives 1, otherwise 4])"),
    ],
)
def test_a_table_is_the_formula_it_stands_for(table: str, formula: str) -> None:
    kpis = "x: {range: [0, 9]}\ny: {range: [0, 9]}\ntier: {choices: [gold, silver]}"
    written = rule_of(f"line: {{kind: formula, is: {table}}}", kpis)
    said = rule_of(f'line: {{kind: formula, is: "{formula}"}}', kpis)

    assert formula == to_text(written.rule().lines[0].formula)
    assert (said.digest(), said.program().data) == (written.digest(), written.program().data)


def test_a_table_stands_wherever_a_formula_does() -> None:
    agreement = quarterly(
        "line: {kind: bonus_malus, of: x, target: {by_year: [1, 2]}, better: higher, bonus: {rate: {by_year: [5, 6]}},"
        " then: [at_most: {by_year: [15, 100]}]}"
    )
    assert [15, 10, 10, 10, 12] == paid(agreement, {"x": "9"}, *[{"x": "3"}] * 3, {"x": "4"})


def test_rows_by_label_stand_in_the_tables_of_clauses() -> None:
    kpis = "tier: {choices: [gold, silver, iron]}\nx: {range: [0, 9]}"
    credit = rule_of(
        "line: {kind: service_credit, measure: tier, charges: 200, levels: {gold: 0, silver: 5%, iron: 10%}}", kpis
    )
    assert [0, 10, 20] == paid(credit, {"tier": "gold"}, {"tier": "silver"}, {"tier": "iron"})
    with pytest.raises(PyoutcomeError) as caught:
        rule_of("line: {kind: step, of: tier, rows: {gold: 0, silver: 5}}", kpis)
    assert "pick-labels" == caught.value.code
    with pytest.raises(PyoutcomeError) as caught:
        rule_of("line: {kind: step, of: x + 1, rows: {gold: 0, otherwise: 5}}", kpis)
    assert "wrong-type" == caught.value.code


AMOUNTS = st.lists(st.integers(-50, 100), min_size=1, max_size=11)


def amounts_of(entry: str, numbers: Sequence[int], more: str = "") -> list[Fraction]:
    agreement = quarterly(f"line: {{kind: formula, is: x, then: [{entry}]{more}}}")
    return paid(agreement, *({"x": str(number), "y": str(index % 2)} for index, number in enumerate(numbers)))


@settings(deadline=None, max_examples=25)
@given(AMOUNTS, st.booleans())
def test_recoup_takes_off_until_all_is_taken(numbers: list[int], sometimes: bool) -> None:
    found = amounts_of("{recoup: 120, when: y > 0}" if sometimes else "recoup: 120", numbers)
    left = 120
    for index, number in enumerate(numbers):
        taken = min(max(number, 0), left) if index % 2 or not sometimes else 0
        left -= taken
        assert number - taken == found[index]


@settings(deadline=None, max_examples=25)
@given(AMOUNTS, st.booleans())
def test_a_yearly_cap_limits_each_contract_year(numbers: list[int], sometimes: bool) -> None:
    found = amounts_of("{yearly_at_most: 90, when: y > 0}" if sometimes else "yearly_at_most: 90", numbers)
    for index, number in enumerate(numbers):
        before = sum(found[index // 4 * 4 : index])
        assert (min(number, 90 - before) if index % 2 or not sometimes else number) == found[index]


@settings(deadline=None, max_examples=25)
@given(AMOUNTS)
def test_floors_and_caps_over_years_and_the_whole_term(numbers: list[int]) -> None:
    floor = amounts_of("{yearly_at_least: 40, when: period_of_year == 4}", numbers)
    for index, number in enumerate(numbers):
        before = sum(floor[index // 4 * 4 : index])
        assert (max(number, 40 - before) if index % 4 == 3 else number) == floor[index]
    for entry, limit in (("lifetime_at_most", min), ("lifetime_at_least", max)):
        found = amounts_of(f"{entry}: 150", numbers)
        for index, number in enumerate(numbers):
            assert limit(number, 150 - sum(found[:index])) == found[index]


def test_a_year_begins_anew_also_where_the_clause_does_not_apply_in_its_first_period() -> None:
    agreement = quarterly("line: {kind: formula, is: x, when: y > 0, then: [yearly_at_most: 10]}")
    periods = [{"x": "9", "y": "1"}, *[{"x": "9", "y": "0"}] * 3, {"x": "9", "y": "0"}, {"x": "9", "y": "1"}]
    assert [9, 0, 0, 0, 0, 9] == paid(agreement, *periods)


def test_limits_over_periods_in_the_settlement_are_of_each_provider() -> None:
    agreement = quarterly(
        "line: {kind: formula, is: x}", settlement="[recoup: 5, yearly_at_most: 20, lifetime_at_most: 33]"
    )
    assert [4, 9, 7, 0, 9, 4] == paid(agreement, *[{"x": "9"}] * 6)


CREDIT = "line: {kind: service_credit, charges: 100, allocation: 10%, count: x, earn_back: {periods: 2EXTRA}}"


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=11), st.sampled_from(["lost", "waits"]))
def test_credits_are_earned_back_after_good_periods_in_a_row(numbers: list[int], broken: str) -> None:
    agreement = quarterly(CREDIT.replace("EXTRA", f", broken: {broken}, share: 50%"))
    found = paid(agreement, *({"x": str(number)} for number in numbers))
    waiting, good = 0, 0
    for number, actual in zip(numbers, found, strict=True):
        credit = 10 * number
        good = 0 if credit else good + 1
        returned = waiting if good >= 2 else 0
        if good >= 2 or (broken == "lost" and not good):
            waiting = 0
        waiting += credit
        assert credit - Fraction(returned, 2) == actual


def test_what_makes_a_period_good_can_be_said() -> None:
    agreement = quarterly(CREDIT.replace("EXTRA", ", when: y > 0"))
    periods = [{"x": "1"}, {"y": "1"}, {}, {"y": "1"}, {"x": "2", "y": "1"}, {"y": "1"}]
    assert [10, 0, 0, 0, 20, -20] == paid(agreement, *periods)


def test_bands_from_a_target_outward() -> None:
    agreement = rule_of(
        "line: {kind: bonus_malus, of: x, target: 100, better: higher, "
        "bonus: {bands: {upto 10%: 0, upto 25%: 4, rest: 3}, scale: 100}, malus: {bands: {upto 5: 1, rest: 2}, per: 2}}"
    )
    assert [0, 20, 75, -2, -Fraction(15, 2)] == paid(agreement, *({"x": x} for x in ("110", "115", "130", "96", "90")))


def test_an_incentive_fee_with_a_share_for_each_part() -> None:
    fee = "line: {kind: incentive_fee, actual_cost: x, target_cost: 100, target_fee: 10, provider_share: "
    one = rule_of(fee + "{upto 10: 50%, rest: 20%}}")
    assert [85 + 10 + 6, 115 + 10 - 6] == paid(one, {"x": "85"}, {"x": "115"})
    two = rule_of(fee + "{under: 40%, over: {upto 10: 50%, rest: 20%}}}")
    assert [85 + 10 + 6, 115 + 10 - 6] == paid(two, {"x": "85"}, {"x": "115"})


def test_the_total_of_anything_that_every_provider_has() -> None:
    agreement = rule_of(
        "share: {kind: pool_share, per: provider, pool: 90, own: points, all: total.points}\n"
        "left: {kind: formula, to: A, is: 90 - total.share}",
        "done: {per: provider, range: [0, 9]}\nweight: {per: provider, range: [0, 9]}",
        top="parties: {providers: {A: {name: A}, B: {name: B}}}\n",
        define="points: done * weight",
    )
    [statement] = settle(agreement, {"done.A": "2", "weight.A": "3", "done.B": "3", "weight.B": "1"})
    assert {"share.A": 60, "left": 0, "share.B": 30} == lines_of(statement)


BOTH = "parties: {providers: {A: {name: A}, B: {name: B}}}\n"
DONE = "done: {per: provider, range: [0, 9]}"


def test_each_provider_can_have_its_own_numbers() -> None:
    agreement = rule_of(
        "work: {kind: unit_price, to: each, quantity: done, price: price, then: [at_most: limit]}\n"
        "extra: {kind: fixed_fee, per: provider, amount: 3, when: provider == B}",
        DONE,
        top=BOTH,
        define="price: {of: provider, rows: {A: 2, B: {by_year: [5, 6]}}}\n"
        "limit: 10 if provider != A else pick(provider, [A gives 7, otherwise 99])",
        settlement="[times: {of: provider, rows: {A: 2, otherwise: 1}}, less: total.work / 100]",
    )
    [statement] = settle(agreement, {"done.A": "4", "done.B": "1"})
    assert {"work.A": 7, "extra.A": 0, "work.B": 5, "extra.B": 3} == lines_of(statement)
    assert [Fraction(1388, 100), Fraction(788, 100)] == [Fraction(each.amount, ONE) for each in statement.providers]
    assert "2 if provider is A" in agreement.words()


@pytest.mark.parametrize(
    ("formula", "code"),
    [
        ("pick(provider, [A gives 1, C gives 2, otherwise 0])", "unknown-party"),
        ("pick(provider, [A gives 1])", "pick-labels"),
        ("1 if provider == C else 0", "unknown-party"),
        ("1 if provider > 5 else 0", "unknown-name"),
    ],
)
def test_who_is_no_provider_is_refused(formula: str, code: str) -> None:
    with pytest.raises(PyoutcomeError) as caught:
        rule_of(f'line: {{kind: formula, per: provider, is: "{formula}"}}', DONE, top=BOTH)
    assert code == caught.value.code


def test_a_formula_read_once_for_all_concerns_no_provider() -> None:
    with pytest.raises(PyoutcomeError) as caught:
        rule_of('line: {kind: formula, pays: nobody, is: "1 if provider == A else 0"}', DONE, top=BOTH)
    assert "provider-needed" == caught.value.code
    one = rule_of('line: {kind: formula, to: B, is: "1 if provider == A else 2"}', DONE, top=BOTH)
    assert {"line": 2} == lines_of(settle(one, {})[0])


def lines_of(statement: Statement) -> dict[str, int]:
    return {line.name: line.amount // ONE for each in statement.providers for line in each.lines}


def test_what_is_carried_is_said_plainly() -> None:
    words = CARRIED.words()
    for said in (
        '"Count some" is the number of periods in which "X" is more than 0 over the last 3 periods',
        '"Streak year" is the number of periods in a row, the last being this one',
        '"Mean year" is the mean of "X" over all periods of the contract year up to this one',
        '"Highest on" is the highest value of "X"',
        "or 2 where no value is higher",
        "at the start of each later contract year",
        "counted on from 7",
    ):
        assert said in words
    entries = quarterly("line: {kind: formula, is: x, then: [recoup: 77, {yearly_at_least: 55, when: y > 3}]}").words()
    assert "less a part that recoups 77" in entries
    assert "comes to at least 55" in entries
    assert '"Y" is more than 3' in entries


def test_a_series_is_said_year_by_year() -> None:
    said = quarterly("line: {kind: fixed_fee, amount: {by_year: [11, x, 13]}}").words()
    assert '11 in contract year 1; "X" in contract year 2; 13 in every later contract year' in said


def test_a_yearly_limit_is_a_formula_like_any_other() -> None:
    agreement = quarterly("line: {kind: formula, is: x, then: [yearly_at_most: 90]}")
    assert "min(x, 90 - (0 if period_of_year == 1 else prev.line.this_year))" == formula_of(agreement)
