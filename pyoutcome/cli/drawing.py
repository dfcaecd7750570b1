"""A document on a console: the same that goes into files, with rich's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from pyoutcome.cli.show import table
from pyoutcome.legal.document.tree import Fields, Heading, PageBreak, Paragraph, Table

if TYPE_CHECKING:
    from rich.console import Console

    from pyoutcome.legal.document.tree import Document, Runs

_MARKS = {"removed": ("[-", "-]", "red"), "added": ("{+", "+}", "green")}
"""Before, after, and the colour of where there are colours."""


def draw(console: Console, document: Document) -> None:
    """The whole document, without its running title."""
    console.print(Text(f"{document.kind}: {document.title}", "bold"))
    _fields(console, document.facts)
    for block in document.blocks:
        match block:
            case Heading():
                number = f"{block.number}. " if block.number else ""
                console.print()
                console.print(Text(f"{number}{block.text}", "bold" if block.level == 1 else "underline"))
            case Paragraph():
                console.print(Text(f"{block.number} " if block.number else "") + _text(block.runs))
            case Fields():
                _fields(console, block)
            case Table():
                _table(console, block)
            case PageBreak():
                console.print()


def _fields(console: Console, block: Fields) -> None:
    if block.title:
        console.print(Text(block.title, "bold"))
    width = max((len(name) for name, _ in block.rows), default=0)
    for name, value in block.rows:
        console.print(Text(f"  {name:<{width}}  ") + _text(value), soft_wrap=True)


def _table(console: Console, block: Table) -> None:
    titles = [column.title for column in block.columns]
    right = [column.title for column in block.columns if column.align == "right"]
    caption = "".join(run.text for run in block.caption)
    made = table(caption, *titles, right=right)
    for at, row in enumerate(block.rows):
        if block.totals and at == len(block.rows) - block.totals:
            made.add_section()
        made.add_row(*map(_text, row))
    console.print(made)


def _text(given: Runs) -> Text:
    """Runs with what was taken out and put in marked, also where there are no colours."""
    made = Text()
    for run in given:
        before, after, colour = _MARKS.get(run.style, ("", "", "bold" if run.style == "strong" else ""))
        made.append(f"{before}{run.text}{after}", colour)
    return made
