"""Break one check of the contracts at a time, and see whether a forge test notices.

All breaks of all production contracts are compiled once, side by side: each sits behind `block.prevrandao == N`, and a
test chooses one by giving the block that number. So a break costs no compilation. scripts/mutation/Breaks.t.sol plays
all tests on one break after the other within one process; what survives that gets a `forge test` of its own, with more
fuzz runs and the invariants of Conservation.t.sol.

    scripts/mutate-contracts                    every break that has no verdict yet
    scripts/mutate-contracts EscrowCredits      of these contracts only
    scripts/mutate-contracts --checks           removed checks only: refusals, demands, guards
    scripts/mutate-contracts --quick            without the second part; survivors stay without a verdict
    scripts/mutate-contracts --again            those that survived once more (after new tests)
    scripts/mutate-contracts --list             what is known, no run

Verdicts are kept in build/mutation/verdicts.json, each as long as the function it is about stays as it is. Exit
status 1 if a break survived that docs/mutations-contracts.md does not name.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.abi import function_abi_to_4byte_selector

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "mutation"
EXPLAINED = ROOT / "docs" / "mutations-contracts.md"
FORGE = ROOT / "node_modules" / ".bin" / "forge"
# Money first: what is run before an interruption should be what matters most.
FIRST = ["EscrowCredits", "EscrowMoney", "EscrowPeriods", "EscrowSettling", "EscrowDisputes", "EscrowRulings"]
FIRST += ["EscrowStakes", "EscrowVersions", "EscrowFinish", "EscrowExits", "EscrowChanges", "EscrowStreaks"]
FIRST += ["EscrowOrdinary"]
# These say what is wrong by what they return.
ANSWERING = {"ArgumentRules", "ProgramVerifier"}
# All but measurements of gas, of which every switch takes some.
ORDINARY = ["--no-match-path", "contracts/test/{*Gas,Breaks}.t.sol"]
# What Breaks.t.sol writes when no test noticed, and how many breaks one process gets.
NOBODY, AT_ONCE = 999_999, 60
# A worthless coin for trials is no production contract; interfaces have nothing to break.
LEFT_OUT = {"TestToken"}
BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
OTHER = {**BOUNDARY, "+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "&&": "||", "||": "&&"}
# The shipped guard with a switch: the library's own modifier cannot be left out from outside. One modifier each,
# because an argument would take a place on a stack that is full.
GUARD = """
    error ReentrancyGuardReentrantCall();
    function _enterOnce() private {
        uint256 entered;
        assembly ("memory-safe") { entered := tload(0xc0ffee) tstore(0xc0ffee, 1) }
        if (entered != 0) revert ReentrancyGuardReentrantCall();
    }
    function _leaveAgain() private {
        assembly ("memory-safe") { tstore(0xc0ffee, 0) }
    }
"""
SWITCHED_GUARD = """
    modifier guardedBut%d() {
        if (block.prevrandao != %d) _enterOnce();
        _;
        if (block.prevrandao != %d) _leaveAgain();
    }
"""

Node = dict[str, Any]


@dataclass(frozen=True)
class Break:
    """One check removed or turned; `start` and `end` are the bytes it stands at."""

    contract: str
    line: int
    kind: str
    text: str
    start: int
    end: int
    # Whether it is the condition of a refusal.
    refuses: bool
    # The function it is in: name, hash of its text, and how many bytes behind its beginning.
    within: str

    @property
    def name(self) -> str:
        return f"{self.contract}:{self.line} {self.kind}: {self.text}"

    @property
    def function(self) -> str:
        return self.within.split("/")[0]

    @property
    def key(self) -> str:
        """The same for as long as the function stays as it is, wherever it moves to."""
        return f"{self.contract} {self.within} {self.kind}: {self.text}"

    @property
    def is_check(self) -> bool:
        """Whether it removes a check."""
        left_out = self.kind == "guard left out" or (self.kind == "left out" and self.text.startswith("_demand"))
        return left_out or (self.kind == "never" and self.refuses)


@dataclass
class Source:
    """A production contract, its breaks, and how they are written into it."""

    path: Path
    content: bytes
    breaks: list[Break] = field(default_factory=list)
    # What stands before and behind a range of bytes, outermost first.
    around: list[tuple[int, int, bytes, bytes]] = field(default_factory=list)
    # The one being walked.
    function: Node = field(default_factory=dict)

    def mark(
        self, kind: str, node: Node, number: int, opening: bytes, closing: bytes, *, refuses: bool = False
    ) -> None:
        start, end = place(node)
        line = self.content.count(b"\n", 0, start) + 1
        text = " ".join(self.content[start:end].decode().split())
        first, last = place(self.function)
        digest = hashlib.sha256(self.content[first:last]).hexdigest()[:12]
        within = f"{self.function['name'] or self.function['kind']}/{digest}/{start - first}"
        self.breaks.append(Break(self.path.stem, line, kind, text[:110], start, end, refuses, within))
        on = str(number).encode()
        # A statement's own place ends before its semicolon.
        end += kind == "left out" and self.content[end : end + 1] == b";"
        self.around.append((start, end, opening.replace(b"#", on), closing.replace(b"#", on)))

    def render(self) -> bytes:
        """The contract with every break in it, behind its switch."""
        opening: dict[int, list[tuple[int, int, bytes]]] = {}
        closing: dict[int, list[tuple[int, int, bytes]]] = {}
        for order, (start, end, before, behind) in enumerate(self.around):
            opening.setdefault(start, []).append((-end, order, before))
            closing.setdefault(end, []).append((-start, -order, behind))
        out = bytearray()
        for at in range(len(self.content) + 1):
            # The innermost ends first and begins last.
            for _, _, text in sorted(closing.get(at, [])):
                out += text
            for _, _, text in sorted(opening.get(at, [])):
                out += text
            out += self.content[at : at + 1]
        return bytes(out)


def place(node: Node) -> tuple[int, int]:
    """First byte of a node, and the byte behind it."""
    start, length, _ = map(int, node["src"].split(":"))
    return start, start + length


def production() -> list[Path]:
    """Files of the contracts that are broken, the most important first."""
    paths = [
        *ROOT.glob("contracts/*.sol"),
        *ROOT.glob("contracts/program/*.sol"),
        *ROOT.glob("contracts/adapters/*.sol"),
    ]
    order = {name: i for i, name in enumerate(FIRST)}
    chosen = [path for path in paths if path.stem not in LEFT_OUT]
    return sorted(chosen, key=lambda path: (order.get(path.stem, len(order)), path.stem))


def syntax(paths: list[Path]) -> dict[str, Node]:
    """The syntax trees of the contracts, by path."""
    names = [str(path.relative_to(ROOT)) for path in paths]
    asked = {
        "language": "Solidity",
        "sources": {name: {"content": (ROOT / name).read_text()} for name in names},
        "settings": {
            "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
            "outputSelection": {"*": {"": ["ast"]}},
            "evmVersion": "prague",
        },
    }
    run = subprocess.run(  # noqa: S603
        [ROOT / "scripts" / "solc", "--standard-json", "--base-path", "."],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    answer = json.loads(run.stdout)
    faults = [e["formattedMessage"] for e in answer.get("errors", []) if e["severity"] == "error"]
    if faults:
        sys.exit("\n".join(faults))
    return {name: answer["sources"][name]["ast"] for name in names}


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below one; not the head of a for loop, where a statement cannot be wrapped."""
    for key, value in node.items():
        if key in ("initializationExpression", "loopExpression"):
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and "nodeType" in item:
                yield item


def is_revert(node: Node | None) -> bool:
    """Whether a branch does nothing but refuse."""
    if node is None:
        return False
    if node["nodeType"] == "Block":
        return bool(node["statements"]) and is_revert(node["statements"][0])
    return str(node["nodeType"]) == "RevertStatement"


def is_return(node: Node) -> bool:
    """Whether a branch does nothing but answer."""
    if node["nodeType"] == "Block":
        return bool(node["statements"]) and is_return(node["statements"][0])
    return str(node["nodeType"]) == "Return"


class Breaker:
    """Walks function bodies and marks what can be broken. Numbers are unique over all contracts and begin at 1."""

    def __init__(self) -> None:
        self.count = 0

    def next(self) -> int:
        self.count += 1
        return self.count

    def visit(self, source: Source, node: Node) -> None:
        kind = node["nodeType"]
        if kind == "FunctionDefinition":
            source.function = node
            self.guards(source, node)
            if node.get("body"):
                self.body(source, node["body"])
            return
        for child in children(node):
            self.visit(source, child)

    def guards(self, source: Source, node: Node) -> None:
        for modifier in node["modifiers"]:
            if modifier["modifierName"]["name"] == "nonReentrant":
                # The name is kept as a comment, so that places stay what they are.
                source.mark("guard left out", modifier, self.next(), b"guardedBut# /* ", b" */")

    def body(self, source: Source, node: Node) -> None:
        kind = node["nodeType"]
        if kind == "InlineAssembly":
            return
        if kind == "IfStatement":
            condition = node["condition"]
            answers = source.path.stem in ANSWERING and is_return(node["trueBody"])
            refuses = answers or is_revert(node["trueBody"])
            source.mark("never", condition, self.next(), b"((", b") && block.prevrandao != #)", refuses=refuses)
            if not is_revert(node["trueBody"]):
                source.mark("always", condition, self.next(), b"((", b") || block.prevrandao == #)")
        elif kind == "Conditional":
            source.mark("never", node["condition"], self.next(), b"((", b") && block.prevrandao != #)")
            source.mark("always", node["condition"], self.next(), b"((", b") || block.prevrandao == #)")
        elif kind in ("ExpressionStatement", "EmitStatement"):
            source.mark("left out", node, self.next(), b"{ if (block.prevrandao != #) { ", b" } }")
        elif kind == "BinaryOperation":
            self.operation(source, node)
        for child in children(node):
            self.body(source, child)

    def operation(self, source: Source, node: Node) -> None:
        sign = node["operator"]
        types = [node[side]["typeDescriptions"]["typeString"] for side in ("leftExpression", "rightExpression")]
        whole = node["typeDescriptions"]["typeString"]
        plain = "_const" not in whole and all(kind.startswith(("uint", "int", "bool")) for kind in types)
        if sign not in OTHER or not (plain or sign in ("==", "!=")):
            return
        left, right = (source.content[slice(*place(node[s]))] for s in ("leftExpression", "rightExpression"))
        turned = b"(block.prevrandao == # ? (%s) %s (%s) : (" % (left, OTHER[sign].encode(), right)
        source.mark(f"{sign} is {OTHER[sign]}", node, self.next(), turned, b"))")


def prepare() -> list[Source]:
    """The contracts with their breaks."""
    paths = production()
    trees = syntax(paths)
    breaker = Breaker()
    sources = []
    for path in paths:
        source = Source(path, path.read_bytes())
        breaker.visit(source, trees[str(path.relative_to(ROOT))])
        sources.append(source)
    return sources


def write(sources: list[Source]) -> None:
    """Writes the contracts with every break, and the tests, to build/mutation."""
    WORK.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(WORK / "contracts", ignore_errors=True)
    shutil.copytree(ROOT / "contracts", WORK / "contracts")
    shutil.rmtree(WORK / "contracts" / "test" / "invariants", ignore_errors=True)
    for name in ("node_modules", "scripts", ".venv"):
        if not (WORK / name).exists():
            (WORK / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "foundry.toml", WORK / "foundry.toml")
    shutil.copy(ROOT / "scripts" / "mutation" / "Breaks.t.sol", WORK / "contracts" / "test")
    numbered = list(enumerate((b for source in sources for b in source.breaks), start=1))
    for source in sources:
        content = source.render()
        if b", ReentrancyGuardTransient {" in content:
            # The contracts of the escrow share EscrowState's.
            own = [n for n, b in numbered if b.kind == "guard left out" and guard_of(b.contract) == source.path.stem]
            guards = GUARD + "".join(SWITCHED_GUARD % (n, n, n) for n in own)
            content = content.replace(b", ReentrancyGuardTransient {", b" {" + guards.encode())
        (WORK / source.path.relative_to(ROOT)).write_bytes(content)
    # A switch reads the block, which a pure function may not.
    for path in WORK.glob("contracts/**/*.sol"):
        path.write_text(re.sub(r"\bpure\b", "view", path.read_text()))


def guard_of(contract: str) -> str:
    """The contract that has the guard which this one uses."""
    return contract if contract.endswith("Adapter") else "EscrowState"


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


def load() -> tuple[Path, dict[str, str]]:
    """Verdicts by key."""
    path = WORK / "verdicts.json"
    return path, json.loads(path.read_text()) if path.exists() else {}


def main() -> int:
    """Runs what is asked for; 1 if an unexplained break survived or some were not run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("contracts", nargs="*")
    parser.add_argument("--checks", action="store_true", help="removed checks only")
    parser.add_argument("--again", action="store_true", help="also those that survived before")
    parser.add_argument("--list", action="store_true", help="say what is known, run nothing")
    parser.add_argument("--quick", action="store_true", help="without a run of their own for those that survive")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop beginning new ones after this time")
    asked = parser.parse_args()

    sources = prepare()
    numbered = dict(enumerate((b for s in sources for b in s.breaks), start=1))
    chosen = {
        n: b
        for n, b in numbered.items()
        if (not asked.contracts or b.contract in asked.contracts) and (b.is_check or not asked.checks)
    }
    path, verdicts = load()
    todo = [n for n, b in chosen.items() if b.key not in verdicts or (asked.again and verdicts[b.key] == "survived")]
    # Removed checks before all else; contracts in the order they were asked for.
    todo.sort(key=lambda n: rank(numbered[n]))
    print(f"{len(numbered)} breaks in {len(sources)} contracts; {len(chosen)} chosen, {len(todo)} to run", flush=True)
    if todo and not asked.list:
        write(sources)
        # This compiles.
        base = forge(0, *ORDINARY, seconds=7200)
        if base.returncode != 0:
            sys.exit(f"the tests fail with nothing broken:\n{base.stdout[-3000:]}\n{base.stderr[-3000:]}")
        run_all([(n, numbered[n]) for n in todo], path, verdicts, asked.quick, asked.seconds)
    return summary(chosen, verdicts)


def rank(b: Break) -> int:
    """Removed checks first, then turned comparisons and events left out, then the rest."""
    if b.is_check:
        return 0
    if b.kind == "never":
        return 1
    return 2 if b.kind.startswith(("<", ">", "=", "!")) or b.text.startswith("emit ") else 3


def run_all(todo: list[tuple[int, Break]], path: Path, verdicts: dict[str, str], quick: bool, seconds: float) -> None:
    """Runs breaks and keeps each verdict at once."""
    begun = time.monotonic()
    trials = Trials.collect()
    print(f"{len(trials.calls)} tests in {len(trials.artifacts)} contracts, within one process", flush=True)
    order = list(range(len(trials.calls)))
    alone = [test for _, test in trials.play([], order)]
    if alone:
        print(f"these take part only in the second part: {[trials.names[i] for i in alone]}", flush=True)
        trials = trials.without(alone)
        order = list(range(len(trials.calls)))

    def keep(b: Break, said: str) -> None:
        verdicts[b.key] = said
        path.write_text(json.dumps(verdicts, indent=0, sort_keys=True))
        print(f"{time.monotonic() - begun:6.0f} s  {said:12.12} {b.name}", flush=True)

    left = dict(todo)
    while left and time.monotonic() - begun < seconds:
        # One that stops the process before it is told of counts as unnoticed.
        for number, test in trials.play(list(left)[:AT_ONCE], order) or [(next(iter(left)), NOBODY)]:
            b = left.pop(number)
            if test != NOBODY:
                order.remove(test)
                order.insert(0, test)
                keep(b, f"killed by {trials.names[test]}")
                continue
            print(f"{time.monotonic() - begun:6.0f} s  unnoticed    {b.name}", flush=True)
            if not quick:
                keep(b, verdict(number))


def summary(chosen: dict[int, Break], verdicts: dict[str, str]) -> int:
    """Prints a table and the survivors; what docs/mutations-contracts.md names is explained."""
    explained = EXPLAINED.read_text() if EXPLAINED.exists() else ""
    rows: dict[str, list[int]] = {}
    unexplained = []
    for b in chosen.values():
        row = rows.setdefault(b.contract, [0, 0, 0, 0])
        said = verdicts.get(b.key)
        if said is None:
            row[3] += 1
        elif said != "survived":
            row[0] += 1
        elif f"`{b.contract}.{b.function}` {b.kind}: `{b.text}`" in explained:
            row[1] += 1
        else:
            row[2] += 1
            unexplained.append(b.name)
    print(f"\n{'contract':24} {'killed':>7} {'explained':>10} {'survived':>9} {'not run':>8}")
    for contract, row in rows.items():
        print(f"{contract:24} {row[0]:7} {row[1]:10} {row[2]:9} {row[3]:8}")
    total = [sum(row[i] for row in rows.values()) for i in range(4)]
    print(f"{'all':24} {total[0]:7} {total[1]:10} {total[2]:9} {total[3]:8}")
    for name in unexplained:
        print(f"survived     {name}")
    return 1 if unexplained or total[3] else 0


if __name__ == "__main__":
    sys.exit(main())
