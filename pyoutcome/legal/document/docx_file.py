"""A document as DOCX: Word's own heading styles and table headers, numbers as text, equal bytes for equal documents."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from typing import Any, Final

from pyoutcome.legal.document.docx_style import INK, PALE, RULE, SHADE, WIDTH, set_styles
from pyoutcome.legal.document.library import load
from pyoutcome.legal.document.tree import (
    SHORT,
    Block,
    Document,
    Fields,
    Heading,
    PageBreak,
    Paragraph,
    Run,
    Runs,
    Table,
    leading,
    plain_text,
    runs,
    shorten,
)
from pyoutcome.legal.document.widths import spread

_EPOCH: Final = datetime(1980, 1, 1, tzinfo=UTC)
"""The first moment that a zip file can say."""
_HUNDREDTH: Final = 360
"""Of a mm, in Office's own units of length."""


def render_docx(document: Document) -> bytes:
    """The document as DOCX. DocumentError ``library-missing``."""
    return _Writer(load("docx")).write(document)


class _Writer:
    def __init__(self, docx: Any) -> None:
        self.docx = docx
        self.file: Any = docx.Document()
        self.shared: Any = load("docx.shared")
        self.enum: Any = load("docx.enum.text")
        self.xml: Any = load("docx.oxml")
        self.names: Any = load("docx.oxml.ns")
        set_styles(self.file)
        self.ids = {each.name: each.style_id for each in self.file.styles}
        self.sections = 0
        self.breaks = False
        """Whether the next paragraph starts a page."""

    def write(self, document: Document) -> bytes:
        self.describe(document)
        self.feet(document)
        self.paragraph(runs(document.kind.upper()), "Subtitle")
        self.paragraph(runs(document.title), "Title")
        self.fields(document.facts)
        self.contents(document.contents)
        before: Block | None = None
        for block, leads in zip(document.blocks, leading(document.blocks), strict=True):
            if isinstance(block, Fields) and isinstance(before, Fields):
                self.part()
            self.block(block, leads=leads)
            before = block
        made = io.BytesIO()
        self.file.save(made)
        return _fixed(made.getvalue())

    # --- the file as a whole ------------------------------------------------------------------------------------------

    def describe(self, document: Document) -> None:
        about = self.file.core_properties
        about.title, about.author, about.last_modified_by = document.title[:255], "pyoutcome", "pyoutcome"
        about.subject, about.comments, about.language, about.revision = document.kind[:255], "", "en", 1
        about.created = about.modified = _EPOCH

    def feet(self, document: Document) -> None:
        """Title above, what it is and the page's number below."""
        section = self.file.sections[0]
        for part, texts in (
            (section.header, (shorten(document.title, 80), shorten(document.kind, 24))),
            (section.footer, (shorten(document.running, 100), "Page ")),
        ):
            line = part.paragraphs[0]
            line._p.style = self.ids["Foot"]
            line.paragraph_format.tab_stops.add_tab_stop(self.shared.Mm(WIDTH), self.enum.WD_TAB_ALIGNMENT.RIGHT)
            line.add_run(texts[0])
            line.add_run("\t")
            line.add_run(texts[1])
        self.count(line, "PAGE")
        line.add_run(" of ")
        self.count(line, "NUMPAGES")

    def count(self, paragraph: Any, what: str) -> None:
        """A number that the reader's program works out."""
        field = self.element("w:fldSimple", instr=what)
        field.append(paragraph.add_run("1")._r)
        paragraph._p.append(field)

    def contents(self, headings: tuple[Heading, ...]) -> None:
        """The sections, each a link; without page numbers, which only the reader's program knows."""
        if not headings:
            return
        for at, heading in enumerate(headings):
            line = self.file.add_paragraph()
            line._p.style = self.ids["Entry"]
            link = self.element("w:hyperlink", anchor=f"section{at}", history="1")
            numbered = (heading.number, "\t", heading.text) if heading.number else (heading.text,)
            for text in numbered:
                link.append(line.add_run(text)._r)
            line._p.append(link)
        self.breaks = True

    # --- blocks -------------------------------------------------------------------------------------------------------

    def block(self, block: Block, *, leads: bool) -> None:
        match block:
            case Heading():
                made = self.paragraph(runs(f"{block.number}  {block.text}".strip()), f"Heading {block.level}")
                if block.level == 1:
                    self.name(made, f"section{self.sections}")
            case Paragraph():
                made = self.rule(block)
                made.paragraph_format.keep_with_next = True if leads else None
            case Table():
                self.table(block)
            case Fields():
                self.fields(block)
            case PageBreak():
                self.breaks = True

    def name(self, paragraph: Any, name: str) -> None:
        """Makes a paragraph one that links can lead to."""
        start = self.element("w:bookmarkStart", id=str(self.sections), name=name)
        paragraph._p.insert(1, start)
        paragraph._p.append(self.element("w:bookmarkEnd", id=str(self.sections)))
        self.sections += 1

    def paragraph(self, given: Runs, style: str) -> Any:
        made = self.file.add_paragraph()
        made._p.style = self.ids[style]  # by name the library searches all styles for every paragraph
        if self.breaks:
            made.paragraph_format.page_break_before = True
            self.breaks = False
        self.put(made, given)
        return made

    def rule(self, block: Paragraph) -> Any:
        if block.number:
            made = self.paragraph((), "Rule")
            made.add_run(f"{block.number}\t")
            self.put(made, block.runs)
            return made
        return self.paragraph(block.runs, "Remark" if block.small else "Normal")

    def put(self, paragraph: Any, given: Runs, *, bold: bool = False) -> None:
        for each in given:
            if not each.text:
                continue
            run = paragraph.add_run(each.text)
            if bold or each.style in ("strong", "added"):
                run.bold = True
            if each.style == "added":
                run.underline = True
            elif each.style == "removed":
                run.font.strike = True
            elif each.style == "code":
                run._r.style = self.ids["Code"]

    def table(self, block: Table) -> None:
        if block.caption:
            self.paragraph(block.caption, "Caption")
        made = self.grid(spread(block, WIDTH * 100))
        self.border(made)
        header = self.row(made, [runs(column.title) for column in block.columns], block, bold=True, keep=True)
        header.get_or_add_trPr().append(self.xml.OxmlElement("w:tblHeader"))
        for cell in header.tc_lst:
            cell.get_or_add_tcPr().append(self.element("w:shd", val="clear", color="auto", fill=SHADE))
        for at, row in enumerate(block.rows):
            total = at >= len(block.rows) - block.totals
            # A short table stays on one page, and no table leaves its head or its sums alone.
            keep = at + 1 < len(block.rows) and (len(block.rows) <= SHORT or total or at == 0)
            self.row(made, row, block, bold=total, keep=keep)
        self.space()

    def row(self, table: Any, given: Any, block: Table, *, bold: bool, keep: bool) -> Any:
        row = self.line(table)
        for cell, content, column in zip(row.tc_lst, given, block.columns, strict=True):
            paragraph = self.cell(cell, keep=keep)
            if column.align == "right":
                paragraph.alignment = self.enum.WD_ALIGN_PARAGRAPH.RIGHT
            self.put(paragraph, content, bold=bold and len(plain_text(content)) < 40)
        return row

    def fields(self, block: Fields) -> None:
        if block.title:
            self.paragraph(runs(Run(block.title, "strong")), "Normal").paragraph_format.keep_with_next = True
        made = self.grid((3800, WIDTH * 100 - 3800))
        for at, (name, value) in enumerate(block.rows):
            keep = len(block.rows) <= SHORT and at + 1 < len(block.rows)
            cells = self.line(made).tc_lst
            first, second = (self.cell(cell, keep=keep) for cell in cells)
            if not value:
                first.paragraph_format.space_before = self.shared.Pt(16)
                lines = self.xml.OxmlElement("w:tcBorders")
                lines.append(self.element("w:bottom", val="single", sz="4", space="0", color=PALE))
                cells[1].get_or_add_tcPr().append(lines)
            self.put(first, runs(name))
            first.runs[0].font.color.rgb = self.shared.RGBColor.from_string(PALE)
            self.put(second, value)
        self.space()

    def grid(self, widths: tuple[int, ...]) -> Any:
        """An empty table with these widths, hundredths of a mm."""
        made = self.file.add_table(rows=0, cols=len(widths))
        made.autofit = False
        for column, width in zip(made.columns, widths, strict=True):
            column.width = self.shared.Emu(width * _HUNDREDTH)
        return made._tbl

    def border(self, table: Any) -> None:
        """Lines above, below and, paler, between the rows."""
        lines = self.xml.OxmlElement("w:tblBorders")
        for side, size, colour in (("top", 8, INK), ("bottom", 8, INK), ("insideH", 4, RULE)):
            lines.append(self.element(f"w:{side}", val="single", sz=str(size), space="0", color=colour))
        table.tblPr.insert_element_before(
            lines, "w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook", "w:tblCaption", "w:tblDescription"
        )

    def line(self, table: Any) -> Any:
        """A new row that no page breaks."""
        row = table.add_tr()
        for column in table.tblGrid.gridCol_lst:
            row.add_tc().width = column.w
        row.get_or_add_trPr().append(self.xml.OxmlElement("w:cantSplit"))
        return row

    def cell(self, cell: Any, *, keep: bool) -> Any:
        """The paragraph of a cell."""
        made = self.docx.text.paragraph.Paragraph(cell.p_lst[0], self.file)
        made._p.style = self.ids["Cell"]
        if keep:
            made.paragraph_format.keep_with_next = True
        return made

    def part(self) -> None:
        """A line between two blocks of fields."""
        lines = self.xml.OxmlElement("w:pBdr")
        lines.append(self.element("w:top", val="single", sz="4", space="4", color=RULE))
        made = self.file.add_paragraph()
        made.paragraph_format.keep_with_next = True
        made.paragraph_format.space_after = self.shared.Pt(0)
        made._p.get_or_add_pPr().insert_element_before(
            lines, "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:spacing", "w:ind", "w:jc", "w:rPr"
        )

    def space(self) -> None:
        """What keeps two tables apart."""
        self.file.add_paragraph().paragraph_format.space_after = self.shared.Pt(4)

    def element(self, tag: str, /, **values: str) -> Any:
        """An element of the file with attributes."""
        made = self.xml.OxmlElement(tag)
        for key, value in values.items():
            made.set(self.names.qn(f"w:{key}"), value)
        return made


def _fixed(data: bytes) -> bytes:
    """The same zip file without the time it was made and with its parts in one order."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, date_time=_EPOCH.timetuple()[:6])
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            new.writestr(entry, old.read(name))
    return made.getvalue()
