"""Random programs as bytes, close to the metal: every instruction, every immediate, extreme numbers.

The formula package's own strategies make well-typed rules; these make what no encoder would write and the verifier
still admits, so that the two machines are compared on all of the format and not only on what formulas need.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.contracts.runner import Case

ONE: Final = 10**18
_WORD_EDGES: Final = (0, 1, -1, ONE, -ONE, 2**127 - 1, 2**127, -(2**127), -(2**127) - 1, 2**255 - 1, -(2**255))
_UNARY: Final = (0x25, 0x26, 0x36)
_BINARY: Final = (0x20, 0x21, 0x22, 0x23, 0x27, 0x28, *range(0x30, 0x36))
_TERNARY: Final = (0x24, 0x29, 0x2B)


def random_word(random: Random) -> int:
    """A word: an edge of int256 or of the fast path, a plausible number, or any bits."""
    match random.randrange(5):
        case 0:
            return random.choice(_WORD_EDGES)
        case 1:
            return random.randrange(-5, 6) * ONE
        case 2:
            return random.randrange(-(10**6), 10**6) * 10**14
        case 3:
            return random.getrandbits(random.randrange(1, 130)) * random.choice((1, -1))
        case _:
            return random.getrandbits(256) - 2**255


def random_case(random: Random, kpis: int, parameters: int) -> Case:
    """Inputs for a program with these counts."""
    return Case(
        tuple(random_word(random) for _ in range(kpis)),
        tuple(random_word(random) for _ in range(parameters)),
        random.choice((1, 2, 12, 2**32 - 1)),
    )


def _width(word: int) -> int:
    """Bytes that hold it with its sign."""
    return (word if word >= 0 else ~word).bit_length() // 8 + 1


@dataclass
class _Writer:
    """Writes code and keeps the depth of the stack."""

    random: Random
    kpis: int
    parameters: int
    size: int
    """Instructions that may still be written freely; after that only leaves."""
    registers: int = 0
    histories: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Of each: source, 128 if it is a local, depth, opening (255 for none)."""
    lines: int = 0
    payees: int = 0
    looks_back: bool = False
    """May read sums to date."""
    code: bytearray = field(default_factory=bytearray)
    depth: int = 0
    deepest: int = 0
    sets: int = 0

    def emit(self, data: bytes, pops: int, pushes: int) -> None:
        self.code += data
        self.depth += pushes - pops
        self.deepest = max(self.deepest, self.depth)

    def expression(self) -> None:
        """Code that leaves one word."""
        self.size -= 1
        kinds = ("leaf",) if self.size <= 0 or self.depth > 30 else _KINDS
        getattr(self, self.random.choice(kinds))()

    def leaf(self) -> None:
        r = self.random
        choices = [b"\x01", b"\x02", b"\x0a", bytes([3, r.randrange(256)]), self.constant()]
        choices += [bytes([5, r.randrange(self.kpis)])] * 3 if self.kpis else []
        choices += [bytes([6, r.randrange(self.parameters)])] * 2 if self.parameters else []
        choices += [bytes([8, r.randrange(self.sets)])] * 2 if self.sets else []
        choices += self.past()
        self.emit(r.choice(choices), 0, 1)

    def past(self) -> list[bytes]:
        """Reads of earlier periods that are allowed here."""
        r = self.random
        known = min(self.registers, self.sets)
        choices = [bytes([7, r.randrange(known)])] * 3 if known else []
        if self.looks_back:
            choices += [bytes([0x0B, r.randrange(self.payees)])]
            choices += [bytes([0x0C, r.randrange(self.lines)])] * 2 if self.lines else []
        for index, (_, _, depth, opening) in enumerate(self.histories):
            choices.append(bytes([0x0D, index, r.randrange(1, depth + 1)]))
            if opening == 255 or opening < self.sets:
                choices.append(bytes([0x0E, index, r.randrange(1, depth + 1)]))
        return choices

    def constant(self) -> bytes:
        """PUSH with some split of a word into digits and exponent, seldom the canonical one."""
        word = random_word(self.random)
        exponent = 0
        while word % 10 == 0 and word and exponent < 36 and self.random.random() < 0.8:
            word //= 10
            exponent += 1
        width = self.random.randrange(_width(word), 33)
        return bytes([4, width, exponent]) + word.to_bytes(width, "big", signed=True)

    def unary(self) -> None:
        self.expression()
        self.emit(bytes([self.random.choice(_UNARY)]), 1, 1)

    def binary(self) -> None:
        self.expression()
        self.expression()
        self.emit(bytes([self.random.choice(_BINARY)]), 2, 1)

    def ternary(self) -> None:
        for _ in range(3):
            self.expression()
        self.emit(bytes([self.random.choice(_TERNARY)]), 3, 1)

    def rounding(self) -> None:
        if self.random.random() < 0.4:
            # whole halves of a step: ties, where the modes differ
            step = self.random.randrange(1, 4)
            self._number(self.random.randrange(-7, 8) * step)
            self._number(2 * step)
        else:
            self.expression()
            self.expression()
        self.emit(bytes([0x2A, self.random.randrange(6)]), 2, 1)

    def branch(self) -> None:
        """c JZ a JMP b: lazy choice."""
        self.expression()
        depth = self.depth - 1
        self.emit(b"\x37\x00\x00", 1, 0)
        patch_else = len(self.code)
        self.expression()
        self.emit(b"\x38\x00\x00", 0, 0)
        self._patch(patch_else)
        patch_end = len(self.code)
        self.depth = depth
        self.expression()
        self._patch(patch_end)

    def _patch(self, after: int) -> None:
        self.code[after - 2 : after] = (len(self.code) - after).to_bytes(2, "big")

    def table(self) -> None:
        """A table on the stack; its numbers are leaves, mostly rising so that it does not always fail."""
        r, op = self.random, self.random.choice((0x40, 0x41, 0x42, 0x43))
        n = r.randrange(2 if op == 0x41 else 0 if op == 0x42 else 1, 5)
        self.expression()
        edges = sorted(r.randrange(-2 if op != 0x42 else 0, 8) for _ in range(n))
        words = n
        if op == 0x43:
            for _ in range(n):
                self.leaf()
        else:
            words = 2 * n if op == 0x41 else 2 * n + 1
            for edge in edges:
                self._number(edge + (r.random() < 0.5))
                self.leaf()
            if op != 0x41:
                self.leaf()
        self.emit(bytes([op, n]) + (self._edges(n) if op == 0x40 else b""), words + 1, 1)

    def _number(self, value: int) -> None:
        word = value * ONE
        width = _width(word)
        self.emit(bytes([4, width, 0]) + word.to_bytes(width, "big", signed=True), 0, 1)

    def _edges(self, n: int) -> bytes:
        bits = self.random.getrandbits(2 * n)
        return bits.to_bytes((n + 3) // 4, "little")

    def constant_table(self) -> None:
        """A table with constant columns that keep the rules."""
        r, op = self.random, self.random.choice((0x48, 0x49, 0x4A))
        n = r.randrange(2 if op == 0x49 else 1, 9)
        self.expression()
        ex, ey = r.choice((0, 14, 18)), r.choice((0, 14, 18))
        bits = r.choice((4, 20, 60))
        xs = sorted({r.randrange(0 if op == 0x4A else -(2**bits), 2**bits) for _ in range(n)})
        while len(xs) < n:
            xs.append(xs[-1] + 1)
        ys = [r.randrange(-(2**bits), 2**bits) for _ in range(n + 1)]
        wx = r.randrange(max(map(_width, xs)), 17)
        wy = r.randrange(max(map(_width, ys)), 17)
        data = bytes([op, n]) + (self._edges(n) if op == 0x48 else b"") + bytes([wx, ex, wy, ey])
        for x, y in zip(xs, ys, strict=False):
            data += x.to_bytes(wx, "big", signed=True) + y.to_bytes(wy, "big", signed=True)
        if op != 0x49:
            data += ys[-1].to_bytes(wy, "big", signed=True)
        self.emit(data, 1, 1)

    def store(self) -> None:
        """One local."""
        self.expression()
        self.emit(bytes([9, self.sets]), 1, 0)
        self.sets += 1


_KINDS: Final = (
    "leaf", "unary", "binary", "binary", "binary", "ternary", "rounding", "branch", "table", "constant_table",
)  # fmt: skip


def random_program(random: Random, size: int = 25, *, state: bool = False) -> tuple[bytes, int, int]:
    """A program the verifier admits, with its numbers of KPIs and parameters; ``size`` is about its instructions.

    With ``state`` it has registers and histories and reads sums to date, now and then some of these only.
    """
    writer = _Writer(random, random.randrange(0, 5), random.randrange(0, 4), size)
    registers = random.randrange(4) if state else 0
    free = random.randrange(1, 5)
    count = 2 * registers + free
    # Starts come first; next values are any later locals, each its own, and the others are for lines and payees.
    later = random.sample(range(registers, count), count - registers)
    nexts, others = later[:registers], later[registers:]
    payees = random.sample(others, random.randrange(1, free + 1))
    lines = [local for local in sorted(others) if random.random() < 0.5]
    if state:
        writer.registers, writer.lines, writer.payees = registers, len(lines), len(payees)
        writer.looks_back = random.random() < 0.7
        writer.histories = [_random_history(random, writer.kpis, count) for _ in range(random.randrange(4))]
    for _ in range(count):
        writer.size = max(writer.size, size // count)
        writer.store()
    counts = (writer.kpis, writer.parameters, registers, len(writer.histories), len(lines), len(payees))
    header = bytearray([1, *counts, writer.deepest])
    for local in lines:
        paid = random.random() < 0.7
        header += bytes([local, random.randrange(3) << 6 | random.randrange(len(payees)) if paid else 63])
    header += bytes(nexts)
    for source, is_local, depth, opening in writer.histories:
        header += bytes([source, is_local | depth, opening])
    return bytes(header) + bytes(payees) + bytes(writer.code), writer.kpis, writer.parameters


def _random_history(random: Random, kpis: int, count: int) -> tuple[int, int, int, int]:
    depth = random.choice((1, 2, 3, 127))
    opening = random.choice((255, random.randrange(count)))
    if kpis and random.random() < 0.5:
        return random.randrange(kpis), 0, depth, opening
    return random.randrange(count), 128, depth, opening


def mutated(random: Random, program: bytes) -> bytes:
    """The program with a few bytes changed, inserted or removed: mostly no program any more."""
    data = bytearray(program)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        at = random.randrange(len(data))
        match random.randrange(4):
            case 0:
                data[at] = random.choice((0, 0, 127, 255, random.randrange(256)))
            case 1:
                data[at] = (data[at] + random.choice((1, 255))) % 256
            case 2:
                data.insert(at, random.choice((0, 1, 2, 9, 0x20, 0x37, 0x38, 0x48, random.randrange(256))))
            case _:
                del data[at]
        if not data:
            return b""
    return bytes(data)
