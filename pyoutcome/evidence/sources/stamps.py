"""Times given as numbers since 1970, as texts of instants; whole numbers only, never through a float."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

_SECONDS: Final = re.compile(r"-?[0-9]{1,11}(?:\.[0-9]{1,30})?")
_NANOSECONDS: Final = re.compile(r"[0-9]{1,20}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LEAST: Final = -30_610_224_000_000_000
_MOST: Final = 253_402_300_799_999_999
"""Microseconds of the years 1000 to 9999, which all engines and the written form know."""


def micros_of_seconds(text: str) -> tuple[int, bool] | None:
    """Microseconds since 1970 of a number of seconds, toward the past, and whether that is all of it.

    None if it is no such number or not in the years 1000 to 9999.
    """
    if not _SECONDS.fullmatch(text):
        return None
    sign, digits, exponent = Decimal(text).as_tuple()
    whole = int("".join(map(str, digits))) * (-1 if sign else 1)
    places = -int(exponent)
    return _split(whole * 10**6, 10**places) if places > 0 else _split(whole * 10**6, 1)


def micros_of_nanoseconds(text: str) -> tuple[int, bool] | None:
    """Microseconds since 1970 of a whole number of nanoseconds; as ``micros_of_seconds``."""
    return _split(int(text), 1000) if _NANOSECONDS.fullmatch(text) else None


def _split(number: int, divisor: int) -> tuple[int, bool] | None:
    micros, rest = divmod(number, divisor)
    return (micros, not rest) if _LEAST <= micros <= _MOST else None


def instant_text(micros: int) -> str:
    """The instant in the written form of the column type ``instant``."""
    return (_EPOCH + timedelta(microseconds=micros)).isoformat(timespec="microseconds")
