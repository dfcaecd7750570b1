"""The checks a program passes once, when it is registered; afterwards a run needs no checks but arithmetic.

``contracts/program/ProgramVerifier.sol`` makes the same checks; ``docs/program-format.md`` numbers the faults.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NoReturn

from pyoutcome.errors import FormulaError
from pyoutcome.formula.layout import (
    DEEPEST_STACK,
    EDGES,
    HEADER,
    LONGEST,
    MODES,
    MOST_EXPONENT,
    NO_PAYEE,
    STATE_OPS,
    VERSION,
    WIDEST_COLUMN,
    Columns,
    Header,
    Op,
    fits_word,
    stack_use,
)
from pyoutcome.formula.shapes import MOST_HISTORY
from pyoutcome.formula.syntax import Edge

_FIX: Final = "Use a program that this package's encoder wrote; a refused program is never deployed."
_INDEXED: Final = frozenset(
    {Op.PUSH8, Op.KPI, Op.PARAM, Op.GET, Op.SET, Op.ROUND, Op.STEP, Op.CURVE, Op.BANDS, Op.PICK} | STATE_OPS
)
_PAST: Final = frozenset({Op.SUMLAST, Op.LAG})
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
    periods: int = 0
    """Of SUMLAST and LAG: how far back."""
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
    """Does it depend on earlier periods, so that periods must settle in order?"""
    to_date: tuple[int, ...]
    """Lines whose sum to date is kept, because some instruction reads it; rising."""
    earned: tuple[int, ...]
    """Payees whose earned amounts are kept; rising."""


def verify(data: bytes) -> Shape:
    """Check a program whole.

    Raises FormulaError with one of the ``program-*`` codes of ``docs/program-format.md``; its details are the ``fault``
    number and the ``offset`` of the byte at fault.
    """
    header, start = _header(data)
    scan = scan_code(data, start, header)
    if header.max_stack != scan.depth:
        raise FormulaError(
            "program-stack-depth",
            f"The header says {header.max_stack} words of stack; the code reaches {scan.depth}.",
            _FIX,
            fault=13,
            offset=7,
        )
    _header_locals(header, scan.locals)
    read: dict[Op, set[int]] = {Op.TODATE: set(), Op.EARNED: set()}
    for each in scan.instructions:
        if each.op in read:
            read[each.op].add(each.number)
    sequential = bool(header.registers or header.histories or any(read.values()))
    to_date, earned = tuple(sorted(read[Op.TODATE])), tuple(sorted(read[Op.EARNED]))
    return Shape(header, start, scan.instructions, scan.locals, sequential, to_date, earned)


def _header(data: bytes) -> tuple[Header, int]:
    size = Header.size(data) if len(data) >= HEADER else HEADER
    if not size < len(data) <= LONGEST:
        raise FormulaError(
            "program-size", f"A program of {len(data)} bytes is too short or too long.", _FIX, fault=1, offset=0
        )
    if data[0] != VERSION:
        raise FormulaError("program-version", f"Program version {data[0]} is unknown.", _FIX, fault=2, offset=0)
    if not 1 <= data[6] <= NO_PAYEE:
        raise FormulaError("program-payees", f"The program has {data[6]} payees.", _FIX, fault=4, offset=6)
    for at in range(HEADER, HEADER + 2 * data[5], 2):
        sign, payee = data[at + 1] >> 6, data[at + 1] & 63
        if sign == 3 or (payee == NO_PAYEE and sign) or data[6] <= payee < NO_PAYEE:
            raise FormulaError(
                "program-line-sign", "A line has an impossible payee or sign.", _FIX, fault=5, offset=at + 1
            )
    header, start = Header.decode(data)
    depths = [row.depth for row in header.histories]
    if 0 in depths or sum(depths) > MOST_HISTORY:
        raise FormulaError(
            "program-state",
            f"A history has no depth, or all together more than {MOST_HISTORY}.",
            _FIX,
            fault=3,
            offset=HEADER + 2 * len(header.lines) + len(header.registers),
        )
    return header, start


def _header_locals(header: Header, count: int) -> None:
    lines, nexts = [local for local, _, _ in header.lines], list(header.registers)
    at = HEADER + 2 * len(lines) + len(nexts)
    named = [*((local, HEADER + 2 * place) for place, local in enumerate(lines))]
    named += [(local, HEADER + 2 * len(lines) + place) for place, local in enumerate(nexts)]
    named += [(local, at + 3 * len(header.histories) + place) for place, local in enumerate(header.payees)]
    taken: set[int] = set(range(len(nexts)))
    for place, (local, offset) in enumerate(named):
        if local >= count:
            _refuse_index(f"No instruction stores local {local}, which the header names.", offset)
        is_payee = place >= len(lines) + len(nexts)
        if local in taken and not (is_payee and local in lines):
            raise FormulaError(
                "program-header-local", f"Two entries of the header share local {local}.", _FIX, fault=17, offset=offset
            )
        taken.add(local)
    for place, row in enumerate(header.histories):
        if row.source >= (count if row.is_local else header.kpis) or (row.opening or 0) >= count:
            _refuse_index("A history has no such source or opening value.", at + 3 * place)


def _refuse_index(why: str, offset: int) -> NoReturn:
    raise FormulaError("program-index", why, _FIX, fault=9, offset=offset)


@dataclass(slots=True)
class _Scan:
    instructions: tuple[Instruction, ...]
    depth: int
    locals: int


def scan_code(data: bytes, start: int, header: Header) -> _Scan:  # noqa: C901 - one pass, as on chain
    """Check the code from ``start`` on: instructions, indexes, jumps, stack, stores."""
    limits = {Op.KPI: header.kpis, Op.PARAM: header.parameters}
    limits |= {Op.TODATE: len(header.lines), Op.EARNED: len(header.payees)}
    limits |= dict.fromkeys(_PAST, len(header.histories))
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
        limits[Op.REG] = min(len(header.registers), stored)
        if here.op in limits and here.number >= limits[here.op]:
            _refuse_index(f"{here.op.name} {here.number} names nothing.", at)
        if here.op in _PAST:
            _check_past(here, header, stored)
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


def _check_past(here: Instruction, header: Header, stored: int) -> None:
    """Is what an instruction looks back on kept that long, and its opening value already stored?"""
    row = header.histories[here.number]
    opened = here.op is Op.SUMLAST or (row.opening or 0) < stored or row.opening is None
    if not 1 <= here.periods <= row.depth or not opened:
        _refuse_index(f"{here.op.name} looks back {here.periods} periods, which the history cannot.", here.at)


def read_instruction(data: bytes, at: int) -> Instruction:
    """The instruction at an offset, its immediates checked by themselves."""
    try:
        op = Op(data[at])
    except ValueError as problem:
        raise FormulaError(
            "program-opcode", f"Byte {data[at]:#04x} is no instruction.", _FIX, fault=6, offset=at
        ) from problem
    if op is Op.PUSH:
        return _push(data, at)
    if op in (Op.JZ, Op.JMP):
        distance = int.from_bytes(_take(data, at, at + 1, 2), "big")
        return Instruction(op, at, at + 3, at + 3 + distance)
    if op in _CONSTANT_TABLES:
        return _constant_table(data, at, op)
    if op not in _INDEXED:
        return Instruction(op, at, at + 1)
    if op in _PAST:
        number, periods = _take(data, at, at + 1, 2)
        return Instruction(op, at, at + 3, number, periods)
    number = _take(data, at, at + 1, 1)[0]
    if op is Op.ROUND and number >= len(MODES):
        raise FormulaError("program-mode", f"Rounding mode {number} is unknown.", _FIX, fault=15, offset=at)
    if number < {Op.STEP: 1, Op.CURVE: 2, Op.PICK: 1}.get(op, 0):
        raise FormulaError("program-table", "A table has too few rows.", _FIX, fault=16, offset=at)
    if op is Op.STEP:
        edges, end = _edges(data, at, number)
        return Instruction(op, at, end, number, edges=edges)
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
    columns = Columns.decode(_take(data, at, start, 4 + size), rows, ys)
    rising = {
        Op.STEPC: True,
        Op.CURVEC: all(a < b for a, b in pairwise(columns.xs)),
        Op.BANDSC: all(a <= b for a, b in pairwise((0, *columns.xs))),
    }[op]
    if not columns.fits() or not rising:
        raise FormulaError(
            "program-table", "A table's numbers are too large or out of order.", _FIX, fault=16, offset=at
        )
    return Instruction(op, at, start + 4 + size, rows, edges=edges, columns=columns)
