"""What people should know about the records, whoever found it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["warning", "accepted"]
"""What is fatal stops the measurement with an error, so no finding says it."""

_HARMLESS: Final = re.compile(r"[A-Za-z0-9_.:+ -]{1,60}")


@dataclass(frozen=True)
class Finding:
    """Something in the records that people should know; it stops nothing."""

    code: str
    """One of ``pyoutcome.terms.quality.FINDINGS``."""
    subject: str
    """The source of records, or the KPI's full name."""
    count: int
    """How many records it concerns."""
    text: str
    severity: Severity = "warning"
    """``accepted``: a rule of the agreement says what happens then."""
    rule: str | None = None
    """Of what is accepted, the rule: ``records.flights.late``."""


def show_cell(value: str | None) -> str:
    """A value of hostile records for people: plain if it is harmless, else quoted and escaped."""
    if value is None:
        return "missing"
    return value if _HARMLESS.fullmatch(value) else ascii(value if len(value) <= 60 else value[:57] + "...")
