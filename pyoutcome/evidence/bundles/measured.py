"""What a measurement says: plain values, free of the engine that found them."""

from __future__ import annotations

from dataclasses import dataclass

from pyoutcome.evidence.findings import Finding
from pyoutcome.evidence.staged import SourceDigest

__all__ = ["Finding", "Measured", "MeasuredValue"]


@dataclass(frozen=True)
class MeasuredValue:
    """One KPI value of one period, and what it was made from."""

    kpi: str
    """The KPI's name in the file: ``on_time``."""
    provider: str | None
    """Whose value it is; None for the whole agreement."""
    numerator: int
    """What is divided: records, microseconds, or whole numbers of the last decimal; of a count the value itself."""
    denominator: int | None
    """What it is divided by, ``divide_by`` and the decimals of the values included; 0 if there is nothing; None for a
    count."""
    value: int | None
    """Scaled to 18 decimals and rounded to the KPI's decimals; None if missing."""
    query: str
    """The SQL that gives the figures they are made of, over the typed records."""
    figures: tuple[tuple[str, int | None], ...] = ()
    """What the query gives, in the order of its columns: whole numbers of each one's last decimal, None if missing."""
    raw: int | None = None
    """The value as it was measured, scaled and rounded; ``value`` differs from it only if it lay outside the range and
    the agreement says what happens then."""

    @property
    def name(self) -> str:
        """Full name: ``on_time.UA``."""
        return self.kpi if self.provider is None else f"{self.kpi}.{self.provider}"


@dataclass(frozen=True)
class Measured:
    """All that the records say about one period."""

    period: int
    values: tuple[MeasuredValue, ...]
    """In the program's KPI order."""
    sources: tuple[SourceDigest, ...]
    findings: tuple[Finding, ...]
