"""The embedded chain as an eth-tester chain, for web3.py and other tools that know one.

pyoutcome itself does not go this way: eth-tester takes 0.4 s to load, finds receipts by reading every block, and
tells a contract's refusal as text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eth_tester import EthereumTester
from eth_tester.backends.pyevm.main import PyEVMBackend
from web3 import EthereumTesterProvider, Web3

from pyoutcome.chain.depth import limit_depth

if TYPE_CHECKING:
    from pyoutcome.chain.localchain import LocalChain

limit_depth()


class StoredBackend(PyEVMBackend):  # type: ignore[misc]  # eth-tester has no types
    """eth-tester's backend on an embedded network's chain, asked for anew each time; ``keep`` writes every block to its
    file."""

    def __init__(self, chain: Callable[[], LocalChain], keep: Callable[[], None]) -> None:
        self._chain = chain
        self._keep = keep
        self.account_keys = ()

    @property
    def chain(self) -> LocalChain:
        """The network's chain as it is now."""
        return self._chain()

    def mine_blocks(self, *args: Any, **kwargs: Any) -> tuple[bytes, ...]:
        """Like eth-tester's, and kept."""
        blocks: tuple[bytes, ...] = super().mine_blocks(*args, **kwargs)
        self._keep()
        return blocks


def open_web3(chain: Callable[[], LocalChain], keep: Callable[[], None]) -> Web3:
    """web3.py on the chain of an open embedded network; every block is kept."""
    return Web3(EthereumTesterProvider(EthereumTester(StoredBackend(chain, keep))))
