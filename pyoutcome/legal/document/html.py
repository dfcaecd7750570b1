"""A document as one HTML page: its own style, nothing from elsewhere, every text escaped."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from pyoutcome.legal.document.library import load
from pyoutcome.legal.document.tree import (
    SHORT,
    Block,
    Document,
    Fields,
    Heading,
    PageBreak,
    Paragraph,
    Table,
    leading,
)


def render_html(document: Document) -> bytes:
    """The document as UTF-8 HTML 5. DocumentError ``library-missing``."""
    jinja2 = load("jinja2")
    folder = files("pyoutcome.legal.document")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=False)
    template = environment.from_string((folder / "document.html.j2").read_text(encoding="utf-8"))
    style = (folder / "document.css").read_text(encoding="utf-8").strip()
    leads = leading(document.blocks)
    blocks = [{**_told(block), "leads": each} for block, each in zip(document.blocks, leads, strict=True)]
    told = {
        "kind": document.kind,
        "title": document.title,
        "running": document.running,
        "facts": document.facts,
        "blocks": blocks,
    }
    page: str = template.render(
        document=told, sections=document.contents, short=SHORT, style=load("markupsafe").Markup(style)
    )
    return (page + "\n").encode()


def _told(block: Block) -> dict[str, Any]:
    """A block with its kind, by the names of its fields."""
    kinds = {Heading: "heading", Paragraph: "paragraph", Table: "table", Fields: "fields", PageBreak: "page"}
    return {"kind": kinds[type(block)], **{name: getattr(block, name) for name in type(block).__slots__}}
