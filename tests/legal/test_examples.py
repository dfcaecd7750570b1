"""Worked examples: every amount in them is what the evaluator, the program and the contracts give."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pyoutcome import Agreement
from pyoutcome.decimals import ONE, group_digits, show_grouped, show_units, to_units_trunc
from pyoutcome.formula import evaluate, run, start_state
from pyoutcome.formula.rule import Rule
from pyoutcome.formula.state import State
from pyoutcome.formula.syntax import Bands, Curve, Name, Node, Number, Step, names, walk
from pyoutcome.legal.document.example_pages import put_edges, put_periods
from pyoutcome.legal.document.examples import Examples
from pyoutcome.legal.document.pages import Pages, even_out
from pyoutcome.legal.document.tree import Table, plain_text, runs
from pyoutcome.terms.form import substitute
from tests.contracts.runner import Runner, running_contract
from tests.fuzz.agreements import write_agreement
from tests.fuzz.rules import Told, compare_rules
from tests.terms.deals import agree
from tests.terms.every_field import FILES
from tests.terms.rules import rule_of

ROOT = Path(__file__).parents[2]
CORPUS = sorted((ROOT / "tests" / "corpus").glob("**/agreements/*.yaml"))
TEXTS = {**FILES, "example": (ROOT / "examples" / "punctual-arrivals" / "agreement.yaml").read_text(encoding="utf-8")}


@cache
def examples(name: str) -> Examples:
    return Examples(Agreement.parse(TEXTS[name]))


def random_agreement(seed: int) -> Agreement:
    """Any agreement of the searches' writer; some seeds give one that is refused."""
    made = write_agreement(Random(seed))
    assume(made is not None)
    assert made is not None
    return made


def state_after(rule: Rule, before: tuple[tuple[int, ...], ...], decimals: int) -> State:
    """What these periods leave to the next one."""
    state = start_state(rule, decimals)
    for number, each in enumerate(before, 1):
        state = evaluate(rule, each, period=number, state=state).state or state
    return state


def settled(
    agreement: Agreement, values: tuple[int, ...], before: tuple[tuple[int, ...], ...] = ()
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Lines, and amounts in base units, of the period after others: by the evaluator; amounts by machine and statement
    too. The machine runs the rule as an escrow is given it."""
    rule, decimals, period = agreement.rule(), agreement.token.decimals, len(before) + 1
    outcome = evaluate(rule, values, period=period, state=state_after(rule, before, decimals))
    enforced, program = agreement.enforced_rule(), agreement.program()
    kept = state_after(enforced, before, decimals) if enforced.sequential else None
    ran = run(program.data, values, [value for _, value in enforced.parameters], period=period, state=kept)
    assert ran.amounts == outcome.amounts
    units = tuple(to_units_trunc(each, decimals) for each in outcome.amounts)
    names = [kpi.name for kpi in agreement.kpis]
    told = [dict(zip(names, each, strict=True)) for each in (*before, values)]
    assert agreement.statements(told)[-1].amounts == units
    return outcome.lines, units


def check_all(made: Examples) -> int:
    """Every amount of all examples against the evaluator and the machine; how many rows there were."""
    agreement, rule = made.agreement, made.rule
    graded = {each.grade: each.values for each in made.periods}
    for each in made.periods:
        lines, units = settled(agreement, each.values)
        stated = {line.name: line.value for part in each.statement.providers for line in part.lines}
        stated |= {line.name: line.value for line in each.statement.shown}
        assert {line.name: value for line, value in zip(rule.lines, lines, strict=True)} == stated
        assert units == each.statement.amounts
    count = 0
    for table in made.edges:
        others = graded[table.grade]
        for place, provider in enumerate(table.providers or ("",)):
            kpi = table.kpi
            if place and agreement.kpis[kpi].provider:  # the same tables stand once: each provider's own KPI moves
                kpi = [each.name for each in agreement.kpis].index(f"{agreement.kpis[kpi].kpi}.{provider}")
            for value, shown, credited in table.rows:
                before = (graded["middling"],) * (table.regime.period - 1)
                lines, units = settled(agreement, (*others[:kpi], value, *others[kpi + 1 :]), before)
                own = agreement.providers.index(provider) if provider else None
                signed = [
                    line.sign * amount if line.sign else amount
                    for line, amount in zip(rule.lines, lines, strict=True)
                    if line.payee == own
                    and (not table.clause or line.name in (table.clause, f"{table.clause}.{provider}"))
                    and (table.clause or line.sign)
                ]
                assert shown == sum(signed)
                assert credited == (0 if own is None else units[own])
                count += 1
    return count


@pytest.mark.parametrize("name", TEXTS)
def test_every_amount_is_the_evaluators(name: str) -> None:
    assert ["good", "middling", "bad"] == [each.grade for each in examples(name).periods]
    check_all(examples(name))


def test_edges_behind_a_gate_that_is_shut_in_the_middling_example_are_those_of_the_good_one() -> None:
    made = Examples(Agreement.load(ROOT / "examples" / "customer-support" / "agreement.yaml"))
    check_all(made)
    names_of = [kpi.name for kpi in made.agreement.kpis]
    found = {(each.clause, names_of[each.kpi]): each for each in made.edges}
    response = found["scorecard", "response_in_time"]
    assert ("good", "middling") == (response.grade, found["credits", "response_in_time"].grade)
    assert [0, 8499, 8500, 9699, 9700, 10_000] == [value * 10_000 // ONE for value, _, _ in response.rows]
    for table in made.edges:
        assert len({amount for _, amount, _ in table.rows}) > 1, (table.clause, names_of[table.kpi])


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_published_mechanisms_have_examples_that_are_the_evaluators(path: Path) -> None:
    made = Examples(Agreement.load(path))
    assert made.periods
    check_all(made)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**9))
def test_random_agreements_have_examples_that_are_the_evaluators(seed: int) -> None:
    check_all(Examples(random_agreement(seed)))


def bare(row: list[str]) -> list[str]:
    """A row whose numbers end without zeros behind the point: a column's amounts are told with as many decimals."""
    return [re.sub(r"^(-?[0-9,]+)(?:\.0+|(\.[0-9]*[1-9])0+)$", r"\1\2", text) for text in row]


@pytest.mark.parametrize(
    ("amounts", "told"),
    [
        (["1", "-2", "1,000"], ["1", "-2", "1,000"]),
        (["1", "-2.5", "1,000.25"], ["1.00", "-2.50", "1,000.25"]),
        (["0", "3.125", "none", ""], ["0.00", "3.125", "none", ""]),
    ],
)
def test_a_column_tells_its_amounts_with_as_many_decimals(amounts: list[str], told: list[str]) -> None:
    assert told == [plain_text(each) for each in even_out([runs(each) for each in amounts])]
    assert bare(amounts) == bare(told)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**9))
def test_every_amount_of_the_examples_stands_in_the_text(seed: int) -> None:
    agreement = random_agreement(seed)
    made, pages = Examples(agreement), Pages()
    put_periods(pages, made)
    for clause in ("", *agreement.file.clauses):
        put_edges(pages, made, clause)
    cells = [
        bare([plain_text(cell) for cell in row])
        for each in pages.blocks
        if isinstance(each, Table)
        for row in each.rows
    ]
    for period in made.periods:
        for provider in period.statement.providers:
            credited = group_digits(show_units(provider.units, provider.unit_decimals))
            assert bare(["Credited", "", credited, provider.sentence]) in cells
            for line in provider.lines:
                told = show_grouped(line.amount or line.value)
                assert bare([line.title, line.name, told, line.sentence]) in cells
    for table in made.edges:
        kpi = agreement.kpis[table.kpi]
        for value, amount, units in table.rows:
            row = [kpi.tell(value), show_grouped(amount)]
            row += [group_digits(show_units(units, agreement.token.decimals))] if table.providers else []
            assert bare(row) in cells


def test_the_contracts_give_the_same_amounts() -> None:
    """The examples of the agreements here, and of some random ones, settled by the escrow's own machine."""
    made = [examples(name) for name in TEXTS]
    found = (write_agreement(Random(seed)) for seed in range(40))
    made += [Examples(each) for each in found if each is not None][:6]
    told = [
        Told(each.agreement.enforced_rule(), (period.values,), each.agreement.token.decimals)
        for each in made
        for period in each.periods
    ]
    with running_contract() as url:
        tally = compare_rules(Runner(url), told, "worked examples")
    assert [] == tally.mismatches
    assert len(told) == tally.cases


def edges_written(node: Node, kpi: str) -> set[tuple[int, bool]]:
    """Every edge of a table over a KPI itself: the value, and whether the next value is the first beyond it."""
    found: set[tuple[int, bool]] = set()
    for each in walk(node):
        match each:
            case Step(of=Name(name)) if name == kpi:
                found |= {(row.at.value, row.edge.value in ("above", "at_most")) for row in each.rows
                          if isinstance(row.at, Number)}  # fmt: skip
            case Bands(of=Name(name)) if name == kpi:
                at = 0
                for row in each.rows:
                    assert isinstance(row.to, Number)
                    at = at + row.to.value if row.is_width else row.to.value
                    found.add((at, False))
            case Curve(of=Name(name)) if name == kpi:
                found |= {(point.x.value, False) for point in each.points if isinstance(point.x, Number)}
            case _:
                continue
    return found


def check_edges(made: Examples) -> int:
    """Each edge of each band, row and point of a line over a KPI has both its sides in a table; how many edges."""
    tables = {(each.clause, each.kpi): {row[0] for row in each.rows} for each in made.edges}
    kpis = {kpi.name: at for at, kpi in enumerate(made.agreement.kpis)}
    count = 0
    parts = {each.name: each.formula for each in made.rule.definitions}
    for line in made.rule.lines:
        clause, _, provider = line.name.partition(".")
        formula = line.formula
        while set(parts) & set(names(formula)):
            formula = substitute(formula, parts)
        for name, at in kpis.items():
            shape = made.rule.kpis[at]
            for edge, below in edges_written(formula, name):
                sides = {edge, edge + shape.multiple} if below else {edge - shape.multiple, edge}
                sides = {side for side in sides if shape.low <= side <= shape.high}
                if edge % shape.multiple or len(sides) < 2:
                    continue
                first = next(kpis[each] for each in kpis if each.partition(".")[0] == name.partition(".")[0])
                assert sides <= tables.get((clause, at), tables.get((clause, first), set())), (line.name, name, edge)
                count += 1
        assert not provider or provider in made.agreement.providers
    return count


@pytest.mark.parametrize(("name", "edges"), [("example", 3 * (4 + 3 + 2)), ("credits", 2)])
def test_each_edge_of_each_band_row_and_point_is_there(name: str, edges: int) -> None:
    assert edges == check_edges(examples(name))


def test_both_sides_of_an_edge_and_the_ends_of_the_range_are_shown() -> None:
    made = Examples(
        agree(
            "fee: {kind: step, of: x, rows: {at_least 20: 200, above 10: 100, otherwise: 0}}",
            "x: {unit: pieces, range: [0, 50], if_missing: 0, better: higher}",
        )
    )
    [table] = made.edges
    assert [(0, 0), (10, 0), (11, 100), (19, 100), (20, 200), (50, 200)] == [
        (value // ONE, amount // ONE) for value, amount, _ in table.rows
    ]
    assert [20, 15, 10] == [each.values[0] // ONE for each in made.periods]


@pytest.mark.parametrize(("better", "expected"), [("higher", [30, 20, 10]), ("lower", [10, 20, 30])])
def test_good_is_what_the_kpi_says_is_better(better: str, expected: list[int]) -> None:
    """Without any edge: three quarters, a half and a quarter of the range."""
    made = Examples(
        agree(
            "fee: {kind: formula, is: 2 * x}", f"x: {{unit: pieces, range: [0, 40], if_missing: 0, better: {better}}}"
        )
    )
    assert expected == [each.values[0] // ONE for each in made.periods]


def test_a_count_without_any_edge_is_far_below_the_greatest_it_may_be() -> None:
    made = Examples(Agreement.load(ROOT / "examples" / "logistics" / "agreement.yaml"))
    at = [kpi.name for kpi in made.agreement.kpis].index("spoiled.NORTH")
    assert [5, 31, 177] == [each.values[at] // ONE for each in made.periods]


def test_without_a_better_way_good_is_what_pays_more() -> None:
    made = Examples(
        agree("fee: {kind: formula, is: 100 - x}", "x: {unit: pieces, range: [0, 40], if_missing: 0}\n"
              "late: {unit: lateness, type: yes_no, if_missing: no}")
    )  # fmt: skip
    assert [10, 20, 30] == [each.values[0] // ONE for each in made.periods]
    amounts = [each.statement.amounts[0] for each in made.periods]
    assert sorted(amounts, reverse=True) == amounts


def test_values_that_no_report_may_hold_are_in_no_example() -> None:
    """Requirements and excluded values are kept; where a value cannot be, the nearest that can is taken."""
    made = Examples(
        rule_of(
            "fee: {kind: step, of: x, rows: {at_least 20: 2, otherwise: 1}}\nmore: {kind: formula, is: y}",
            "x: {range: [0, 40], except: [20, 30]}\ny: {range: [0, 40]}",
            top="require: [x + y <= 45]\n",
        )
    )
    assert made.periods
    for each in made.periods:
        assert sum(each.values) <= 45 * ONE
        assert each.values[0] not in (20 * ONE, 30 * ONE)
    assert all(row[0] not in (20 * ONE, 30 * ONE) for table in made.edges for row in table.rows if table.kpi == 0)
    check_all(made)


def test_where_nothing_can_be_reported_the_document_says_so() -> None:
    made = Examples(rule_of("fee: {kind: formula, is: x}", "x: {range: [0, 40]}", top="require: [x > 41]\n"))
    assert () == made.periods
    assert () == made.edges
    pages = Pages()
    put_periods(pages, made)
    assert ["No period could be made up whose values the requirements of a report allow."] == [
        plain_text(each.runs) for each in pages.blocks if hasattr(each, "runs")
    ]


def test_without_kpis_one_period_stands_for_all() -> None:
    made = Examples(rule_of("fee: {kind: fixed_fee, by_year: [10, 20]}", "", periods=30))
    assert ["middling"] == [each.grade for each in made.periods]
    check_all(made)
    pages = Pages()
    put_periods(pages, made)
    said = [plain_text(each.runs) for each in pages.blocks if hasattr(each, "runs")]
    assert "No amount depends on a KPI." in said[0]
    assert ["This is credited in each period:"] == said[1:]


def test_periods_that_depend_on_one_another_are_shown_in_a_row() -> None:
    made = examples("prices")
    called = [kpi.name for kpi in made.agreement.kpis]
    bad, middling, good = (dict(zip(called, each.values, strict=True)) for each in reversed(made.periods))
    expected = made.agreement.statements([bad, middling, good])
    assert [each.amounts for each in expected] == [each.amounts for each in made.row_of_periods]
    assert expected[2].amounts != made.periods[0].statement.amounts  # it does depend
    assert () == examples("example").row_of_periods


def test_where_the_number_of_the_period_matters_every_period_is_shown() -> None:
    made = Examples(rule_of("fee: {kind: fixed_fee, by_year: [10, 20]}", "x: {range: [0, 4]}", periods=30))
    assert [(1, 12, 10), (13, 30, 20)] == [(first, last, units[0] // ONE) for first, last, units in made.over_time]
    [(first, last, _)] = examples("example").over_time
    assert (1, 12) == (first, last)


def test_carried_values_are_followed_over_the_term() -> None:
    made = examples("prices")
    middling = dict(zip((kpi.name for kpi in made.agreement.kpis), made.periods[1].values, strict=True))
    expected = made.agreement.statements([middling] * len(made.agreement.periods))
    shown = [units for first, last, units in made.over_time for _ in range(first, last + 1)]
    assert [each.amounts for each in expected] == shown


def shown(made: Examples, clause: str) -> list[tuple[int, list[int]]]:
    """Of a clause's tables: the period and the values of the KPI, those around the turns."""
    return [(each.regime.period, [row[0] // ONE for row in each.rows]) for each in made.edges if each.clause == clause]


def test_targets_that_change_by_year_show_the_edges_of_each_year() -> None:
    """And of a year with the target of the one before nothing more; nor a clause that always stays the same."""
    made = Examples(
        rule_of(
            "fee: {kind: step, of: x, rows: {at_least target: 20, otherwise: 10}}\n"
            "same: {kind: step, of: x, rows: {at_least 7: 2, otherwise: 1}}",
            "x: {range: [0, 100]}",
            top="define: {target: 'step(year, [at_most 1 gives 50, at_most 2 gives 60, at_most 4 gives 70, "
            "otherwise 80])'}\n",
            periods=48,
        )
    )
    assert [(1, [0, 49, 50, 100]), (13, [0, 59, 60, 100]), (25, [0, 69, 70, 100])] == shown(made, "fee")
    assert [(1, [0, 6, 7, 100])] == shown(made, "same")
    check_all(made)
    pages = Pages()
    put_edges(pages, made, "fee")
    captions = [plain_text(each.caption) for each in pages.blocks if isinstance(each, Table)]
    assert [f"where something turns, in period {at};" in said for at, said in zip((1, 13, 25), captions, strict=True)]


def test_a_clause_that_looks_back_shows_the_edges_of_a_later_period_too() -> None:
    made = Examples(
        rule_of("fee: {kind: formula, is: 'max(0, x - prev.best)'}", "x: {range: [0, 100]}",
                top="state: {best: {start: 30, next: 'max(prev.best, x)'}}\n", periods=5)
    )  # fmt: skip
    [(_, first), (second, later)] = shown(made, "fee")
    middling = made.periods[1].values[0] // ONE
    assert 30 in first
    assert (2, True) == (second, middling in later)
    check_all(made)


def test_a_rule_that_differs_in_every_period_shows_a_few_and_the_last() -> None:
    made = Examples(rule_of("fee: {kind: formula, is: 'max(0, x - period)'}", "x: {range: [0, 100]}", periods=30))
    assert [1, 2, 3, 4, 5, 30] == [period for period, _ in shown(made, "fee")]
    check_all(made)


def test_rows_rise() -> None:
    for table in examples("example").edges:
        assert all(before[0] < after[0] for before, after in pairwise(table.rows))
