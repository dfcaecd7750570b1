"""The embedded chain: py-evm over a SQLite file, in this process, nothing to start.

It has a clock of its own, which begins where `init` puts it: every transaction is one block, one second later, and
`advance_to` moves it forward. A transaction that would fail is refused and leaves no block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from eth.abc import BlockHeaderAPI, ComputationAPI, ReceiptAPI, SignedTransactionAPI, StateAPI
from eth.exceptions import Revert, TransactionNotFound, UnrecognizedTransactionType, VMError
from eth.vm.forks.prague import PragueVM
from eth.vm.spoof import SpoofTransaction
from eth_bloom.bloom import BloomFilter
from eth_typing import Address, BlockNumber, Hash32
from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError
from rlp import encode as rlp_encode
from rlp.exceptions import RLPException

from pyoutcome.chain.blocks import Block, Call, Head, Identity, Log, Receipt, Reverted
from pyoutcome.chain.localchain import CHAIN_ID, FILE, open_chain
from pyoutcome.chain.network import Network
from pyoutcome.chain.store import WAIT_SECONDS, ChainStore
from pyoutcome.errors import ChainError

if TYPE_CHECKING:
    from web3 import Web3

    from pyoutcome.chain.proofs import Proof

GAS_LIMIT: Final = 16_000_000
"""Gas limit of every transaction: more than any act needs, so that nothing has to be estimated."""
MOST_ANSWERS: Final = 1_000
"""Answers of calls that are kept; a call after a block has one answer, and acts ask the same again and again."""


class EmbeddedNetwork(Network):
    """The chain in a workspace folder. Holds the file's lock until it is closed."""

    def __init__(self, folder: Path, *, wait: float = WAIT_SECONDS) -> None:
        """Opens the chain in ``folder``.

        Raises ChainError: ``no-local-chain``, ``chain-busy``, ``chain-file-damaged``.
        """
        self.name = "embedded"
        self.chain_id = CHAIN_ID
        self.local = True
        path = folder / FILE
        if not path.is_file() or path.stat().st_size == 0:
            raise _no_chain(folder)
        self._store = ChainStore(path, wait=wait)
        genesis = self._store.fact("genesis")
        if genesis is None:
            self._store.close()
            raise _no_chain(folder)
        self._genesis = genesis
        self.chain = open_chain(self._store)
        """py-evm's own view, as of the last block."""
        self._answers: dict[tuple[bytes, Call], bytes | Reverted] = {}

    def _header(self) -> BlockHeaderAPI:
        return self.chain.get_canonical_head()

    def identity(self) -> Identity:
        """The chain's number and first block."""
        return Identity(CHAIN_ID, self._genesis)

    def head(self) -> Head:
        """The newest block."""
        header = self._header()
        return Head(header.block_number, header.timestamp, header.base_fee_per_gas or 0)

    def block(self, number: int) -> Block | None:
        """The block with that number, or None."""
        if not 0 <= number <= self._header().block_number:
            return None
        header = self.chain.get_canonical_block_header_by_number(BlockNumber(number))
        return Block(number, bytes(header.hash), header.timestamp)

    def balance(self, address: str, block: int | None = None) -> int:
        """Native coin of an address, wei."""
        return self._state(block).get_balance(_canonical(address))

    def nonce(self, address: str) -> int:
        """Number of the address's next transaction."""
        return self._state().get_nonce(_canonical(address))

    def nonce_at(self, address: str, block: int | None = None) -> int:
        """How many transactions of the address stand in blocks, up to ``block`` or the newest."""
        if block is None:
            return self.nonce(address)
        header = self.chain.get_canonical_block_header_by_number(BlockNumber(block))
        return self.chain.get_vm(header).state.get_nonce(_canonical(address))

    def final_block(self) -> int | None:
        """The newest block: this chain is never reorganised."""
        return self._header().block_number

    def code(self, address: str) -> bytes:
        """Runtime code at an address."""
        return self._state().get_code(_canonical(address))

    def call(self, call: Call, block: int | None = None) -> bytes:
        """What the call would return after a block, at that block's time. Raises Reverted."""
        header = self._header_of(block)
        question = (bytes(header.hash), call)
        if question not in self._answers:
            if len(self._answers) >= MOST_ANSWERS:
                self._answers.clear()
            state = self._state_at(header.timestamp, header)
            computation = state.costless_execute_transaction(self._spoof(call, block))
            self._answers[question] = _revert_of(computation) if computation.is_error else computation.output
        answer = self._answers[question]
        if isinstance(answer, Reverted):
            raise Reverted(answer.data, answer.message)
        return answer

    def estimate_gas(self, call: Call) -> int:
        """Gas the call would need in the next block. Raises Reverted."""
        try:
            return self.chain.gas_estimator(self._state_at(self.head().timestamp + 1), self._spoof(call))
        except VMError as error:
            raise _revert_from(error) from error

    def _header_of(self, block: int | None) -> BlockHeaderAPI:
        """The header of a block, or the newest one."""
        if block is None:
            return self._header()
        return self.chain.get_canonical_block_header_by_number(BlockNumber(self.require_block(block).number))

    def _state(self, block: int | None = None) -> StateAPI:
        return self.chain.get_vm(self._header_of(block)).state

    def _state_at(self, timestamp: int, header: BlockHeaderAPI | None = None) -> StateAPI:
        """The newest state, to try things out on: gas is free and nothing is kept.

        py-evm's own calls and estimates run at the machine's time, which is not this chain's.
        """
        return self.chain.get_vm(
            (header or self._header()).copy(timestamp=timestamp, base_fee_per_gas=0, gas_used=0)
        ).state

    def allow_gas(self, call: Call) -> int:  # noqa: ARG002 - nothing to ask: a failing transaction leaves no block
        """The one gas limit of this chain."""
        return GAS_LIMIT

    def rehearse(self, calls: Sequence[Call]) -> list[int | Reverted | ChainError]:
        """The gas limit, or how the next block would refuse the call."""
        return [self._rehearse(call) for call in calls]

    def _rehearse(self, call: Call) -> int | Reverted:
        state = self._state_at(self.head().timestamp + 1)
        computation = state.costless_execute_transaction(self._spoof(call))
        return _revert_of(computation) if computation.is_error else GAS_LIMIT

    def priority_fee(self) -> int:
        """Any tip will do."""
        return 0

    def _spoof(self, call: Call, block: int | None = None) -> SignedTransactionAPI:
        unsigned = self.chain.create_unsigned_transaction(
            nonce=self._state(block).get_nonce(_canonical(call.sender)),
            gas_price=self._header_of(block).base_fee_per_gas or 0,
            gas=GAS_LIMIT,
            to=_canonical(call.to) if call.to else Address(b""),
            value=call.value,
            data=call.data,
        )
        return cast(SignedTransactionAPI, SpoofTransaction(unsigned, from_=_canonical(call.sender)))

    def send(self, raw: bytes) -> bytes:
        """Runs the transaction in a block of its own. Raises Reverted, and then there is no block."""
        with self._block():
            transaction = self._decode(raw)
            computations = self._mine([transaction])
            if computations[0].is_error:
                raise _revert_of(computations[0])
        return bytes(transaction.hash)

    def _decode(self, raw: bytes) -> SignedTransactionAPI:
        try:
            transaction = self.chain.get_transaction_builder().decode(raw)
        except (RLPException, UnrecognizedTransactionType) as error:
            raise ValidationError("these bytes are no transaction.") from error
        # py-evm runs transactions of other chains; a real one does not.
        if transaction.chain_id != CHAIN_ID:
            raise ValidationError(f"it is signed for chain {transaction.chain_id}.")
        return transaction

    def _mine_at(self, timestamp: int) -> None:
        with self._block():
            self.chain.set_header_timestamp(timestamp)
            self._mine([])

    def _mine(self, transactions: list[SignedTransactionAPI]) -> tuple[ComputationAPI, ...]:
        # eth-tester draws the mix hash by chance; taken from the parent, the same story gives the same chain.
        mix_hash = keccak(self.chain.header.parent_hash)
        return self.chain.mine_all(transactions, mix_hash=mix_hash, blob_gas_used=0)[2]

    @contextmanager
    def _block(self) -> Iterator[None]:
        """Everything inside lands in the file together, or not at all."""
        try:
            yield
            self._store.commit()
        except BaseException as error:
            self._store.discard()
            self.chain = open_chain(self._store)
            if isinstance(error, ValidationError):
                raise ChainError(
                    "transaction-refused",
                    f"The embedded chain did not take the transaction: {error}",
                    "Read the state of the chain again and repeat the step.",
                ) from error
            raise

    def knows(self, transactions: Sequence[bytes]) -> list[bool]:
        """Whether a block has each transaction; none waits here."""
        return [self.receipt(transaction) is not None for transaction in transactions]

    def receipt(self, transaction: bytes) -> Receipt | None:
        """The receipt of a transaction, or None if the chain has none."""
        try:
            block, index = self.chain.get_canonical_transaction_index(Hash32(transaction))
        except TransactionNotFound:
            return None
        header = self.chain.get_canonical_block_header_by_number(block)
        # Every block holds one transaction, so the running gas of the receipt is the transaction's own.
        receipt = self._receipts(header)[index]
        sent = self.chain.get_canonical_transaction_by_index(block, index)
        created = None if sent.to else _creation_address(sent)
        price = min(sent.max_fee_per_gas, (header.base_fee_per_gas or 0) + sent.max_priority_fee_per_gas)
        logs = tuple(log for log in self._logs_of(header) if log.transaction == transaction)
        succeeded = receipt.state_root == b"\x01"
        return Receipt(transaction, block, bytes(header.hash), succeeded, receipt.gas_used, price, created, logs)

    def logs(self, addresses: tuple[str, ...], first: int, last: int) -> list[Log]:
        """Logs of the addresses, block by block; a block whose bloom filter has none of them is not opened."""
        wanted = [_canonical(address) for address in addresses]
        found: list[Log] = []
        for number in range(max(first, 1), min(last, self._header().block_number) + 1):
            header = self.chain.get_canonical_block_header_by_number(BlockNumber(number))
            bloom = BloomFilter(header.bloom)
            if any(address in bloom for address in wanted):
                found.extend(log for log in self._logs_of(header) if log.address in addresses)
        return found

    def _receipts(self, header: BlockHeaderAPI) -> tuple[ReceiptAPI, ...]:
        return self.chain.chaindb.get_receipts(header, PragueVM.get_receipt_builder())

    def _logs_of(self, header: BlockHeaderAPI) -> Iterator[Log]:
        hashes = self.chain.chaindb.get_block_transaction_hashes(header)
        index = 0
        for transaction, receipt in zip(hashes, self._receipts(header), strict=True):
            for log in receipt.logs:
                topics = tuple(topic.to_bytes(32) for topic in log.topics)
                place = (header.block_number, index, bytes(transaction), header.timestamp, bytes(header.hash))
                yield Log(to_checksum_address(log.address), topics, bytes(log.data), *place)
                index += 1

    def proof(self, number: int) -> Proof | None:
        """What proves the logs of a block."""
        from pyoutcome.chain.proofs import Proof

        header = self._header_of(number)
        receipts = tuple(bytes(each.encode()) for each in self._receipts(header))
        return Proof(bytes(rlp_encode(header)), receipts)

    def keep(self) -> None:
        """Writes to the file what was done to ``chain`` from outside."""
        self._store.commit()

    @property
    def web3(self) -> Web3:
        """The chain through web3.py and eth-tester; what is mined through it is kept."""
        from pyoutcome.chain.tester import open_web3

        return open_web3(lambda: self.chain, self.keep)

    def close(self) -> None:
        """Releases the chain's file."""
        self._store.close()


def _no_chain(folder: Path) -> ChainError:
    return ChainError(
        "no-local-chain",
        f"There is no embedded chain in {folder}.",
        "Make a workspace there first.",
        path=str(folder / FILE),
    )


def _canonical(address: str) -> Address:
    return Address(to_canonical_address(address))


def _creation_address(transaction: SignedTransactionAPI) -> str:
    return to_checksum_address(keccak(rlp_encode([transaction.sender, transaction.nonce]))[12:])


def _revert_of(computation: ComputationAPI) -> Reverted:
    return _revert_from(computation.error)


def _revert_from(error: VMError) -> Reverted:
    return Reverted(bytes(error.args[0])) if isinstance(error, Revert) else Reverted(b"", type(error).__name__)
