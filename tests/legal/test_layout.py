"""How documents are set: nothing announced alone, columns as wide as they need, colours that can be read."""

from __future__ import annotations

import io
import re
from importlib.resources import files

import docx
import pypdf
import pytest
from docx.oxml.ns import qn
from hypothesis import given
from hypothesis import strategies as st

from pyoutcome.legal.document import Document, render_document
from pyoutcome.legal.document.tree import (
    SHORT,
    Block,
    Column,
    Fields,
    Heading,
    PageBreak,
    Paragraph,
    Table,
    code,
    leading,
    runs,
)
from pyoutcome.legal.document.widths import ROOM, share_room, spread
from tests.legal.reading import squeezed, text_of

WORDS = st.text("ab W9", min_size=1, max_size=60)


def made(*blocks: Block) -> Document:
    return Document("Kind", "Title", Fields((("Name", runs("Value")),)), blocks, "Running")


def table(rows: int, *columns: Column) -> Table:
    columns = columns or (Column("Left"), Column("Right", "right"))
    return Table(columns, tuple(tuple(runs(f"{row}.{at}") for at in range(len(columns))) for row in range(rows)))


def long_document() -> Document:
    """Sections of every length, each with a sentence that announces a table: some must come near a page's end."""
    blocks: list[Block] = []
    for number in range(1, 25):
        blocks += [Heading(1, str(number), f"Section {number}")]
        blocks += [Paragraph(runs("filling " * 30), f"{number}.{at}") for at in range(1, number % 7 + 2)]
        blocks += [Paragraph(runs(f"What announces {number}:"), f"{number}.9"), table(number % 12 + 1)]
    return made(*blocks)


def test_headings_and_announcements_lead() -> None:
    blocks = (
        Heading(1, "1", "A"), Paragraph(runs("x")), Paragraph(runs("y")), table(1), Paragraph(runs("z")), PageBreak(),
        Paragraph(runs("named"), leads=True), Paragraph(runs("x")), Fields(()), Paragraph(runs("last"), leads=True),
    )  # fmt: skip
    assert (True, False, True, False, False, False, True, True, False, False) == leading(blocks)
    pair = (Heading(1, "1", "A"), Paragraph(runs("x")), Paragraph(runs("y")), PageBreak(), Paragraph(runs("z")))
    assert (True, True, False, False, False) == leading(pair)
    assert (True, True, False) == leading(pair[:3])


def test_no_page_of_a_pdf_ends_with_what_announces_the_next() -> None:
    document = long_document()
    pages = pypdf.PdfReader(io.BytesIO(render_document(document, "pdf"))).pages
    assert len(pages) > 8
    for page in pages[1:]:
        body = squeezed("".join(page.extract_text().splitlines()[1:-1]))
        assert not re.search(r"(Whatannounces\d+:|Section\d+)$", body)
        assert not body.endswith("LeftRight")


def test_a_short_table_of_a_pdf_stays_on_one_page_and_a_long_one_repeats_its_head() -> None:
    filling: list[Block] = [Paragraph(runs("filling " * 30), f"1.{at}") for at in range(1, 12)]
    short = made(*[*filling, table(SHORT)] * 4)
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(render_document(short, "pdf"))).pages]
    assert [page.count("Left") for page in pages] == [page.count(f"{SHORT - 1}.0") for page in pages]
    long = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(render_document(made(table(90)), "pdf"))).pages]
    assert len(long) > 1
    assert all("Left" in page for page in long)


@given(st.lists(st.tuples(WORDS, st.lists(WORDS, min_size=2, max_size=2), st.booleans()), min_size=1, max_size=8))
def test_columns_fit_between_the_margins(columns: list[tuple[str, list[str], bool]]) -> None:
    given = Table(
        tuple(Column(title, "right" if right else "left", wide=not right) for title, _, right in columns),
        tuple(tuple(runs(cells[row]) for _, cells, _ in columns) for row in range(2)),
    )
    widths = spread(given, 16_400)
    assert all(width > 0 for width in widths)
    assert sum(widths) <= 16_400
    shared = share_room(given)
    if shared is not None and sum(shared) <= ROOM - 3 * len(columns):
        for width, (_, cells, right) in zip(shared, columns, strict=True):
            assert not right or width >= max(map(len, cells))


def test_amounts_stand_with_their_points_under_one_another() -> None:
    """The last piece of text of a right column begins so that figures before the point end at one place."""
    amounts = ("1,250.00", "0.12345", "-7.5", "12")
    given = Table(
        (Column("Name"), Column("EUR", "right", money=True)), tuple((runs("x"), runs(amount)) for amount in amounts)
    )
    found: dict[str, float] = {}

    def see(text: str, moved: list[float], place: list[float], _font: object, _size: object) -> None:
        if text.strip() in amounts:
            before = text.strip().partition(".")[0]
            widths = {",": 0.22, "-": 0.338}
            found[text.strip()] = moved[4] + place[4] + 9 * sum(widths.get(sign, 0.465) for sign in before)

    pypdf.PdfReader(io.BytesIO(render_document(made(given), "pdf"))).pages[0].extract_text(visitor_text=see)
    assert set(amounts) == set(found)
    assert max(found.values()) - min(found.values()) < 0.1  # points


def test_a_docx_keeps_together_what_belongs_together() -> None:
    document = made(
        Heading(1, "1", "Section"), Paragraph(runs("What announces:"), "1.1"), table(3), Paragraph(runs("after"))
    )
    file = docx.Document(io.BytesIO(render_document(document, "docx")))
    said = {each.text: each for each in file.paragraphs}
    assert file.styles["Heading 1"].paragraph_format.keep_with_next
    assert said["1.1\tWhat announces:"].paragraph_format.keep_with_next
    assert not said["after"].paragraph_format.keep_with_next
    rows = file.tables[1].rows
    keeping = [row.cells[0].paragraphs[0].paragraph_format.keep_with_next for row in rows]
    assert [True, True, True, None] == keeping
    assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in rows)


def test_the_contents_of_a_docx_lead_to_its_sections() -> None:
    file = docx.Document(io.BytesIO(render_document(long_document(), "docx")))
    links = [each.get(qn("w:anchor")) for each in file.element.iter(qn("w:hyperlink"))]
    named = [each.get(qn("w:name")) for each in file.element.iter(qn("w:bookmarkStart"))]
    assert 24 == len(links)
    assert links == named
    foot = file.sections[0].footer.paragraphs[0]._p
    assert ["PAGE", "NUMPAGES"] == [each.get(qn("w:instr")) for each in foot.iter(qn("w:fldSimple"))]
    assert "Running" in foot.xml


def test_the_contents_of_a_page_lead_to_its_sections_and_its_styles_say_what_is_short() -> None:
    page = render_document(long_document(), "html").decode()
    assert re.findall(r'<a href="#(s\d+)"', page) == re.findall(r'<h2 id="(s\d+)"', page)
    assert '<a class="skip" href="#text">' in page
    assert '<main id="text">' in page
    assert '<html lang="en" dir="ltr">' in page
    assert 20 == page.count('<div class="table short">')
    assert 4 == page.count('<div class="table">')


@pytest.mark.parametrize("file_format", ["html", "docx", "pdf"])
def test_a_short_document_has_no_contents(file_format: str) -> None:
    document = made(Heading(1, "1", "Onlysection"), Paragraph(runs("text", code("x"))))
    assert 1 == text_of(file_format, render_document(document, file_format)).count("Onlysection")


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_can_be_read_on_their_ground(scheme: int) -> None:
    """4.5 to 1 is what WCAG 2 asks of text (AA)."""
    css = (files("pyoutcome.legal.document") / "document.css").read_text(encoding="utf-8")
    roots = [dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})", each)) for each in re.findall(r":root \{(.*?)\}", css)]
    assert 2 == len(roots)
    colours = {name: value if len(value) == 7 else "#" + "".join(2 * each for each in value[1:])
               for name, value in roots[scheme].items()}  # fmt: skip
    for ground in ("paper", "shade"):
        for ink in ("ink", "pale"):
            dark, light = sorted(luminance(colours[each]) for each in (ground, ink))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ground, ink)
