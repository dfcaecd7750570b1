from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.runner import Runner, running_contract


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    """The program verifier and machine of the contracts, compiled once, on a node of the test process."""
    with running_contract() as url:
        yield Runner(url)
