"""Records and measures in plain English: every choice that changes a value is said, also the ones made by default."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from pyoutcome.decimals import ONE, Rounding, show
from pyoutcome.terms.calendar import read_moment
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.kpis import Kpi
from pyoutcome.terms.measures import (
    EVERYTHING,
    Column,
    Count,
    DistinctCount,
    Greatest,
    LateRule,
    Least,
    Mean,
    Measure,
    Percentile,
    Ratio,
    RecordSource,
    Sum,
    TimeShare,
    ValuedMeasure,
    Versions,
    WeightedMean,
    Window,
)
from pyoutcome.terms.naming import quoted
from pyoutcome.terms.quality_rules import quality_words
from pyoutcome.terms.scalars import show_duration

_ROUNDED: Final = {
    Rounding.DOWN: "toward zero",
    Rounding.UP: "away from zero",
    Rounding.HALF_UP: "to the nearest, ties away from zero",
    Rounding.HALF_EVEN: "to the nearest, ties to the even digit",
    Rounding.FLOOR: "downward",
    Rounding.CEIL: "upward",
}
_FORMATS: Final = {
    "csv": "CSV records",
    "json": "JSON records",
    "parquet": "Parquet records",
    "prometheus": "answers of Prometheus to a range query",
    "opentelemetry": "OpenTelemetry metrics in JSON",
    "table": "a database table",
}
_UNKNOWN: Final = (
    "A condition on a missing value does not hold, unless it asks whether the value is missing. Text is compared byte "
    "by byte."
)


def source_words(name: str, source: RecordSource, zone: str) -> str:
    """What a KPI is counted from; ``zone`` is the agreement's."""
    words = "".join(f" or {quoted(word)}" for word in sorted(source.null_words))
    same = (
        "records with the same key that are equal in all these columns count once, and others with the same key are "
        "refused"
        if source.duplicates == "collapse"
        else "a second record with the same key is refused"
    )
    sentences = [
        f"{name}: {_FORMATS[source.format]}.",
        f"Columns: {', '.join(_column_words(each, column, zone) for each, column in source.columns.items())}.",
        f"A value is missing if it is an empty field{words}.",
        f"Records are told apart by {', '.join(source.key)}; {same}.",
    ]
    if source.metrics is not None:
        sentences.append(f"Only these metrics are read: {', '.join(map(quoted, source.metrics))}.")
    if source.step is not None:
        sentences.append(f"A time of more than {show_duration(source.step)} from one sample to the next is a gap.")
    if isinstance(source.late, LateRule):
        sentences.append(
            f"A record counts only if its {source.late.column} is at most {show_duration(source.late.within)} after "
            "the end of the period that its anchor lies in; one received later, or of which that is not known, is left "
            "out before anything else is done."
        )
    else:
        sentences.append("A record counts whenever it is received.")
    return " ".join([*sentences, *quality_words(source)])


def window_words(name: str, windows: Sequence[Window], zone: str) -> str:
    """Times that measures may leave out."""
    listed = "; ".join(
        f"from {_instant(read_moment(each.from_, zone))} to {_instant(read_moment(each.to, zone))} "
        f"({quoted(each.reason)})"
        for each in windows
    )
    return f"{name}: {listed}. A window includes its start and excludes its end."


def measure_words(kpi: Kpi, file: AgreementFile) -> str:
    """How a KPI is counted: what one thing is, which time puts it into a period, what is left out, the rounding."""
    measure = kpi.measure
    if measure is None:
        return "The records do not say how it is counted; the verifiers report it."
    if isinstance(measure, TimeShare):
        said = [_time_words(measure, file)]
    else:
        said = [_grain_words(measure), _base_words(measure, file), _kind_words(measure)]
    return " ".join([*said, *_end_words(kpi, measure)])


def _column_words(name: str, column: Column, zone: str) -> str:
    about: list[str] = [column.type]
    if column.type == "decimal":
        about.append(f"of {column.digits} digits, {column.scale} behind the point")
    if column.type == "wall":
        about.append(f"local time in {column.zone or zone}")
    if column.from_ is not None:
        about.append(f"called {quoted(column.from_)} in the records")
    return f"{name} ({', '.join(about)})"


def _grain_words(measure: Measure) -> str:
    grain = None if isinstance(measure, TimeShare) else measure.grain
    if not isinstance(grain, Versions):
        return "One thing is one record."
    end = "greatest" if grain.version == "latest" else "least"
    return (
        f"One thing is one item, told apart by {', '.join(grain.item)}; of the records of an item the {grain.version} "
        f"counts, that with the {end} {', then '.join(grain.by)}, and it alone is looked at. A record without one of "
        f"these is left out; two records of an item that are both the {grain.version} are refused."
    )


def _base_words(measure: Measure, file: AgreementFile) -> str:
    column = file.records[measure.records].columns[measure.anchor]
    clock = f"read as local time in {column.zone or file.term.zone}" if column.type == "wall" else "an exact time"
    base = f"Things of {measure.records} whose {measure.anchor} ({clock}) lies in the period"
    if measure.provider is not None:
        base += f", whose {measure.provider} is the provider's id"
    if measure.where is not None:
        base += f" and for which {_code(measure.where)} holds"
    left_out = measure.except_
    if left_out is None:
        return f"{base} count."
    out = [f"whose {measure.anchor} lies in a window of {name}" for name in left_out.windows]
    out += [f"whose {flag} is true" for flag in left_out.flags]
    return f"{base} count, but not those {' or '.join(out)}."


def _kind_words(measure: Measure) -> str:
    match measure:
        case Count():
            return "The value is their number."
        case DistinctCount():
            return f"The value is the number of different values of {measure.of} among them; a missing one is none."
        case Ratio():
            below = "all of them"
            if measure.denominator not in (EVERYTHING, None):
                below = f"those for which {_code(measure.denominator or '')} holds"
                above = f"the number of these for which {_code(measure.numerator)} holds too"
            else:
                above = f"the number for which {_code(measure.numerator)} holds"
            return f"The value is {above}, divided by the number of {below}."
        case TimeShare():
            return ""
        case _:
            return _value_words(measure)


def _value_words(measure: ValuedMeasure) -> str:
    value = f"{_code(measure.value)}"
    match measure:
        case Sum():
            result = f"the sum of {value}"
        case Mean():
            result = f"the sum of {value}, divided by the number of things that have it"
        case WeightedMean():
            result = (
                f"the sum of {value} times {_code(measure.weight)}, divided by the sum of {_code(measure.weight)}; a "
                "weight below 0 is refused"
            )
        case Least():
            result = f"the least {value}"
        case Greatest():
            result = f"the greatest {value}"
        case Percentile():
            result = _percentile_words(measure, value)
    said = f"The value is {result}."
    if measure.divide_by != ONE:
        said += f" It is divided by {show(measure.divide_by)}."
    weighted = isinstance(measure, WeightedMean)
    lacking = "that number or its weight" if weighted else "that number"
    if measure.missing == "skip":
        return f"{said} A thing without {lacking} is left out."
    if measure.missing == "refuse":
        return f"{said} A thing without {lacking} stops the measurement."
    stands_in = f"{said} A thing without that number counts as {show(int(measure.missing or 0))}."
    return f"{stands_in} A thing without a weight stops the measurement." if weighted else stands_in


def _percentile_words(measure: Percentile, value: str) -> str:
    percent = show(measure.percent)
    if measure.method == "nearest_rank":
        return (
            f"the {percent}th percentile of {value} by nearest rank: of n values in ascending order the one at place "
            f"{percent}/100 times n, rounded up"
        )
    return (
        f"the {percent}th percentile of {value}, interpolated: of n values in ascending order the one at place 1 plus "
        f"{percent}/100 times (n - 1), between two places in proportion"
    )


def _time_words(measure: TimeShare, file: AgreementFile) -> str:
    rows = f"the records of {measure.records}"
    if measure.where is not None:
        rows += f" for which {_code(measure.where)} holds"
    tied = (
        f"Of records of an item with the same time the one with the greatest {measure.ties} is the last."
        if measure.ties is not None
        else "Two records of an item with the same time are refused."
    )
    whose = (
        f" A time is the provider's whose id stands in {measure.provider} of the record." if measure.provider else ""
    )
    left_out = measure.except_
    out = [f"within a window of {name}" for name in (left_out.windows if left_out else ())]
    out += [f"from a record whose {flag} is true" for flag in (left_out.flags if left_out else ())]
    without = f" Time {' or '.join(out)} is in neither." if out else ""
    column = file.records[measure.records].columns[measure.anchor]
    clock = f"local time in {column.zone or file.term.zone}" if column.type == "wall" else "an exact time"
    return (
        f"An item, told apart by {', '.join(measure.item)}, is from the {measure.anchor} ({clock}) of each of {rows} "
        f"until that of its next one in the state that the record says; the last record before a period says the state "
        f"at its start, and the time before an item's first record is not known and not counted. {tied} The value is "
        f"the time of all items in the period for which {_code(measure.state)} holds, divided by all their time in the "
        f"period that is known.{whose}{without}"
    )


def _end_words(kpi: Kpi, measure: Measure) -> list[str]:
    if isinstance(measure, Count | DistinctCount):
        return [_UNKNOWN] if measure.where is not None else []
    decimals = f"{kpi.decimals} decimal{'' if kpi.decimals == 1 else 's'}"
    rounded = f"It is rounded once, to {decimals} {_ROUNDED[measure.rounding or Rounding.HALF_UP]}."
    nothing = "With nothing to divide by, the value is missing."
    if isinstance(measure, Sum):
        nothing = "Without any thing the sum is 0."
    elif isinstance(measure, Least | Greatest | Percentile):
        nothing = "Without any thing that has the number, the value is missing."
    return [rounded, _UNKNOWN, nothing]


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _code(condition: str) -> str:
    """A condition on records as the file writes it, set apart from the words around it."""
    return f"`{condition.replace('`', '``')}`"
