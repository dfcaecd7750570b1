"""A document as DOCX: Word's own heading styles and table headers, numbers as text, equal bytes for equal documents."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from typing import Any, Final

from pyoutcome.legal.document.library import load
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
    runs,
    shorten,
)

_EPOCH: Final = datetime(1980, 1, 1, tzinfo=UTC)
"""The first moment that a zip file can say."""
_INK: Final = "1F2933"
_PALE: Final = "5B6670"
_SERIF: Final = "Georgia"
_FIXED: Final = "Consolas"
_HALF_POINT: Final = 6350
"""Of Office's own units of length."""


def render_docx(document: Document) -> bytes:
    """The document as DOCX. DocumentError ``library-missing``."""
    return _Writer(load("docx")).write(document)


class _Writer:
    def __init__(self, docx: Any) -> None:
        self.docx = docx
        self.file: Any = docx.Document()
        self.ids = {each.name: each.style_id for each in self.file.styles}
        self.shared: Any = load("docx.shared")
        self.enum: Any = load("docx.enum.text")
        self.xml: Any = load("docx.oxml")
        self.names: Any = load("docx.oxml.ns")

    def write(self, document: Document) -> bytes:
        self.style()
        self.describe(document)
        self.feet(document)
        self.paragraph(runs(document.kind.upper()), "Subtitle")
        self.paragraph(runs(document.title), "Title")
        self.fields(document.facts)
        for block in document.blocks:
            self.block(block)
        made = io.BytesIO()
        self.file.save(made)
        return _fixed(made.getvalue())

    # --- the file as a whole ------------------------------------------------------------------------------------------

    def style(self) -> None:
        shared, styles = self.shared, self.file.styles
        section = self.file.sections[0]
        section.page_width, section.page_height = shared.Mm(210), shared.Mm(297)
        section.left_margin = section.right_margin = shared.Mm(23)
        section.top_margin, section.bottom_margin = shared.Mm(24), shared.Mm(24)
        halves = {"Normal": 21, "Title": 46, "Subtitle": 22, "Heading 1": 28, "Heading 2": 23, "Caption": 18}
        for name, size in halves.items():
            style = styles[name]
            style.font.name, style.font.size = _SERIF, shared.Emu(size * _HALF_POINT)
            style.font.bold = name not in ("Normal", "Subtitle", "Caption")
            style.font.italic = False
            pale = name in ("Subtitle", "Caption")
            style.font.color.rgb = shared.RGBColor.from_string(_PALE if pale else _INK)
            fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
            for key in list(fonts.attrib):
                if key.endswith(("Theme", "theme")):
                    del fonts.attrib[key]
            for key in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
                fonts.set(self.names.qn(key), _SERIF)
        for name, before, after in (("Heading 1", 18, 6), ("Heading 2", 12, 4), ("Normal", 0, 6), ("Caption", 8, 3)):
            form = styles[name].paragraph_format
            form.space_before, form.space_after = shared.Pt(before), shared.Pt(after)
        styles["Caption"].paragraph_format.keep_with_next = True
        border = styles["Title"].element.find(f".//{self.names.qn('w:pBdr')}")
        if border is not None:
            border.getparent().remove(border)

    def describe(self, document: Document) -> None:
        about = self.file.core_properties
        about.title, about.author, about.last_modified_by = document.title[:255], "pyoutcome", "pyoutcome"
        about.subject, about.comments, about.language, about.revision = document.kind[:255], "", "en", 1
        about.created = about.modified = _EPOCH

    def feet(self, document: Document) -> None:
        """Title above, what it is and the page's number below."""
        section = self.file.sections[0]
        head = section.header.paragraphs[0]
        self.put(head, runs(shorten(document.title, 80)), small=True)
        foot = section.footer.paragraphs[0]
        self.put(foot, runs(f"{shorten(document.running, 120)}    Page "), small=True)
        self.count(foot, "PAGE")
        self.put(foot, runs(" of "), small=True)
        self.count(foot, "NUMPAGES")

    def count(self, paragraph: Any, what: str) -> None:
        """A number that the reader's program works out."""
        field = self.xml.OxmlElement("w:fldSimple")
        field.set(self.names.qn("w:instr"), what)
        run = paragraph.add_run("1")
        run.font.size = self.shared.Pt(8)
        field.append(run._r)
        paragraph._p.append(field)

    # --- blocks -------------------------------------------------------------------------------------------------------

    def block(self, block: Block) -> None:
        match block:
            case Heading():
                text = f"{block.number}  {block.text}".strip()
                self.paragraph(runs(text), f"Heading {block.level}")
            case Paragraph():
                self.rule(block)
            case Table():
                self.table(block)
            case Fields():
                self.fields(block)
            case PageBreak():
                self.file.add_page_break()

    def paragraph(self, given: Runs, style: str) -> Any:
        made = self.file.add_paragraph()
        made._p.style = self.ids[style]  # by name the library searches all styles for every paragraph
        self.put(made, given)
        return made

    def rule(self, block: Paragraph) -> None:
        made = self.file.add_paragraph()
        if block.number:
            indent = self.shared.Mm(14)
            made.paragraph_format.left_indent, made.paragraph_format.first_line_indent = indent, -indent
            made.paragraph_format.tab_stops.add_tab_stop(indent)
            self.put(made, runs(Run(block.number)))
            made.add_run("\t")
        self.put(made, block.runs, small=block.small)

    def put(self, paragraph: Any, given: Runs, *, small: bool = False, bold: bool = False) -> None:
        for each in given:
            if not each.text:
                continue
            run = paragraph.add_run(each.text)
            run.bold = True if bold or each.style in ("strong", "added") else None
            run.underline = True if each.style == "added" else None
            run.font.strike = True if each.style == "removed" else None
            if each.style == "code":
                run.font.name, run.font.size = _FIXED, self.shared.Emu(17 * _HALF_POINT)
            if small:
                run.font.size = self.shared.Pt(8)
                run.font.color.rgb = self.shared.RGBColor.from_string(_PALE)

    def table(self, block: Table) -> None:
        if block.caption:
            self.paragraph(block.caption, "Caption")
        made = self.file.add_table(rows=0, cols=len(block.columns), style="Table Grid")
        made.autofit = True
        header = made.add_row()
        self.cells(header, [runs(column.title) for column in block.columns], block, bold=True)
        self.mark(header, "w:tblHeader")
        for at, row in enumerate(block.rows):
            total = at >= len(block.rows) - block.totals
            line = made.add_row()
            self.cells(line, row, block, bold=total)
            self.mark(line, "w:cantSplit")
        self.space()

    def cells(self, row: Any, given: Any, block: Table, *, bold: bool) -> None:
        for cell, content, column in zip(row.cells, given, block.columns, strict=True):
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = self.shared.Pt(1)
            if column.align == "right":
                paragraph.alignment = self.enum.WD_ALIGN_PARAGRAPH.RIGHT
            self.put(paragraph, content, bold=bold and len(plain_text(content)) < 40)
            for run in paragraph.runs:
                run.font.size = self.shared.Pt(8 if run.font.name == _FIXED else 9)

    def fields(self, block: Fields) -> None:
        if block.title:
            self.put(self.file.add_paragraph(), runs(Run(block.title, "strong")))
        made = self.file.add_table(rows=0, cols=2)
        made.autofit = False
        widths = (self.shared.Mm(40), self.shared.Mm(124))
        for name, value in block.rows:
            row = made.add_row()
            self.mark(row, "w:cantSplit")
            for cell, width, content in zip(row.cells, widths, (runs(name), value or runs("_" * 50)), strict=True):
                cell.width = width
                paragraph = cell.paragraphs[0]
                paragraph.paragraph_format.space_after = self.shared.Pt(2)
                if not value:
                    paragraph.paragraph_format.space_before = self.shared.Pt(14)
                self.put(paragraph, content)
            for run in row.cells[0].paragraphs[0].runs:
                run.font.color.rgb = self.shared.RGBColor.from_string(_PALE)
        self.space()

    def mark(self, row: Any, name: str) -> None:
        """Sets a property of a table's row."""
        row._tr.get_or_add_trPr().append(self.xml.OxmlElement(name))

    def space(self) -> None:
        """What keeps two tables apart."""
        made = self.file.add_paragraph()
        made.paragraph_format.space_after = self.shared.Pt(4)


def _fixed(data: bytes) -> bytes:
    """The same zip file without the time it was made and with its parts in one order."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, date_time=_EPOCH.timetuple()[:6])
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            new.writestr(entry, old.read(name))
    return made.getvalue()
