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
    """``records-outside-term``, ``records-without-anchor``, ``records-of-others``, ``records-late``,
    ``records-without-item``, ``records-collapsed``, ``records-absent``, ``received-before-anchor``, ``count-unusual``,
    ``value-near-threshold``, ``value-clamped``, ``value-dropped``, ``values-skipped`` or ``nothing-to-count``; of what
    a format brings ``samples-not-numbers``, ``samples-lacking``, ``stamps-truncated``, ``answers-with-warnings`` or
    ``records-columns-differ``."""
    subject: str
    """The source of records, or the KPI's full name."""
    count: int
    """How many records it concerns."""
    text: str
    severity: Severity = "warning"
    """``accepted``: a rule of the agreement says what happens then."""
    rule: str | None = None
    """Of what is accepted, the rule: ``records.flights.late``."""
