"""Static types of record columns: the written form each accepts, and the engine type it becomes.

Records arrive as text. A value is compared whole with its column's form before any cast, because engines disagree on
what a loose cast accepts (``1_000``, full-width digits, ``24:00``, a seventh fractional digit).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_DIGITS: Final = 38
"""Digits of the widest exact decimal that every engine keeps."""

_DATE = r"[1-9][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_OFFSET = r"(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"


class Kind(StrEnum):
    """The types an expression can have."""

    TEXT = "text"
    DECIMAL = "decimal"
    INSTANT = "instant"
    """A moment: date, time and offset from UTC."""
    WALL = "wall"
    """Date and time as a clock on the wall shows them, without offset."""
    BOOLEAN = "boolean"


@dataclass(frozen=True)
class ColumnType:
    """A static type. Of a decimal, ``digits`` counts all digits and ``scale`` those after the point."""

    kind: Kind
    digits: int = 0
    scale: int = 0

    @property
    def whole(self) -> int:
        """Digits before the decimal point."""
        return self.digits - self.scale

    @property
    def sql(self) -> str:
        """The engine's type."""
        match self.kind:
            case Kind.DECIMAL:
                return f"DECIMAL({self.digits},{self.scale})"
            case Kind.INSTANT:
                return "TIMESTAMPTZ"
            case Kind.WALL:
                return "TIMESTAMP"
            case Kind.BOOLEAN:
                return "BOOLEAN"
            case Kind.TEXT:
                return "VARCHAR"

    @property
    def form(self) -> str:
        """Regular expression a value of this type matches whole (RE2 and Python read it alike)."""
        match self.kind:
            case Kind.DECIMAL:
                part = rf"(?:\.[0-9]{{1,{self.scale}}})?" if self.scale else ""
                return (rf"-?[0-9]{{1,{self.whole}}}" if self.whole else "-?0") + part
            case Kind.INSTANT:
                return f"{_DATE}[T ]{_TIME}{_OFFSET}"
            case Kind.WALL:
                return f"{_DATE}[T ]{_TIME}"
            case Kind.BOOLEAN:
                return "true|false|True|False|TRUE|FALSE"
            case Kind.TEXT:
                return "(?s:.*)"

    def accepts(self, text: str) -> bool:
        """Whether ``text`` is written in this type's form."""
        return re.fullmatch(self.form, text) is not None

    def __str__(self) -> str:
        match self.kind:
            case Kind.DECIMAL if self.scale:
                return f"a number of up to {self.digits} digits, {self.scale} of them after the point"
            case Kind.DECIMAL:
                return f"a whole number of up to {self.digits} digits"
            case Kind.INSTANT:
                return "an instant such as 2013-01-31T23:59:59Z or 2013-01-31T18:59:59-05:00"
            case Kind.WALL:
                return "a wall-clock time such as 2013-01-31T23:59:59"
            case Kind.BOOLEAN:
                return "true or false"
            case Kind.TEXT:
                return "a text"


TEXT: Final = ColumnType(Kind.TEXT)
SECONDS: Final = ColumnType(Kind.DECIMAL, 19, 6)
"""Of ``seconds_between``: any count of microseconds that 64 bits hold, so any two times of a column."""
ROW_DIGITS: Final = 10
"""Digits of the number of records that sums leave room for."""
MOST_ROWS: Final = 10**ROW_DIGITS - 1


def common_type(left: ColumnType, right: ColumnType) -> ColumnType | None:
    """The type two values are compared in; None if they cannot be compared or exceed 38 digits."""
    if left.kind is not right.kind:
        return None
    if left.kind is not Kind.DECIMAL:
        return left
    scale = max(left.scale, right.scale)
    digits = max(left.whole, right.whole) + scale
    return ColumnType(Kind.DECIMAL, digits, scale) if digits <= MAX_DIGITS else None
