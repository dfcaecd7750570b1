"""Calls the escrow's own verifier, machine and carried state on anvil, many cases at once: ProgramRunner.sol.

All of it happens in calls, which leave nothing behind: one node serves any number of processes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.request import Request, urlopen

from eth_abi.abi import decode, encode
from eth_utils.abi import function_signature_to_4byte_selector

from tests.anvil import running_anvil
from tests.compiling import ROOT, compiled

_CASE: Final = "(int256[],int256[],uint32)"
_ADDRESS: Final = "0x00000000000000000000000000000000000c0de0"
_GAS: Final = 10**12
_NODE: Final = (
    "--hardfork", "prague", "--gas-limit", str(_GAS), "--disable-code-size-limit", "--no-request-size-limit",
)  # fmt: skip


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
    """The code of the contract, from the sources of a checkout."""
    return compiled("contracts/test/ProgramRunner.sol", root=root)["ProgramRunner"].runtime


@contextmanager
def running_contract(root: Path = ROOT) -> Iterator[str]:
    """A node with the contract on it; gives the address of the node."""
    code = compile_runner(root)
    with running_anvil(*_NODE) as url:
        Runner(url).ask("anvil_setCode", _ADDRESS, f"0x{code.hex()}")
        yield url


class Runner:
    """The contract on a node, ready to be called."""

    def __init__(self, url: str) -> None:
        self._url = url

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
        call = {"to": _ADDRESS, "data": f"0x{data.hex()}", "gas": hex(_GAS)}
        return bytes.fromhex(str(self.ask("eth_call", call, "latest"))[2:])

    def ask(self, method: str, *params: object) -> object:
        """One request of the node."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = Request(self._url, body, {"Content-Type": "application/json"})  # noqa: S310 - our own node
        with urlopen(request, timeout=600) as reply:  # noqa: S310
            answer = json.load(reply)
        assert "error" not in answer, answer["error"]
        found: object = answer["result"]
        return found
