"""An EVM without blocks, transactions or fees: contracts, calls and a clock, fast enough for thousands of acts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from eth.chains.base import MiningChain
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague import PragueVM
from eth_typing import Address

ANYONE: Final = Address(b"\x01" * 20)
_DEPLOYER: Final = Address(b"\x02" * 20)
_DEPLOY: Final = bytes.fromhex("365f5f37365f5ff05f5260205ff3")
"""Creates a contract from its call data and returns its address."""
_GAS: Final = 10**12


@dataclass(frozen=True)
class Reply:
    """What a call came to."""

    good: bool
    output: bytes
    """What it returned, or the reason it was refused with."""
    logs: tuple[tuple[bytes, tuple[int, ...], bytes], ...] = ()
    """Address, topics and data of each event."""


class BareEvm:
    """One state; a refused call changes nothing."""

    def __init__(self, now: int = 1) -> None:
        genesis: dict[str, Any] = {"difficulty": 0, "gas_limit": 30_000_000, "timestamp": 1}
        chain = MiningChain.configure(vm_configuration=((0, PragueVM),)).from_genesis(AtomicDB(), genesis, {})
        self._vm = chain.get_vm()
        self.now = now

    @property
    def chain_id(self) -> int:
        """What contracts see as the chain's id."""
        return int(self._vm.state.execution_context.chain_id)

    def deploy(self, creation: bytes) -> Address:
        """Address of a new contract."""
        reply = self._execute(ANYONE, _DEPLOYER, creation, _DEPLOY)
        assert reply.good
        assert any(reply.output)
        return Address(reply.output[12:])

    def call(self, to: Address, data: bytes, sender: Address = ANYONE) -> Reply:
        """One call with plenty of gas, at the present time."""
        return self._execute(sender, to, data, self._vm.state.get_code(to))

    def _execute(self, sender: Address, to: Address, data: bytes, code: bytes) -> Reply:
        state = self._vm.state
        state.execution_context._timestamp = self.now  # type: ignore[attr-defined]
        snapshot = state.snapshot()
        done = self._vm.execute_bytecode(
            origin=sender, gas_price=0, gas=_GAS, to=to, sender=sender, value=0, data=data, code=code
        )
        if done.is_error:
            state.revert(snapshot)
            return Reply(False, done.output)
        state.commit(snapshot)
        return Reply(True, done.output, done.get_log_entries())
