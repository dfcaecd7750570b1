"""Numbers of the program format: opcodes, header, limits. ``docs/program-format.md`` says what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from pyoutcome.decimals import INT256_MAX, INT256_MIN, ONE, Rounding
from pyoutcome.formula.syntax import Edge, Relation

VERSION: Final = 1
HEADER: Final = 8
"""Bytes before the tables."""
LONGEST: Final = 16_384
"""Bytes a program may have."""
DEEPEST_STACK: Final = 64
MOST_EXPONENT: Final = 36
WIDEST_COLUMN: Final = 16
"""Bytes per number in a constant table."""
CONSTANT_LIMIT: Final = 2**126
"""Greatest size of a number in a constant table."""
NO_PAYEE: Final = 63
NO_OPENING: Final = 255


class Op(IntEnum):
    """One-byte instruction codes."""

    ZERO = 0x01
    ONE = 0x02
    PUSH8 = 0x03
    PUSH = 0x04
    KPI = 0x05
    PARAM = 0x06
    REG = 0x07
    GET = 0x08
    SET = 0x09
    PERIOD = 0x0A
    EARNED = 0x0B
    TODATE = 0x0C
    SUMLAST = 0x0D
    LAG = 0x0E
    ADD = 0x20
    SUB = 0x21
    MUL = 0x22
    DIV = 0x23
    MULDIV = 0x24
    NEG = 0x25
    ABS = 0x26
    MIN = 0x27
    MAX = 0x28
    CLAMP = 0x29
    ROUND = 0x2A
    OUTSIDE = 0x2B
    LT = 0x30
    LE = 0x31
    EQ = 0x32
    GT = 0x33
    GE = 0x34
    NE = 0x35
    NOT = 0x36
    JZ = 0x37
    JMP = 0x38
    STEP = 0x40
    CURVE = 0x41
    BANDS = 0x42
    PICK = 0x43
    STEPC = 0x48
    CURVEC = 0x49
    BANDSC = 0x4A


STATE_OPS: Final = frozenset({Op.REG, Op.EARNED, Op.TODATE, Op.SUMLAST, Op.LAG})
"""Instructions that read what earlier periods left."""
MODES: Final = (
    Rounding.DOWN,
    Rounding.UP,
    Rounding.HALF_UP,
    Rounding.HALF_EVEN,
    Rounding.FLOOR,
    Rounding.CEIL,
)
"""Rounding modes by number."""
EDGES: Final = (Edge.AT_LEAST, Edge.ABOVE, Edge.AT_MOST, Edge.BELOW)
"""Edges by number."""
RELATIONS: Final = {
    Op.LT: Relation.LT,
    Op.LE: Relation.LE,
    Op.EQ: Relation.EQ,
    Op.GT: Relation.GT,
    Op.GE: Relation.GE,
    Op.NE: Relation.NE,
}
FIXED_STACK: Final = {
    Op.ZERO: (0, 1),
    Op.ONE: (0, 1),
    Op.PUSH8: (0, 1),
    Op.PUSH: (0, 1),
    Op.KPI: (0, 1),
    Op.PARAM: (0, 1),
    **dict.fromkeys(STATE_OPS, (0, 1)),
    Op.GET: (0, 1),
    Op.SET: (1, 0),
    Op.PERIOD: (0, 1),
    Op.MULDIV: (3, 1),
    Op.NEG: (1, 1),
    Op.ABS: (1, 1),
    Op.CLAMP: (3, 1),
    Op.OUTSIDE: (3, 1),
    Op.NOT: (1, 1),
    Op.JZ: (1, 0),
    Op.JMP: (0, 0),
    Op.STEPC: (1, 1),
    Op.CURVEC: (1, 1),
    Op.BANDSC: (1, 1),
    **dict.fromkeys((Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.MIN, Op.MAX, Op.ROUND, *RELATIONS), (2, 1)),
}
"""Words taken and given, where no immediate decides it."""


def stack_use(op: Op, rows: int) -> tuple[int, int]:
    """Words an instruction takes and gives; ``rows`` is the immediate n of a table, else unused."""
    if op in (Op.STEP, Op.BANDS):
        return 2 * rows + 2, 1
    if op is Op.CURVE:
        return 2 * rows + 1, 1
    if op is Op.PICK:
        return rows + 1, 1
    return FIXED_STACK[op]


def constant_bytes(value: int) -> bytes:
    """The shortest instruction that pushes a scaled constant."""
    if value == 0:
        return bytes([Op.ZERO])
    if value == ONE:
        return bytes([Op.ONE])
    if value % ONE == 0 and 2 <= value // ONE <= 255:
        return bytes([Op.PUSH8, value // ONE])
    exponent = 0
    while value % 10 == 0 and exponent < MOST_EXPONENT:
        value, exponent = value // 10, exponent + 1
    width = signed_width(value)
    return bytes([Op.PUSH, width, exponent]) + value.to_bytes(width, "big", signed=True)


def signed_width(value: int) -> int:
    """Least number of bytes (at least 1) of a signed integer."""
    return (max(value, ~value).bit_length() + 8) // 8


@dataclass(frozen=True, slots=True)
class Columns:
    """The numbers of a constant table: x and y alternating, y once more at the end for step and bands."""

    xs: tuple[int, ...]
    ys: tuple[int, ...]

    def encode(self) -> bytes:
        """Widths and exponents, then the numbers."""
        wx, ex = _column(self.xs)
        wy, ey = _column(self.ys)
        out = bytearray([wx, ex, wy, ey])
        for at, y in enumerate(self.ys):
            if at < len(self.xs):
                out += (self.xs[at] // 10**ex).to_bytes(wx, "big", signed=True)
            # curve: x y x y ..; step and bands: x y x y .. y, so every y follows its x or stands last
            out += (y // 10**ey).to_bytes(wy, "big", signed=True)
        return bytes(out)

    @staticmethod
    def size(xs: int, ys: int, wx: int, wy: int) -> int:
        """Bytes of the numbers themselves."""
        return xs * wx + ys * wy

    @classmethod
    def decode(cls, data: bytes, xs: int, ys: int) -> Columns:
        """Read what ``encode`` writes; ``data`` starts at the widths and is complete."""
        wx, ex, wy, ey = data[:4]
        found: tuple[list[int], list[int]] = ([], [])
        at = 4
        for place in range(ys):
            if place < xs:
                found[0].append(int.from_bytes(data[at : at + wx], "big", signed=True) * 10**ex)
                at += wx
            found[1].append(int.from_bytes(data[at : at + wy], "big", signed=True) * 10**ey)
            at += wy
        return cls(tuple(found[0]), tuple(found[1]))

    def fits(self) -> bool:
        """Is every number small enough for a constant table?"""
        return all(abs(value) <= CONSTANT_LIMIT for value in (*self.xs, *self.ys))


def _column(values: tuple[int, ...]) -> tuple[int, int]:
    """Width and exponent of a column: the greatest exponent that divides all, then the least width that holds all."""
    exponent = 0
    if any(values):
        while exponent < MOST_EXPONENT and all(value % 10 ** (exponent + 1) == 0 for value in values):
            exponent += 1
    return max(signed_width(value // 10**exponent) for value in values), exponent


def fits_word(value: int) -> bool:
    """Does a value fit int256?"""
    return INT256_MIN <= value <= INT256_MAX


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A history as the header has it."""

    source: int
    """Index of a KPI, or a local."""
    is_local: bool
    depth: int
    opening: int | None
    """Local of the value that counts before the first period; None: 0."""


@dataclass(frozen=True, slots=True)
class Header:
    """The parts of a program before its code."""

    kpis: int
    parameters: int
    max_stack: int
    lines: tuple[tuple[int, int | None, int], ...]
    """Per line: local, payee, sign (-1, 0, +1)."""
    payees: tuple[int, ...]
    """Per payee: local of its amount."""
    registers: tuple[int, ...] = ()
    """Per register: local of its next value; the start value of register i is local i."""
    histories: tuple[HistoryRow, ...] = ()

    def encode(self) -> bytes:
        """Header and tables as bytes."""
        out = bytearray(
            [
                VERSION,
                self.kpis,
                self.parameters,
                len(self.registers),
                len(self.histories),
                len(self.lines),
                len(self.payees),
                self.max_stack,
            ]
        )
        for local, payee, sign in self.lines:
            out += bytes([local, (sign % 3) << 6 | (NO_PAYEE if payee is None else payee)])
        out += bytes(self.registers)
        for row in self.histories:
            opening = NO_OPENING if row.opening is None else row.opening
            out += bytes([row.source, row.is_local << 7 | row.depth, opening])
        return bytes(out) + bytes(self.payees)

    @staticmethod
    def size(data: bytes) -> int:
        """Bytes of header and tables, from the first eight."""
        return HEADER + 2 * data[5] + data[3] + 3 * data[4] + data[6]

    @classmethod
    def decode(cls, data: bytes) -> tuple[Header, int]:
        """The header and the offset of the code; the tables must be complete, ``verify`` looks at what they say."""
        _, kpis, parameters, registers, histories, lines, payees, stack = data[:HEADER]
        rows = []
        at = HEADER
        for _ in range(lines):
            payee = data[at + 1] & 63
            rows.append((data[at], None if payee == NO_PAYEE else payee, (0, 1, -1)[data[at + 1] >> 6]))
            at += 2
        nexts = tuple(data[at : at + registers])
        at += registers
        past = []
        for _ in range(histories):
            source, depth, opening = data[at : at + 3]
            past.append(HistoryRow(source, depth >= 128, depth & 127, None if opening == NO_OPENING else opening))
            at += 3
        amounts = tuple(data[at : at + payees])
        return cls(kpis, parameters, stack, tuple(rows), amounts, nexts, tuple(past)), at + payees
