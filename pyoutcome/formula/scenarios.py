"""The evaluator for many scenarios at once: KPI values in arrays, amounts in arrays.

For simulation and pictures, where a float will do: every figure is within 1e-9 of the exact one, relative to the exact
one. Nothing is settled with it. A scenario that floats cannot decide goes to the exact evaluator by itself, and so does
every scenario that may fail: its error is that evaluator's.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from pyoutcome.decimals import ONE, Rounding
from pyoutcome.errors import FormulaError, did_you_mean
from pyoutcome.formula import syntax as s
from pyoutcome.formula.arrays import FINEST, WHOLE, Many, constant
from pyoutcome.formula.evaluate import evaluate, read_inputs, start_state
from pyoutcome.formula.floats import Floats
from pyoutcome.formula.generated import Code, Term, name
from pyoutcome.formula.machine import RUN_ERRORS
from pyoutcome.formula.rule import Item, KpiShape, Rule
from pyoutcome.formula.state import State, check_state, unit_of

Array: TypeAlias = npt.NDArray[np.float64]
Values: TypeAlias = "Mapping[str, npt.ArrayLike] | npt.ArrayLike"
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
    columns, periods, count = _read_values(rule, values)
    single = periods == 0
    periods = periods or 1
    own = read_inputs(rule, [0] * len(rule.kpis), parameters, first)
    terms = {each: own[each] for each, _ in rule.parameters}
    state = _begin(rule, state, first, unit_decimals)
    count_of_rows = len(rule.lines) + len(_own_amounts(rule)) + (len(rule.definitions) if definitions else 0)
    key = (tuple(terms.items()), first, periods, state, definitions)
    kept: dict[object, Callable[..., None]] = rule.made.setdefault("scenarios", {})
    if key not in kept:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[key] = _Plan(rule, terms, first, periods, state, definitions).function()
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
    own_amounts = _own_amounts(rule)
    amounts = {
        payee.name: next(rows) if at in own_amounts else lines[next(s.names(payee.amount))]
        for at, payee in enumerate(rule.payees)
    }
    named = {each.name: next(rows) for each in rule.definitions} if definitions else {}
    return Scenarios(lines, amounts, named, errors[0] if single else errors, doubts)


def _own_amounts(rule: Rule) -> list[int]:
    """The payees whose amount is not just a line."""
    lines = {line.name for line in rule.lines}
    return [
        at
        for at, payee in enumerate(rule.payees)
        if not (isinstance(payee.amount, s.Name) and payee.amount.name in lines)
    ]


def _refuse(why: str, fix: str) -> FormulaError:
    return FormulaError("inputs-do-not-fit", why, fix)


def _read_values(rule: Rule, values: Values) -> tuple[list[npt.NDArray[Any]], int, int]:
    """Per KPI its numbers (periods x scenarios), how many periods (0: no such dimension) and scenarios."""
    given: list[npt.NDArray[Any]]
    if isinstance(values, Mapping):
        full = [kpi.full_name for kpi in rule.kpis]
        for known_as in values:
            if known_as not in full:
                raise _refuse(f"The rule has no KPI {known_as!r}.", did_you_mean(known_as, full))
        missing = [known_as for known_as in full if known_as not in values]
        if missing:
            raise _refuse(f"No values are given for {', '.join(missing)}.", "Give one array for every KPI.")
        given = [np.asarray(values[known_as]) for known_as in full]
    else:
        whole = np.asarray(values)
        if whole.ndim not in (2, 3) or whole.shape[-2] != len(rule.kpis):
            raise _refuse(
                f"The rule has {len(rule.kpis)} KPIs, and an array of shape {whole.shape} was given.",
                "Give KPIs x scenarios, or periods x KPIs x scenarios.",
            )
        given = [whole[..., at, :] for at in range(len(rule.kpis))]
    for kpi, each in zip(rule.kpis, given, strict=True):
        if each.dtype.kind not in "biuf" or each.ndim > 2:
            raise _refuse(f"The values of {kpi.full_name} are no array of numbers.", "Give floats or whole numbers.")
    try:
        shape = np.broadcast_shapes(*(each.shape for each in given))
    except ValueError:
        raise _refuse(
            f"The values have different shapes: {', '.join(str(each.shape) for each in given)}.",
            "Give as many scenarios, and as many periods, for every KPI.",
        ) from None
    periods, count = (shape[0] if len(shape) == 2 else 0), (shape[-1] if shape else 1)
    if len(shape) == 2 and not periods:
        raise _refuse("There is no period.", "Give the values of at least one period.")
    return [np.broadcast_to(each, (periods or 1, count)) for each in given], periods, count


def _begin(rule: Rule, state: State | None, first: int, unit_decimals: int) -> State:
    kept = rule.carried
    if state is None:
        if first != 1 and kept:
            evaluate(rule, [0] * len(rule.kpis), period=first)  # says that a state is needed
        return start_state(rule, unit_decimals)
    check_state(state, kept.registers, [each.depth for each in kept.histories], len(kept.to_date), len(kept.earned))
    return state


def _power(kpi: KpiShape) -> int:
    """What makes numbers whole."""
    return 1 if kpi.type == "yes_no" else int(10**kpi.decimals)


def _ends(kpi: KpiShape) -> tuple[int, int]:
    """Its range in units of its last decimal."""
    return -(-kpi.low // kpi.multiple), kpi.high // kpi.multiple


def _whole(given: npt.NDArray[Any], power: int) -> Array:
    """The numbers in units of the KPI's last decimal."""
    numbers: Array = np.multiply(given, power / 1, dtype=np.float64)  # also of narrower numbers
    return np.rint(numbers, numbers)


def _take(given: npt.NDArray[Any], power: int, low: int, high: int, doubts: npt.NDArray[np.bool_]) -> Array:
    """The numbers of a KPI by period; scenarios outside its range are left to the exact evaluator."""
    numbers = _whole(given, power)
    if not (np.minimum.reduce(numbers, None) >= low / 1 and np.maximum.reduce(numbers, None) <= high / 1):
        if not np.isfinite(numbers).all():
            raise _refuse("A value is not finite.", "Give a number for every KPI in every scenario.")
        np.logical_or(doubts, ((numbers < low / 1) | (numbers > high / 1)).any(0), doubts)
    return numbers


def _words(kpi: KpiShape, column: npt.NDArray[Any]) -> list[list[int]]:
    """The exact words of a KPI, by period and scenario."""
    power, multiple = _power(kpi), kpi.multiple
    if column.dtype.kind != "f":
        return [[int(value) * power * multiple for value in row] for row in column.tolist()]
    return [[int(value) * multiple for value in row] for row in _whole(column, power).tolist()]


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
    own_amounts = _own_amounts(rule)
    words = [_words(kpi, column) for kpi, column in zip(rule.kpis, columns, strict=True)]
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
            row = [value / ONE for value in (*outcome.lines, *(outcome.amounts[each] for each in own_amounts))]
            if len(row) < found.shape[1]:
                row += [v / 1 if i in flags else v / ONE for i, v in enumerate(outcome.definitions)]
            found[period, :, at] = row


class _Plan:
    """The function of a rule for some successive periods: ``(columns, found, doubts)``, for one block of scenarios."""

    def __init__(
        self, rule: Rule, terms: Mapping[str, int], first: int, periods: int, state: State, definitions: bool
    ) -> None:
        self.rule = rule
        self.terms = terms
        self.periods = range(first, first + periods)
        self.state = state
        self.definitions = definitions
        self.code = Code()
        self.past: dict[str, list[Many]] = {}
        self.past_flags: dict[str, Term] = {}
        self.registers: dict[str, Many | Term] = {}
        self.sums: dict[str, Many] = {}
        self.numbers: list[Term] = []
        """Of each KPI: periods x scenarios, in units of its last decimal."""

    def function(self) -> Callable[..., None]:
        self.recall()
        self.take_kpis()
        for row, period in enumerate(self.periods):
            self.period(row, period)
        self.code.drop_unused()
        return self.code.compile(["columns", "found", "doubts"], self.code.constant(None))

    def recall(self) -> None:
        """What the state holds: the same in all scenarios."""
        rule, kept, state = self.rule, self.rule.carried, self.state
        plain = Floats(rule, self.code, {})
        for register, value in zip(rule.registers, state.registers, strict=False):
            is_flag = rule.types[register.name] == "yes_no"
            self.registers[register.name] = self.flag(value) if is_flag else plain.unknown(value)
        for history, past in zip(kept.histories, state.histories, strict=True):
            if rule.types[history.name] == "yes_no":
                if past:
                    self.past_flags[history.name] = self.flag(past[0])
                continue
            self.past[history.name] = [plain.unknown(value) for value in past]
        self.sums = {
            f"to_date.{rule.lines[at].name}": plain.unknown(v)
            for at, v in zip(kept.to_date, state.to_date, strict=True)
        }
        for at, value in zip(kept.earned, state.earned, strict=True):
            self.sums[f"earned_before.{rule.payees[at].name}"] = plain.unknown(value)

    def flag(self, value: int) -> Term:
        return self.code.constant(np.bool_(value))

    def period(self, row: int, period: int) -> None:
        rule, code = self.rule, self.code
        here = Floats(rule, code, {**self.terms, "period": period * ONE})
        here.past = self.past
        self.read_kpis(here, row)
        here.known |= self.sums
        if len(rule.payees) == 1 and f"earned_before.{rule.payees[0].name}" in self.sums:
            here.known["earned_before"] = self.sums[f"earned_before.{rule.payees[0].name}"]
        amounts: dict[int, Many] = {}
        for item in rule.order:
            of = item.name.removeprefix("start of ").removeprefix("opening of ")
            if item.kind != "payee" and rule.types[of] == "yes_no":
                self.settle_flag(here, item, of)
                continue
            value = here.number(item.formula)
            if item.kind == "payee":
                amounts[item.index] = value
            elif item.kind == "start":
                here.openings[of] = value
                before = self.registers.get(of, value)
                assert isinstance(before, Many)  # noqa: S101 - its type is a number
                here.known[f"prev.{of}"] = before
            elif item.kind == "opening":
                here.openings[of] = value
                here.known[f"prev.{of}"] = self.past[of][0] if self.past[of] else value
            else:
                here.known[item.name] = value
                if value.value is not None:
                    here.folding.learn(item.name, value.value)
        self.write(here, row, amounts)
        self.carry(here, amounts)

    def settle_flag(self, here: Floats, item: Item, of: str) -> None:
        """A definition, register or opening value that is a yes/no."""
        value = here.truth(item.formula)
        if item.kind == "start":
            before = self.registers.get(of, value)
            assert isinstance(before, Term)  # noqa: S101 - its type is a yes/no
            here.flags[f"prev.{of}"] = before
        elif item.kind == "opening":
            here.flags[f"prev.{of}"] = self.past_flags.get(of, value)
        else:
            here.flags[item.name] = value

    def take_kpis(self) -> None:
        """All periods of a KPI at once: a call costs as much as thousands of numbers."""
        for at, kpi in enumerate(self.rule.kpis):
            low, high = _ends(kpi)
            given = name("columns")[at]
            self.numbers.append(self.code.let(self.code.call(_take, given, _power(kpi), low, high, name("doubts"))))

    def read_kpis(self, here: Floats, row: int) -> None:
        code = self.code
        for at, kpi in enumerate(self.rule.kpis):
            multiple = kpi.multiple
            low, high = _ends(kpi)
            numbers = code.let(self.numbers[at][row])
            if kpi.type == "yes_no":
                here.flags[kpi.full_name] = code.let(numbers > 0)
                continue
            exact = max(abs(low), abs(high)) <= WHOLE
            here.known[kpi.full_name] = Many(
                numbers,
                Fraction(multiple),
                Fraction(low * multiple),
                Fraction(high * multiple),
                Fraction(0 if exact else 1, 2**52),
                Fraction(multiple),
            )

    def write(self, here: Floats, row: int, amounts: Mapping[int, Many]) -> None:
        rule, code = self.rule, self.code
        results: list[Many | Term] = [here.known[line.name] for line in rule.lines]
        results += [amounts[at] for at in _own_amounts(rule)]
        if self.definitions:
            results += [
                here.flags[each.name] if rule.types[each.name] == "yes_no" else here.known[each.name]
                for each in rule.definitions
            ]
        written: dict[tuple[str, Fraction], Term] = {}
        for at, value in enumerate(results):
            place = code.let(name("found")[row][at])
            if isinstance(value, Term):
                code.run(code.call(np.copyto, place, value))
                continue
            if value.off > FINEST * Fraction(9, 10):
                here.give_up()
            numbers = ast.dump(value.term.node)
            if (numbers, value.grain) in written:
                code.run(code.call(np.copyto, place, written[numbers, value.grain]))
                continue
            if (numbers, -value.grain) in written:
                code.run(code.call(np.subtract, 0 / 1, written[numbers, -value.grain], place))  # 0 - 0 is not -0
                continue
            size = value.grain / ONE
            code.run(code.call(np.multiply, value.term, size.numerator / size.denominator, place))
            if value.grain < 0 or value.low < 0:
                code.run(code.call(np.add, place, 0 / 1, place))  # no -0.0
            written[numbers, value.grain] = place

    def carry(self, here: Floats, amounts: Mapping[int, Many]) -> None:
        """What the period leaves to the next."""
        rule, kept = self.rule, self.rule.carried
        for register in rule.registers:
            is_flag = rule.types[register.name] == "yes_no"
            self.registers[register.name] = here.flags[register.name] if is_flag else here.known[register.name]
        for history in kept.histories:
            if rule.types[history.name] == "yes_no":
                self.past_flags[history.name] = here.flags[history.name]
            else:
                self.past[history.name] = [here.known[history.name], *self.past[history.name]][: history.depth]
        unit = constant(unit_of(self.state.unit_decimals))
        paid = {f"to_date.{rule.lines[at].name}": here.known[rule.lines[at].name] for at in kept.to_date}
        paid |= {f"earned_before.{rule.payees[at].name}": amounts[at] for at in kept.earned}
        for each, value in paid.items():
            cut = value if unit.value == 1 else here.rounded(value, unit, Rounding.DOWN)
            self.sums[each] = here.plus(self.sums[each], cut)
