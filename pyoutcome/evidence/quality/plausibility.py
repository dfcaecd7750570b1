"""What is remarkable in a period although nothing is wrong: no records, unusual counts, values next to a threshold.

All of it follows from the records and the agreement, so that everybody who measures finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from pyoutcome.decimals import DECIMALS, show
from pyoutcome.evidence.findings import Finding
from pyoutcome.formula.words import list_words

if TYPE_CHECKING:
    from pyoutcome.formula.nearness import Nearness
    from pyoutcome.terms.kpis import AgreementKpi

USUAL: Final = 10
"""Fewer things than this in the middle one of the periods before make no usual count."""


def find_absent(source: str, anchor: str, period: int, things: int) -> Iterator[Finding]:
    """The finding on a period in which a source has nothing at all."""
    if not things:
        yield Finding("records-absent", source, 0, f"No record of {source} has its {anchor} in period {period}.")


def find_unusual(kpi: str, period: int, counts: Mapping[int, int]) -> Iterator[Finding]:
    """The finding on a period with far more or fewer things than the periods before it; ``counts`` by period."""
    if not is_usual(counts, period):
        return
    before = sorted(counts.get(number, 0) for number in range(1, period))
    # Twice the median, so that it is a whole number for an even number of periods too.
    doubled = before[len(before) // 2] + before[(len(before) - 1) // 2]
    now = counts.get(period, 0)
    if doubled <= 4 * now <= 4 * doubled:
        return
    than = "less than half" if 4 * now < doubled else "more than twice"
    usual = show(doubled * 10**DECIMALS // 2)
    yield Finding(
        "count-unusual", kpi, now, f"{kpi} looks at {now} in period {period}, {than} the median of before, {usual}."
    )


def is_usual(things: Mapping[int, int], period: int) -> bool:
    """Whether the periods before have things enough to say what is usual: ten in the middle one of them."""
    before = sorted(things.get(number, 0) for number in range(1, period))
    return bool(before) and before[len(before) // 2] + before[(len(before) - 1) // 2] >= 2 * USUAL


def find_thresholds(kpi: AgreementKpi, nearness: Nearness) -> Iterator[Finding]:
    """The finding on a value within one unit of its last decimal of a number at which the payment rule turns.

    These are the edges of tables and bands, the corners of curves, limits, and what is compared, of the KPI or of what
    is defined by it; the ends of its range are none.
    """
    if kpi.shape.type != "number" or kpi.name not in nearness.known:
        return
    turns = nearness.turns(kpi.shape)
    if turns:
        told = list_words(
            kpi.show(turn.at) if turn.of == kpi.name else f"{_short(turn.of)} = {show(turn.at)}" for turn in turns
        )
        value = kpi.show(nearness.known[kpi.name])
        yield Finding(
            "value-near-threshold",
            kpi.name,
            0,
            f"{kpi.name} is {value}, within one unit of its last decimal of {told}, where the payment turns.",
        )


def _short(formula: str) -> str:
    return formula if len(formula) <= 60 else formula[:57] + "..."
