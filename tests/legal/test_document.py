"""The agreement on paper: whole, right, the same every time, and the same in all formats."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import time
from functools import cache
from itertools import pairwise
from pathlib import Path

import docx
import pypdf
import pytest

from pyoutcome import Agreement
from pyoutcome.decimals import ONE, group_digits, show_units
from pyoutcome.errors import DocumentError
from pyoutcome.legal.document import FORMATS, Document, make_document, render_document, write_document
from pyoutcome.legal.document.pdf_file import typeset
from pyoutcome.legal.document.tree import Heading, Paragraph
from tests.legal.reading import numbers_in, squeezed, text_of, texts_of
from tests.terms.deals import deal
from tests.terms.every_field import FILES

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "punctual-arrivals" / "agreement.yaml"
DEALS = {
    "example": EXAMPLE.read_text(encoding="utf-8"),
    **{name: FILES[name] for name in ("whole", "credits", "grades")},
}


@cache
def agreement(name: str) -> Agreement:
    return Agreement.parse(DEALS[name])


@cache
def document(name: str) -> Document:
    return make_document(agreement(name))


@cache
def rendered(name: str, file_format: str) -> bytes:
    return render_document(document(name), file_format)


@cache
def told(name: str, file_format: str) -> str:
    return text_of(file_format, rendered(name, file_format))


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("name", DEALS)
def test_everything_in_the_document_is_in_the_file(name: str, file_format: str) -> None:
    page = squeezed(told(name, file_format))
    for text in texts_of(document(name)):
        assert squeezed(text) in page, text


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("name", DEALS)
def test_every_number_of_the_agreement_is_in_the_file(name: str, file_format: str) -> None:
    """The words of the deal hold every number of it (a test of the words' own), so those of the words suffice."""
    missing = numbers_in(agreement(name).words()) - numbers_in(told(name, file_format))
    assert {0} >= missing


@pytest.mark.parametrize("name", DEALS)
def test_every_sentence_of_the_words_is_a_rule_of_the_document(name: str) -> None:
    """But for those that are set as tables: parties, periods and bounds."""
    rules = "\n".join(texts_of(document(name))).replace("`", "")
    tables = {"parties", "term", "bounds"}
    for passage in agreement(name).passages():
        for item in passage.items:
            for sentence in () if passage.key in tables else item:
                assert sentence.replace("`", "") in rules


@pytest.mark.parametrize("file_format", FORMATS)
def test_digest_and_program_hash_are_those_of_the_agreement(file_format: str) -> None:
    page = squeezed(told("whole", file_format))
    own = agreement("whole")
    assert set(re.findall(r"0x[0-9a-f]{64}", page)) == {f"0x{own.digest().hex()}", f"0x{own.program().hash.hex()}"}


def test_bounds_are_those_proven() -> None:
    page = told("example", "md")
    found, decimals = agreement("example").bounds(), agreement("example").token.decimals
    for each in found.providers:
        units = (each.least, each.most, each.least_in_total, each.most_in_total)
        row = " ".join([each.provider, *(group_digits(show_units(value, decimals)) for value in units)])
        assert row in page
    assert f"At most in all {group_digits(show_units(found.most_in_total, decimals))} TUSD" in page


def test_sections_and_rules_are_numbered_without_gaps() -> None:
    blocks = document("whole").blocks
    sections = [each.number for each in blocks if isinstance(each, Heading) and each.level == 1 and each.number]
    assert [str(at) for at in range(1, len(sections) + 1)] == sections
    numbers = [each.number for each in blocks if isinstance(each, Heading | Paragraph) and each.number]
    assert len(set(numbers)) == len(numbers)
    for before, after in pairwise([[int(part) for part in number.split(".")] for number in numbers]):
        grown = next(
            at for at, (old, new) in enumerate(zip([*before, 0, 0], [*after, 0, 0], strict=False)) if old != new
        )
        assert after[grown] == [*before, 0, 0][grown] + 1
        assert after[grown + 1 :] in ([], [1], [1, 1])


def test_subjects_that_are_not_agreed_are_listed_and_not_invented() -> None:
    bare, whole = told("example", "md"), told("whole", "md")
    assert "Nothing is agreed here on: escalation of disagreements; review meetings;" in bare
    assert "Nothing is agreed here on: liability beyond the amounts of this agreement; insurance; taxes." in whole
    for heading in ("Governance", "Data protection", "Intellectual property", "Notices and governing law"):
        titles = [each.text for each in document("example").blocks if isinstance(each, Heading)]
        assert heading not in titles
        assert heading in [each.text for each in document("whole").blocks if isinstance(each, Heading)]


def test_a_rule_by_itself_has_no_escrow_and_no_silence() -> None:
    page = told("credits", "md")
    assert "This is a rule by itself" in page
    for word in ("escrow", "Arrears", "terms hash"):
        assert word not in page.replace("who decides what the escrow's arbitrator does not", "")


def test_conditions_of_measures_are_code_and_nothing_else_is() -> None:
    title = "fee `x` arr_delay < 15"
    text = DEALS["example"].replace("title: Fixed fee", f'title: "{title}"')
    page = render_document(make_document(Agreement.parse(text)), "html").decode()
    assert "<code>arr_delay &lt; 15</code>" in page
    assert "fee `x` arr_delay &lt; 15" in page


MAKE = """
import hashlib, json, sys
from pyoutcome.terms import Agreement
from pyoutcome.legal.document import FORMATS, make_document, render_document
made = make_document(Agreement.load(sys.argv[1]))
print(json.dumps({each: hashlib.sha256(render_document(made, each)).hexdigest() for each in FORMATS}))
"""


def test_the_same_agreement_gives_the_same_bytes_whenever_and_in_whatever_process() -> None:
    def made(seed: str, zone: str) -> dict[str, str]:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": "C"}
        done = subprocess.run(
            [sys.executable, "-c", MAKE, str(EXAMPLE)], cwd=ROOT, env=environment, capture_output=True, check=True
        )
        return dict(json.loads(done.stdout))

    here = {each: hashlib.sha256(rendered("example", each)).hexdigest() for each in FORMATS}
    first = made("1", "Asia/Tokyo")
    time.sleep(1.1)  # a second is what a file's own clock would show
    assert here == first == made("271828", "UTC")


def test_the_pdf_says_what_it_is() -> None:
    reader = pypdf.PdfReader(io.BytesIO(rendered("example", "pdf")))
    assert reader.metadata is not None
    assert "Punctual arrivals at New York" == reader.metadata.title
    assert reader.metadata.creation_date is None
    root = reader.root_object
    marks = root["/MarkInfo"].get_object()
    assert isinstance(marks, pypdf.generic.DictionaryObject)
    assert "True" == str(marks["/Marked"])  # tagged, for readers who listen
    assert "en" == str(root["/Lang"])
    sections = [each.text for each in document("example").blocks if isinstance(each, Heading) and each.level == 1]
    outline = [str(each.title) for each in reader.outline if not isinstance(each, list)]
    assert len(sections) == len(outline)
    for title, entry in zip(sections, outline, strict=True):
        assert entry.endswith(title)
    for number, page in enumerate(reader.pages, 1):
        assert f"Page {number} of {len(reader.pages)}" in page.extract_text()


def test_pages_can_be_looked_at() -> None:
    pages = typeset(document("example"), "png")
    assert len(pypdf.PdfReader(io.BytesIO(rendered("example", "pdf"))).pages) == len(pages)
    assert all(each.startswith(b"\x89PNG") for each in pages)


def test_the_docx_has_headings_table_headers_and_no_time_of_its_own() -> None:
    file = docx.Document(io.BytesIO(rendered("example", "docx")))
    styles = [each.style.name for each in file.paragraphs if each.style is not None]
    blocks = document("example").blocks
    for level in (1, 2):
        count = len([each for each in blocks if isinstance(each, Heading) and each.level == level])
        assert count == styles.count(f"Heading {level}")
    assert b"<w:tblHeader/>" in file.part.blob
    assert ("pyoutcome", 1980, 1980) == (
        file.core_properties.author,
        file.core_properties.created.year if file.core_properties.created else None,
        file.core_properties.modified.year if file.core_properties.modified else None,
    )


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    made = document("credits")
    file = tmp_path / "rule.MD"
    file.write_text("before")
    assert len(rendered("credits", "md")) == write_document(made, file)
    assert rendered("credits", "md") == file.read_bytes()
    assert [file] == list(tmp_path.iterdir())
    for path, code in ((tmp_path / "rule.odt", "no-such-format"), (tmp_path / "none" / "rule.md", "file-not-written")):
        with pytest.raises(DocumentError) as caught:
            write_document(made, path)
        assert code == caught.value.code
    assert [file] == list(tmp_path.iterdir())


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for library, file_format in (("typst", "pdf"), ("docx", "docx"), ("jinja2", "html")):
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(DocumentError) as caught:
            render_document(document("credits"), file_format)
        assert ("library-missing", library) == (caught.value.code, caught.value.details["library"])


@pytest.mark.parametrize("title", ["合同", "😀"])
def test_letters_that_the_pages_cannot_show_are_refused_as_pdf_only(title: str) -> None:
    made = make_document(Agreement.parse(f"{deal('fee: {kind: fixed_fee, amount: 1}')}title: {title}\n"))
    with pytest.raises(DocumentError) as caught:
        render_document(made, "pdf")
    assert "letters-missing" == caught.value.code
    assert title[0] in caught.value.why
    for file_format in ("md", "html", "docx"):
        assert title in text_of(file_format, render_document(made, file_format))


def test_making_and_setting_the_example_takes_little_work() -> None:
    """Processor time, which does not depend on what else the machine does; the whole command is measured by hand."""
    fresh = Agreement.load(EXAMPLE)
    begun = time.process_time()
    made = make_document(fresh)
    for file_format in FORMATS:
        render_document(made, file_format)
    assert time.process_time() - begun < 4


def test_numbers_are_read_as_the_tests_need_them() -> None:
    assert {1_250 * ONE, -1_250 * ONE, ONE // 20, -ONE // 20} == numbers_in("1,250 and 5%")
