from __future__ import annotations

import pytest

from tests.contracts.runner import Runner


@pytest.fixture(scope="session")
def runner() -> Runner:
    """The program verifier and machine of the contracts, compiled once."""
    return Runner()
