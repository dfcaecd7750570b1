"""The evaluator: KPI values to line and payee amounts, with the reason for every figure.

This is the readable reference for amounts; the Solidity interpreter and ``machine.py`` are held equal to it by test.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE, show
from pyoutcome.errors import FormulaError, did_you_mean
from pyoutcome.formula.calculation import Calculation
from pyoutcome.formula.compiled import quick_of
from pyoutcome.formula.outcome import Note, NoteKind, Outcome, Step
from pyoutcome.formula.printer import to_text
from pyoutcome.formula.rule import Item, ItemKind, Rule
from pyoutcome.formula.state import State, check_state, empty_state, lag, next_state
from pyoutcome.formula.telling import Teller

__all__ = ["Note", "NoteKind", "Outcome", "Step", "evaluate", "evaluate_all", "explain", "start_state"]


def start_state(rule: Rule, unit_decimals: int = 18) -> State:
    """The state before the first period, for amounts paid in a token of ``unit_decimals`` decimals (0 to 18).

    Registers are empty until a period has run: the first one reads their start values.
    """
    kept = rule.carried
    return empty_state([each.depth for each in kept.histories], len(kept.to_date), len(kept.earned), unit_decimals)


def evaluate(
    rule: Rule,
    values: Sequence[int],
    parameters: Sequence[int] | Mapping[str, int] | None = None,
    period: int = 1,
    state: State | None = None,
    *,
    explain: bool = False,
    percents: Collection[str] = (),
) -> Outcome:
    """The amounts of one period, and the state it leaves.

    ``values`` are the KPI values in KPI order, scaled (yes/no: 1 or 0). ``parameters`` replace the rule's own: all in
    order, or some by name. ``period`` counts from 1. ``state`` is what the period before left; a rule that looks back
    may go without it in period 1 only, and then takes the start state of an 18-decimal token. Whether values lie in
    their ranges is the report's business, not checked here. After an error the state is still the one before.
    ``explain`` fills in the steps; in their sentences the values of the names in ``percents`` are percents.

    Raises FormulaError ``overflow``, ``division-by-zero``, ``clamp-low-above-high``, ``round-step-not-positive``,
    ``curve-points-not-increasing``, ``bands-edges-decreasing``, ``choice-out-of-range``; ``inputs-do-not-fit`` for
    vectors of the wrong length; ``state-needed``, ``state-does-not-fit``.
    """
    if not explain:
        quick = quick_of(rule).run(values, parameters, period, state)
        if quick is not None:
            return quick
    names = read_inputs(rule, values, parameters, period)
    teller = Teller(rule, percents) if explain else None
    run = Calculation(rule, names, teller)
    if rule.carried or state is not None:
        state = recall(rule, run, state, period)
    steps: list[Step] = []
    results: dict[ItemKind, list[int]] = {
        "definition": [0] * len(rule.definitions),
        "register": [0] * len(rule.registers),
        "line": [0] * len(rule.lines),
        "payee": [0] * len(rule.payees),
    }
    for item in rule.order:
        if teller is not None:
            teller.begin()
        try:
            value = run.value(item.formula)
        except FormulaError as problem:
            problem.details.setdefault("item", item.name)
            raise
        if item.kind in results:
            results[item.kind][item.index] = value
        if teller is not None:
            steps.append(_step(item, value, teller))
        if item.kind == "start":
            keep_start(run, rule.registers[item.index].name, value, state)
        elif item.kind == "opening":
            keep_opening(run, rule.kpis[item.index].full_name, value)
        elif item.kind != "payee":
            names[item.name] = value
    left = None if state is None else _leave(rule, state, names, results)
    return Outcome(tuple(results["line"]), tuple(results["payee"]), tuple(results["definition"]), left, tuple(steps))


def explain(
    rule: Rule,
    values: Sequence[int],
    parameters: Sequence[int] | Mapping[str, int] | None = None,
    period: int = 1,
    state: State | None = None,
) -> Outcome:
    """``evaluate`` with the steps filled in."""
    return evaluate(rule, values, parameters, period, state, explain=True)


def evaluate_all(
    rule: Rule,
    periods: Sequence[Sequence[int]],
    parameters: Sequence[int] | Mapping[str, int] | None = None,
    state: State | None = None,
    *,
    first: int = 1,
    unit_decimals: int = 18,
) -> tuple[Outcome, ...]:
    """The outcomes of successive periods, each from the state the one before left.

    ``periods`` holds the KPI values of each, from period ``first`` on. ``state`` is what the period before ``first``
    left; without it the first one starts anew with ``unit_decimals``. Raises what ``evaluate`` raises, with the number
    of the ``period`` among the details.
    """
    left = state if state is not None else start_state(rule, unit_decimals)
    found: list[Outcome] = []
    for number, values in enumerate(periods, first):
        try:
            found.append(evaluate(rule, values, parameters, number, left))
        except FormulaError as problem:
            problem.details.setdefault("period", number)
            raise
        left = found[-1].state or left
    return tuple(found)


def recall(rule: Rule, run: Calculation, state: State | None, period: int) -> State:
    """Put the values of earlier periods where formulas read them."""
    if state is None:
        if period != 1:
            raise FormulaError(
                "state-needed",
                f"Period {period} depends on the periods before it, and what they left is not given.",
                "Give the state of the period before, or evaluate all periods from the first.",
                period=period,
            )
        state = start_state(rule)
    kept = rule.carried
    check_state(state, kept.registers, [each.depth for each in kept.histories], len(kept.to_date), len(kept.earned))
    if state.periods:
        for register, value in zip(rule.registers, state.registers, strict=True):
            run.names[f"prev.{register.name}"] = value
    for at, value in zip(kept.to_date, state.to_date, strict=True):
        run.names[f"to_date.{rule.lines[at].name}"] = value
    for at, value in zip(kept.earned, state.earned, strict=True):
        run.names[f"earned_before.{rule.payees[at].name}"] = value
        if len(rule.payees) == 1:
            run.names["earned_before"] = value
    for history, past in zip(kept.histories, state.histories, strict=True):
        run.past[history.name] = past
    return state


def keep_start(run: Calculation, register: str, value: int, state: State | None) -> None:
    """Take note of a register's start value."""
    run.openings[register] = value
    if state is not None and not state.periods:
        run.names[f"prev.{register}"] = value


def keep_opening(run: Calculation, kpi: str, value: int) -> None:
    """Take note of what counts as a KPI's value before the first period."""
    run.openings[kpi] = value
    run.names[f"prev.{kpi}"] = lag(run.past[kpi], 1, value)


def _leave(rule: Rule, state: State, names: Mapping[str, int], results: Mapping[ItemKind, list[int]]) -> State:
    """The state after the period."""
    kept = rule.carried
    return next_state(
        state,
        results["register"],
        [(each.depth, names[each.name]) for each in kept.histories],
        [results["line"][at] for at in kept.to_date],
        [results["payee"][at] for at in kept.earned],
    )


def read_inputs(
    rule: Rule, values: Sequence[int], parameters: Sequence[int] | Mapping[str, int] | None, period: int
) -> dict[str, int]:
    """The value of every name that is given from outside; FormulaError ``inputs-do-not-fit``."""
    own = dict(rule.parameters)
    if isinstance(parameters, Mapping):
        for name in parameters:
            if name not in own:
                raise FormulaError(
                    "inputs-do-not-fit", f"The rule has no term {name!r}.", did_you_mean(name, own), name=name
                )
        own |= parameters
    elif parameters is not None:
        if len(parameters) != len(own):
            raise FormulaError(
                "inputs-do-not-fit",
                f"The rule has {len(own)} terms; {len(parameters)} values were given.",
                "Give one value per term, in order.",
            )
        own = dict(zip(own, parameters, strict=True))
    if len(values) != len(rule.kpis):
        raise FormulaError(
            "inputs-do-not-fit",
            f"The rule has {len(rule.kpis)} KPIs; {len(values)} values were given.",
            "Give one value per KPI, in order.",
        )
    names = {kpi.full_name: value for kpi, value in zip(rule.kpis, values, strict=True)} | own
    if not 1 <= period < 2**32 or any(not INT256_MIN <= value <= INT256_MAX for value in names.values()):
        raise FormulaError(
            "inputs-do-not-fit",
            "A value does not fit a signed 256-bit value, or the period is not counted from 1.",
            "Check the report.",
        )
    names["period"] = period * ONE
    return names


def _step(item: Item, value: int, teller: Teller) -> Step:
    types = teller.rule.types
    shown = ("yes" if value else "no") if types.get(item.name) == "yes_no" else show(value)
    reads = ", ".join(f"{name} = {_shown(teller.rule, name, read)}" for name, read in teller.read.items())
    said = f"{item.name} is {shown}"
    said += f" = {to_text(item.formula)}" + (f", with {reads}." if reads else ".")
    return Step(
        item.kind,
        item.name,
        to_text(item.formula),
        value,
        tuple(teller.read.items()),
        tuple(teller.notes),
        said,
        teller.closing(item.formula, value),
    )


def _shown(rule: Rule, name: str, value: int) -> str:
    """A value as its type shows it: a number, yes or no, or a label."""
    kind = rule.types.get(name, "number")
    if kind == "choice":
        labels = rule.labels[name]
        return labels[value // ONE - 1] if value % ONE == 0 and 1 <= value // ONE <= len(labels) else show(value)
    return ("yes" if value else "no") if kind == "yes_no" else show(value)
