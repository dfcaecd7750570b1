"""Where records are and how a KPI is counted from them: data only; the evidence package turns it into queries."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from pyoutcome.decimals import Rounding
from pyoutcome.terms.scalars import Exact, Mode, Part, Whole, Word

EVERYTHING: Final = "everything"
"""Denominator that counts every record of the period."""

ColumnType = Literal["text", "decimal", "instant", "wall", "boolean"]


class Column(Part):
    """One column of a file of records."""

    type: ColumnType
    """``instant``: a time with zone or in UTC; ``wall``: a local time without zone, read in the agreement's zone."""
    digits: Annotated[Whole, Field(ge=1, le=38)] | None = None
    """Of a decimal: all its digits."""
    scale: Annotated[Whole, Field(ge=0, le=38)] = 0
    """Of a decimal: its digits behind the point."""


class RecordSource(Part):
    """Raw records that measures count."""

    format: Literal["csv"]
    null_words: tuple[Exact, ...] = ()
    """Texts that mean that a value is missing; an empty field always does."""
    columns: Annotated[dict[Word, Column], Field(min_length=1, max_length=500)]
    """The columns that matter; a file may have others."""
    key: Annotated[tuple[Word, ...], Field(min_length=1)]
    """Columns that tell records apart."""
    duplicates: Literal["refuse"] = "refuse"
    """What happens when two records have the same key."""


class Ratio(Part):
    """Records that satisfy the numerator, per record that satisfies the denominator."""

    kind: Literal["ratio"]
    records: Word
    """The record source."""
    anchor: Word
    """The column whose time puts a record into a period."""
    provider: Word | None = None
    """The column that names the provider; of a KPI per provider only."""
    where: Exact | None = None
    """Condition on the records that count at all."""
    numerator: Exact
    """Condition on a record."""
    denominator: Exact = EVERYTHING
    """Condition on a record, or ``everything``."""
    rounding: Mode = Rounding.HALF_UP
    """How the quotient is rounded to the KPI's decimals."""


class Count(Part):
    """Records that satisfy the condition."""

    kind: Literal["count"]
    records: Word
    anchor: Word
    provider: Word | None = None
    where: Exact | None = None


Measure = Annotated[Ratio | Count, Field(discriminator="kind")]
"""How a KPI's value comes from records."""
