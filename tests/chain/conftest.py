"""Networks to run one behaviour suite on: the embedded chain and anvil, each fresh for its test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyoutcome.chain.network import Network
from pyoutcome.chain.networks import connect, start_chain
from pyoutcome.errors import ChainError
from tests.anvil import STARTS_AT, running_anvil

ROOT = Path(__file__).parents[2]
KINDS = ("embedded", "anvil")


@pytest.fixture(params=KINDS)
def network(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Network]:
    """A fresh local network of either kind."""
    with fresh_network(request.param, tmp_path) as found:
        yield found


@contextmanager
def fresh_network(kind: str, folder: Path) -> Iterator[Network]:
    """A local network of that kind, with nothing on it."""
    if kind == "embedded":
        start_chain(folder, STARTS_AT)
        with connect("embedded", folder) as found:
            yield found
    else:
        with running_anvil() as url, connect(url, folder) as found:
            yield found


@contextmanager
def refused(code: str) -> Iterator[pytest.ExceptionInfo[ChainError]]:
    """Expects a ChainError with exactly this code."""
    with pytest.raises(ChainError) as info:
        yield info
    assert code == info.value.code
