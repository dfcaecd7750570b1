"""From counts to KPI values: the one place where a measure divides and rounds."""

from __future__ import annotations

from typing import Final

from pyoutcome.decimals import DECIMALS, Rounding, fit, round_to

MISSING: Final = None
"""The value of a KPI that has nothing to count: it is missing, neither zero nor an error."""


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
