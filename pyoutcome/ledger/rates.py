"""Rates of the token to a book currency, each with its day and source."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from typing import Final

from pyoutcome.decimals import DECIMALS, Rounding, parse, round_to
from pyoutcome.errors import LedgerError, NumberError
from pyoutcome.ledger.entries import Rate
from pyoutcome.ledger.tables import read_table, table_malformed

COLUMNS: Final = ("date", "rate", "source")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
# Spreadsheets run a text that starts with one of these.
_SOURCE: Final = re.compile(r"[^\s=+\-@][^\x00-\x1f\x7f]{0,199}")


@dataclass(frozen=True)
class RateTable:
    """What a whole token was worth in one currency, day by day."""

    currency: str
    """ISO 4217."""
    rates: tuple[Rate, ...]
    """By day, rising."""
    cents: int = 2
    """Decimals to which amounts in the currency are rounded."""

    def on(self, day: date) -> Rate:
        """The rate of the day, or of the last day before it that has one. LedgerError ``rate-missing``."""
        found = bisect_right(self.rates, day, key=lambda rate: rate.day)
        if not found:
            raise LedgerError(
                "rate-missing",
                f"There is no rate to {self.currency} for {day.isoformat()} or any day before it.",
                "Add a rate of that day or an earlier one to the table of rates.",
                day=day.isoformat(),
            )
        return self.rates[found - 1]


def read_rates(text: str, currency: str, name: str = "rates.csv", cents: int = 2) -> RateTable:
    """A table of rates from CSV text with the columns ``date,rate,source``, in any order of days.

    A date is YYYY-MM-DD; a rate is a plain decimal above zero, book currency for one whole token. LedgerError
    ``table-malformed``, and ``currency-malformed`` if the currency is no code of three capital letters.
    """
    if not _CURRENCY.fullmatch(currency):
        raise LedgerError(
            "currency-malformed",
            f"{currency!r} is not a currency's code.",
            "Give its three capital letters of ISO 4217, such as EUR.",
            currency=currency,
        )
    rates: dict[date, Rate] = {}
    for line, row in read_table(text, COLUMNS, name):
        try:
            rate = Rate(date.fromisoformat(_matched(_DAY, row["date"])), parse(row["rate"]), row["source"])
            _matched(_SOURCE, rate.source)
        except (ValueError, NumberError) as error:
            raise table_malformed(
                name, line, f"{','.join(row.values())!r} is not a day, a rate and a source"
            ) from error
        if rate.value <= 0 or rate.day in rates:
            raise table_malformed(name, line, f"the rate of {row['date']} is not above zero, or the day occurs twice")
        rates[rate.day] = rate
    return RateTable(currency, tuple(rates[day] for day in sorted(rates)), cents)


def _matched(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(text)
    return text


def value_at(units: int, rate: Rate, unit_decimals: int, cents: int) -> int:
    """Base units in the smallest units of the book currency, rounded half to even."""
    whole: int = 10 ** (DECIMALS + unit_decimals)
    return round_to(units * rate.value * 10**cents, whole, Rounding.HALF_EVEN) // whole
