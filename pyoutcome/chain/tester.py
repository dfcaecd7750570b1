"""The embedded chain as an eth-tester chain, for web3.py and other tools that know one.

pyoutcome itself does not go this way: eth-tester takes 0.4 s to load, finds receipts by reading every block, and
tells a contract's refusal as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth_tester import EthereumTester
from eth_tester.backends.pyevm.main import PyEVMBackend
from web3 import EthereumTesterProvider, Web3

from pyoutcome.chain.depth import limit_depth

if TYPE_CHECKING:
    from pyoutcome.chain.embedded import EmbeddedNetwork
    from pyoutcome.chain.localchain import LocalChain

limit_depth()


class StoredBackend(PyEVMBackend):  # type: ignore[misc]  # eth-tester has no types
    """eth-tester's backend on an embedded network; every block is kept in its file."""

    def __init__(self, network: EmbeddedNetwork) -> None:
        self._network = network
        self.account_keys = ()

    @property
    def chain(self) -> LocalChain:
        """The network's chain as it is now."""
        return self._network.chain

    def mine_blocks(self, *args: Any, **kwargs: Any) -> tuple[bytes, ...]:
        """Like eth-tester's, and kept."""
        blocks: tuple[bytes, ...] = super().mine_blocks(*args, **kwargs)
        self._network.keep()
        return blocks


def open_web3(network: EmbeddedNetwork) -> Web3:
    """web3.py on an open embedded network."""
    return Web3(EthereumTesterProvider(EthereumTester(StoredBackend(network))))
