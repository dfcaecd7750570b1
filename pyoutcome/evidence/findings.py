"""What people should know about the records, whoever found it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something in the records that people should know; it stops nothing."""

    code: str
    """``records-outside-term``, ``records-without-anchor``, ``records-of-others``, ``records-late``,
    ``records-without-item``, ``values-skipped`` or ``nothing-to-count``; of what a
    format brings ``samples-not-numbers``, ``samples-lacking``, ``stamps-truncated`` or ``records-columns-differ``."""
    subject: str
    """The source of records, or the KPI's full name."""
    count: int
    """How many records it concerns."""
    text: str
