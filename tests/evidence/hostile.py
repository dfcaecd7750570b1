"""Hostile expressions, files and places, each with the code it is refused with."""

from __future__ import annotations

import io
import json
import os
import socket
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb

from pyoutcome.evidence.measures.columns import ColumnType, Kind
from pyoutcome.evidence.staged import Given
from tests.evidence.deal import HEADER

COLUMNS = {
    "n": ColumnType(Kind.DECIMAL, 5, 2),
    "name": ColumnType(Kind.TEXT),
    "done": ColumnType(Kind.BOOLEAN),
    "at": ColumnType(Kind.INSTANT),
}
UNKNOWN, REFUSED, TYPE, LONG, WIDE = (
    "expression-unknown-column", "expression-refused", "expression-type", "expression-too-long", "expression-too-wide",
)  # fmt: skip
EXPRESSIONS: dict[str, list[tuple[str, str]]] = {
    "read files": [
        ("read_csv('/etc/passwd') = 1", UNKNOWN),
        ("read_text('/etc/hostname') = 'x'", UNKNOWN),
        ("n in (select * from '/etc/passwd')", UNKNOWN),
        ("pg_read_file('/etc/passwd') = 'x'", UNKNOWN),
        ("lo_import('/etc/passwd') = 1", UNKNOWN),
        ("input_file_name() = 'x'", UNKNOWN),
        ("glob('/*') is not null", UNKNOWN),
    ],
    "reach the network": [
        ("dblink('host=example.org', 'select 1') = 1", UNKNOWN),
        ("read_parquet('https://example.org/x') = 1", UNKNOWN),
        ("http_get('http://example.org') = 'x'", UNKNOWN),
    ],
    "call functions": [
        ("lower(name) = 'ua'", UNKNOWN),
        ("getenv('HOME') = 'x'", UNKNOWN),
        ("pg_sleep(1000) is null", UNKNOWN),
        ("current_setting('x') = 'y'", UNKNOWN),
        ("reflect('java.lang.System', 'exit', 1) = 1", UNKNOWN),
        ("random() < 0.5", UNKNOWN),
        ("now() > at", UNKNOWN),
        ("nextval('s') = 1", UNKNOWN),
        ("name(1) = 1", REFUSED),
        ("seconds_between(at, at)(at) > 1", REFUSED),
        ("count(*) > 1", UNKNOWN),
        ("row_number() over () = 1", UNKNOWN),
    ],
    "ask for other rows": [
        ("n in (select n from t)", UNKNOWN),
        ("exists (select 1)", UNKNOWN),
        ("(select max(n) from t) = 1", UNKNOWN),
        ("n = any (select 1)", UNKNOWN),
        ("t.n = 1", UNKNOWN),
        ("information_schema.tables is null", UNKNOWN),
        ("1 = 1 union select 1", UNKNOWN),
    ],
    "end and begin anew": [
        ("n < 15; drop table t", REFUSED),
        ("done); drop table t; --", REFUSED),
        ("n < 15 -- and more", REFUSED),
        ("n < 15 /* and more */", REFUSED),
        ("n < 15 # more", REFUSED),
        ("done' or '1' = '1", REFUSED),
        ("name = 'x' or 'a", REFUSED),
        ("n < 15)", REFUSED),
        ("(n < 15", REFUSED),
        ("set x = 1", UNKNOWN),
        ("", REFUSED),
    ],
    "quote and substitute": [
        ("name = `UA`", REFUSED),
        ("name = $$UA$$", REFUSED),
        ("name = E'\\x41'", REFUSED),
        ("name = U&'\\0041'", UNKNOWN),
        ("name = '${env:HOME}' || 'y'", REFUSED),
        ("name = '{{x}}' || 'y'", REFUSED),
        ("n = ?", REFUSED),
        ("n = $1", REFUSED),
        ("n = :p", REFUSED),
        ("n = @@version", REFUSED),
        ('"n" < 15', REFUSED),
    ],
    "look like something else": [
        ("n < \uff11\uff15", REFUSED),
        ("n\u00a0< 15", REFUSED),
        ("\u0578 < 15", REFUSED),
        ("\u200bn < 15", REFUSED),
        ("name = 'U\u202eA'", REFUSED),
        ("name = 'U\u200bA'", REFUSED),
        ("name = 'U\x00A'", REFUSED),
        ("name = 'U\nA'", REFUSED),
        ("n \u2264 15", REFUSED),
        ("name = \u2019UA\u2019", REFUSED),
    ],
    "convert": [
        ("n::text = 'x'", REFUSED),
        ("cast(n as text) = 'x'", UNKNOWN),
        ("try_cast(name as int) = 1", UNKNOWN),
        ("n = '15'", TYPE),
        ("at < '2013-02-30T00:00:00Z'", TYPE),
        ("at < 'now'", TYPE),
        ("name = 'a' collate nocase", UNKNOWN),
        ("name like '%'", UNKNOWN),
        ("n / 0 = 1", REFUSED),
        ("n % 0 = 1", REFUSED),
        ("n ** 999999 = 1", REFUSED),
    ],
    "be too much": [
        ("n < 1e999999999", REFUSED),
        ("n < 0xffffffff", REFUSED),
        ("n < 1_000", REFUSED),
        (f"n = {'9' * 39}", WIDE),
        (f"n = {'9' * 4000}", LONG),
        ("n * n * n * n * n * n * n * n = 1", WIDE),
        ("(" * 500 + "n < 1" + ")" * 500, LONG),
        ("not " * 400 + "done", LONG),
        ("- " * 900 + "n < 1", LONG),
        ("n < 1 or " * 200 + "done", LONG),
        ("case when done then 1 else " * 60 + "0" + " end" * 60 + " = 1", LONG),
        ("n in (" + "1, " * 900 + "1)", LONG),
        ("n < 1" + " " * 100_000, LONG),
    ],
}

ROW = "1,UA,9,900,2013-02-10T12:00:00Z,2013-02-10T07:00:00,true"
HEAD = HEADER.encode() + b"\n"
GOOD = HEAD + ROW.encode() + b"\n"
OBJECT = dict(zip(HEADER.split(","), ROW.split(","), strict=True))
DEEP = 100_000


def row(old: str, new: str) -> bytes:
    """The good file with something else in its record."""
    assert old in ROW
    return HEAD + ROW.replace(old, new, 1).encode("utf-8", "surrogatepass") + b"\n"


def value(text: str) -> bytes:
    """A JSON record whose delay is written so."""
    return json.dumps(OBJECT).replace('"9"', text).encode() + b"\n"


def archive(*members: tuple[str, bytes], lie: Callable[[bytes], bytes] = bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as written:
        for name, data in members:
            written.writestr(name, data)
    return lie(held.getvalue())


def flag(data: bytes, here: int, there: int, word: bytes) -> bytes:
    """An archive with other words in both headers of its file."""
    central = data.index(b"PK\x01\x02") + there
    changed = data[:here] + word + data[here + 2 :]
    return changed[:central] + word + changed[central + 2 :]


def parquet(select: str) -> bytes:
    """A Parquet file of what DuckDB selects."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY ({select}) TO '{folder}/x.parquet' (FORMAT parquet)")
        return (Path(folder) / "x.parquet").read_bytes()


TYPED = {
    "id": "1::INTEGER", "carrier": "'UA'", "delay": "9::INTEGER", "departed": "900::INTEGER",
    "at": "TIMESTAMPTZ '2013-02-10 12:00:00Z'", "local": "TIMESTAMP '2013-02-10 07:00:00'", "done": "true",
}  # fmt: skip


def stored(**others: str) -> Callable[[], bytes]:
    """A Parquet record with something else in some columns; nothing leaves a column out."""
    columns = {name: text for name, text in (TYPED | others).items() if text}
    return lambda: parquet("SELECT " + ", ".join(f'{text} AS "{name}"' for name, text in columns.items()))


Made = bytes | Callable[[], bytes]
CSV, VALUE, NO_FILE, PARQUET, JSON = (
    "records-malformed-csv", "records-malformed-value", "records-unreadable", "records-malformed-parquet",
    "records-malformed-json",
)  # fmt: skip
FILES: dict[str, list[tuple[str, str, Made, str]]] = {
    "texts": [
        ("an invalid byte", "in.csv", row("UA", "UA").replace(b"UA", b"\xff"), "records-not-utf8"),
        ("another encoding", "in.csv", GOOD.decode().encode("utf-16"), "records-not-utf8"),
        ("half a surrogate pair", "in.csv", row("UA", "\ud800"), "records-not-utf8"),
        ("an overlong encoding", "in.csv", row("UA", "UA").replace(b"UA", b"\xc0\xaf"), "records-not-utf8"),
        ("NUL", "in.csv", row("UA", "U\0A"), "records-have-nul"),
        ("a quote inside", "in.csv", row("UA", 'U"A'), CSV),
        ("text after a quote", "in.csv", row("UA", '"U"A'), CSV),
        ("a quote without end", "in.csv", row("UA", '"UA'), CSV),
        ("an escaped quote", "in.csv", row("UA", '"U\\"A"'), CSV),
        ("a field too few", "in.csv", row(",true", ""), CSV),
        ("a field too many", "in.csv", row("true", "true,x"), CSV),
        ("a blank line", "in.csv", GOOD + b"\n" + GOOD[len(HEAD) :], CSV),
        ("other line endings", "in.csv", GOOD.replace(b"true\n", b"true\r\n"), CSV),
        ("a lone carriage return", "in.csv", row("UA", "U\rA"), CSV),
        ("a record without end", "in.csv", row("UA", "x" * (5 << 20)), CSV),
        ("semicolons", "in.csv", GOOD.replace(b",", b";"), "records-lack-column"),
        ("nothing", "in.csv", b"", "records-bad-header"),
        ("a name twice", "in.csv", GOOD.replace(b"local", b"at"), "records-bad-header"),
        ("a name in other capitals", "in.csv", GOOD.replace(b"local", b"AT"), "records-bad-header"),
        ("a thousand columns", "in.csv", b",".join(b"c%d" % n for n in range(2000)) + b"\n", "records-bad-header"),
        ("a header without end", "in.csv", b"x" * (5 << 20), "records-bad-header"),
    ],
    "values": [
        ("a formula", "in.csv", row(",9,", ",=1+1,"), VALUE),
        ("a statement", "in.csv", row(",9,", ",9); DROP TABLE r; --,"), VALUE),
        ("an exponent", "in.csv", row(",9,", ",1e4,"), VALUE),
        ("no number", "in.csv", row(",9,", ",NaN,"), VALUE),
        ("without end", "in.csv", row(",9,", ",Infinity,"), VALUE),
        ("another base", "in.csv", row(",9,", ",0x10,"), VALUE),
        ("digits of another script", "in.csv", row(",9,", ",\uff19,"), VALUE),
        ("too many digits", "in.csv", row(",9,", f",{'9' * 400},"), VALUE),
        ("no such day", "in.csv", row("2013-02-10T12", "2013-02-30T12"), VALUE),
        ("no such hour", "in.csv", row("T12:00:00Z", "T24:00:00Z"), VALUE),
        ("a word for a time", "in.csv", row("2013-02-10T12:00:00Z", "infinity"), VALUE),
        ("a word for true", "in.csv", row("true", "yes"), VALUE),
        ("no key", "in.csv", row("1,UA", ",UA"), "records-without-key"),
        ("a key twice", "in.csv", GOOD + GOOD[len(HEAD) :], "records-duplicate"),
    ],
    "json": [
        ("brackets without end", "in.json", b"[" * DEEP, JSON),
        ("objects without end", "in.json", b'{"a":' * DEEP, JSON),
        ("a name twice", "in.json", b'{"id": 1, ' + value('"9"')[1:], JSON),
        ("NaN", "in.json", value("NaN"), JSON),
        ("Infinity", "in.json", value("-Infinity"), JSON),
        ("a list for a value", "in.json", value("[9]"), JSON),
        ("an object for a value", "in.json", value('{"$gt": 0}'), JSON),
        ("a number without end", "in.json", value("1e999999999"), VALUE),
        ("a comment", "in.json", b"// x\n" + value('"9"'), JSON),
        ("single quotes", "in.json", b"{'id': '1'}\n", JSON),
        ("a comma too many", "in.json", value('"9"').replace(b"}", b",}"), JSON),
        ("half of it", "in.json", value('"9"')[:-20], JSON),
        ("NUL in a text", "in.json", value('"9"').replace(b"UA", b"U\\u0000A"), "records-not-text"),
        ("half a surrogate pair", "in.json", value('"9"').replace(b"UA", b"\\ud800"), "records-not-text"),
        ("an object too large", "in.json", value('"' + "9" * (2 << 20) + '"'), JSON),
        ("a page of HTML", "in.json", b"<html></html>", JSON),
    ],
    "parquet": [
        ("text", "in.parquet", GOOD, PARQUET),
        ("only its ends", "in.parquet", b"PAR1PAR1", PARQUET),
        ("a footer larger than the file", "in.parquet", b"PAR1" + b"\xff\xff\xff\x7f" + b"PAR1", PARQUET),
        ("half of it", "in.parquet", lambda: stored()()[:200], PARQUET),
        ("a broken footer", "in.parquet", lambda: stored()()[:-60] + b"\xff" * 52 + stored()()[-8:], PARQUET),
        ("a text for a number", "in.parquet", stored(delay="'9'"), "records-parquet-type"),
        ("a nested column", "in.parquet", stored(delay="{'a': 9}"), "records-parquet-type"),
        ("a list", "in.parquet", stored(delay="[9]"), "records-parquet-type"),
        ("an inexact number", "in.parquet", stored(delay="9.5::FLOAT"), "records-parquet-type"),
        ("a number beyond its digits", "in.parquet", stored(delay="999999::INTEGER"), VALUE),
        ("no number", "in.parquet", stored(delay="'NaN'::DOUBLE"), VALUE),
        ("nanoseconds", "in.parquet", stored(local="'2013-02-10 07:00:00'::TIMESTAMP_NS"), "records-parquet-type"),
        ("a time without zone", "in.parquet", stored(at="TIMESTAMP '2013-02-10 12:00:00'"), "records-parquet-type"),
        ("a column missing", "in.parquet", stored(delay=""), "records-lack-column"),
        ("a name twice", "in.parquet", lambda: stored(delaz="1")().replace(b"delaz", b"DELAY"), "records-bad-header"),
        ("NUL", "in.parquet", stored(carrier="'U' || chr(0) || 'A'"), VALUE),
    ],
    "archives": [
        ("two files", "in.zip", archive(("a.csv", GOOD), ("b.csv", GOOD)), NO_FILE),
        ("a file above its folder, and another", "in.zip", archive(("../a.csv", GOOD), ("/etc/x", GOOD)), NO_FILE),
        ("no file", "in.zip", archive(), NO_FILE),
        ("only a folder", "in.zip", archive(("a/", b"")), NO_FILE),
        ("no archive", "in.zip", GOOD, NO_FILE),
        ("half of one", "in.zip", archive(("a.csv", GOOD), lie=lambda data: data[: len(data) // 2]), NO_FILE),
        ("zeros that unpack without end", "in.zip", archive(("a.csv", bytes(64 << 20))), "records-have-nul"),
        ("a line that unpacks without end", "in.zip", archive(("a.csv", HEAD + b"x" * (64 << 20))), CSV),
        ("an archive in an archive", "in.zip", archive(("a.zip", archive(("a.csv", GOOD)))), "records-not-utf8"),
        ("a wrong checksum", "in.zip", archive(("a.csv", GOOD), lie=lambda d: d.replace(d[14:18], b"abcd")), NO_FILE),
        ("a password", "in.zip", archive(("a.csv", GOOD), lie=lambda data: flag(data, 6, 8, b"\1\0")), NO_FILE),
        (
            "an unknown packing",
            "in.zip",
            archive(("a.csv", GOOD), lie=lambda data: flag(data, 8, 10, b"\x63\0")),
            NO_FILE,
        ),
    ],
}


def made(folder: Path, make: Callable[[Path], object]) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "in.csv"
    make(path)
    return path


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))


PLACES: list[tuple[str, Callable[[Path], Given], str]] = [
    ("nothing there", lambda here: here / "absent.csv", NO_FILE),
    ("a pipe that nobody writes to", lambda here: made(here, os.mkfifo), NO_FILE),
    ("a socket", lambda here: made(here, bind), NO_FILE),
    ("a device without end", lambda _: "/dev/zero", NO_FILE),
    ("a device of nothing", lambda _: Path("/dev/null"), NO_FILE),
    ("a link to nothing", lambda here: made(here, lambda path: path.symlink_to("absent")), NO_FILE),
    ("a link to itself", lambda here: made(here, lambda path: path.symlink_to(path)), NO_FILE),
    ("a link to a device", lambda here: made(here, lambda path: path.symlink_to("/dev/zero")), NO_FILE),
    ("a folder of nothing", lambda here: made(here, Path.mkdir), "records-no-files"),
    ("a folder of pipes", lambda here: made(here / "pipes", os.mkfifo).parent, "records-no-files"),
    ("a path with NUL", lambda here: f"{here}/a\0.csv", NO_FILE),
    ("a path without end", lambda here: here / ("x" * 5000), NO_FILE),
    ("a pattern of nothing", lambda here: f"{here}/**/*.csv", "records-no-files"),
    ("upwards", lambda here: here / ".." / ".." / ".." / "absent" / ".." / "x.csv", NO_FILE),
    ("a file's address", lambda _: "file:///etc/passwd", "records-url"),
    ("an address inside a file", lambda _: "zip://x.csv::file:///etc/passwd", "records-url"),
    ("a chain of addresses", lambda _: "simplecache::https://example.org/x.csv", "records-url"),
    ("another protocol", lambda _: "ftp://example.org/x.csv", "records-url"),
    ("an address of no kind", lambda _: "jdbc:sqlite://x", "records-url"),
    ("a text in the address", lambda _: "data://text/csv,id", "records-url"),
    ("no paths", lambda _: [], "records-no-files"),
]  # fmt: skip
