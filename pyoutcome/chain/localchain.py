"""The chain inside an embedded network: py-evm on top of the chain's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

from eth.abc import BlockHeaderAPI, TransactionBuilderAPI
from eth.chains.base import MiningChain
from eth.constants import (
    BLANK_ROOT_HASH,
    POST_MERGE_DIFFICULTY,
    POST_MERGE_MIX_HASH,
    POST_MERGE_NONCE,
    ZERO_ADDRESS,
)
from eth.db.atomic import AtomicDB
from eth.db.backends.base import BaseDB
from eth.vm.forks.prague import PragueVM
from eth_typing import Address, BlockNumber
from eth_utils.address import to_canonical_address

from pyoutcome.chain.depth import limit_depth
from pyoutcome.chain.keys import derive_test_accounts
from pyoutcome.chain.store import ChainStore
from pyoutcome.errors import ChainError

FILE: Final = "chain.sqlite"
"""Name of the chain's file in the workspace folder."""
CHAIN_ID: Final = 131277322940537
"""eth-tester's chain number; no public network has it."""
BLOCK_GAS_LIMIT: Final = 30_000_000
TEST_BALANCE: Final = 10**24
"""Native coin each test account starts with, wei."""
LATEST_START: Final = 2**40
"""Times on chain are 40-bit unix seconds."""

limit_depth()


class LocalChain(MiningChain):
    """eth-tester's settings (Prague rules, no proof of work) with a clock that does not follow the machine's."""

    chain_id = CHAIN_ID
    vm_configuration = ((BlockNumber(0), PragueVM),)

    def get_transaction_builder(self) -> type[TransactionBuilderAPI]:
        """What reads and makes transactions."""
        return self.get_vm().get_transaction_builder()

    def create_header_from_parent(self, parent_header: BlockHeaderAPI, **header_params: Any) -> BlockHeaderAPI:
        """The next block: one second later, with the same gas limit."""
        params = {"timestamp": parent_header.timestamp + 1, **header_params, "gas_limit": parent_header.gas_limit}
        return super().create_header_from_parent(parent_header, **params)


class StoredPairs(BaseDB):
    """py-evm's view of the chain's file."""

    def __init__(self, store: ChainStore) -> None:
        self._store = store

    def __getitem__(self, key: bytes) -> bytes:
        value = self._store.read(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._store.write(key, value)

    def __delitem__(self, key: bytes) -> None:
        self._store.write(key, None)

    def _exists(self, key: bytes) -> bool:
        return self._store.read(key) is not None


def create_chain(folder: Path, starts_at: int) -> None:
    """Makes a new embedded chain in ``folder`` whose clock begins at ``starts_at`` (unix seconds).

    Raises ChainError: ``chain-exists``, ``bad-chain-start``, and those of opening the file.
    """
    if not 0 < starts_at < LATEST_START:
        raise ChainError(
            "bad-chain-start",
            f"A chain cannot begin at {starts_at}: not a time in unix seconds.",
            "Choose a moment before the agreement starts.",
        )
    store = ChainStore(folder / FILE, create=True)
    try:
        if store.fact("genesis") is not None:
            raise ChainError(
                "chain-exists",
                f"There already is an embedded chain in {folder}.",
                "Use it, or choose an empty folder for a new workspace.",
            )
        params = {
            "coinbase": ZERO_ADDRESS,
            "difficulty": POST_MERGE_DIFFICULTY,
            "extra_data": b"",
            "gas_limit": BLOCK_GAS_LIMIT,
            "mix_hash": POST_MERGE_MIX_HASH,
            "nonce": POST_MERGE_NONCE,
            "receipt_root": BLANK_ROOT_HASH,
            "timestamp": starts_at,
            "transaction_root": BLANK_ROOT_HASH,
        }
        state = {
            Address(to_canonical_address(signer.address)): {
                "balance": TEST_BALANCE, "nonce": 0, "code": b"", "storage": {},
            }
            for signer in derive_test_accounts()
        }  # fmt: skip
        chain = LocalChain.from_genesis(AtomicDB(StoredPairs(store)), cast(Any, params), cast(Any, state))
        store.commit(genesis=chain.get_canonical_head().hash, chain_id=str(CHAIN_ID).encode())
    finally:
        store.close()


def open_chain(store: ChainStore) -> LocalChain:
    """The chain as the file has it."""
    return LocalChain(AtomicDB(StoredPairs(store)))
