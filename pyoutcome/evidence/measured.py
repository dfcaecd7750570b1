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
    """Records counted."""
    denominator: int | None
    """Records they are a share of; None for a count."""
    value: int | None
    """Scaled to 18 decimals and rounded to the KPI's decimals; None if missing."""
    query: str
    """The SQL that gives the two counts, over the typed records."""

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
