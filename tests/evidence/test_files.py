"""Records in many files: a folder, a pattern, several paths; one digest that names do not touch."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.sources import files
from pyoutcome.evidence.sources.records import StagedRecords, stage_records
from pyoutcome.evidence.staged import Given
from pyoutcome.terms.measures import RecordSource
from tests.evidence.sources import declare

A = b"id,name\n1,x\n2,y\n"
B = b"id,name\n3,z\n"


def stage(tmp_path: Path, found: Given, source: RecordSource | None = None) -> StagedRecords:
    folder = tmp_path / f"copy-{len(list(tmp_path.iterdir()))}"
    folder.mkdir()
    return stage_records("raw", found, folder, source)


def write(folder: Path, **named: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    for name, data in named.items():
        (folder / f"{name}.csv").write_bytes(data)
    return folder


def test_a_folder_a_pattern_and_a_list_of_files_are_the_same_records(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", a=A, b=B)
    (folder / ".hidden.csv").write_bytes(b"junk")
    (folder / "_SUCCESS").write_bytes(b"")
    ways: list[Given] = [
        folder,
        str(folder),
        folder / "[ab].csv",
        str(folder / "*.csv"),
        [folder / "b.csv", str(folder / "a.csv")],
    ]
    staged = [stage(tmp_path, way) for way in ways]
    for each in staged:
        assert b"id,name\n1,x\n2,y\n3,z\n" == each.path.read_bytes()
        assert [("a.csv", 2, len(A)), ("b.csv", 1, len(B))] == [
            (file.name, file.rows, file.bytes) for file in each.digest.files
        ]
        assert (3, len(A) + len(B)) == (each.digest.rows, each.digest.bytes)
        assert staged[0].digest == each.digest
    assert ("record 2 of a.csv", "record 1 of b.csv") == (staged[0].place_of(1), staged[0].place_of(2))


def test_the_digest_of_many_is_that_of_their_digests_in_order_whatever_their_names(tmp_path: Path) -> None:
    one, other = hashlib.sha256(A).digest(), hashlib.sha256(B).digest()
    expected = hashlib.sha256(min(one, other) + max(one, other)).digest()
    assert expected == stage(tmp_path, write(tmp_path / "in", a=A, b=B)).digest.sha256
    assert expected == stage(tmp_path, write(tmp_path / "renamed", z=A, c=B)).digest.sha256
    assert one == stage(tmp_path, write(tmp_path / "single", a=A)).digest.sha256


def test_archives_stand_among_files(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", a=A)
    with zipfile.ZipFile(folder / "b.zip", "w") as archive:
        archive.writestr("b.csv", B)
    plain = stage(tmp_path, write(tmp_path / "plain", a=A, b=B))
    assert plain.digest == stage(tmp_path, folder).digest


def test_columns_in_another_order_are_brought_into_the_first_and_others_are_a_finding(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "in",
        a=b"id,name,note\n1,x,n\n",
        b=b'name,id,note\r\n"y,""z""",2,n\r\n',
        c=b"name,more,id\nw,?,3\n",
    )
    staged = stage(tmp_path, folder, declare("csv", "id", "name"))
    assert (
        b'id,name,note\n1,x,n\n"y,""z""",2,\nw,3,\n'.replace(b"w,3", b"3,w").replace(b'"y,""z""",2', b'2,"y,""z"""')
        == staged.path.read_bytes()
    )
    assert staged.quoted
    [finding] = staged.findings
    assert ("records-columns-differ", "raw", 2) == (finding.code, finding.subject, finding.count)
    assert "csv" not in finding.text  # what files are called says nothing about them
    same = write(tmp_path / "same", a=b"id,name\n1,x\n", b=b"name,id\r\ny,2\r\n")
    assert () == stage(tmp_path, same, declare("csv", "id", "name")).findings


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.text('ab,"\n é', max_size=4), min_size=2, max_size=2), max_size=4), st.booleans())
def test_a_reordered_file_says_what_it_said(tmp_path: Path, rows: list[list[str]], wide: bool) -> None:
    import csv
    import io

    def text(header: list[str], body: list[list[str]], ending: str) -> bytes:
        out = io.StringIO()
        csv.writer(out, lineterminator=ending, quoting=csv.QUOTE_ALL).writerows([header, *body])
        return out.getvalue().encode()

    folder = tmp_path / f"in-{len(list(tmp_path.iterdir()))}"
    turned = [[b, "more", a] if wide else [b, a] for a, b in rows]
    write(
        folder,
        a=text(["id", "name"], [["0", "0"]], "\n"),
        b=text(["name", "more", "id"] if wide else ["name", "id"], turned, "\r\n"),
    )
    staged = stage(tmp_path, folder, declare("csv", "id", "name"))
    told = list(csv.reader(io.StringIO(staged.path.read_bytes().decode(), newline=""), strict=True))
    assert [["id", "name"], ["0", "0"], *rows] == told


def test_a_file_without_a_declared_column_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", a=A, b=b"id,nmae\n1,x\n")
    with pytest.raises(EvidenceError) as caught:
        stage(tmp_path, folder, declare("csv", "id", "name"))
    assert "records-lack-column" == caught.value.code
    assert "b.csv" in caught.value.why
    assert "Did you mean 'nmae'?" == caught.value.fix


def test_from_names_the_column_of_the_file(tmp_path: Path) -> None:
    folder = write(tmp_path / "in", a=b"Order No.,name,id\n7,x,9\n")
    staged = stage(tmp_path, folder, declare("csv", "name", id="Order No."))
    assert ("id", "name", "id (not declared)") == staged.header


@pytest.mark.parametrize(
    ("name", "code"),
    [("empty", "records-no-files"), ("*.nothing", "records-no-files"), ("absent", "records-unreadable")],
)
def test_where_there_is_nothing_nothing_is_read(tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".hidden").write_bytes(A)
    with pytest.raises(EvidenceError, match=code):
        stage(tmp_path, tmp_path / name)


def test_no_path_and_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EvidenceError, match="records-no-files"):
        stage(tmp_path, [])
    monkeypatch.setattr(files, "MOST_FILES", 1)
    with pytest.raises(EvidenceError, match="records-too-many-files"):
        stage(tmp_path, write(tmp_path / "in", a=A, b=B))


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"a,b\n" + b"1,2\n" * 4000)
    data = bytearray(path.read_bytes())
    for place in range(30, len(data), 7):
        damaged = bytearray(data)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        try:
            assert 4000 == stage(tmp_path, path).digest.rows
        except EvidenceError as error:
            assert error.code.startswith("records-")  # noqa: PT017 - some damage is in words nobody reads


def test_a_quote_in_any_of_the_files_is_known(tmp_path: Path) -> None:
    assert not stage(tmp_path, write(tmp_path / "plain", a=A, b=B)).quoted
    assert stage(tmp_path, write(tmp_path / "in", a=A, b=b'id,name\n3,"z"\n')).quoted


def test_line_endings_become_those_of_the_first_file(tmp_path: Path) -> None:
    staged = stage(tmp_path, write(tmp_path / "in", a=A, b=b"id,name\r\n3,z\r\n"))
    assert b"id,name\n1,x\n2,y\n3,z\n" == staged.path.read_bytes()
    assert () == staged.findings
