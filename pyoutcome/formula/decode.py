"""Program to rule: anyone can read the payment rule out of a deployed escrow.

Bytes hold no names, so the reader may bring them (``Names``); without names, plain ones are made up. A program that
the encoder would not have written is refused, so that what one reads is all there is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NoReturn

from pyoutcome.decimals import ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula import syntax as s
from pyoutcome.formula.encode import encode
from pyoutcome.formula.layout import MODES, RELATIONS, STATE_OPS, Op, stack_use
from pyoutcome.formula.names import Names, free_locals
from pyoutcome.formula.rule import Definition, KpiShape, Line, Payee, Register, Rule
from pyoutcome.formula.verify import Instruction, Shape, verify

__all__ = ["Names", "decode"]

_FIX: Final = "Do not sign it; encode the agreement again and compare."
_TABLES: Final = frozenset({Op.STEP, Op.CURVE, Op.BANDS, Op.STEPC, Op.CURVEC, Op.BANDSC})


def decode(data: bytes, names: Names | None = None) -> Rule:
    """The rule of a program; ``encode`` gives the same bytes back.

    Raises what ``verify`` raises, ``program-not-canonical``, and ``names-do-not-fit`` when ``names`` has other counts.
    """
    shape = verify(data)
    names = names if names is not None else Names.made_up(shape)
    rule = _Reader(shape, names).rule()
    if encode(rule).data != data:
        _refuse("The encoder writes another program for the same rule.", shape.start)
    return rule


def _refuse(why: str, offset: int) -> NoReturn:
    raise FormulaError("program-not-canonical", why, _FIX, offset=offset)


@dataclass(slots=True)
class _Value:
    node: s.Node
    is_truth: bool = False


class _Reader:
    def __init__(self, shape: Shape, names: Names) -> None:
        self.shape = shape
        self.names = names
        self.place = {each.at: at for at, each in enumerate(shape.instructions)}
        self.before = {each.end: each for each in shape.instructions}
        self.locals: list[_Value] = []
        self.local_names = self._local_names()

    def _local_names(self) -> list[str | None]:
        """The name of each local; None of a payee's amount, which no formula can mention."""
        header, given = self.shape.header, self.names
        lines = {local: given.lines[at][0] for at, (local, _, _) in enumerate(header.lines) if at < len(given.lines)}
        free = free_locals(self.shape)
        counts = (
            header.kpis,
            header.parameters,
            len(header.lines),
            len(header.payees),
            len(free),
            len(header.registers),
        )
        found = (given.kpis, given.parameters, given.lines, given.payees, given.definitions, given.registers)
        if counts != tuple(len(each) for each in found):
            raise FormulaError(
                "names-do-not-fit",
                f"The program has {counts} KPIs, parameters, lines, payees, definitions and registers; "
                "other counts were named.",
                "Bring the names of the agreement this program belongs to.",
            )
        own = lines | dict(zip(free, given.definitions, strict=True))
        own |= dict(zip(header.registers, given.registers, strict=True))
        return [own.get(at) for at in range(self.shape.locals)]

    def rule(self) -> Rule:
        at = 0
        while at < len(self.shape.instructions):
            stop = at
            while self.shape.instructions[stop].op is not Op.SET:
                stop += 1
            self.locals.append(self.block(at, self.shape.instructions[stop].at, 0))
            at = stop + 1
        header, given = self.shape.header, self.names
        formulas = [value.node for value in self.locals]
        line_locals = {local for local, _, _ in header.lines}
        try:
            return Rule(
                self.opened_kpis(),
                given.parameters,
                tuple(
                    Definition(self.local_names[at] or "", formulas[at])
                    for at in free_locals(self.shape)
                    if given.periods_per_year is None or self.local_names[at] not in ("year", "period_of_year")
                ),
                tuple(
                    Line(name, payee, sign, formulas[local], title)
                    for (name, title), (local, payee, sign) in zip(given.lines, header.lines, strict=True)
                ),
                tuple(
                    Payee(name, s.Name(self.local_names[local] or "") if local in line_locals else formulas[local])
                    for name, local in zip(given.payees, header.payees, strict=True)
                ),
                tuple(
                    Register(name, formulas[at], formulas[local])
                    for at, (name, local) in enumerate(zip(given.registers, header.registers, strict=True))
                ),
                given.periods_per_year,
            )
        except FormulaError as problem:
            raise FormulaError(
                "program-not-canonical", f"The program is no rule: {problem.why}", _FIX, offset=self.shape.start
            ) from problem

    def opened_kpis(self) -> tuple[KpiShape, ...]:
        """The KPIs with the opening values that the program gives them."""
        kpis = list(self.names.kpis)
        for row in self.shape.header.histories:
            if row.opening is None or row.is_local:
                continue
            value = self.locals[row.opening].node
            if isinstance(value, s.Truth):
                kpis[row.source] = replace(kpis[row.source], opening=int(value.value))
            elif isinstance(value, s.Number):
                kpis[row.source] = replace(kpis[row.source], opening=value.value)
            else:
                _refuse("An opening value is no constant.", self.shape.start)
        return tuple(kpis)

    def block(self, at: int, stop: int, depth: int) -> _Value:
        """The one value that the instructions from index ``at`` up to offset ``stop`` leave."""
        stack: list[_Value] = []
        while self.shape.instructions[at].at < stop:
            here = self.shape.instructions[at]
            if here.op is Op.JMP or depth > s.DEEPEST:
                self.refuse(here)
            if here.op is Op.JZ:
                jump = self.before[here.number]
                if not (stack and jump.op is Op.JMP and here.end <= jump.at and jump.number <= stop):
                    self.refuse(here)
                condition = stack.pop()
                then = self.block(at + 1, jump.at, depth + 1)
                other = self.block(self.place[here.number], jump.number, depth + 1)
                stack.append(_choice(condition, then, other))
                at = self.place[jump.number]
                continue
            takes, _ = stack_use(here.op, here.number)
            if len(stack) < takes:
                self.refuse(here)
            words = stack[len(stack) - takes :]
            del stack[len(stack) - takes :]
            stack.append(self.value(here, words))
            at += 1
        if len(stack) != 1:
            self.refuse(self.shape.instructions[at])
        return stack[0]

    def refuse(self, here: Instruction) -> NoReturn:
        _refuse("The encoder never writes such a jump or stack.", here.at)

    def value(self, here: Instruction, words: list[_Value]) -> _Value:
        """What an instruction leaves, as a tree."""
        nodes = [word.node for word in words]
        match here.op:
            case Op.ZERO | Op.ONE | Op.PUSH8 | Op.PUSH:
                return _Value(
                    s.Number({Op.ZERO: 0, Op.ONE: ONE, Op.PUSH8: here.number * ONE}.get(here.op, here.number))
                )
            case Op.PERIOD:
                return _Value(s.Name("period"))
            case Op.KPI:
                kpi = self.names.kpis[here.number]
                return _Value(s.Name(kpi.full_name), kpi.type == "yes_no")
            case Op.PARAM:
                return _Value(s.Name(self.names.parameters[here.number][0]))
            case Op.GET:
                name = self.local_names[here.number]
                if name is None:
                    self.refuse(here)
                return _Value(s.Name(name), self.locals[here.number].is_truth)
            case op if op in STATE_OPS:
                return self.earlier(here)
            case Op.NOT:
                return _Value(_negation(nodes[0]), is_truth=True)
            case op if op in RELATIONS:
                return _Value(self.compare(op, nodes), is_truth=True)
            case Op.PICK:
                return _Value(self.pick(here, nodes))
            case op:
                return _Value(_table(here, nodes) if op in _TABLES else _operation(here, nodes))

    def earlier(self, here: Instruction) -> _Value:
        """A value of earlier periods."""
        if here.op is Op.REG:
            return _Value(s.Name(f"prev.{self.names.registers[here.number]}"), self.locals[here.number].is_truth)
        if here.op is Op.TODATE:
            return _Value(s.Name(f"to_date.{self.names.lines[here.number][0]}"))
        if here.op is Op.EARNED:
            payees = self.names.payees
            return _Value(s.Name(f"earned_before.{payees[here.number]}" if len(payees) > 1 else "earned_before"))
        row = self.shape.header.histories[here.number]
        kpi = None if row.is_local else self.names.kpis[row.source]
        name = kpi.full_name if kpi is not None else self.local_names[row.source]
        if name is None:
            self.refuse(here)
        if here.op is Op.SUMLAST:
            return _Value(s.SumLast(name, here.periods))
        if kpi is not None and row.opening is not None and here.periods == 1:
            return _Value(s.Name(f"prev.{name}"), kpi.type == "yes_no")
        return _Value(s.Lag(name, here.periods))

    def labels(self, node: s.Node) -> tuple[str, ...]:
        if not isinstance(node, s.Name):
            return ()
        name = node.name.removeprefix("prev.")
        return next((kpi.labels for kpi in self.names.kpis if kpi.full_name == name), ())

    def compare(self, op: Op, nodes: list[s.Node]) -> s.Node:
        left, right = nodes
        labels = self.labels(left)
        if labels and isinstance(right, s.Number) and right.value % ONE == 0 and 1 <= right.value // ONE <= len(labels):
            right = s.Name(labels[right.value // ONE - 1])
        return s.Compare(RELATIONS[op], left, right)

    def pick(self, here: Instruction, nodes: list[s.Node]) -> s.Node:
        choice, labels = nodes[0], self.labels(nodes[0])
        if not isinstance(choice, s.Name) or len(labels) != here.number:
            self.refuse(here)
        rows = tuple(s.PickRow(label, value) for label, value in zip(labels, nodes[1:], strict=True))
        return s.Pick(choice, rows, None)


def _negation(node: s.Node) -> s.Node:
    if node == s.Number(0):
        return s.Truth(value=True)
    return s.Truth(value=False) if node == s.Truth(value=True) else s.Not(node)


def _choice(condition: _Value, then: _Value, other: _Value) -> _Value:
    """``if`` from its three parts, or the ``and`` or ``or`` that has the same code."""
    if then.is_truth and other.node == s.Number(0):
        return _Value(s.And(condition.node, then.node), is_truth=True)
    if then.node == s.Truth(value=True):
        return _Value(s.Or(condition.node, other.node), is_truth=True)
    return _Value(s.If(condition.node, then.node, other.node), then.is_truth)


def _operation(here: Instruction, nodes: list[s.Node]) -> s.Node:  # noqa: C901 - one case per instruction
    match here.op, nodes:
        case Op.ADD, [x, y]:
            return s.Plus(x, y)
        case Op.SUB, [x, y]:
            return s.Minus(x, y)
        case Op.MUL, [x, y]:
            return s.product((x, y))
        case Op.DIV, [x, y]:
            return s.product((x,), (y,))
        case Op.MULDIV, [x, y, z]:
            return s.product((x, y), (z,))
        case Op.NEG, [x]:
            return s.negate(x)
        case Op.ABS, [x]:
            return s.Abs(x)
        case Op.MIN, [x, y]:
            return s.Min((*x.operands, y) if isinstance(x, s.Min) else (x, y))
        case Op.MAX, [x, y]:
            return s.Max((*x.operands, y) if isinstance(x, s.Max) else (x, y))
        case Op.CLAMP, [x, low, high]:
            return s.Clamp(x, low, high)
        case Op.OUTSIDE, [x, low, high]:
            return s.Outside(x, low, high)
        case Op.ROUND, [x, step]:
            return s.Round(x, step, MODES[here.number])
    raise TypeError(f"{here.op.name} has no operation")


def _table(here: Instruction, nodes: list[s.Node]) -> s.Node:
    of, rest = nodes[0], nodes[1:]
    if here.columns is not None:
        xs: list[s.Node] = [s.Number(value) for value in here.columns.xs]
        ys: list[s.Node] = [s.Number(value) for value in here.columns.ys]
    else:
        pairs = 2 * here.number
        xs, ys = rest[0:pairs:2], rest[1:pairs:2] + rest[pairs:]
    if here.op in (Op.CURVE, Op.CURVEC):
        return s.Curve(of, tuple(s.Point(x, y) for x, y in zip(xs, ys, strict=True)))
    if here.op in (Op.BANDS, Op.BANDSC):
        rows = tuple(s.BandRow(is_width=False, to=x, rate=y) for x, y in zip(xs, ys[:-1], strict=True))
        return s.Bands(of, rows, ys[-1])
    steps = tuple(s.StepRow(edge, x, y) for edge, x, y in zip(here.edges, xs, ys[:-1], strict=True))
    return s.Step(of, steps, ys[-1])
