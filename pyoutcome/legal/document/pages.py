"""Puts blocks one after another and numbers them: sections, their parts, and every rule in them."""

from __future__ import annotations

from collections.abc import Iterable

from pyoutcome.legal.document.tree import Block, Column, Fields, Heading, PageBreak, Paragraph, Run, Runs, Table, runs


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
        made = tuple(tuple(runs(cell) if isinstance(cell, str) else cell for cell in row) for row in rows)
        self.blocks.append(Table(tuple(columns), made, caption, totals))

    def fields(self, rows: Iterable[tuple[str, Runs]], title: str = "") -> None:
        """Names with values."""
        self.blocks.append(Fields(tuple(rows), title))
