"""Networks to run one behaviour suite on: the embedded chain and anvil, each fresh for its test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyoutcome.chain.network import Network
from pyoutcome.errors import ChainError
from tests.anvil import Line
from tests.chain.couriers import Post, post_and_node
from tests.chain.scene import Scene, fresh_network, scene_on

ROOT = Path(__file__).parents[2]
KINDS = ("embedded", "anvil")


@pytest.fixture(params=KINDS)
def network(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Network]:
    """A fresh local network of either kind."""
    with fresh_network(request.param, tmp_path) as found:
        yield found


@pytest.fixture(params=KINDS)
def offer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """An escrow that is created and neither funded nor active."""
    with scene_on(request.param, tmp_path) as scene:
        yield scene


@pytest.fixture
def active(offer: Scene) -> Scene:
    """Funded with 20,000 tokens and active."""
    offer.start()
    return offer


@contextmanager
def refused(code: str) -> Iterator[pytest.ExceptionInfo[ChainError]]:
    """Expects a ChainError with exactly this code."""
    with pytest.raises(ChainError) as info:
        yield info
    assert code == info.value.code


@pytest.fixture
def node_post(tmp_path: Path) -> Iterator[tuple[Post, Line]]:
    """A post on an anvil that makes blocks only when told."""
    with post_and_node(tmp_path) as (post, node):
        node.ask("evm_setAutomine", False)
        yield post, node
