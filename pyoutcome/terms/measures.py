"""Where records are and how a KPI is counted from them: data only; the evidence package turns it into queries."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from pyoutcome.decimals import ONE
from pyoutcome.terms.calendar import Zone
from pyoutcome.terms.part import Part
from pyoutcome.terms.quality import Quality
from pyoutcome.terms.scalars import Duration, Exact, Line, Missing, Mode, Moment, Percent, Positive, Whole, Word
from pyoutcome.terms.spelling import Json

EVERYTHING: Final = "everything"
"""Denominator that counts every record of the period."""

ColumnType = Literal["text", "decimal", "instant", "wall", "boolean"]
RecordFormat = Literal["csv", "json", "parquet", "prometheus", "opentelemetry", "table"]
"""How records are written: CSV text; a JSON array or JSON lines of objects; Parquet; a Prometheus `query_range` answer;
OpenTelemetry metrics as OTLP/JSON; a table that the engine holds already."""


class Column(Part):
    """One column of a file of records."""

    SHAPE: ClassVar[Json] = {
        "if": {"required": ["type"], "properties": {"type": {"const": "decimal"}}},
        "then": {"required": ["digits"]},
        "else": {"properties": {"digits": False}},
        "allOf": [
            {
                "if": {"required": ["zone"]},
                "then": {"properties": {"type": {"const": "wall"}}},
            }
        ],
    }

    type: ColumnType
    """``instant``: a time with zone or in UTC; ``wall``: a local time without zone, read in its ``zone``."""
    digits: Annotated[Whole, Field(ge=1, le=38)] | None = None
    """Of a decimal: all its digits."""
    scale: Annotated[Whole, Field(ge=0, le=38)] = 0
    """Of a decimal: its digits behind the point."""
    zone: Zone | None = None
    """Of a wall: the zone whose clocks it shows, if that is not the agreement's."""
    from_: Annotated[Line | None, Field(alias="from")] = None
    """What the records call it, if that is another name: of JSON a path such as ``a.b``, of Prometheus ``labels.x``, of
    OpenTelemetry ``attributes.x`` or ``resource.x``."""


class LateRule(Part):
    """A record counts only if it is received in time."""

    column: Word
    """The column that says when it was received."""
    within: Duration
    """After the end of the period its anchor lies in."""


class RecordSource(Part):
    """Raw records that measures count."""

    ASKED = ("duplicates", "late")

    format: RecordFormat
    null_words: tuple[Exact, ...] = ()
    """Texts that mean that a value is missing; an empty field always does."""
    columns: Annotated[dict[Word, Column], Field(min_length=1, max_length=500)]
    """The columns that matter; a file may have others."""
    key: Annotated[tuple[Word, ...], Field(min_length=1)]
    """Columns that tell records apart."""
    duplicates: Literal["refuse", "collapse"] | None = None
    """Two records with one key: ``refuse`` them, or ``collapse`` those equal in every declared column into one, and
    refuse others. Must be written."""
    late: Literal["counts"] | LateRule | None = None
    """Whether a record counts whenever it is received, or only in time. Must be written."""
    metrics: Annotated[tuple[Line, ...] | None, Field(min_length=1, max_length=100)] = None
    """Of OpenTelemetry: the metrics read; without it all are."""
    step: Duration | None = None
    """Of Prometheus: the time from one sample to the next; a longer one is a gap, which is a finding."""
    quality: Quality | None = None
    """What is expected of the records, and what becomes of what measuring finds in them."""


class Versions(Part):
    """Records are versions of items, and one version of each item counts."""

    ASKED = ("version", "by")

    item: Annotated[tuple[Word, ...], Field(min_length=1, max_length=20)]
    """Columns that tell items apart."""
    version: Literal["latest", "earliest"] | None = None
    """Which one counts. Must be written."""
    by: Annotated[tuple[Word, ...], Field(max_length=20)] = ()
    """Columns that order an item's versions. Must be written."""


class Exclusions(Part):
    """What is left out although it lies in the period."""

    windows: Annotated[tuple[Word, ...], Field(max_length=50)] = ()
    """Names of agreed windows."""
    flags: Annotated[tuple[Word, ...], Field(max_length=50)] = ()
    """Columns of type boolean: a record for which one is true is left out."""


class Window(Part):
    """A time that counts for nobody, such as agreed maintenance."""

    from_: Annotated[Moment, Field(alias="from")]
    """Its first instant."""
    to: Moment
    """The first instant after it."""
    reason: Line


class _Counted(Part):
    """What every kind says."""

    records: Word
    """The record source."""
    anchor: Word
    """The column whose time puts a thing into a period."""
    provider: Word | None = None
    """The column that names the provider; of a KPI per provider only."""
    where: Exact | None = None
    """Condition on the things that count at all."""
    except_: Annotated[Exclusions | None, Field(alias="except")] = None


class _Grained(_Counted):
    grain: Literal["record"] | Versions | None = None
    """What one counted thing is: a record, or an item of which one version counts. May be left out only where the
    source's key is a single column: then it is a record."""


class Count(_Grained):
    """The number of things."""

    kind: Literal["count"]


class DistinctCount(_Grained):
    """The number of different values of a column; a missing one is none."""

    kind: Literal["distinct_count"]
    of: Word


class Ratio(_Grained):
    """Things that satisfy the numerator, per thing that satisfies the denominator."""

    ASKED = ("denominator", "rounding")

    kind: Literal["ratio"]
    numerator: Exact
    """Condition on a thing."""
    denominator: Exact | None = None
    """Condition on a thing, or ``everything``. Must be written."""
    rounding: Mode | None = None
    """How the quotient is rounded to the KPI's decimals. Must be written."""


class _Valued(_Grained):
    ASKED = ("missing", "rounding")

    value: Exact
    """The number that each thing has."""
    missing: Missing | None = None
    """A thing without that number is left out (``skip``), stops the measurement (``refuse``), or has this number. Must
    be written."""
    divide_by: Positive = ONE
    """What the result is divided by, such as 3600 to make hours of seconds."""
    rounding: Mode | None = None
    """How the result is rounded to the KPI's decimals. Must be written."""


class Sum(_Valued):
    """The sum of the values."""

    kind: Literal["sum"]


class Mean(_Valued):
    """The sum of the values, per thing that has one."""

    kind: Literal["mean"]


class WeightedMean(_Valued):
    """The sum of the values times their weights, per unit of weight."""

    kind: Literal["weighted_mean"]
    weight: Exact
    """The number each value counts by, 0 or more."""


class Least(_Valued):
    """The least value."""

    kind: Literal["min"]


class Greatest(_Valued):
    """The greatest value."""

    kind: Literal["max"]


class Percentile(_Valued):
    """The value that so many percent of the things do not exceed."""

    kind: Literal["percentile"]
    percent: Percent
    method: Literal["nearest_rank", "interpolated"] = "nearest_rank"
    """``nearest_rank``: of n values in ascending order the one at place ceil(percent / 100 * n). ``interpolated``:
    between the values at the places around 1 + percent / 100 * (n - 1), in proportion."""


class TimeShare(_Counted):
    """The time during which items are in a state, per time during which their state is known."""

    ASKED = ("rounding",)

    kind: Literal["time_share"]
    item: Annotated[tuple[Word, ...], Field(min_length=1, max_length=20)]
    """Columns that tell items apart."""
    state: Exact
    """Condition on a record; it holds from the record's time until the item's next record."""
    ties: Word | None = None
    """The column that orders records of one item with the same time; without it they are refused."""
    rounding: Mode | None = None
    """How the share is rounded to the KPI's decimals. Must be written."""


Measure = Annotated[
    Ratio | Count | Sum | Mean | WeightedMean | Least | Greatest | Percentile | DistinctCount | TimeShare,
    Field(discriminator="kind"),
]
"""How a KPI's value comes from records."""
ValuedMeasure = Sum | Mean | WeightedMean | Least | Greatest | Percentile
"""The kinds that calculate with a number of each thing."""
