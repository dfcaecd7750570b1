"""Records in plain English: what a record holds, which of them stand, and how conditions on them are read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from pyoutcome.formula.words import list_words
from pyoutcome.terms.calendar import read_moment
from pyoutcome.terms.file import AgreementFile
from pyoutcome.terms.measures import Column, LateRule, Measure, RecordSource, Window
from pyoutcome.terms.naming import quoted
from pyoutcome.terms.quality_rules import quality_words
from pyoutcome.terms.scalars import show_duration

_FORMATS: Final = {
    "csv": "CSV files",
    "json": "JSON files",
    "parquet": "Parquet files",
    "prometheus": "answers of Prometheus to a range query",
    "opentelemetry": "OpenTelemetry metrics in JSON",
    "table": "a database table",
}
_EXPRESSIONS: Final = ("where", "numerator", "denominator", "state", "value", "weight")
_SIGNS: Final = (
    (r"'", "Text is compared byte by byte, capitals and blanks included."),
    (
        r"\bseconds_between\b",
        "`seconds_between(a, b)` is the time from `a` to `b` in seconds, below 0 if `b` is the earlier.",
    ),
    (
        r"\bcase\b",
        "`case when C then V else W end` is `V` where `C` holds, else `W`; without `else` it is missing.",
    ),
    (r"\bbetween\b", "`a between b and c` holds if `a` is at least `b` and at most `c`."),
    (r"\bin\b", "`a in (b, c)` holds if `a` is one of those in the brackets."),
    (r"<>|!=", "`<>` and `!=` mean that the two are not equal."),
)
"""What stands in an expression, and the sentence that explains it."""
SHOWN: Final = frozenset(("is null", *(shown for _, sentence in _SIGNS for shown in re.findall("`([^`]+)`", sentence))))
"""What these sentences set apart."""


def code(text: str) -> str:
    """A name or condition of the records as the file writes it, set apart from the words around it."""
    return f"`{text.replace('`', '``')}`"


def codes(names: Sequence[str]) -> list[str]:
    """Several of them."""
    return [code(each) for each in names]


def expressions(measure: Measure) -> Iterator[str]:
    """Every condition and number that a measure asks of a record."""
    for key in _EXPRESSIONS:
        text = getattr(measure, key, None)
        if text is not None:
            yield text


def reading_words(file: AgreementFile) -> Iterator[str]:
    """How what the KPIs say of records is read; nothing if no KPI says how it is counted."""
    measures = [kpi.measure for kpi in file.kpis.values() if kpi.measure is not None]
    if not measures:
        return
    yield (
        "Each KPI says from which records it is counted, and which of their times puts them into a period: a record "
        "belongs to the period in which that time lies. Names of records and columns, and conditions on them, stand in "
        "this text as the agreement file writes them."
    )
    asked = [text for measure in measures for text in expressions(measure)]
    if not asked:
        return
    plain = [re.sub(r"'[^']*'", "''", text) for text in asked]
    said = [sentence for sign, sentence in _SIGNS if any(re.search(sign, each) for each in plain)]
    unknown = "A condition on a missing value does not hold, unless it asks by `is null` whether the value is missing."
    yield " ".join([unknown, *said])


def source_words(name: str, source: RecordSource, zone: str) -> str:
    """What the records of a source hold and which of them stand; ``zone`` is the agreement's."""
    columns = [_column_words(each, column, zone) for each, column in source.columns.items()]
    sentences = [f"{code(name)}: {_FORMATS[source.format]} in which each record has {list_words(columns)}."]
    empty = "An empty field is a missing value"
    if source.null_words:
        empty += f", and so is the text {list_words(map(quoted, sorted(source.null_words)), 'or')}"
    sentences.append(f"{empty}.")
    sentences.append(_key_words(source))
    if source.metrics is not None:
        many = "this metric is" if len(source.metrics) == 1 else "these metrics are"
        sentences.append(f"Only {many} read: {list_words(map(quoted, source.metrics))}.")
    if source.step is not None:
        sentences.append(f"If more than {show_duration(source.step)} lie between two samples, that is a gap.")
    if isinstance(source.late, LateRule):
        time = show_duration(source.late.within)
        sentences.append(
            f"A record of a period is late if its {code(source.late.column)} lies more than {time} after the end of "
            "that period, or is not known. Late records are left out before anything else is done."
        )
    else:
        sentences.append("A record counts no matter when it is received.")
    return " ".join([*sentences, *quality_words(source)])


def window_words(name: str, windows: Sequence[Window], zone: str) -> str:
    """Times that measures may leave out."""
    listed = "; ".join(
        f"from {_instant(read_moment(each.from_, zone))} to {_instant(read_moment(each.to, zone))} "
        f"({quoted(each.reason)})"
        for each in windows
    )
    return f"{code(name)}: {listed}. A window includes its start and excludes its end."


def clock_words(column: Column, zone: str) -> str:
    """Which clock a column of times is read by; empty of an exact time."""
    return f"local time in {column.zone or zone}" if column.type == "wall" else ""


def _column_words(name: str, column: Column, zone: str) -> str:
    said = code(name)
    about = [
        {
            "text": "text",
            "boolean": "true or false",
            "instant": "an exact time",
            "wall": f"a {clock_words(column, zone)}",
            "decimal": _number_words(column),
        }[column.type]
    ]
    if column.from_ is not None:
        about.append(f"called {quoted(column.from_)} in the records")
    return f"{said} ({', '.join(about)})"


def _number_words(column: Column) -> str:
    digits = f"{column.digits} digit{'' if column.digits == 1 else 's'}"
    if not column.scale:
        return f"a whole number of up to {digits}"
    return f"a number of up to {digits}, {column.scale} of them after the point"


def _key_words(source: RecordSource) -> str:
    own = f"its own {code(source.key[0])}"
    if len(source.key) > 1:
        own = f"its own combination of {list_words(codes(source.key))}"
    if source.duplicates == "collapse":
        return (
            f"Each record has {own}. Further records with the same are refused, unless they are equal in all columns "
            "named here: then they count once."
        )
    return f"Each record has {own}; a second one with the same is refused."


def _instant(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
