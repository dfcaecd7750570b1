"""A document as Markdown (CommonMark with the tables of GitHub). Every sign of the text is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pyoutcome.legal.document.tree import (
    Block,
    Document,
    Fields,
    Heading,
    PageBreak,
    Paragraph,
    Run,
    Runs,
    Table,
    plain_text,
)

_SIGNS: Final = re.compile(r"[\\`*_\[\]<>|~$]")
_START: Final = re.compile(r"^(\s*)([-+=#]|\d+(?=[.)]))")


def render_markdown(document: Document) -> bytes:
    """The document as UTF-8 text."""
    parts = [f"*{escape(document.kind)}*", f"# {escape(document.title)}", *_fields(document.facts)]
    for block in document.blocks:
        parts += _block(block)
    return ("\n\n".join([*parts, f"*{escape(document.running)}*"]) + "\n").encode()


def escape(text: str) -> str:
    """A text that means itself: nothing in it is markup, HTML, an entity or a link."""
    safe = _SIGNS.sub(lambda found: "\\" + found[0], text).replace("&", "&amp;")
    return safe.replace("://", ":\\//").replace("www.", "www\\.")


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading():
            number = f"{block.number}. " if block.number and block.level == 1 else f"{block.number} "
            yield f"{'#' * (block.level + 1)} {number.lstrip()}{escape(block.text)}"
        case Paragraph():
            yield _paragraph(block)
        case Table():
            if block.caption:
                yield f"*{escape(plain_text(block.caption))}*"
            yield _table(block)
        case Fields():
            yield from _fields(block)
        case PageBreak():
            yield "---"


def _paragraph(block: Paragraph) -> str:
    said = _line(block.runs)
    if block.number:
        return f"**{block.number}** {said}"
    said = _START.sub(_escape_start, said)
    return f"*{escape(plain_text(block.runs))}*" if block.small else said


def _escape_start(found: re.Match[str]) -> str:
    """What would begin a list or a heading."""
    return f"{found[1]}{found[2]}\\" if found[2].isdigit() else f"{found[1]}\\{found[2]}"


def _fields(block: Fields) -> Iterator[str]:
    if block.title:
        yield f"*{escape(block.title)}*"
    yield "\n".join(["| | |", "|:--|:--|", *(f"| {escape(name)} | {_cell(value)} |" for name, value in block.rows)])


def _table(block: Table) -> str:
    marks = "|".join("--:" if column.align == "right" else ":--" for column in block.columns)
    lines = [_row([escape(column.title) for column in block.columns]), f"|{marks}|"]
    lines += [_row([_cell(cell) for cell in row]) for row in block.rows]
    return "\n".join(lines)


def _cell(given: Runs) -> str:
    """In a table a stroke ends a cell even inside code."""
    return "".join(_run(run, in_table=True) for run in given)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _line(given: Runs) -> str:
    return "".join(map(_run, given))


def _run(run: Run, *, in_table: bool = False) -> str:
    text = run.text
    if not text:
        return ""
    if run.style == "code":
        return _code(text.replace("|", "\\|") if in_table else text)
    inner, before, after = escape(text.strip()), _blanks(text), _blanks(text[::-1])
    mark = {"strong": "**", "added": "**", "removed": "~~"}.get(run.style, "")
    return f"{before}{mark}{inner}{mark}{after}" if inner else text


def _blanks(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]


def _code(text: str) -> str:
    """A code span whose fence is longer than any row of backticks in it."""
    longest = max((len(each) for each in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text[:1] in ("`", " ") or text[-1:] in ("`", " ") else ""
    return f"{fence}{pad}{text}{pad}{fence}"
