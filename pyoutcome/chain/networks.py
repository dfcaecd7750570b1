"""Getting hold of a network by name or address."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pyoutcome.chain.blocks import Identity
from pyoutcome.chain.network import Network

EMBEDDED: Final = "embedded"
"""Name of the chain that lies in the workspace folder."""


def connect(name_or_url: str, folder: Path, *, recorded: Identity | None = None) -> Network:
    """``embedded`` (the chain in ``folder``, made by ``start_chain``) or the http(s) address of a node.

    ``recorded`` is what the workspace knows of its network. Close the network after use, or use it in ``with``: the
    embedded chain is locked meanwhile. Raises ChainError: ``wrong-network``, and those of the network's kind
    (``no-local-chain``, ``chain-busy``, ``chain-file-damaged``; ``bad-network-address``, ``network-unreachable``, ...).
    """
    network = _open(name_or_url, folder)
    try:
        if recorded is not None:
            network.require(recorded)
    except BaseException:
        network.close()
        raise
    return network


def start_chain(folder: Path, starts_at: int) -> None:
    """Makes the embedded chain of a new workspace; its clock begins at ``starts_at``, unix seconds.

    Choose a time before the agreement is signed. Raises ChainError: ``chain-exists``, ``bad-chain-start``.
    """
    from pyoutcome.chain.localchain import create_chain

    create_chain(folder, starts_at)


def _open(name_or_url: str, folder: Path) -> Network:
    # Each kind brings its own heavy library, which the other does not need.
    if name_or_url == EMBEDDED:
        from pyoutcome.chain.embedded import EmbeddedNetwork

        return EmbeddedNetwork(folder)
    from pyoutcome.chain.rpc import RpcNetwork

    return RpcNetwork(name_or_url)
