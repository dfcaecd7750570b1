"""From figures to KPI values: the one place where a measure divides and rounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from pyoutcome.decimals import DECIMALS, ONE, Rounding, fit, round_to
from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.measures.plan import Aggregate, GreatestOf, LeastOf, MeasurePlan, RankOf, SumOf
from pyoutcome.terms.measures import (
    Count,
    DistinctCount,
    Greatest,
    Least,
    Mean,
    Percentile,
    Ratio,
    Sum,
    TimeShare,
    ValuedMeasure,
    WeightedMean,
)

MISSING: Final = None
"""The value of a KPI that has nothing to count: it is missing, neither zero nor an error."""
Figures = Mapping[str, int | None]
"""Each of a measure's figures, as a whole number of its own last decimal."""


@dataclass(frozen=True)
class Quotient:
    """A value before it is rounded: ``numerator / denominator``, or the numerator alone."""

    numerator: int
    denominator: int | None
    """0 if there is nothing to divide by."""


NOTHING: Final = Quotient(0, 0)


def read_figure(cell: object, aggregate: Aggregate) -> int | None:
    """An engine's answer as a whole number of the aggregate's last decimal.

    Raises EvidenceError ``engine-not-exact`` for anything that is not exact.
    """
    scale = aggregate.value.type.scale if isinstance(aggregate, SumOf | LeastOf | GreatestOf | RankOf) else 0
    if cell is None:
        return None
    if isinstance(cell, int | Decimal) and not isinstance(cell, bool) and (isinstance(cell, int) or cell.is_finite()):
        whole: Fraction = Fraction(cell) * Fraction(10**scale)
        if whole.denominator == 1:
            return whole.numerator
    raise EvidenceError(
        "engine-not-exact",
        "The engine answered with something other than exact numbers.",
        "Use the engine version that this release names.",
    )


def divide(plan: MeasurePlan, figures: Figures) -> Quotient:
    """What a measure's figures are divided to; a period without figures has nothing.

    Its denominator holds the decimals of the values and ``divide_by``.
    """
    measure = plan.measure
    numerator = figures.get("numerator") or 0
    denominator = figures.get("denominator") or 0
    match measure:
        case Count() | DistinctCount():
            return Quotient(numerator, None)
        case Ratio() | TimeShare():
            return Quotient(numerator, denominator)
        case _:
            return _divide_value(plan, measure, figures)


def _divide_value(plan: MeasurePlan, measure: ValuedMeasure, figures: Figures) -> Quotient:
    by = Fraction(measure.divide_by, ONE)
    value, present = figures.get("value"), figures.get("present") or 0
    match measure:
        case Sum():
            found = Quotient(value or 0, 1)
        case Mean():
            found = Quotient(value or 0, present)
        case WeightedMean():
            found = Quotient(figures.get("numerator") or 0, figures.get("denominator") or 0)
        case Least() | Greatest():
            found = NOTHING if value is None else Quotient(value, 1)
        case Percentile():
            found = _percentile(measure, figures)
    if not found.denominator:
        return NOTHING
    return Quotient(found.numerator * by.denominator, found.denominator * 10 ** _scale(plan) * by.numerator)


def _percentile(measure: Percentile, figures: Figures) -> Quotient:
    if measure.method == "nearest_rank":
        value = figures.get("value")
        return NOTHING if value is None else Quotient(value, 1)
    lower, upper, present = figures.get("lower"), figures.get("upper"), figures.get("present") or 0
    if lower is None or upper is None:
        return NOTHING
    share = Fraction(measure.percent, 100 * ONE)
    between = share.numerator * (present - 1) % share.denominator
    return Quotient(lower * share.denominator + between * (upper - lower), share.denominator)


def _scale(plan: MeasurePlan) -> int:
    """Decimals that the value has more than its divisor."""
    if isinstance(plan.measure, WeightedMean):
        above, below = plan.aggregates["numerator"], plan.aggregates["denominator"]
        return _decimals(above) - _decimals(below)
    return _decimals(plan.aggregates.get("value") or plan.aggregates["lower"])


def _decimals(aggregate: Aggregate) -> int:
    return aggregate.value.type.scale if isinstance(aggregate, SumOf | LeastOf | GreatestOf | RankOf) else 0


def round_quotient(quotient: Quotient, decimals: int, rounding: Rounding | None) -> int | None:
    """The quotient to ``decimals`` places, scaled to 18 decimals; missing if the denominator is 0."""
    if quotient.denominator is None:
        return scale_count(quotient.numerator)
    return round_ratio(quotient.numerator, quotient.denominator, decimals, rounding or Rounding.HALF_UP)


def round_ratio(numerator: int, denominator: int, decimals: int, rounding: Rounding) -> int | None:
    """``numerator / denominator`` to ``decimals`` places, scaled to 18 decimals; missing if the denominator is 0.

    One rounding of the exact quotient by the named mode; no intermediate result is rounded.
    """
    if denominator == 0:
        return MISSING
    return fit(round_to(numerator * 10**decimals, denominator, rounding) // denominator * 10 ** (DECIMALS - decimals))


def scale_count(count: int) -> int:
    """A count as a KPI value, scaled to 18 decimals."""
    return fit(count * 10**DECIMALS)


def in_range(value: int | None, low: int, high: int) -> bool:
    """Whether a value may be reported; a missing one may, as far as its range is concerned."""
    return value is None or low <= value <= high
