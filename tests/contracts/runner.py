"""Calls the escrow's own verifier, machine and carried state in a bare EVM, many cases at once: ProgramRunner.sol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth.chains.base import MiningChain
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague import PragueVM
from eth_abi.abi import decode, encode
from eth_typing import Address
from eth_utils.abi import function_signature_to_4byte_selector

from pyoutcome.chain.compiler import compile_sources

ROOT: Final = Path(__file__).resolve().parents[2]
SOURCE: Final = ROOT / "contracts" / "test" / "ProgramRunner.sol"
_CASE: Final = "(int256[],int256[],uint32)"
_ANYONE: Final = Address(b"\x01" * 20)
_RUNNER: Final = Address(b"\x02" * 20)
_GAS: Final = 10**12


@dataclass(frozen=True)
class Case:
    """The inputs of one run."""

    kpis: tuple[int, ...]
    parameters: tuple[int, ...]
    period: int


@dataclass(frozen=True)
class Job:
    """A program and what to run it on."""

    program: bytes
    cases: tuple[Case, ...] = ()
    """Of a sequential program: its periods in turn, each from what those before it left."""
    unit_decimals: int = 18
    """Decimals of the token, which sums to date are cut to."""


@dataclass(frozen=True)
class Outcome:
    """What a run gave: an error number, or 0 with all locals and the payees' amounts."""

    error: int
    locals: tuple[int, ...]
    amounts: tuple[int, ...]
    state: tuple[int, ...] = ()
    """All carried words after the run; none of an independent program."""


@dataclass(frozen=True)
class Answer:
    """What the contract made of a job."""

    fault: int
    """0, or why the program was refused; then nothing was run."""
    outcomes: tuple[Outcome, ...]


class Runner:
    """The contract, ready to be called."""

    def __init__(self) -> None:
        self._code = compile_sources(ROOT, [SOURCE])["ProgramRunner"].runtime
        genesis: dict[str, Any] = {"difficulty": 0, "gas_limit": 30_000_000, "timestamp": 1}
        chain_type = MiningChain.configure(vm_configuration=((0, PragueVM),))
        self._vm = chain_type.from_genesis(AtomicDB(), genesis, {}).get_vm()

    def run(self, jobs: Sequence[Job]) -> list[Answer]:
        """All jobs in one call."""
        plain = [
            (
                job.program,
                10 ** (18 - job.unit_decimals),
                [(case.kpis, case.parameters, case.period) for case in job.cases],
            )
            for job in jobs
        ]
        output = self._call(f"runMany((bytes,int256,{_CASE}[])[])", [f"(bytes,int256,{_CASE}[])[]"], [plain])
        faults, outcomes = decode(["uint8[]", "(uint256,int256[],int256[],int256[])[][]"], output)
        return [
            Answer(fault, tuple(Outcome(row[0], *map(tuple, row[1:])) for row in rows))
            for fault, rows in zip(faults, outcomes, strict=True)
        ]

    def measure(self, program: bytes, case: Case) -> tuple[int, int]:
        """Gas of verifying the program, and of one run of it."""
        plain = (case.kpis, case.parameters, case.period)
        output = self._call(f"measure(bytes,{_CASE})", ["bytes", _CASE], [program, plain])
        verifying, running = decode(["uint256", "uint256"], output)
        return verifying, running

    def _call(self, signature: str, types: list[str], values: list[object]) -> bytes:
        computation = self._vm.execute_bytecode(
            origin=_ANYONE,
            gas_price=0,
            gas=_GAS,
            to=_RUNNER,
            sender=_ANYONE,
            value=0,
            data=function_signature_to_4byte_selector(signature) + encode(types, values),
            code=self._code,
        )
        computation.raise_if_error()
        return computation.output
