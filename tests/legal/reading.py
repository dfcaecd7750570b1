"""Reads documents back with readers that others wrote: what a person would find on the pages."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser

import docx
import pypdf
from docx.text.paragraph import Paragraph as DocxParagraph
from markdown_it import MarkdownIt

from pyoutcome.decimals import parse
from pyoutcome.errors import NumberError
from pyoutcome.legal.document.tree import Document, Fields, Heading, Paragraph, Table, plain_text


def text_of(file_format: str, data: bytes) -> str:
    """The text of a file, every run of white space one blank."""
    reader = {"md": _markdown, "html": _html, "docx": _docx, "pdf": _pdf}[file_format]
    return " ".join(reader(data).split())


def squeezed(text: str) -> str:
    """A text without white space, for what may stand on two lines or pages."""
    return re.sub(r"\s+", "", text)


def texts_of(document: Document) -> list[str]:
    """Every text that a document is made of, in order, but for its kind, which some formats set in capitals."""
    found = [document.title]
    for block in (document.facts, *document.blocks):
        match block:
            case Heading():
                found += [block.number, block.text]
            case Paragraph():
                found += [block.number, plain_text(block.runs)]
            case Table():
                found += [plain_text(block.caption), *(column.title for column in block.columns)]
                found += [plain_text(cell) for row in block.rows for cell in row]
            case Fields():
                found += [block.title, *(part for name, value in block.rows for part in (name, plain_text(value)))]
            case _:
                continue
    return [each for each in found if each.strip()]


def numbers_in(text: str) -> set[int]:
    """Every number of a text, scaled, with either sign."""
    found: set[int] = set()
    for each in re.findall(r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?%?", text):
        try:
            found.add(parse(each.replace(",", "")))
        except NumberError:
            continue
    return found | {-each for each in found}


def _markdown(data: bytes) -> str:
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(data.decode())
    found: list[str] = []
    for token in tokens:
        assert token.type not in {"html_block", "fence", "code_block"}, token
        for child in token.children or ():
            assert child.type not in {"html_inline", "link_open", "image"}, child
            found.append(child.content if child.type in {"text", "code_inline"} else "")
        found.append(" ")
    return "".join(found)


class _Texts(HTMLParser):
    """The text of a page; refuses what can act or fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.styled = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "img", "iframe", "link", "object", "form", "svg"}, tag
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert name not in {"src", "style", "action"}, name
            assert name != "href" or (value or "").startswith("#"), value
        self.styled = tag == "style"
        self.found.append("" if tag in {"strong", "code", "ins", "del"} else " ")

    def handle_endtag(self, tag: str) -> None:
        self.found.append("" if tag in {"strong", "code", "ins", "del"} else " ")
        self.styled = False

    def handle_data(self, data: str) -> None:
        if not self.styled:
            self.found.append(data)


def _html(data: bytes) -> str:
    parser = _Texts()
    parser.feed(data.decode())
    parser.close()
    return "".join(parser.found)


def _docx(data: bytes) -> str:
    found: list[str] = []
    file = docx.Document(io.BytesIO(data))
    for each in file.iter_inner_content():
        if isinstance(each, DocxParagraph):
            found.append(each.text)
        else:
            found += [cell.text for row in each.rows for cell in row.cells]
    return " ".join(found)


def _pdf(data: bytes) -> str:
    """All pages without their heads and feet, which are a line each."""
    found: list[str] = []
    for number, page in enumerate(pypdf.PdfReader(io.BytesIO(data)).pages):
        lines = page.extract_text().splitlines()
        assert re.search(r"Page \d+ of \d+$", lines[-1])
        found += lines[1 if number else 0 : -1]
    return "\n".join(found)
