"""Texts that look like markup come out as texts, in every format."""

from __future__ import annotations

import io
import re
import zipfile

import pypdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyoutcome import Agreement
from pyoutcome.legal.document import FORMATS, Document, make_document, render_document
from pyoutcome.legal.document.tree import (
    Column,
    Fields,
    Heading,
    PageBreak,
    Paragraph,
    Run,
    Table,
    code,
    runs,
    strong,
    visible,
)
from tests.legal.reading import squeezed, text_of, texts_of
from tests.terms.deals import HEAD, deal

HOSTILE = {
    "html": '<script>alert(1)</script><img src=x onerror="go()"> &lt;b&gt; &amp; </title></style><!-- -->',
    "jinja": "{{ 7 * 7 }} {% for x in y %} {# note #} {{ document }}",
    "markdown": "*a* _b_ `c` ~~d~~ [e](https://f.example) ![g](h) <https://i.example> | j | # k > l $m$ \\ n **o",
    "lists": "- 1. + # > = ---",
    "typst": '#eval("1") #import "x" $x^2$ *b* _i_ @ref <label> = head // c /* d */ \\ #{ } [ ] ~ -- --- ...',
    "links": "https://evil.example/?a=1&b=2 www.evil.example mailto:me@evil.example",
    "word": "PAGE \\* MERGEFORMAT {HYPERLINK} =1+1 \x0b]]> <w:p/>",
    "hebrew": "חוזה עברי 50% and English",
    "arabic": "عقد 75 then English",
    "long": "W" * 130,
    "long words": "0x" + "ab" * 70 + " " + "ÄÖ" * 40,
    "quotes": '"double" \'single\' ``two`` `` ` `` ` " ',
    "ends": "`",
    "marks": "** __ ~~ * _ ~",
}


def document(text: str) -> Document:
    """The text in every place where a text may stand."""
    return Document(
        "Kind",
        text,
        Fields(((text, runs(text)), ("empty", ()))),
        (
            Heading(1, "1", text),
            Paragraph(runs(text), "1.1"),
            Paragraph(runs(text)),
            Paragraph(runs(text), small=True),
            Heading(2, "1.2", text),
            Paragraph(
                runs("a ", strong(text), " b ", code(text), " c ", Run(text, "added"), " d ", Run(text, "removed"))
            ),
            Table(
                (Column(text), Column("x", "right")),
                ((runs(text), runs(code(text))), (runs(strong(text)), ())),
                runs(text),
            ),
            PageBreak(),
            Fields((("code", runs(code(text))),), text),
        ),
        text,
    )


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_text_is_a_text(kind: str, file_format: str) -> None:
    made = document(HOSTILE[kind])
    page = squeezed(text_of(file_format, render_document(made, file_format)))
    if file_format == "pdf" and kind in {"hebrew", "arabic"}:
        # The reader gives mixed directions back in another order: word by word, in either direction.
        for word in map(squeezed, HOSTILE[kind].split()):
            assert page.count(word) + page.count(word[::-1]) * (word != word[::-1]) >= 11
        return
    for text in texts_of(made):
        assert squeezed(text) in page
    count = 12 if file_format == "docx" else 13  # the foot of a page is no part of the body there
    assert page.count(squeezed(visible(HOSTILE[kind]))) >= (count if file_format in ("md", "html") else 11)


@pytest.mark.parametrize("file_format", ["md", "html", "docx"])
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(min_size=1, max_size=40))
def test_any_text_is_a_text(file_format: str, text: str) -> None:
    made = document(text)
    page = squeezed(text_of(file_format, render_document(made, file_format)))
    for each in texts_of(made):
        assert squeezed(each) in page


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60))
def test_any_ascii_text_is_a_text_on_the_pages_of_a_pdf(text: str) -> None:
    made = document(text)
    page = squeezed(text_of("pdf", render_document(made, "pdf")))
    for each in texts_of(made):
        assert squeezed(each) in page


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a[U+202E]b"),
        ("a\u200bb", "a[U+200B]b"),
        ("a\x00b", "a[U+0000]b"),
        ("a\ud800b", "a[U+D800]b"),
        ("a\ue000b", "a[U+E000]b"),
        ("a\tb\nc", "a b c"),
        ("a\u00a0b", "a\u00a0b"),
        ("Zürich, Łódź, Ελλάδα", "Zürich, Łódź, Ελλάδα"),
    ],
)
def test_what_nobody_could_see_is_shown_by_its_number(text: str, shown: str) -> None:
    assert shown == visible(text) == Run(text).text == Heading(1, "", text).text == Column(text).title
    assert shown == Document(text, "", Fields(()), (), "").kind == Fields(((text, ()),)).rows[0][0]


def test_a_page_fetches_nothing() -> None:
    page = render_document(document(HOSTILE["html"]), "html").decode()
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert not re.search(r"(?i)<(script|img|link|iframe|object)|url\(|@import", page.replace("&lt;", ""))
    data = render_document(document(HOSTILE["typst"]), "pdf")
    reader = pypdf.PdfReader(io.BytesIO(data))
    assert b"/JavaScript" not in data
    for each in reader.pages:
        for annotation in each.get("/Annots", ()):
            assert "/A" not in annotation.get_object()  # links inside the document only


def test_a_docx_has_no_parts_from_elsewhere() -> None:
    with zipfile.ZipFile(io.BytesIO(render_document(document(HOSTILE["word"]), "docx"))) as file:
        assert file.testzip() is None
        for each in file.infolist():
            assert (1980, 1, 1, 0, 0, 0) == each.date_time
            if each.filename.endswith(".rels"):
                assert b"External" not in file.read(each)


def places(data: bytes) -> list[float]:
    """Where each piece of text on the pages of a PDF begins, in points from the left; 210 mm are 595 points.

    Heads and feet are left out: they are cut at the margin.
    """
    found: list[float] = []

    def see(text: str, moved: list[float], place: list[float], _font: object, _size: object) -> None:
        if text.strip() and 60 < moved[5] - place[5] < 780:
            found.append(moved[4] + place[4])

    for page in pypdf.PdfReader(io.BytesIO(data)).pages:
        page.extract_text(visitor_text=see)
    return found


def test_no_line_runs_over_the_edge_of_its_page() -> None:
    """Long words are broken, in cells and rules alike: no piece of text begins outside the margins."""
    found = places(render_document(document(HOSTILE["long words"]), "pdf"))
    assert len(found) > 1000
    assert all(60 < x < 535 for x in found)


def test_many_parties_fit_the_page() -> None:
    names = [f"Provider{at}" for at in range(24)]
    parties = ", ".join(f"{name}: {{name: The provider with number {name}}}" for name in names)
    text = deal(
        "fee: {kind: curve, to: each, of: x, points: [[1, 1_000], [5, 123_456.789]], times: period}",
        "x: {unit: pieces, per: provider, decimals: 2, range: [0, 9], if_missing: 0}",
        head=HEAD.replace("{A: {name: Alpha Ltd}}", f"{{{parties}}}"),
    )
    made = make_document(Agreement.parse(text))
    data = render_document(made, "pdf")
    assert all(60 < x < 535 for x in places(data))
    page = squeezed(text_of("pdf", data))
    for each in texts_of(made):
        assert squeezed(each) in page


@pytest.mark.parametrize("file_format", FORMATS)
def test_an_agreement_full_of_markup_comes_out_as_it_is(file_format: str) -> None:
    title = HOSTILE["markdown"].replace("'", "")
    text = deal(f"fee: {{kind: formula, is: x, title: '{title}'}}").replace(
        "Alpha Ltd", "'<b>A</b> #eval(1) {{ 7*7 }}'"
    )
    made = make_document(Agreement.parse(text))
    page = squeezed(text_of(file_format, render_document(made, file_format)))
    for each in texts_of(made):
        assert squeezed(each) in page
    assert squeezed(title) in page
    assert "<b>A</b>#eval(1){{7*7}}" in page
