"""Rule to program: the one canonical byte string of ``docs/program-format.md``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from pyoutcome.decimals import ONE
from pyoutcome.errors import FormulaError
from pyoutcome.formula import syntax as s
from pyoutcome.formula.carried import Carried
from pyoutcome.formula.layout import (
    EDGES,
    LONGEST,
    MODES,
    RELATIONS,
    Columns,
    Header,
    HistoryRow,
    Op,
    constant_bytes,
)
from pyoutcome.formula.parts import ReadingKind
from pyoutcome.formula.rule import Item, ItemKind, Rule
from pyoutcome.formula.verify import scan_code

_JUMP: Final = 3
"""Bytes of a jump instruction."""
_READS: Final[dict[ReadingKind, Op]] = {"register": Op.REG, "to_date": Op.TODATE, "earned": Op.EARNED}
_COMPARE: Final = {relation: op for op, relation in RELATIONS.items()}


@dataclass(frozen=True, slots=True)
class Program:
    """A rule as bytes."""

    data: bytes
    hash: bytes
    """keccak256 of the bytes: what the parties sign."""
    sequential: bool
    """Does it read earlier periods, so that periods must settle in order?"""
    locals: tuple[str, ...]
    """What each local holds: the name of a definition or line, or ``amount of <payee>``."""
    max_stack: int


def program_hash(data: bytes) -> bytes:
    """keccak256 of a program's bytes."""
    from pyoutcome.hashing import keccak  # here, because importing it costs half as much as the rest of this package

    return keccak(data)


def encode(rule: Rule) -> Program:
    """The program of a rule; ``decode`` reads it back.

    Raises FormulaError ``program-payees`` (none), ``program-too-long``, ``program-stack-depth``.
    """
    if not rule.payees:
        raise FormulaError("program-payees", "The rule pays nobody.", "Give it at least one payee.", fault=4, offset=6)
    writer = _Writer(rule)
    found: dict[ItemKind, dict[int, int]] = {"line": {}, "payee": {}, "register": {}}
    stored: list[str] = []
    code = bytearray()
    for item in rule.order:
        shared = line_of(rule, item)
        if shared is not None:
            found["payee"][item.index] = found["line"][shared]
            continue
        code += writer.code(item.formula) + bytes([Op.SET, len(stored)])
        found.setdefault(item.kind, {})[item.index] = len(stored)
        writer.locals[item.name] = len(stored)
        stored.append(item.name)
    header = Header(
        len(rule.kpis),
        len(rule.parameters),
        0,
        tuple((found["line"][at], line.payee, line.sign) for at, line in enumerate(rule.lines)),
        tuple(found["payee"][at] for at in range(len(rule.payees))),
        tuple(found["register"][at] for at in range(len(rule.registers))),
        _history_rows(rule.carried, writer.locals),
    )
    scan = scan_code(bytes(code), 0, header)
    data = replace(header, max_stack=scan.depth).encode() + bytes(code)
    _refuse_long(len(data))
    return Program(data, program_hash(data), rule.sequential, tuple(stored), scan.depth)


def line_of(rule: Rule, item: Item) -> int | None:
    """Index of the line whose name alone is a payee's amount: such an amount has no code of its own."""
    if item.kind != "payee" or not isinstance(item.formula, s.Name):
        return None
    name = item.formula.name
    return next((at for at, line in enumerate(rule.lines) if line.name == name), None)


def _history_rows(carried: Carried, locals_: dict[str, int]) -> tuple[HistoryRow, ...]:
    return tuple(
        HistoryRow(
            locals_[each.name] if each.kpi is None else each.kpi,
            each.kpi is None,
            each.depth,
            None if each.opening is None else locals_[each.opening],
        )
        for each in carried.histories
    )


def _refuse_long(size: int) -> None:
    if size > LONGEST:
        raise FormulaError(
            "program-too-long",
            f"The program would have more than {LONGEST} bytes.",
            "Split the agreement into several, or give repeated parts names with 'define'.",
            size=size,
        )


class _Writer:
    """Code of nodes, given where each name's value lies."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.kpis = {kpi.full_name: at for at, kpi in enumerate(rule.kpis)}
        self.parameters = {name: at for at, (name, _) in enumerate(rule.parameters)}
        self.locals: dict[str, int] = {}
        self.histories = {history.name: at for at, history in enumerate(rule.carried.histories)}

    def all(self, *nodes: s.Node) -> bytes:
        """The code of several nodes, one after another."""
        return b"".join(map(self.code, nodes))

    def code(self, node: s.Node) -> bytes:  # noqa: C901 - one case per kind of node
        """Code that leaves the node's value on the stack."""
        match node:
            case s.Number():
                return constant_bytes(node.value)
            case s.Truth():
                return bytes([Op.ZERO, Op.NOT] if node.value else [Op.ZERO, Op.NOT, Op.NOT])
            case s.Name():
                return self.name(node.name)
            case s.SumLast():
                return bytes([Op.SUMLAST, self.histories[node.name], node.periods])
            case s.Lag():
                return bytes([Op.LAG, self.histories[node.name], node.periods])
            case s.Neg():
                return self.all(node.operand) + bytes([Op.NEG])
            case s.Not():
                return self.all(node.operand) + bytes([Op.NOT])
            case s.Abs():
                return self.all(node.operand) + bytes([Op.ABS])
            case s.Plus():
                return self.all(node.left, node.right) + bytes([Op.ADD])
            case s.Minus():
                return self.all(node.left, node.right) + bytes([Op.SUB])
            case s.Product():
                return self.product(node)
            case s.Compare():
                return self.compare(node)
            case s.And():
                right = self.code(node.right)
                jump = self.jump(Op.JZ, len(right) + _JUMP)
                return self.code(node.left) + jump + right + self.jump(Op.JMP, 1) + bytes([Op.ZERO])
            case s.Or():
                right = self.code(node.right)
                yes = bytes([Op.ZERO, Op.NOT]) + self.jump(Op.JMP, len(right))
                return self.code(node.left) + self.jump(Op.JZ, len(yes)) + yes + right
            case s.If():
                then, other = self.code(node.then), self.code(node.otherwise)
                jump = self.jump(Op.JZ, len(then) + _JUMP)
                return self.code(node.condition) + jump + then + self.jump(Op.JMP, len(other)) + other
            case s.Min() | s.Max():
                fold = bytes([Op.MIN if isinstance(node, s.Min) else Op.MAX])
                first, second, *others = map(self.code, node.operands)
                return fold.join([first + second, *others]) + fold
            case s.Clamp():
                return self.all(node.of, node.low, node.high) + bytes([Op.CLAMP])
            case s.Outside():
                return self.all(node.of, node.low, node.high) + bytes([Op.OUTSIDE])
            case s.Round():
                return self.all(node.of, node.step) + bytes([Op.ROUND, MODES.index(node.mode)])
            case s.Step():
                return self.step(node)
            case s.Pick():
                given = {row.label: self.code(row.value) for row in node.rows}
                other = b"" if node.otherwise is None else self.code(node.otherwise)
                labels = self.rule.labels[node.choice.name]
                values = b"".join(given.get(label, other) for label in labels)
                _refuse_long(len(values))
                return self.name(node.choice.name) + values + bytes([Op.PICK, len(labels)])
            case s.Bands():
                return self.bands(node)
            case s.Curve():
                return self.curve(node)
            case _:
                raise TypeError(f"{type(node).__name__} is not a formula by itself")

    @staticmethod
    def jump(op: Op, distance: int) -> bytes:
        return bytes([op]) + distance.to_bytes(2, "big")

    def name(self, name: str) -> bytes:
        if name == "period":
            return bytes([Op.PERIOD])
        for op, places in ((Op.GET, self.locals), (Op.KPI, self.kpis), (Op.PARAM, self.parameters)):
            if name in places:
                return bytes([op, places[name]])
        reading = self.rule.readings.get(name)
        if reading is not None and reading.kind == "kpi":
            return bytes([Op.LAG, self.histories[self.rule.kpis[reading.index].full_name], 1])
        if reading is not None:
            return bytes([_READS[reading.kind], reading.index])
        first, *others = self.rule.totals[name]
        return self.name(first) + b"".join(self.name(other) + bytes([Op.ADD]) for other in others)

    def product(self, node: s.Product) -> bytes:
        out = self.code(node.factors[0])
        last = len(node.factors) - 1
        for at, factor in enumerate(node.factors[1:], 1):
            out += self.code(factor)
            if at < last or not node.divisors:
                out += bytes([Op.MUL])
        for at, divisor in enumerate(node.divisors):
            out += self.code(divisor) + bytes([Op.MULDIV if at == 0 and last else Op.DIV])
        return out

    def compare(self, node: s.Compare) -> bytes:
        for choice, label in ((node.left, node.right), (node.right, node.left)):
            if isinstance(choice, s.Name) and isinstance(label, s.Name) and choice.name in self.rule.labels:
                position = self.rule.labels[choice.name].index(label.name) + 1
                return self.name(choice.name) + constant_bytes(position * ONE) + bytes([_COMPARE[node.relation]])
        return self.all(node.left, node.right) + bytes([_COMPARE[node.relation]])

    def step(self, node: s.Step) -> bytes:
        rows = len(node.rows)
        bits = sum(EDGES.index(row.edge) << (2 * at) for at, row in enumerate(node.rows))
        edges = bytes([rows]) + bits.to_bytes((rows + 3) // 4, "little")
        columns = constants([row.at for row in node.rows], [*(row.value for row in node.rows), node.otherwise])
        if columns is not None:
            return self.code(node.of) + bytes([Op.STEPC]) + edges + columns.encode()
        pairs = [part for row in node.rows for part in (row.at, row.value)]
        return self.all(node.of, *pairs, node.otherwise) + bytes([Op.STEP]) + edges

    def curve(self, node: s.Curve) -> bytes:
        columns = constants([point.x for point in node.points], [point.y for point in node.points])
        rows = bytes([len(node.points)])
        if columns is not None:
            return self.code(node.of) + bytes([Op.CURVEC]) + rows + columns.encode()
        return self.all(node.of, *(part for point in node.points for part in (point.x, point.y))) + (
            bytes([Op.CURVE]) + rows
        )

    def bands(self, node: s.Bands) -> bytes:
        edges = [row.to for row in node.rows]
        if all(isinstance(edge, s.Number) for edge in edges):
            edges = _positions(node)
            columns = constants(edges, [*(row.rate for row in node.rows), node.rest])
            if columns is not None and edges:
                return self.code(node.of) + bytes([Op.BANDSC, len(edges)]) + columns.encode()
        out = self.code(node.of)
        position = b""
        for at, row in enumerate(node.rows):
            to = self.code(row.to)
            position = position + to + bytes([Op.ADD]) if row.is_width and at else to
            _refuse_long(len(out) + len(position))
            out += position + self.code(row.rate)
        return out + self.code(node.rest) + bytes([Op.BANDS, len(node.rows)])


def _positions(node: s.Bands) -> list[s.Node]:
    """Constant bands with widths turned into positions."""
    found: list[s.Node] = []
    before = 0
    for row in node.rows:
        to = row.to.value if isinstance(row.to, s.Number) else 0
        before = before + to if row.is_width else to
        found.append(s.Number(before))
    return found


def constants(xs: list[s.Node], ys: list[s.Node]) -> Columns | None:
    """The columns of a table whose numbers are all constants small enough; else None."""
    values = [node.value for node in (*xs, *ys) if isinstance(node, s.Number)]
    if len(values) < len(xs) + len(ys):
        return None
    columns = Columns(tuple(values[: len(xs)]), tuple(values[len(xs) :]))
    return columns if columns.fits() else None
