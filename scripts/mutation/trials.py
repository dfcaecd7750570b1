"""What notices a break: forge with one break switched on, and many tests played on many breaks within one process."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.abi import function_abi_to_4byte_selector
from mutation.breaks import ROOT, WORK

FORGE = ROOT / "node_modules" / ".bin" / "forge"
# All but measurements of gas, of which every switch takes some.
ORDINARY = ["--no-match-path", "contracts/test/{*Gas,Breaks}.t.sol"]
# What Breaks.t.sol writes when no test noticed.
NOBODY = 999_999


def environment() -> dict[str, str]:
    """What forge gets: the sources that were broken, few fuzz runs, room for the switches."""
    return {
        **os.environ,
        "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "ESCROW_FROM_SOURCES": "true",
        "FOUNDRY_DENY": "never",
        "FOUNDRY_FUZZ_RUNS": "24",
        "FOUNDRY_FUZZ_SEED": "0x1",
        "FOUNDRY_INVARIANT_RUNS": "2",
        "FOUNDRY_CODE_SIZE_LIMIT": "1000000",
        "FOUNDRY_GAS_LIMIT": "1000000000000000",
    }


def forge(number: int, *more: str, seconds: float = 600) -> subprocess.CompletedProcess[str]:
    """Runs tests with one break switched on; 0 is none."""
    command = [FORGE, "test", "--block-prevrandao", f"{number:#066x}", *more]
    return subprocess.run(  # noqa: S603
        ["nice", "-n", "15", *map(str, command)],  # noqa: S607
        cwd=WORK,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def verdict(number: int) -> str:
    """Runs all tests on a break and says which noticed, or that none did."""
    try:
        run = forge(number, "--fail-fast", *ORDINARY, seconds=120)
    except subprocess.TimeoutExpired:
        return "killed by time"
    if run.returncode == 0:
        return "survived"
    found = re.search(r"\[FAIL.*\] (\w+)\(", run.stdout)
    if not found:
        sys.exit(f"no verdict on break {number}:\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}")
    return f"killed by {found.group(1)}"


@dataclass(frozen=True)
class Trials:
    """The tests that are played within one process: names, whose they are, and what calls them."""

    artifacts: list[str]
    names: list[str]
    subject_of: list[int]
    calls: list[str]

    @staticmethod
    def collect() -> Trials:
        """Every plain test, and every fuzz test on a few arguments."""
        listed = json.loads(forge(0, "--list", "--json", *ORDINARY).stdout)
        trials = Trials([], [], [], [])
        chance = random.Random(1)  # noqa: S311
        for path, contracts in sorted(listed.items()):
            for contract, tests in sorted(contracts.items()):
                artifact = WORK / "build" / "forge" / Path(path).name / f"{contract}.json"
                trials.artifacts.append(f"{Path(path).name}:{contract}")
                for part in json.loads(artifact.read_text())["abi"]:
                    if part.get("name") not in tests or part["name"].startswith("invariant"):
                        continue
                    types = [one["type"] for one in part["inputs"]]
                    for _ in range(6 if types else 1):
                        arguments = encode(types, [drawn(kind, chance) for kind in types])
                        trials.names.append(part["name"])
                        trials.subject_of.append(len(trials.artifacts) - 1)
                        trials.calls.append("0x" + (function_abi_to_4byte_selector(part) + arguments).hex())
        return trials

    def without(self, numbers: list[int]) -> Trials:
        """The others."""
        kept = [i for i in range(len(self.calls)) if i not in numbers]
        names, calls = ([column[i] for i in kept] for column in (self.names, self.calls))
        return Trials(self.artifacts, names, [self.subject_of[i] for i in kept], calls)

    def play(self, breaks: list[int], order: list[int]) -> list[tuple[int, int]]:
        """Plays all of them on each break: which noticed, by number, or NOBODY; with no break, which fail without.

        A process may stop early: then the list is shorter than that of the breaks.
        """
        folder = WORK / "build" / "reach"
        folder.mkdir(parents=True, exist_ok=True)
        told = folder / "told.txt"
        told.write_text("")
        plan = {
            "artifacts": self.artifacts,
            "subjectOf": self.subject_of,
            "calls": self.calls,
            "breaks": breaks,
            "order": order,
        }
        (folder / "plan.json").write_text(json.dumps(plan))
        output = "stopped by time"
        with contextlib.suppress(subprocess.TimeoutExpired):
            output = forge(0, "--match-contract", "BreaksTest", seconds=60 + 20 * len(breaks)).stdout
        rows = [(int(number), int(test)) for number, test in map(str.split, told.read_text().splitlines())]
        if breaks and not rows:
            print(output[-1000:], flush=True)
        return rows


def drawn(kind: str, chance: random.Random) -> Any:
    """A value of a Solidity type of integers, or an array of one."""
    array = re.fullmatch(r"(.+)\[(\d+)\]", kind)
    if array:
        return [drawn(array.group(1), chance) for _ in range(int(array.group(2)))]
    sign, bits = re.fullmatch(r"(u?)int(\d+)", kind).groups()  # type: ignore[union-attr]
    return chance.getrandbits(int(bits)) - (0 if sign else 1 << int(bits) - 1)
