"""Settings of every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How fast a machine is at this moment is no property of the code; --durations shows what is slow.
settings.register_profile("pyoutcome", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("pyoutcome")
