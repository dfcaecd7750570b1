"""Settings of every test."""

from __future__ import annotations

import gc
import os
import sys
from functools import cache
from typing import Any

import pytest
import typer.testing
from hypothesis import HealthCheck, Phase, is_hypothesis_test, settings
from typer.main import get_command

# How fast a machine is at this moment is no property of the code; --durations shows what is slow.
settings.register_profile("pyoutcome", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("pyoutcome")

# Eleven thousand tests are a heap that Python would look through again and again for what nobody holds any more.
gc.set_threshold(50_000, 20, 50)

# The command's options are read anew for every call that a test makes: 50 ms each time, for the same result.
pytest.MonkeyPatch().setattr(typer.testing, "_get_command", cache(get_command))

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


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is loaded and collected stays to the end, and is not looked through for garbage."""
    gc.collect()
    gc.freeze()


def pytest_configure(config: pytest.Config) -> None:
    """Tells pytest-xdist, where it is installed, which process runs which tests."""
    if config.pluginmanager.hasplugin("xdist"):
        from tests import sharing

        config.pluginmanager.register(sharing)


def is_property(item: pytest.Item) -> bool:
    """Does Hypothesis draw this test's arguments?"""
    return isinstance(item, pytest.Function) and is_hypothesis_test(item.obj)
