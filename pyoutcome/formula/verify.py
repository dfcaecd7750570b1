"""The checks a program passes once, when it is registered; afterwards a run needs no checks but arithmetic.

``contracts/ProgramInterpreter.sol`` makes the same checks; ``docs/program-format.md`` numbers the faults.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pyoutcome.errors import FormulaError
from pyoutcome.formula.layout import (
    DEEPEST_STACK,
    EDGES,
    HEADER,
    LONGEST,
    MODES,
    MOST_EXPONENT,
    NO_PAYEE,
    RESERVED_OPS,
    VERSION,
    WIDEST_COLUMN,
    Columns,
    Header,
    Op,
    fits_word,
    stack_use,
)
from pyoutcome.formula.syntax import Edge

_FIX: Final = "Use a program that this package's encoder wrote; a refused program is never deployed."
_INDEXED: Final = frozenset(
    {Op.PUSH8, Op.KPI, Op.PARAM, Op.GET, Op.SET, Op.ROUND, Op.STEP, Op.CURVE, Op.BANDS, Op.PICK}
)
_CONSTANT_TABLES: Final = frozenset({Op.STEPC, Op.CURVEC, Op.BANDSC})


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction with its immediates read."""

    op: Op
    at: int
    """Offset in the program."""
    end: int
    """Offset of the next instruction."""
    number: int = 0
    """The immediate: index, n, mode, jump target (absolute), number of rows, or the value of PUSH (scaled)."""
    edges: tuple[Edge, ...] = ()
    columns: Columns | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """A verified program, taken apart."""

    header: Header
    start: int
    """Offset of the code."""
    instructions: tuple[Instruction, ...]
    locals: int
    """How many values the program stores."""
    sequential: bool
    """Does it read earlier periods? Never in version 1."""


def verify(data: bytes) -> Shape:
    """Check a program whole.

    Raises FormulaError with one of the ``program-*`` codes of ``docs/program-format.md``; its details are the ``fault``
    number and the ``offset`` of the byte at fault.
    """
    header, start = _header(data)
    scan = scan_code(data, start, header.kpis, header.parameters)
    if header.max_stack != scan.depth:
        raise FormulaError(
            "program-stack-depth",
            f"The header says {header.max_stack} words of stack; the code reaches {scan.depth}.",
            _FIX,
            fault=13,
            offset=7,
        )
    _header_locals(header, scan.locals)
    return Shape(header, start, scan.instructions, scan.locals, sequential=False)


def _header(data: bytes) -> tuple[Header, int]:
    size = HEADER + 2 * data[5] + data[6] if len(data) >= HEADER else HEADER
    if not size < len(data) <= LONGEST:
        raise FormulaError(
            "program-size", f"A program of {len(data)} bytes is too short or too long.", _FIX, fault=1, offset=0
        )
    if data[0] != VERSION:
        raise FormulaError("program-version", f"Program version {data[0]} is unknown.", _FIX, fault=2, offset=0)
    if data[3] or data[4]:
        raise FormulaError(
            "program-state", "The program carries state, which version 1 does not know.", _FIX, fault=3, offset=3
        )
    if not 1 <= data[6] <= NO_PAYEE:
        raise FormulaError("program-payees", f"The program has {data[6]} payees.", _FIX, fault=4, offset=6)
    for at in range(HEADER, HEADER + 2 * data[5], 2):
        sign, payee = data[at + 1] >> 6, data[at + 1] & 63
        if sign == 3 or (payee == NO_PAYEE and sign) or data[6] <= payee < NO_PAYEE:
            raise FormulaError(
                "program-line-sign", "A line has an impossible payee or sign.", _FIX, fault=5, offset=at + 1
            )
    return Header.decode(data)


def _header_locals(header: Header, count: int) -> None:
    taken: set[int] = set()
    line_locals = {local for local, _, _ in header.lines}
    places = [*(local for local, _, _ in header.lines), *header.payees]
    for place, local in enumerate(places):
        is_line = place < len(header.lines)
        at = HEADER + (2 * place if is_line else len(header.lines) + place)
        if local >= count:
            raise FormulaError(
                "program-index",
                f"No instruction stores local {local}, which the header names.",
                _FIX,
                fault=9,
                offset=at,
            )
        if local in taken and (is_line or local not in line_locals):
            raise FormulaError(
                "program-header-local", f"Two entries of the header share local {local}.", _FIX, fault=17, offset=at
            )
        taken.add(local)


@dataclass(slots=True)
class _Scan:
    instructions: tuple[Instruction, ...]
    depth: int
    locals: int


def scan_code(data: bytes, start: int, kpis: int, parameters: int) -> _Scan:  # noqa: C901 - one pass, as on chain
    """Check the code from ``start`` on: instructions, indexes, jumps, stack, stores."""
    limits = {Op.KPI: kpis, Op.PARAM: parameters}
    found: list[Instruction] = []
    targets: dict[int, int] = {}
    at, depth, deepest, stored = start, 0, 0, 0
    after_jump = False
    while at < len(data):
        here = read_instruction(data, at)
        if at in targets:
            if not after_jump and targets[at] != depth:
                raise FormulaError("program-stack", "Two paths meet with different stacks.", _FIX, fault=12, offset=at)
            depth = targets.pop(at)
        elif after_jump:
            raise FormulaError("program-stack", "Nothing reaches this code.", _FIX, fault=12, offset=at)
        limits[Op.GET] = stored
        if here.op in limits and here.number >= limits[here.op]:
            raise FormulaError(
                "program-index", f"{here.op.name} {here.number} names nothing.", _FIX, fault=9, offset=at
            )
        if here.op is Op.SET:
            if here.number != stored or stored == 255 or depth != 1 or targets:
                raise FormulaError(
                    "program-set",
                    f"SET {here.number} is out of order, inside a jump, or finds {depth} words on the stack.",
                    _FIX,
                    fault=10,
                    offset=at,
                )
            stored += 1
        takes, gives = stack_use(here.op, here.number)
        if depth < takes:
            raise FormulaError("program-stack", f"{here.op.name} finds too few words.", _FIX, fault=12, offset=at)
        depth += gives - takes
        deepest = max(deepest, depth)
        if deepest > DEEPEST_STACK:
            raise FormulaError(
                "program-stack-depth",
                f"The stack grows beyond {DEEPEST_STACK} words.",
                "Nest the formula less, or give its parts names with 'define'.",
                fault=13,
                offset=at,
            )
        after_jump = here.op is Op.JMP
        if here.op in (Op.JZ, Op.JMP):
            if here.number == here.end or here.number >= len(data):
                raise FormulaError("program-jump", "A jump goes nowhere or out of the code.", _FIX, fault=11, offset=at)
            if targets.setdefault(here.number, depth) != depth:
                raise FormulaError(
                    "program-stack", "Two jumps arrive with different stacks.", _FIX, fault=12, offset=at
                )
        found.append(here)
        at = here.end
    if not found or found[-1].op is not Op.SET:
        raise FormulaError("program-ending", "The code does not end by storing a value.", _FIX, fault=14, offset=at)
    return _Scan(tuple(found), deepest, stored)


def read_instruction(data: bytes, at: int) -> Instruction:
    """The instruction at an offset, its immediates checked by themselves."""
    try:
        op = Op(data[at])
    except ValueError as problem:
        raise FormulaError(
            "program-opcode", f"Byte {data[at]:#04x} is no instruction.", _FIX, fault=6, offset=at
        ) from problem
    if op in RESERVED_OPS:
        raise FormulaError(
            "program-state",
            f"{op.name} reads earlier periods, which version 1 does not know.",
            _FIX,
            fault=3,
            offset=at,
        )
    if op is Op.PUSH:
        return _push(data, at)
    if op in (Op.JZ, Op.JMP):
        distance = int.from_bytes(_take(data, at, at + 1, 2), "big")
        return Instruction(op, at, at + 3, at + 3 + distance)
    if op in _CONSTANT_TABLES:
        return _constant_table(data, at, op)
    if op not in _INDEXED:
        return Instruction(op, at, at + 1)
    number = _take(data, at, at + 1, 1)[0]
    if op is Op.ROUND and number >= len(MODES):
        raise FormulaError("program-mode", f"Rounding mode {number} is unknown.", _FIX, fault=15, offset=at)
    if number < {Op.STEP: 1, Op.CURVE: 2, Op.PICK: 1}.get(op, 0):
        raise FormulaError("program-table", "A table has too few rows.", _FIX, fault=16, offset=at)
    if op is Op.STEP:
        edges, end = _edges(data, at, number)
        return Instruction(op, at, end, number, edges)
    return Instruction(op, at, at + 2, number)


def _take(data: bytes, at: int, start: int, count: int) -> bytes:
    if start + count > len(data):
        raise FormulaError(
            "program-immediate", "An instruction runs past the end of the program.", _FIX, fault=7, offset=at
        )
    return data[start : start + count]


def _push(data: bytes, at: int) -> Instruction:
    width, exponent = _take(data, at, at + 1, 2)
    if not 1 <= width <= 32 or exponent > MOST_EXPONENT:
        raise FormulaError("program-constant", "A constant has an impossible width.", _FIX, fault=8, offset=at)
    value = int.from_bytes(_take(data, at, at + 3, width), "big", signed=True) * 10**exponent
    if not fits_word(value):
        raise FormulaError("program-constant", "A constant does not fit 256 bits.", _FIX, fault=8, offset=at)
    return Instruction(Op.PUSH, at, at + 3 + width, value)


def _edges(data: bytes, at: int, rows: int) -> tuple[tuple[Edge, ...], int]:
    count = (rows + 3) // 4
    bits = int.from_bytes(_take(data, at, at + 2, count), "little")
    if bits >> (2 * rows):
        raise FormulaError("program-table", "Unused edge bits are set.", _FIX, fault=16, offset=at)
    return tuple(EDGES[bits >> (2 * row) & 3] for row in range(rows)), at + 2 + count


def _constant_table(data: bytes, at: int, op: Op) -> Instruction:
    rows = _take(data, at, at + 1, 1)[0]
    if rows < (2 if op is Op.CURVEC else 1):
        raise FormulaError("program-table", "A table has too few rows.", _FIX, fault=16, offset=at)
    edges, start = _edges(data, at, rows) if op is Op.STEPC else ((), at + 2)
    wx, ex, wy, ey = _take(data, at, start, 4)
    if not (1 <= wx <= WIDEST_COLUMN and 1 <= wy <= WIDEST_COLUMN and ex <= MOST_EXPONENT and ey <= MOST_EXPONENT):
        raise FormulaError("program-table", "A column has an impossible width.", _FIX, fault=16, offset=at)
    ys = rows if op is Op.CURVEC else rows + 1
    size = Columns.size(rows, ys, wx, wy)
    _take(data, at, start + 4, size)
    columns = Columns.decode(data[start : start + 4 + size], rows, ys)
    rising = {
        Op.STEPC: True,
        Op.CURVEC: all(a < b for a, b in pairwise(columns.xs)),
        Op.BANDSC: all(a <= b for a, b in pairwise((0, *columns.xs))),
    }[op]
    if not columns.fits() or not rising:
        raise FormulaError(
            "program-table", "A table's numbers are too large or out of order.", _FIX, fault=16, offset=at
        )
    return Instruction(op, at, start + 4 + size, rows, edges, columns)
