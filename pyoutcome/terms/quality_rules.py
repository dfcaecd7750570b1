"""What an agreement says about the quality of records: whether it makes sense, and in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pyoutcome.errors import AgreementError, did_you_mean
from pyoutcome.formula.words import list_words
from pyoutcome.terms.clause_checks import Problem
from pyoutcome.terms.measures import RecordSource
from pyoutcome.terms.problems import Path
from pyoutcome.terms.quality import FINDINGS
from pyoutcome.terms.scalars import show_duration

_SORTED: Final = ("csv", "json", "parquet")
"""Formats whose records stand in an order that somebody has written them in."""


def quality_problems(path: Path, source: RecordSource) -> Iterator[Problem]:
    """What is wrong with what is expected of a source."""
    expected = source.quality
    if expected is None:
        return
    if expected.gap is None and expected.order is None and not expected.findings:
        yield (
            (*path, "quality"),
            AgreementError(
                "nothing-expected",
                "Nothing is expected of the records here.",
                "Write 'gap', 'order' or 'findings', or delete 'quality'.",
            ),
        )
    for code in expected.findings:
        if code not in FINDINGS:
            yield (
                (*path, "quality", "findings", code),
                AgreementError(
                    "unknown-finding", f"Measuring finds nothing called {code!r}.", did_you_mean(code, FINDINGS)
                ),
            )
    if expected.order is None:
        return
    place = (*path, "quality", "order")
    column = source.columns.get(expected.order)
    if column is None:
        yield (
            place,
            AgreementError(
                "unknown-column",
                f"The records have no column {expected.order!r}.",
                did_you_mean(expected.order, source.columns),
                name=expected.order,
            ),
        )
    elif column.type not in ("instant", "wall"):
        yield (
            place,
            AgreementError(
                "bad-column",
                f"The column {expected.order!r} is of type {column.type}.",
                "Name a column of type instant or wall.",
            ),
        )
    if source.format not in _SORTED:
        yield (
            place,
            AgreementError(
                "no-order-of-records",
                f"Records of the format {source.format} stand in no order that somebody has written them in.",
                f"Delete 'order'; it is for {', '.join(_SORTED)}.",
            ),
        )


def quality_words(source: RecordSource) -> list[str]:
    """The sentences on what is expected of a source."""
    expected = source.quality
    if expected is None:
        return []
    said = []
    if expected.gap is not None:
        said.append(
            f"Within a period no more than {show_duration(expected.gap)} may pass without a record; a longer time is "
            "reported."
        )
    if expected.order is not None:
        said.append(
            f"The records of a file stand in the order of their `{expected.order}`; one that does not is reported."
        )
    for severity, follows in (
        ("fatal", "nothing is measured until that is put right"),
        ("warning", "a warning is given"),
        ("accepted", "that is accepted and changes nothing"),
    ):
        found = [FINDINGS[code] for code in sorted(expected.findings) if expected.findings[code] == severity]
        if found:
            said.append(f"If measuring finds {list_words(found, 'or')}, {follows}.")
    return said
