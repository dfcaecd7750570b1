"""A plain interpreter of program bytes: the reading aid for auditors of the Solidity one.

It shares the arithmetic with the evaluator and nothing else; tests hold the two equal on random programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyoutcome.decimals import ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula import arithmetic as a
from pyoutcome.formula.layout import MODES, RELATIONS, Columns, Op, stack_use
from pyoutcome.formula.state import State, check_state, empty_state, lag, next_state, sum_last
from pyoutcome.formula.verify import Instruction, Shape, verify

RUN_ERRORS: Final = {
    "overflow": 1,
    "division-by-zero": 2,
    "clamp-low-above-high": 3,
    "round-step-not-positive": 4,
    "curve-points-not-increasing": 5,
    "bands-edges-decreasing": 6,
    "choice-out-of-range": 7,
}
"""Number of each run-time error on chain."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a run gives: an error number and nothing else, or 0 and the values."""

    error: int
    lines: tuple[int, ...] = ()
    amounts: tuple[int, ...] = ()
    locals: tuple[int, ...] = ()
    state: State | None = None
    """What the run leaves to the next; None after an error, and of a program that does not look back."""


def begin(program: bytes | Shape, unit_decimals: int = 18) -> State:
    """The state before the first run, for amounts paid in a token of ``unit_decimals`` decimals (0 to 18)."""
    shape = verify(program) if isinstance(program, bytes) else program
    depths = [row.depth for row in shape.header.histories]
    return empty_state(depths, len(shape.to_date), len(shape.earned), unit_decimals)


def run(
    program: bytes | Shape,
    values: Sequence[int],
    parameters: Sequence[int] = (),
    period: int = 1,
    state: State | None = None,
) -> Result:
    """Run a program on scaled KPI values and parameters, and on what earlier runs left.

    ``state`` may be left out by programs that do not look back, and by others in period 1 with an 18-decimal token.
    Raises FormulaError ``inputs-do-not-fit`` when the vectors have other lengths than the program says,
    ``state-needed``, ``state-does-not-fit``, and what ``verify`` raises for bytes that are no program.
    """
    shape = verify(program) if isinstance(program, bytes) else program
    if len(values) != shape.header.kpis or len(parameters) != shape.header.parameters:
        raise FormulaError(
            "inputs-do-not-fit",
            f"The program takes {shape.header.kpis} KPI values and {shape.header.parameters} parameters.",
            "Give vectors of these lengths.",
        )
    if shape.sequential or state is not None:
        state = _fitting(shape, state, period)
    try:
        machine = _Machine(shape, values, parameters, period, state)
        stored = machine.run()
        left = None if state is None else machine.leave(state)
    except FormulaError as problem:
        return Result(RUN_ERRORS[problem.code])
    lines = tuple(stored[local] for local, _, _ in shape.header.lines)
    return Result(0, lines, tuple(stored[local] for local in shape.header.payees), tuple(stored), left)


def _fitting(shape: Shape, state: State | None, period: int) -> State:
    if state is None:
        if period != 1:
            raise FormulaError(
                "state-needed",
                f"Period {period} depends on the periods before it, and what they left is not given.",
                "Give the state of the period before, or run all periods from the first.",
                period=period,
            )
        state = begin(shape)
    header = shape.header
    depths = [row.depth for row in header.histories]
    check_state(state, len(header.registers), depths, len(shape.to_date), len(shape.earned))
    return state


class _Machine:
    def __init__(
        self, shape: Shape, values: Sequence[int], parameters: Sequence[int], period: int, state: State | None
    ) -> None:
        self.state = state
        self.shape = shape
        self.values = values
        self.parameters = parameters
        self.period = period
        self.stack: list[int] = []
        self.locals: list[int] = []

    def run(self) -> list[int]:
        place = {instruction.at: index for index, instruction in enumerate(self.shape.instructions)}
        index = 0
        while index < len(self.shape.instructions):
            here = self.shape.instructions[index]
            takes, _ = stack_use(here.op, here.number)
            words = self.stack[len(self.stack) - takes :]
            del self.stack[len(self.stack) - takes :]
            index += 1
            if here.op is Op.JMP or (here.op is Op.JZ and words[0] == 0):
                index = place[here.number]
            elif here.op is Op.SET:
                self.locals.append(words[0])
            elif here.op is not Op.JZ:
                self.stack.append(self.result(here, words))
        return self.locals

    def result(self, here: Instruction, words: list[int]) -> int:
        """What one instruction leaves on the stack."""
        match here.op:
            case Op.KPI:
                return self.values[here.number]
            case Op.PARAM:
                return self.parameters[here.number]
            case Op.GET:
                return self.locals[here.number]
            case Op.PERIOD:
                return self.period * ONE
            case Op.REG | Op.TODATE | Op.EARNED | Op.SUMLAST | Op.LAG if self.state is not None:
                return self.earlier(here, self.state)
            case Op.ZERO:
                return 0
            case Op.ONE:
                return ONE
            case Op.PUSH8:
                return here.number * ONE
            case Op.PUSH:
                return here.number
            case Op.STEP | Op.CURVE | Op.BANDS | Op.PICK | Op.STEPC | Op.CURVEC | Op.BANDSC:
                return _table(here, words)
            case _:
                return _operation(here, words)

    def earlier(self, here: Instruction, state: State) -> int:
        """A value of earlier periods."""
        match here.op:
            case Op.REG:
                return state.registers[here.number] if state.periods else self.locals[here.number]
            case Op.TODATE:
                return state.to_date[self.shape.to_date.index(here.number)]
            case Op.EARNED:
                return state.earned[self.shape.earned.index(here.number)]
            case Op.SUMLAST:
                return sum_last(state.histories[here.number], here.periods)
            case _:
                opening = self.shape.header.histories[here.number].opening
                start = 0 if opening is None else self.locals[opening]
                return lag(state.histories[here.number], here.periods, start)

    def leave(self, state: State) -> State:
        """What this run leaves to the next."""
        header = self.shape.header
        sources = [(row.depth, (self.locals if row.is_local else self.values)[row.source]) for row in header.histories]
        return next_state(
            state,
            [self.locals[local] for local in header.registers],
            sources,
            [self.locals[header.lines[at][0]] for at in self.shape.to_date],
            [self.locals[header.payees[at]] for at in self.shape.earned],
        )


def _operation(here: Instruction, words: list[int]) -> int:  # noqa: C901 - one case per instruction
    match here.op, words:
        case Op.ADD, [x, y]:
            return a.fit_word(x + y)
        case Op.SUB, [x, y]:
            return a.fit_word(x - y)
        case Op.MUL, [x, y]:
            return a.multiply(x, y)
        case Op.DIV, [x, y]:
            return a.divide(x, y)
        case Op.MULDIV, [x, y, z]:
            return a.multiply_divide(x, y, z)
        case Op.NEG, [x]:
            return a.fit_word(-x)
        case Op.ABS, [x]:
            return a.fit_word(abs(x))
        case Op.MIN, [x, y]:
            return min(x, y)
        case Op.MAX, [x, y]:
            return max(x, y)
        case Op.CLAMP, [x, low, high]:
            return a.clamp(x, low, high)
        case Op.OUTSIDE, [x, low, high]:
            return a.outside(x, low, high)
        case Op.ROUND, [x, step]:
            return a.round_step(x, step, MODES[here.number])
        case Op.NOT, [x]:
            return int(x == 0)
        case op, [x, y]:
            return int(a.holds(RELATIONS[op], x, y))
    raise TypeError(f"{here.op.name} has no operation")


def _table(here: Instruction, words: list[int]) -> int:
    x, rest = words[0], words[1:]
    if here.op is Op.PICK:
        return rest[a.pick_row(x, here.number)]
    columns = here.columns
    if columns is None:
        pairs = 2 * here.number
        tail = rest[pairs:]
        columns = Columns(tuple(rest[0:pairs:2]), (*rest[1:pairs:2], *tail))
    if here.op in (Op.CURVE, Op.CURVEC):
        return a.curve(x, columns.xs, columns.ys)
    if here.op in (Op.BANDS, Op.BANDSC):
        return a.bands(x, columns.xs, columns.ys)
    return columns.ys[a.first_row(x, here.edges, columns.xs)]
