"""Programs with what they must give, for the forge test that runs them on the contracts' verifier and machine.

The Python verifier and machine say what is right. `python -m tests.contracts.program_vectors` writes the file anew;
test_program_vectors.py holds it to this page.
"""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from random import Random
from typing import Final

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.contracts.programs import ONE, mutated, random_case, random_program
from tests.contracts.runner import Case, Job
from tests.contracts.test_program_machine import (
    ALSO_FAULTY,
    ARITHMETIC,
    FAULTY,
    STATEFUL,
    arithmetic,
    expected_of,
    stateful,
)

FILE: Final = Path(__file__).resolve().parents[2] / "contracts" / "test" / "program-vectors.json"
_CASE: Final = "(int256[],int256[],uint32)"
_OUTCOME: Final = "(uint256,int256[],int256[],int256[])"
_LEAST: Final = -(2**255)
_MOST: Final = 2**255 - 1


def jobs() -> list[Job]:
    """The programs and their inputs: every instruction, error and fault, and some programs made at random."""
    made = [Job(bytes.fromhex(text)) for text in FAULTY.values()]
    made += [Job(bytes.fromhex(text)) for _, text in ALSO_FAULTY]
    made += [Job(bytes.fromhex(stateful(**changes))) for _, changes in STATEFUL]
    edges = (_LEAST, -(2**128), -1, 0, 1, 2**127, _MOST)
    random = Random(2013)
    for takes, ops in ARITHMETIC.items():
        words = list(product(edges, repeat=takes))
        for op in ops:
            some = [(_MOST,) * takes, (_LEAST,) * takes, *random.sample(words, 5)]
            made.append(Job(arithmetic(op, takes), tuple(Case(row, (), 1) for row in some)))
    for mode in range(6):
        program = bytes.fromhex("0102000000000102" + "00" + "05000501" + f"2a{mode:02x}" + "0900")
        pairs = [(x, step) for x in (-15, -5, 0, 5, 15, _MOST, _LEAST) for step in (10, 1, 0, _LEAST)]
        made.append(Job(program, tuple(Case(pair, (), 1) for pair in random.sample(pairs, 7))))
    curve = bytes.fromhex("0105000000000105" + "00" + "05000501050205030504" + "4102" + "0900")
    made.append(Job(curve, tuple(Case((x, 0, _LEAST, ONE, _MOST), (), 1) for x in (-1, 0, 1, ONE, _MOST))))
    pick = bytes.fromhex("0103000000000103" + "00" + "050005010502" + "4302" + "0900")
    made.append(Job(pick, tuple(Case((x, 5, 6), (), 1) for x in (0, ONE, 2 * ONE, 3 * ONE, ONE + 1, -ONE))))
    bands = bytes.fromhex("0104000000000104" + "00" + "0500050105020503" + "4201" + "0900")
    rows = [
        (ONE, ONE, 5, 6),
        (3 * ONE, ONE, 5, 6),
        (-1, ONE, 5, 6),
        (3 * ONE, ONE, 1, _MOST),
        (2 * ONE, ONE, _MOST, _MOST),
    ]
    made.append(Job(bands, tuple(Case(row, (), 1) for row in rows)))
    for read in ("0c00", "0b00"):
        program = bytes.fromhex("0101000000010101" + "0040" + "00" + "05000900" + read + "0901")
        made.append(Job(program, tuple(Case((value,), (), 1) for value in (_MOST, 1, -1, 0))))
    for at in range(36):
        program, kpis, parameters = random_program(random, size=12)
        made.append(Job(program, (random_case(random, kpis, parameters),)))
        program, kpis, parameters = random_program(random, size=8, state=True)
        periods = tuple(random_case(random, kpis, parameters) for _ in range(1 + at % 4))
        made.append(Job(program, periods, random.choice((0, 2, 6, 18))))
    missing = set(range(8)) - {outcome.error for job in made for outcome in expected_of(job).outcomes}
    while missing:
        program, kpis, parameters = random_program(random, size=10)
        job = Job(program, (random_case(random, kpis, parameters),))
        if missing & (found := {outcome.error for outcome in expected_of(job).outcomes}):
            missing -= found
            made.append(job)
    # A history that goes back further than the vectors' periods is only long to write down.
    return [job for job in made if all(len(outcome.state) < 40 for outcome in expected_of(job).outcomes)]


def refused() -> list[bytes]:
    """Programs with any faults at all; with several the two verifiers need not name the same one."""
    random = Random(1913)
    found = [b"", bytes.fromhex("0100000000000101")]
    while len(found) < 300:
        program = mutated(random, random_program(random, size=8, state=len(found) % 3 == 0)[0])
        if len(program) < 100 and expected_of(Job(program)).fault:
            found.append(program)
    return found


def text() -> str:
    """The file: per program what to call ProgramRunner.runMany with, and the hash of what it must answer; and programs
    that must be refused."""
    calls = []
    answers = []
    for job in jobs():
        cases = [(case.kpis, case.parameters, case.period) for case in job.cases]
        calls.append(encode([f"(bytes,int256,{_CASE}[])[]"], [[(job.program, 10 ** (18 - job.unit_decimals), cases)]]))
        answer = expected_of(job)
        rows = [(o.error, o.locals, o.amounts, o.state) for o in answer.outcomes]
        answers.append(keccak(encode(["uint8[]", f"{_OUTCOME}[][]"], [[answer.fault], [rows]])))
    parts = {"calls": encode(["bytes[]"], [calls]), "answers": encode(["bytes32[]"], [answers])}
    parts["refused"] = encode(
        ["bytes[]"], [[encode([f"(bytes,int256,{_CASE}[])[]"], [[(p, 1, [])]]) for p in refused()]]
    )
    return json.dumps({name: "0x" + part.hex() for name, part in parts.items()}, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
