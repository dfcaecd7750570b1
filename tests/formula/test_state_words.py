"""Carried state as one row of words, as the chain gives it, and back."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyoutcome.decimals import INT256_MAX, INT256_MIN
from pyoutcome.errors import FormulaError
from pyoutcome.formula import Rule, evaluate, start_state
from pyoutcome.formula.state import State, check_state, read_state
from tests.formula.strategies import rules_with_periods

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example]


def read(rule: Rule, words: tuple[int, ...], unit_decimals: int) -> State:
    carried = rule.carried
    depths = [history.depth for history in carried.histories]
    return read_state(words, carried.registers, depths, len(carried.to_date), len(carried.earned), unit_decimals)


@settings(max_examples=60, deadline=None, suppress_health_check=QUIET)
@given(rules_with_periods(), st.sampled_from((0, 6, 18)))
def test_the_words_of_a_state_are_read_back(case: tuple[Rule, tuple[tuple[int, ...], ...]], unit_decimals: int) -> None:
    rule, periods = case
    state = start_state(rule, unit_decimals)
    for number, values in enumerate(periods, 1):
        assert state == read(rule, state.words(), unit_decimals)
        try:
            state = evaluate(rule, values, period=number, state=state).state or state
        except FormulaError:
            continue
    assert state == read(rule, state.words(), unit_decimals)


@pytest.mark.parametrize(
    "words",
    [(), (-1,), (2**32, 5, 7, 7, 7, 0, 0), (1, 5, 7, 0), (1, 5, 7, 0, 0, 0), (2, 5, 7, 0, 0), (1, 5, 7, 10**11, 0)],
    ids=["nothing", "negative", "too many periods", "too few", "too many", "other periods", "no whole base unit"],
)
def test_words_that_are_no_state_of_the_rule_are_refused(words: tuple[int, ...]) -> None:
    """A register, a history of depth 3, a line and a payee; six decimals."""
    assert (5,) == read_state((1, 5, 7, 0, 0), 1, [3], 1, 1, 6).registers
    with pytest.raises(FormulaError) as info:
        read_state(words, 1, [3], 1, 1, 6)
    assert "state-does-not-fit" == info.value.code


def test_states_may_hold_the_greatest_numbers_there_are() -> None:
    last = read_state((2**32 - 1, INT256_MIN, INT256_MAX), 2, [], 0, 0, 18)
    assert State(18, 2**32 - 1, (INT256_MIN, INT256_MAX)) == last
    for words in ((2**32, 0, 0), (1, INT256_MIN - 1, 0), (1, 0, INT256_MAX + 1)):
        with pytest.raises(FormulaError) as info:
            read_state(words, 2, [], 0, 0, 18)
        assert "state-does-not-fit" == info.value.code


@pytest.mark.parametrize("state", [State(-1), State(19), State(18, -1), State(18, 2**32)])
def test_impossible_counts_are_no_state(state: State) -> None:
    check_state(State(0), 0, [], 0, 0)
    check_state(State(18, 2**32 - 1), 0, [], 0, 0)
    with pytest.raises(FormulaError) as info:
        check_state(state, 0, [], 0, 0)
    assert "state-does-not-fit" == info.value.code
