"""Records of any text format as canonical CSV: one spelling, whatever they came from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import IO, Final

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.sources.csv_text import CsvChecker
from pyoutcome.evidence.sources.files import CHUNK
from pyoutcome.evidence.staged import LONGEST_RECORD

_QUOTED: Final = re.compile(r'[",\r\n]')
_EXPONENT: Final = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)[eE]([+-]?[0-9]{1,4})")
_LONGEST_NUMBER: Final = 400


class RowWriter:
    """Writes records as CSV (UTF-8, line feeds, quotes only where needed), through the checks of any CSV file."""

    def __init__(self, name: str, origin: str, columns: Sequence[str], copy: IO[bytes]) -> None:
        self.quoted = False
        self.records = 0
        self._name = name
        self._origin = origin
        self._copy = copy
        self._checker = CsvChecker(name, origin)
        self._held: list[bytes] = []
        self._size = 0
        self._lone = len(columns) == 1
        self._put(",".join(columns))

    def write(self, fields: Sequence[str | None]) -> None:
        """One record; None and the empty text are both missing.

        Raises EvidenceError ``records-not-text`` for a value that no CSV file can hold in one way.
        """
        texts = []
        for field in fields:
            text = field or ""
            if _QUOTED.search(text):
                self.quoted = True
                if '\\"' in text or text.endswith("\\"):
                    self._refuse("a backslash stands before a quote, which some readers take as an escape")
                text = '"' + text.replace('"', '""') + '"'
            elif "\0" in text:
                self._refuse("a text holds NUL; databases disagree on it")
            texts.append(text)
        if self._lone and not texts[0]:
            self.quoted = True
            texts = ['""']
        self._put(",".join(texts))
        self.records += 1

    def finish(self) -> None:
        """Writes what is still held back."""
        self._flush()
        self._checker.finish()

    def _put(self, line: str) -> None:
        try:
            data = line.encode("utf-8")
        except UnicodeEncodeError:
            self._refuse("a text holds half of a surrogate pair, which is no character")
        if len(data) >= LONGEST_RECORD:
            self._refuse(f"it is longer than {LONGEST_RECORD} bytes")
        self._held.append(data)
        self._size += len(data)
        if self._size >= CHUNK:
            self._flush()

    def _flush(self) -> None:
        text = b"".join(data + b"\n" for data in self._held)
        self._held, self._size = [], 0
        self._checker.feed(text)
        self._copy.write(text)

    def _refuse(self, why: str) -> None:
        raise EvidenceError(
            "records-not-text",
            f"Record {self.records + 1} of the records {self._name!r} in {self._origin} is refused: {why}.",
            "Export the records again without it.",
            file=self._origin,
            record=self.records + 1,
        )


def plain_number(text: str) -> str:
    """A number without exponent, exactly: ``1.5e3`` is ``1500``. What is no such number stays as it is."""
    found = _EXPONENT.fullmatch(text)
    if found is None:
        return text
    # Plain text from the exponent alone: a context's precision would round.
    if abs(int(found[2])) + len(found[1]) > _LONGEST_NUMBER:
        return text
    plain = format(Decimal(text), "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
