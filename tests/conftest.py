"""Settings of every test."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, is_hypothesis_test, settings

# How fast a machine is at this moment is no property of the code; --durations shows what is slow.
settings.register_profile("pyoutcome", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("pyoutcome")

FEW = 10
"""Examples per property in a mutation run, where every mutant goes through all tests."""

if os.environ.get("PYOUTCOME_HYPOTHESIS") == "few":
    sys.setrecursionlimit(20_000)  # the stand-in of a mutated function is several calls deep

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
        """Few examples, always the same and never made smaller, and plain tests before properties."""
        for item in items:
            if is_property(item):
                test: Any = item.obj  # type: ignore[attr-defined]
                own = test._hypothesis_internal_use_settings  # the profile does not reach what a test sets itself
                test._hypothesis_internal_use_settings = settings(
                    own,
                    max_examples=min(own.max_examples, FEW),
                    derandomize=True,
                    database=None,
                    phases=(Phase.explicit, Phase.generate),
                )
        items.sort(key=is_property)


def is_property(item: pytest.Item) -> bool:
    """Does Hypothesis draw this test's arguments?"""
    return isinstance(item, pytest.Function) and is_hypothesis_test(item.obj)
