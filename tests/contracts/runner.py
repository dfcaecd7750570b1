"""Calls the escrow's own verifier, machine and carried state in a bare EVM, many cases at once: ProgramRunner.sol."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eth_abi.abi import decode, encode
from eth_utils.abi import function_signature_to_4byte_selector

from pyoutcome.chain.compiler import compile_sources
from tests.contracts.bare_evm import BareEvm

ROOT: Final = Path(__file__).resolve().parents[2]
_CASE: Final = "(int256[],int256[],uint32)"


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


def compile_runner(root: Path = ROOT) -> bytes:
    """The creation code of the contract, from the sources in a checkout."""
    return compile_sources(root, [root / "contracts" / "test" / "ProgramRunner.sol"])["ProgramRunner"].creation


class Runner:
    """The contract, ready to be called; compiled first unless its creation code is given."""

    def __init__(self, creation: bytes | None = None) -> None:
        self._evm = BareEvm()
        self._contract = self._evm.deploy(compile_runner() if creation is None else creation)

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
        data = function_signature_to_4byte_selector(signature) + encode(types, values)
        reply = self._evm.call(self._contract, data)
        assert reply.good, reply.output.hex()
        return reply.output
