"""KPI values that somebody wrote into a CSV file: a row for each period, a column for each KPI."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from pyoutcome.errors import AgreementError, Where
from pyoutcome.legal.comparison.payments import Values

_LARGEST: Final = 8 * 1024 * 1024
_FIRST: Final = "period"
_MISSING: Final = ("", "missing")


def read_values_file(path: str | Path) -> Values:
    """The values by period. AgreementError ``values-malformed``, with the line.

    The first row names the columns: ``period``, then KPIs by full name. An empty field, or ``missing``, is missing.
    """
    name = str(path)
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            text = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        raise _malformed(name, None, f"it cannot be read: {error}") from error
    if len(text) > _LARGEST:
        raise _malformed(name, None, f"it is longer than {_LARGEST} characters")
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    found: dict[int, dict[str, str | None]] = {}
    columns: list[str] = []
    try:
        for row in reader:
            line = reader.line_num
            if not columns:
                columns = _read_header(row, name, line)
            elif row:
                period, values = _read_row(row, columns, name, line)
                if period in found:
                    raise _malformed(name, line, f"period {period} stands there twice")
                found[period] = values
    except csv.Error as error:
        raise _malformed(name, reader.line_num, str(error)) from error
    if not found:
        raise _malformed(name, None, "it holds no period")
    return found


def _read_header(row: list[str], name: str, line: int) -> list[str]:
    columns = [each.strip() for each in row]
    if columns[:1] != [_FIRST]:
        raise _malformed(name, line, "its first column is not 'period'")
    if len(set(columns)) != len(columns):
        raise _malformed(name, line, "two of its columns have one name")
    return columns


def _read_row(row: list[str], columns: list[str], name: str, line: int) -> tuple[int, dict[str, str | None]]:
    if len(row) != len(columns):
        raise _malformed(name, line, f"it has {len(row)} fields instead of {len(columns)}")
    number, *texts = (each.strip() for each in row)
    if not (number.isascii() and number.isdecimal() and len(number) <= 9 and int(number)):
        raise _malformed(name, line, f"{number[:40]!r} is no number of a period")
    values = {kpi: None if text in _MISSING else text for kpi, text in zip(columns[1:], texts, strict=True)}
    return int(number), values


def _malformed(name: str, line: int | None, why: str) -> AgreementError:
    return AgreementError(
        "values-malformed",
        f"The file of KPI values is not one: {why}.",
        "Write a CSV file with the columns 'period' and one for each KPI, and a row for each period.",
        where=Where(name, line),
    )
