"""CSV text, checked before any engine reads it.

A CSV file is UTF-8 (RFC 3629), comma-separated and quoted as RFC 4180 says, with one header line, one line ending
throughout and the same number of fields in every record. Everything that readers are known to understand differently
is refused: NUL, invalid UTF-8, a quote inside an unquoted field, a backslash before a quote, ragged records, blank
lines, a lone carriage return.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from typing import Final, NoReturn

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.staged import LONGEST_RECORD

MOST_COLUMNS: Final = 1000

_FIELD: Final = rb'(?>"(?:[^"]++|"")*+"|[^",\r\n]*+)'
_PLAIN: Final = rb'[^",\r\n]*+'
_NO_SIGNS: Final = bytes(set(range(256)) - set(b'",\r\n'))


class CsvChecker:
    """Reads a CSV file piece by piece and refuses it at the first fault."""

    def __init__(self, name: str, origin: str) -> None:
        self.name = name
        self.origin = origin
        self.header: tuple[str, ...] = ()
        self.newline = "\n"
        self.quoted = False
        self.records = 0
        self._line = 1
        self._rest = b""
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, chunk: bytes) -> None:
        """Checks every record that ends in the text so far."""
        self._check_bytes(chunk, last=False)
        self._rest += chunk
        if not self.header and not self._take_header():
            return
        self._take_records()
        if len(self._rest) > LONGEST_RECORD:
            self._refuse()

    def finish(self) -> bytes:
        """Checks the last record; what the copy lacks at its end."""
        self._check_bytes(b"", last=True)
        ending = b""
        if self._rest:
            head = self.newline if self.header else "\r\n" if self._rest.endswith(b"\r") else "\n"
            ending = head[1:].encode() if self._rest.endswith(b"\r") else head.encode()
            self._rest += ending
            if self.header or self._take_header():
                self._take_records()
        if self._rest:
            self._refuse()
        if not self.header:
            self._bad_header("it is empty")
        return ending

    def _check_bytes(self, chunk: bytes, *, last: bool) -> None:
        try:
            self._decoder.decode(chunk, last)
        except UnicodeDecodeError as error:
            line = self._line + (self._rest + chunk[: error.start]).count(b"\n")
            raise EvidenceError(
                "records-not-utf8",
                f"The records {self.name!r} in {self.origin} are not UTF-8 text at or near line {line}.",
                "Export them again as UTF-8; other encodings would be guessed, and guessed differently.",
                file=self.origin,
                line=line,
            ) from error
        if b"\0" in chunk:
            line = self._line + (self._rest + chunk[: chunk.index(b"\0")]).count(b"\n")
            raise EvidenceError(
                "records-have-nul",
                f"The records {self.name!r} in {self.origin} contain a NUL byte in line {line}.",
                "Export them again as plain text; databases disagree on NUL.",
                file=self.origin,
                line=line,
            )
        # A backslash and the quote it stands before may lie in two pieces.
        if (b"\\" in chunk and b'\\"' in chunk) or (self._rest.endswith(b"\\") and chunk.startswith(b'"')):
            line = self._line + (self._rest + chunk.partition(b'\\"')[0]).count(b"\n")
            self._malformed(line, "a quote follows a backslash, which some readers take as an escape")

    def _take_header(self) -> bool:
        end = self._rest.find(b"\n")
        if end < 0:
            if len(self._rest) > LONGEST_RECORD:
                self._bad_header("its first line is too long")
            return False
        line, self._rest = self._rest[: end + 1], self._rest[end + 1 :]
        self.newline = "\r\n" if line.endswith(b"\r\n") else "\n"
        if not re.fullmatch(_FIELD + rb"(?:," + _FIELD + rb")*+" + self.newline.encode(), line):
            self._bad_header("its first line is not one line of comma-separated names")
        csv.field_size_limit(LONGEST_RECORD)
        names = next(csv.reader(io.StringIO(line.decode("utf-8"), newline=""), strict=True), [])
        if any(not field for field in names):
            self._bad_header("a column has no name")
        if len({field.casefold() for field in names}) < len(names):
            self._bad_header("two columns have the same name, apart from capitals")
        if len(names) > MOST_COLUMNS:
            self._bad_header(f"it has more than {MOST_COLUMNS} columns")
        self.header = tuple(names)
        self._line = 2
        more, end_of_line = len(names) - 1, self.newline.encode()
        # A lone column may be empty only in quotes: a blank line is no record.
        first = rb"(?!\r?\n)"
        plain = rb"%b%b(?:,%b){%d}%b" % (first, _PLAIN, _PLAIN, more, end_of_line)
        any_ = rb"%b%b(?:,%b){%d}%b" % (first, _FIELD, _FIELD, more, end_of_line)
        self._plain = re.compile(rb"(?:%b)*+" % plain)
        self._any = re.compile(rb"(?:%b)*+" % any_)
        self._one = re.compile(any_)
        return True

    def _take_records(self) -> None:
        if not self._take_plain():
            self._take_any()

    def _take_plain(self) -> bool:
        """Takes all whole lines if no field is quoted and each line has its fields, as in most files.

        The signs of such lines are those of one line over and over, which is found quicker than any match.
        """
        end = self._rest.rfind(b"\n") + 1
        lines, newline = self._rest[:end], self.newline.encode()
        line = b"," * (len(self.header) - 1) + newline
        signs = lines.translate(None, _NO_SIGNS)
        count = len(signs) // len(line)
        if signs != line * count or (len(newline) > 1 and lines.count(newline) != count):
            return False
        # A lone column may be empty only in quotes: a blank line is no record.
        if len(self.header) == 1 and (lines.startswith(newline) or 2 * newline in lines):
            return False
        self.records += count
        self._line += count
        self._rest = self._rest[end:]
        return True

    def _take_any(self) -> None:
        text = self._rest
        plain = self._plain.match(text)
        middle = plain.end() if plain else 0
        self.records += text.count(b"\n", 0, middle)
        mixed = self._any.match(text, middle)
        end = mixed.end() if mixed else middle
        if end > middle:
            self.quoted = True
            self.records += sum(1 for _ in self._one.finditer(text, middle, end))
        self._line += text.count(b"\n", 0, end)
        self._rest = text[end:]

    def _refuse(self) -> NoReturn:
        """Says what is wrong with the record the remaining text begins with."""
        text = self._rest[:LONGEST_RECORD]
        fields = re.compile(_FIELD)
        at, count = 0, 0
        while True:
            found = fields.match(text, at)
            at = found.end() if found else at
            count += 1
            if text[at : at + 1] != b",":
                break
            at += 1
        after = text[at : at + 2]
        if not text.strip(b"\r\n"):
            why = "it is blank"
        elif at >= len(text):
            why = f"it is longer than {LONGEST_RECORD} bytes"
        elif after[:1] == b'"' and text[at - 1 : at] in {b",", b""}:
            why = "a quoted field does not end"
        elif after[:1] == b'"' or b'"' in text[max(0, at - 1) : at]:
            why = "a quote stands inside a field that is not quoted, or text follows a closing quote"
        elif count != len(self.header) and after[:1] in {b"\n", b"\r"}:
            why = f"it has {count} fields and the header has {len(self.header)}"
        else:
            why = "its line ending is not that of the first line"
        self._malformed(self._line, why)

    def _malformed(self, line: int, why: str) -> NoReturn:
        raise EvidenceError(
            "records-malformed-csv",
            f"The records {self.name!r} in {self.origin} are refused at line {line}: {why}.",
            "Export them again as CSV: commas between fields, quotes doubled inside quoted ones, one record per line.",
            file=self.origin,
            line=line,
        )

    def _bad_header(self, why: str) -> NoReturn:
        raise EvidenceError(
            "records-bad-header",
            f"The records {self.name!r} in {self.origin} have no usable header: {why}.",
            "Let the first line name every column once, as the agreement names them.",
            file=self.origin,
        )
