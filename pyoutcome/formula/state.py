"""The state that settled periods leave to later ones; ``docs/program-format.md``, section State."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from pyoutcome.decimals import DECIMALS, INT256_MAX, INT256_MIN, divide_trunc
from pyoutcome.errors import FormulaError
from pyoutcome.formula.arithmetic import fit_word


class State(NamedTuple):
    """What earlier periods left behind; every number is scaled by 10**18."""

    unit_decimals: int
    """Decimals of the payment token, 0 to 18: sums to date count whole base units."""
    periods: int = 0
    """Periods run so far without error."""
    registers: tuple[int, ...] = ()
    """One value per register (a yes/no is 1 or 0); none before the first period, when start values count."""
    histories: tuple[tuple[int, ...], ...] = ()
    """Per history the last values, newest first, at most its depth."""
    to_date: tuple[int, ...] = ()
    """Per line whose sum to date some formula reads: that sum, a multiple of one base unit."""
    earned: tuple[int, ...] = ()
    """Per payee whose earned amounts some formula reads: their sum, a multiple of one base unit."""

    def words(self) -> tuple[int, ...]:
        """All of it as one row of words, in the order of the format page."""
        past = [value for history in self.histories for value in history]
        return (self.periods, *self.registers, *past, *self.to_date, *self.earned)


def cut_to_units(value: int, unit_decimals: int) -> int:
    """A scaled value toward zero to a whole number of base units, still scaled."""
    unit = unit_of(unit_decimals)
    return divide_trunc(value, unit) * unit


def unit_of(unit_decimals: int) -> int:
    """One base unit of a token, scaled."""
    return int(10 ** (DECIMALS - unit_decimals))


def empty_state(depths: Sequence[int], to_date: int, earned: int, unit_decimals: int) -> State:
    """The state before the first period. FormulaError ``state-does-not-fit`` for impossible decimals."""
    if not 0 <= unit_decimals <= DECIMALS:
        _refuse(f"A token cannot have {unit_decimals} decimals.")
    return State(unit_decimals, histories=((),) * len(depths), to_date=(0,) * to_date, earned=(0,) * earned)


def check_state(state: State, registers: int, depths: Sequence[int], to_date: int, earned: int) -> None:
    """FormulaError ``state-does-not-fit`` unless the state has the parts that these counts call for."""
    if not 0 <= state.unit_decimals <= DECIMALS or not 0 <= state.periods < 2**32:
        _refuse("Its number of periods, or the decimals of its token, are impossible.")
    if len(state.registers) != (registers if state.periods else 0):
        _refuse(f"It has {len(state.registers)} registers after {state.periods} periods; the rule has {registers}.")
    lengths = [min(state.periods, depth) for depth in depths]
    if lengths != [len(history) for history in state.histories]:
        _refuse(f"Its histories have other lengths than {lengths}.")
    if (len(state.to_date), len(state.earned)) != (to_date, earned):
        _refuse(f"The rule reads {to_date} sums of lines and {earned} of payees.")
    unit = unit_of(state.unit_decimals)
    if any(value % unit for value in (*state.to_date, *state.earned)):
        _refuse("A sum to date is no whole number of base units.")
    if any(not INT256_MIN <= value <= INT256_MAX for value in state.words()):
        _refuse("A value does not fit a signed 256-bit value.")


def _refuse(why: str) -> None:
    raise FormulaError(
        "state-does-not-fit",
        f"The state of the earlier periods does not belong to this rule. {why}",
        "Use the state that the period before left, or the start state.",
    )


def sum_last(history: Sequence[int], periods: int) -> int:
    """The sum of the last ``periods`` values, of fewer if there are fewer; FormulaError ``overflow``."""
    total = 0
    for value in history[:periods]:
        total = fit_word(total + value)
    return total


def lag(history: Sequence[int], periods: int, opening: int) -> int:
    """The value ``periods`` periods ago, or the opening value if there were fewer periods."""
    return history[periods - 1] if periods <= len(history) else opening


def next_state(
    state: State,
    registers: Sequence[int],
    sources: Sequence[tuple[int, int]],
    lines: Sequence[int],
    amounts: Sequence[int],
) -> State:
    """The state after a period without error; FormulaError ``overflow`` if a sum does not fit.

    ``registers`` are the next values, ``sources`` the depth and this period's value of each history, ``lines`` and
    ``amounts`` what the lines and payees came to whose sums are kept.
    """
    decimals = state.unit_decimals
    return State(
        decimals,
        state.periods + 1,
        tuple(registers),
        tuple((value, *history)[:depth] for (depth, value), history in zip(sources, state.histories, strict=True)),
        tuple(fit_word(before + cut_to_units(v, decimals)) for before, v in zip(state.to_date, lines, strict=True)),
        tuple(fit_word(before + cut_to_units(v, decimals)) for before, v in zip(state.earned, amounts, strict=True)),
    )


def read_state(
    words: Sequence[int], registers: int, depths: Sequence[int], to_date: int, earned: int, unit_decimals: int
) -> State:
    """The state whose ``words`` these are, checked; FormulaError ``state-does-not-fit``."""
    if not words or words[0] < 0:
        _refuse("Its number of periods is missing or below zero.")
    periods, row = words[0], iter(words[1:])

    def take(count: int) -> tuple[int, ...]:
        return tuple(islice(row, count))

    state = State(
        unit_decimals,
        periods,
        take(registers if periods else 0),
        tuple(take(min(periods, depth)) for depth in depths),
        take(to_date),
        take(earned),
    )
    if next(row, None) is not None:
        _refuse("It has more words than the rule.")
    check_state(state, registers, depths, to_date, earned)
    return state
