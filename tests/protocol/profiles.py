"""How long Hypothesis searches: a short, repeatable run by default; ``PYOUTCOME_HYPOTHESIS=deep`` for long ones."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

DEEP = os.environ.get("PYOUTCOME_HYPOTHESIS") == "deep"
_SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

STORIES = settings(
    max_examples=4_000 if DEEP else 120,
    stateful_step_count=120 if DEEP else 40,
    derandomize=not DEEP,
    deadline=None,
    suppress_health_check=_SLOW_IS_FINE,
)
"""For whole stories of a state machine."""
CASES = settings(
    max_examples=20_000 if DEEP else 120, derandomize=not DEEP, deadline=None, suppress_health_check=_SLOW_IS_FINE
)
"""For one property on drawn values."""
WALKS = 20_000 if DEEP else 1_200
"""Seeded random stories."""
