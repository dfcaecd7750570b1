"""The evaluator for many scenarios at once: KPI values in arrays, amounts in arrays.

For simulation and pictures, where a float will do: every figure is within 1e-9 of the exact one, relative to the exact
one. Nothing is settled with it. A scenario that floats cannot decide goes to the exact evaluator by itself, and so does
every scenario that may fail: its error is that evaluator's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pyoutcome.decimals import ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula import syntax as s
from pyoutcome.formula.evaluate import evaluate, read_inputs, start_state
from pyoutcome.formula.machine import RUN_ERRORS
from pyoutcome.formula.rule import Rule
from pyoutcome.formula.scenario_plan import Plan, own_amounts
from pyoutcome.formula.scenario_values import Array, Values, exact_words, read_values
from pyoutcome.formula.state import State, check_state

_BLOCK: Final = 16_384
"""Scenarios worked on at a time, so that what stands between stays close to the processor; fewer of many periods."""
_LEAST_BLOCK: Final = 2_048
_MOST_KEPT: Final = 16
"""Functions of a rule that are kept."""


@dataclass(frozen=True)
class Scenarios:
    """What every scenario comes to, in natural units; ``nan`` in a period that fails.

    Arrays have the shape of the input: one number per scenario, or one row of them per period. They are read-only.
    """

    lines: Mapping[str, Array]
    """Per line, unsigned by its sign."""
    amounts: Mapping[str, Array]
    """Per payee: positive is owed to it, negative it owes."""
    definitions: Mapping[str, Array]
    """Per definition, 1 and 0 for yes and no; empty unless they were asked for."""
    errors: npt.NDArray[np.int8]
    """0, or the number of the run-time error (``machine.RUN_ERRORS``); a period that fails pays nothing."""
    exactly: npt.NDArray[np.bool_]
    """Which scenarios the exact evaluator worked out."""


def evaluate_many(
    rule: Rule,
    values: Values,
    parameters: Sequence[int] | Mapping[str, int] | None = None,
    first: int = 1,
    state: State | None = None,
    *,
    unit_decimals: int = 18,
    definitions: bool = False,
) -> Scenarios:
    """The amounts of many scenarios, each figure within 1e-9 of the exact one, relative to it.

    ``values`` holds, by full name, an array for each KPI: one number per scenario, or (two dimensions) one row per
    period; a single number stands for all. Or it is one array: KPIs x scenarios, or periods x KPIs x scenarios. The
    numbers are in natural units (99.95, not scaled; of a yes/no 1 and 0, of a choice the position of its label from 1)
    and count as the nearest multiple of the KPI's last decimal. ``parameters`` are exact, as for ``evaluate``. Periods
    are numbered from ``first``; each carries its state to the next, as settled in a token of ``unit_decimals``,
    beginning with ``state`` in all scenarios. A period that fails leaves the state as it was.

    Raises FormulaError ``inputs-do-not-fit`` for values that are no numbers, not finite or do not fit in number, and
    for what ``evaluate`` raises it; ``state-needed``, ``state-does-not-fit``.
    """
    columns, periods, count = read_values(rule, values)
    single = periods == 0
    periods = periods or 1
    own = read_inputs(rule, [0] * len(rule.kpis), parameters, first)
    terms = {each: own[each] for each, _ in rule.parameters}
    state = _begin(rule, state, first, unit_decimals)
    count_of_rows = len(rule.lines) + len(own_amounts(rule)) + (len(rule.definitions) if definitions else 0)
    key = (tuple(terms.items()), first, periods, state, definitions)
    kept: dict[object, Callable[..., None]] = rule.made.setdefault("scenarios", {})
    if key not in kept:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[key] = Plan(rule, terms, first, periods, state, definitions).function()
    work = kept[key]
    found = np.empty((periods, count_of_rows, count))
    doubts = np.zeros(count, dtype=np.bool_)
    # blocks of one length: a short last one would cost as many calls as the others
    blocks = max(1, round(count / max(_LEAST_BLOCK, _BLOCK // max(1, periods // 3))))
    with np.errstate(all="ignore"):
        for at in range(blocks):
            here = slice(count * at // blocks, count * (at + 1) // blocks)
            work([column[:, here] for column in columns], found[:, :, here], doubts[here])
    errors = np.zeros((periods, count), dtype=np.int8)
    again = np.flatnonzero(doubts)
    if len(again):
        chosen = np.empty((periods, count_of_rows, len(again)))
        failed = errors[:, again]
        given = None if parameters is None else terms
        _work_out(rule, [column[:, again] for column in columns], given, first, state, chosen, failed)
        found[:, :, again], errors[:, again] = chosen, failed
    for each in (found, errors, doubts):
        each.setflags(write=False)  # an amount that is just a line is the line's own array
    rows = iter([found[0, at] if single else found[:, at] for at in range(count_of_rows)])
    lines = {line.name: next(rows) for line in rule.lines}
    by_themselves = own_amounts(rule)
    amounts = {
        payee.name: next(rows) if at in by_themselves else lines[next(s.names(payee.amount))]
        for at, payee in enumerate(rule.payees)
    }
    named = {each.name: next(rows) for each in rule.definitions} if definitions else {}
    return Scenarios(lines, amounts, named, errors[0] if single else errors, doubts)


def _begin(rule: Rule, state: State | None, first: int, unit_decimals: int) -> State:
    kept = rule.carried
    if state is None:
        if first != 1 and kept:
            evaluate(rule, [0] * len(rule.kpis), period=first)  # says that a state is needed
        return start_state(rule, unit_decimals)
    check_state(state, kept.registers, [each.depth for each in kept.histories], len(kept.to_date), len(kept.earned))
    return state


def _work_out(
    rule: Rule,
    columns: Sequence[npt.NDArray[Any]],
    terms: Mapping[str, int] | None,
    first: int,
    begin: State,
    found: Array,
    errors: npt.NDArray[np.int8],
) -> None:
    """Scenarios by the exact evaluator, each by itself, into their places."""
    flags = {at for at, each in enumerate(rule.definitions) if rule.types[each.name] == "yes_no"}
    by_themselves = own_amounts(rule)
    words = [exact_words(kpi, column) for kpi, column in zip(rule.kpis, columns, strict=True)]
    for at in range(found.shape[2]):
        state = begin if rule.carried else None
        for period in range(len(found)):
            try:
                outcome = evaluate(rule, [each[period][at] for each in words], terms, first + period, state)
            except FormulaError as problem:
                if problem.code not in RUN_ERRORS:
                    raise
                errors[period, at] = RUN_ERRORS[problem.code]
                found[period, :, at] = np.nan
                continue
            state = outcome.state
            row = [value / ONE for value in (*outcome.lines, *(outcome.amounts[each] for each in by_themselves))]
            if len(row) < found.shape[1]:
                row += [v / 1 if i in flags else v / ONE for i, v in enumerate(outcome.definitions)]
            found[period, :, at] = row
