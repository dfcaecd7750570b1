"""A document as PDF, set by Typst: tagged, with its contents, the same bytes for equal documents."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

from pyoutcome.errors import DocumentError
from pyoutcome.legal.document.library import load
from pyoutcome.legal.document.tree import (
    SHORT,
    Block,
    Document,
    Fields,
    Heading,
    PageBreak,
    Paragraph,
    Runs,
    Table,
    leading,
    shorten,
)
from pyoutcome.legal.document.widths import share_room


def render_pdf(document: Document) -> bytes:
    """The document as PDF/UA-1. DocumentError ``library-missing``, ``letters-missing``."""
    return typeset(document, "pdf")[0]


def typeset(document: Document, file_format: str) -> list[bytes]:
    """The document as one PDF, or as one picture (``png``) for each page."""
    typst = load("typst")
    template = (files("pyoutcome.legal.document") / "document.typ").read_bytes()
    try:
        made = typst.compile(
            template,
            format=file_format,
            ignore_system_fonts=True,  # the pages must not depend on what a machine has
            sys_inputs={"data": json.dumps(_contents(document))},
            **({"pdf_standards": ["ua-1"]} if file_format == "pdf" else {"ppi": 80}),
        )
    except typst.TypstError as error:
        lacking = re.search(r'the text `"(.*?)"` could not be displayed', str(error))
        if lacking is None:
            raise
        raise DocumentError(
            "letters-missing",
            f"The fonts of the PDF have no sign for {lacking[1]!r}; they know Latin, Greek, Cyrillic, Hebrew, Arabic.",
            "Write .docx, .html or .md, which take any letters, or spell the text in other letters.",
            text=lacking[1],
        ) from error
    return made if isinstance(made, list) else [made]


def _contents(document: Document) -> dict[str, Any]:
    return {
        "kind": document.kind,
        "title": document.title,
        "head": shorten(document.title, 80),
        "running": shorten(document.running, 120),
        "facts": _block(document.facts),
        "contents": [{"number": each.number, "text": each.text} for each in document.contents],
        "blocks": [
            {**_block(block), "leads": leads}
            for block, leads in zip(document.blocks, leading(document.blocks), strict=True)
        ],
    }


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Heading():
            return {"kind": "heading", "level": block.level, "number": block.number, "text": block.text}
        case Paragraph():
            return {"kind": "paragraph", "runs": _runs(block.runs), "number": block.number, "small": block.small}
        case Table():
            return {
                "kind": "table",
                "caption": _runs(block.caption),
                "columns": [
                    {"title": each.title, "align": each.align, "wide": each.wide, "money": each.money}
                    for each in block.columns
                ],
                "widths": share_room(block),
                "short": len(block.rows) <= SHORT,
                "rows": [[_runs(cell) for cell in row] for row in block.rows],
                "totals": block.totals,
            }
        case Fields():
            return {
                "kind": "fields",
                "title": block.title,
                "rows": [[name, _runs(value)] for name, value in block.rows],
            }
        case PageBreak():
            return {"kind": "page"}


def _runs(given: Runs) -> list[list[str]]:
    return [[run.style, run.text] for run in given if run.text]
