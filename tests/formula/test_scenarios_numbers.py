"""Many scenarios at once: numbers of every width, how they are worked through, and what is handed out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pyoutcome.decimals import ONE
from pyoutcome.formula import Definition, KpiShape, Line, Payee, Rule, parse, scenario_values
from pyoutcome.formula.machine import RUN_ERRORS
from pyoutcome.formula.scenarios import evaluate_many
from tests.formula.test_scenarios import compare, number, one_line


@pytest.mark.parametrize("mode", ["half_up", "half_even", "floor", "ceil", "up", "down"])
@pytest.mark.parametrize("step", [2, 3, 511, 1023, 1025, 2**26 - 1, 2**26 + 1, 2**40 - 1])
def test_whole_numbers_are_rounded_exactly_up_to_the_greatest_that_floats_tell_apart(step: int, mode: str) -> None:
    most = 2**52 - 2**41
    ties = [most // step * step - at * step + beside for at in (1, 2) for beside in (0, step // 2, (step + 1) // 2)]
    rule = one_line(f"round(x, {step}, {mode})", KpiShape("x", -most * ONE, most * ONE, 0))
    found = compare(rule, [[(sign * (x + by) * ONE,)] for x in ties for by in (-1, 0, 1) for sign in (1, -1)])
    assert not found.exactly.any()


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float16, np.float32, np.float64, np.int64])
@pytest.mark.parametrize("decimals", [0, 2])
def test_narrow_numbers_are_worked_with_in_full(kind: type[np.generic], decimals: int) -> None:
    rule = one_line("x * x * x", number("x", decimals=decimals))
    assert [201**3] == evaluate_many(rule, {"x": np.array([201], kind)}).amounts["A"].tolist()


def test_numbers_of_few_digits_count_as_the_nearest_multiple_too() -> None:
    rule = one_line("x", number("x", "0", "10_000_000"))
    found = evaluate_many(rule, {"x": np.array([1_234_567.875], np.float32)})
    assert [pytest.approx(1_234_567.88, rel=1e-9)] == found.amounts["A"].tolist()


def block_lengths(rule: Rule, periods: int, count: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many scenarios are worked on at a time."""
    lengths: list[int] = []

    def take(given: Any, *others: Any) -> Any:
        lengths.append(given.shape[1])
        return usual(given, *others)

    usual = scenario_values.take_numbers
    monkeypatch.setattr("pyoutcome.formula.scenario_plan.take_numbers", take)
    evaluate_many(rule, {"x": np.ones((periods, count))})
    return lengths


@pytest.mark.parametrize(
    ("periods", "count", "lengths"),
    [(1, 100, [100]), (1, 40_000, [20_000] * 2), (5, 32_768, [16_384] * 2), (6, 32_768, [8_192] * 4)],
)
def test_every_scenario_is_worked_out_in_one_block(
    periods: int, count: int, lengths: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lengths == block_lengths(one_line("x", number("x")), periods, count, monkeypatch)


def test_few_functions_of_a_rule_are_kept() -> None:
    rule = one_line("x * period", number("x"))
    kept = []
    for first in range(1, 20):
        assert [pytest.approx(first)] == evaluate_many(rule, {"x": [1]}, first=first).amounts["A"].tolist()
        kept.append(len(rule.made["scenarios"]))
    assert [*range(1, 17), 1, 2, 3] == kept


def test_what_is_not_asked_for_is_left_out() -> None:
    """Amounts of period 1 without definitions; arrays that nobody writes to, of the types that are told."""
    rule = Rule(
        (number("x"),),
        (),
        (Definition("many", parse("x > 5")), Definition("twice", parse("x * 2"))),
        (Line("pay", 0, 1, parse("twice / 2 * period")), Line("part", 0, 1, parse("1 / x"))),
        (Payee("A", parse("pay")), Payee("B", parse("twice")), Payee("C", parse("part - pay"))),
    )
    found = evaluate_many(rule, {"x": [4, 0, 2_000]})
    assert {} == found.definitions
    assert [False, True, True] == found.exactly.tolist()
    assert [0, RUN_ERRORS["division-by-zero"], 0] == found.errors.tolist()
    assert [4, 2_000] == found.amounts["A"][[0, 2]].tolist() == found.lines["pay"][[0, 2]].tolist()
    assert [8, 4_000] == found.amounts["B"][[0, 2]].tolist()
    assert [-3.75, pytest.approx(-1999.9995, rel=1e-9)] == found.amounts["C"][[0, 2]].tolist()
    assert ("int8", "bool") == (found.errors.dtype.name, found.exactly.dtype.name)
    handed_out: list[np.ndarray[Any, Any]] = [*found.lines.values(), *found.amounts.values()]
    for each in (*handed_out, found.errors, found.exactly):
        assert not each.flags.writeable
    asked = evaluate_many(rule, {"x": [4, 2_000]}, definitions=True)
    assert {"many": [0, 1], "twice": [8, 4_000]} == {each: row.tolist() for each, row in asked.definitions.items()}


def test_zero_has_no_sign_and_what_is_equal_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Room for results holds whatever was there before: here something that no result may be.
    empty = np.empty

    def full_of_something(shape: tuple[int, ...], *given: Any, **named: Any) -> np.ndarray[Any, Any]:
        return empty(shape, *given, **named) if given or named else np.full(shape, np.nan)

    monkeypatch.setattr(np, "empty", full_of_something)
    lines = ["-x", "x", "x * -2", "x * 2", "round(x, 5, ceil)", "-y", "y * 3", "0 - x * y", "x * y", "-(y * 3)", "-x"]
    lines += ["x * 5"]
    rule = Rule(
        (number("x", "-4", "4", 0), number("y", "-4", "0", 0)),
        (),
        (Definition("none", parse("x > 9")), Definition("same", parse("x")), Definition("minus", parse("-x"))),
        tuple(Line(f"l{at}", 0, 1, parse(each)) for at, each in enumerate(lines)),
        (Payee("A", parse("l0")),),
    )
    found = compare(rule, [[(x * ONE, y * ONE)] for x in (-4, -1, 0, 3) for y in (-4, 0)])
    for each in (*found.lines.values(), *found.definitions.values()):
        assert not np.signbit(each[each == 0]).any()
    assert not found.exactly.any()
