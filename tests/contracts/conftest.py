from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contracts.node import running_node
from tests.contracts.runner import Runner, running_contract
from tests.contracts.stage import BEGIN, Ground, prepare_ground


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    """The program verifier and machine of the contracts, compiled once, on a node of the test process."""
    with running_contract() as url:
        yield Runner(url)


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    """The shipped contracts on a node of the test process, for stories."""
    with running_node(BEGIN) as node:
        yield prepare_ground(node)
