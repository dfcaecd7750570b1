"""Where records are and how a KPI is counted from them: data only; the evidence package turns it into queries."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from pyoutcome.decimals import Rounding
from pyoutcome.terms.scalars import Duration, Exact, Line, Mode, Part, Whole, Word

EVERYTHING: Final = "everything"
"""Denominator that counts every record of the period."""

ColumnType = Literal["text", "decimal", "instant", "wall", "boolean"]
RecordFormat = Literal["csv", "json", "parquet", "prometheus", "opentelemetry", "table"]
"""How records are written: CSV text; a JSON array or JSON lines of objects; Parquet; a Prometheus `query_range` answer;
OpenTelemetry metrics as OTLP/JSON; a table that the engine holds already."""


class Column(Part):
    """One column of a file of records."""

    type: ColumnType
    """``instant``: a time with zone or in UTC; ``wall``: a local time without zone, read in the agreement's zone."""
    digits: Annotated[Whole, Field(ge=1, le=38)] | None = None
    """Of a decimal: all its digits."""
    scale: Annotated[Whole, Field(ge=0, le=38)] = 0
    """Of a decimal: its digits behind the point."""
    from_: Annotated[Line | None, Field(alias="from")] = None
    """What the records call it, if that is another name: of JSON a path such as ``a.b``, of Prometheus ``labels.x``, of
    OpenTelemetry ``attributes.x`` or ``resource.x``."""


class RecordSource(Part):
    """Raw records that measures count."""

    format: RecordFormat
    null_words: tuple[Exact, ...] = ()
    """Texts that mean that a value is missing; an empty field always does."""
    columns: Annotated[dict[Word, Column], Field(min_length=1, max_length=500)]
    """The columns that matter; a file may have others."""
    key: Annotated[tuple[Word, ...], Field(min_length=1)]
    """Columns that tell records apart."""
    duplicates: Literal["refuse"] = "refuse"
    """What happens when two records have the same key."""
    metrics: Annotated[tuple[Line, ...] | None, Field(min_length=1, max_length=100)] = None
    """Of OpenTelemetry: the metrics read; without it all are."""
    step: Duration | None = None
    """Of Prometheus: the time from one sample to the next; a longer one is a gap, which is a finding."""


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
