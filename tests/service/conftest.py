"""A node of one's own for each test: its clock only goes forward."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.anvil import running_anvil


@pytest.fixture
def url() -> Iterator[str]:
    with running_anvil() as address:
        yield address


@pytest.fixture(autouse=True)
def untouched_log() -> Iterator[None]:
    """What a test does to the log is undone."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
