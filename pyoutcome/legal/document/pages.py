"""Puts blocks one after another and numbers them: sections, their parts, and every rule in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from pyoutcome.legal.document.tree import (
    Block,
    Column,
    Fields,
    Heading,
    PageBreak,
    Paragraph,
    Run,
    Runs,
    Table,
    plain_text,
    runs,
)

_AMOUNT: Final = re.compile(r"-?[0-9,]+(?:\.([0-9]+))?")


def even_out(amounts: Sequence[Runs]) -> list[Runs]:
    """The same amounts, each with two decimals at least, if any of them has decimals."""
    found = [_AMOUNT.fullmatch(plain_text(each)) for each in amounts]
    if not any(each and each[1] for each in found):
        return list(amounts)
    return [amount if each is None else _padded(amount, each[1]) for amount, each in zip(amounts, found, strict=True)]


def _padded(amount: Runs, decimals: str | None) -> Runs:
    zeros = "0" * (2 - len(decimals or ""))
    last = amount[-1]
    return (*amount[:-1], Run(last.text + (zeros if decimals else f".{zeros}"), last.style))


class Pages:
    """A document in the making."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._section = 0
        self._part = 0
        self._rule = 0
        self._prefix = ""

    def section(self, title: str) -> str:
        """Starts a section; its number."""
        self._section += 1
        self._part = self._rule = 0
        self._prefix = str(self._section)
        self.blocks.append(Heading(1, self._prefix, title))
        return self._prefix

    def part(self, title: str) -> None:
        """Starts a part of the section."""
        self._part += 1
        self._rule = 0
        self._prefix = f"{self._section}.{self._part}"
        self.blocks.append(Heading(2, self._prefix, title))

    def schedule(self, title: str) -> None:
        """Starts a schedule on a new page; what stands in it is no rule and has no numbers."""
        self._prefix = ""
        self.blocks += [PageBreak(), Heading(1, "", title)]

    def heading(self, title: str) -> None:
        """Starts a part of a schedule."""
        self.blocks.append(Heading(2, "", title))

    def say(self, *parts: str | Run) -> None:
        """A rule, numbered within its section or part; in a schedule a paragraph."""
        self._rule += 1
        number = f"{self._prefix}.{self._rule}" if self._prefix else ""
        self.blocks.append(Paragraph(runs(*parts), number))

    def remark(self, *parts: str | Run) -> None:
        """A sentence that is no rule."""
        self.blocks.append(Paragraph(runs(*parts), small=True))

    def table(
        self, columns: Iterable[Column], rows: Iterable[Iterable[str | Runs]], caption: Runs = (), totals: int = 0
    ) -> None:
        """A table; a cell is a text or runs."""
        columns = tuple(columns)
        made = [[runs(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
        for at, column in enumerate(columns):
            if column.money:
                for row, amount in zip(made, even_out([row[at] for row in made]), strict=True):
                    row[at] = amount
        self.blocks.append(Table(columns, tuple(map(tuple, made)), caption, totals))

    def fields(self, rows: Iterable[tuple[str, Runs]], title: str = "") -> None:
        """Names with values."""
        self.blocks.append(Fields(tuple(rows), title))
