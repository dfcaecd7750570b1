"""JSON as hostile text: objects one after another, numbers as they are written, and nothing that readers take two ways.

A file is either one array of objects or objects separated by line breaks (JSON lines; an object may span lines). It is
read piece by piece, so that only one object need fit memory. Source of the rules: RFC 8259; refused besides are what it
leaves to each reader: names that stand twice in one object, ``NaN`` and ``Infinity``.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.sources.files import HashedFile

DEEPEST: Final = 64
"""Brackets that may stand inside one another."""

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_FLAT: Final = re.compile(r'(?:[^"\[\]{}]++|"(?:[^"\\]|\\.)*+"?)*+', re.DOTALL)
"""All up to the next bracket outside a text; possessive, so that it never goes back."""


class Numeral(str):
    """A number exactly as it is written."""

    __slots__ = ()


class _Refused(ValueError):  # noqa: N818 - never leaves this module
    """Why a JSON text is not taken."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Refused(f"the name {twice[:40]!a} stands twice in one object")
    return made


def _constant(word: str) -> NoReturn:
    raise _Refused(f"{word} is no number in JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=Numeral, parse_float=Numeral, parse_constant=_constant
)


def _is_too_deep(text: str, at: int) -> bool:
    """Whether the object that begins at ``at`` nests too many brackets, as far as it is there."""
    depth = 0
    while (flat := _FLAT.match(text, at)) and flat.end() < len(text):
        at = flat.end() + 1
        depth += 1 if text[at - 1] in "[{" else -1
        if depth <= 0 or depth > DEEPEST:
            return depth > DEEPEST
    return False


class ObjectReader:
    """The objects of one file, in their order."""

    def __init__(self, file: HashedFile, longest: int) -> None:
        self.read = 0
        """Objects read so far."""
        self._file = file
        self._longest = longest
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._line = 1
        self._ended = False

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Raises EvidenceError ``records-malformed-json``, ``records-not-utf8``, ``records-too-large``."""
        array = self._next_sign() == "["
        if array:
            self._at += 1
            if self._next_sign() == "]":
                self._at += 1
                self._finish()
                return
        elif not self._next_sign():
            self.refuse("it is empty")
        while True:
            yield self._object()
            self.read += 1
            sign = self._next_sign(within_line=not array)
            if array and sign == ",":
                self._at += 1
            elif array and sign == "]":
                self._at += 1
                break
            elif array:
                self.refuse("a comma or the closing bracket is missing after an object")
            elif sign and sign not in "\r\n":
                self.refuse("objects must stand in lines of their own")
            elif not self._next_sign():
                break
        self._finish()

    def refuse(self, why: str) -> NoReturn:
        """Refuses the file at the object being read."""
        raise EvidenceError(
            "records-malformed-json",
            f"The records {self._file.name!r} in {self._file.origin} are refused at object {self.read + 1}, "
            f"line {self._line}: {why}.",
            "Export them again as JSON (RFC 8259): one array of objects, or one object per line.",
            file=str(self._file.origin),
            line=self._line,
            record=self.read + 1,
        )

    def _finish(self) -> None:
        if self._next_sign():
            self.refuse("something follows the closing bracket")

    def _object(self) -> dict[str, Any]:
        if self._next_sign() != "{":
            self.refuse("an object must stand here")
        wanted = 1
        while True:
            # Before the decoder sees it: how deep that can go before the process ends depends on the process.
            if _is_too_deep(self._text, self._at):
                self.refuse(f"its brackets are nested too deep, over {DEEPEST}")
            try:
                found, end = _DECODER.raw_decode(self._text, self._at)
            except _Refused as error:
                # Met inside a piece that may not be whole, but no text after it can mend it.
                self.refuse(str(error))
            except json.JSONDecodeError as error:
                if self._ended or len(self._text) - self._at > self._longest:
                    self.refuse(
                        f"{error.msg[:1].lower()}{error.msg[1:]}"
                        if self._ended or error.pos < self._at + self._longest
                        else f"it is longer than {self._longest} characters"
                    )
                # The object may only be cut off here: read as much again as is there already.
                self._more(wanted)
                wanted *= 2
                continue
            if end - self._at > self._longest:
                self.refuse(f"it is longer than {self._longest} characters")
            self._line += self._text.count("\n", self._at, end)
            self._at = end
            return found  # type: ignore[no-any-return]

    def _next_sign(self, *, within_line: bool = False) -> str:
        """The next character that is no white space; empty at the end. ``within_line``: line breaks count too."""
        while True:
            if within_line:
                while self._at < len(self._text) and self._text[self._at] in " \t":
                    self._at += 1
                end = self._at
            else:
                found = _SPACE.match(self._text, self._at)
                end = found.end() if found else self._at
            self._line += self._text.count("\n", self._at, end)
            self._at = end
            if end < len(self._text):
                return self._text[end]
            if self._ended:
                return ""
            self._more(1)

    def _more(self, pieces: int) -> None:
        """Reads on; what lies behind is forgotten."""
        held = [self._text[self._at :]]
        for _ in range(pieces):
            chunk = self._file.read()
            self._ended = not chunk
            try:
                held.append(self._decoder.decode(chunk, final=self._ended))
            except UnicodeDecodeError as error:
                line = self._line + held[0].count("\n")
                raise EvidenceError(
                    "records-not-utf8",
                    f"The records {self._file.name!r} in {self._file.origin} are not UTF-8 text at or after line "
                    f"{line}.",
                    "Export them again as UTF-8; other encodings would be guessed, and guessed differently.",
                    file=str(self._file.origin),
                    line=line,
                ) from error
            if self._ended:
                break
        self._text, self._at = "".join(held), 0
