"""What people should know about the records, whoever found it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["warning", "accepted"]
"""What is fatal stops the measurement with an error, so no finding says it."""


@dataclass(frozen=True)
class Finding:
    """Something in the records that people should know; it stops nothing."""

    code: str
    """Such as ``records-outside-term``; all are listed in docs/evidence.md."""
    subject: str
    """The source of records, or the KPI's full name."""
    count: int
    """How many records it concerns."""
    text: str
    severity: Severity = "warning"
    """``accepted``: a rule of the agreement says what happens then."""
    rule: str | None = None
    """Of what is accepted, the rule: ``records.flights.late``."""
