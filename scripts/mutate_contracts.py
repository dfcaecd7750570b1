"""Break one check of the contracts at a time, and see whether a forge test notices.

All breaks of all production contracts are compiled once, side by side: each sits behind `block.prevrandao == N`, and a
test run chooses one by giving the block that number. So a break costs a test run and no compilation.

    scripts/mutate-contracts                    every break that has no verdict yet
    scripts/mutate-contracts EscrowCredits      of these contracts only
    scripts/mutate-contracts --again            those that survived once more (after new tests)
    scripts/mutate-contracts --list             every break and its verdict, no run
    scripts/mutate-contracts --workers 2        several at once (default 1)

Verdicts are kept in build/mutation/verdicts.json until the contracts change. Exit status 1 if a break survived that
docs/mutations-contracts.md does not name.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "build" / "mutation"
EXPLAINED = ROOT / "docs" / "mutations-contracts.md"
FORGE = ROOT / "node_modules" / ".bin" / "forge"
# Money first: what is run before an interruption should be what matters most.
FIRST = ["EscrowCredits", "EscrowMoney", "EscrowPeriods", "EscrowSettling", "EscrowDisputes", "EscrowRulings"]
FIRST += ["EscrowStakes", "EscrowVersions", "EscrowFinish", "EscrowExits", "EscrowChanges", "EscrowStreaks"]
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

    @property
    def name(self) -> str:
        return f"{self.contract}:{self.line} {self.kind}: {self.text}"


@dataclass
class Source:
    """A production contract, its breaks, and how they are written into it."""

    path: Path
    content: bytes
    breaks: list[Break] = field(default_factory=list)
    # What stands before and behind a range of bytes, outermost first.
    around: list[tuple[int, int, bytes, bytes]] = field(default_factory=list)

    def mark(self, kind: str, node: Node, number: int, opening: bytes, closing: bytes) -> None:
        start, end = place(node)
        line = self.content.count(b"\n", 0, start) + 1
        text = " ".join(self.content[start:end].decode().split())
        self.breaks.append(Break(self.path.stem, line, kind, text[:110], start, end))
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
            source.mark("never", condition, self.next(), b"((", b") && block.prevrandao != #)")
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
    all_breaks = enumerate((b for source in sources for b in source.breaks), start=1)
    guards = GUARD + "".join(SWITCHED_GUARD % (n, n, n) for n, b in all_breaks if b.kind == "guard left out")
    for source in sources:
        content = source.render()
        if source.path.stem == "EscrowState":
            content = re.sub(rb"(abstract contract EscrowState[^{]*\{)", rb"\1" + guards.encode(), content, count=1)
            content = content.replace(b", ReentrancyGuardTransient {", b" {")
        (WORK / source.path.relative_to(ROOT)).write_bytes(content)
    # A switch reads the block, which a pure function may not.
    for path in WORK.glob("contracts/**/*.sol"):
        path.write_text(re.sub(r"\bpure\b", "view", path.read_text()))


def environment() -> dict[str, str]:
    """What forge gets: the sources that were broken, few fuzz runs, room for the switches."""
    return {
        **os.environ,
        "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "ESCROW_FROM_SOURCES": "true",
        "FOUNDRY_DENY": "never",
        "FOUNDRY_FUZZ_RUNS": os.environ.get("FOUNDRY_FUZZ_RUNS", "24"),
        "FOUNDRY_FUZZ_SEED": "0x1",
        "FOUNDRY_INVARIANT_RUNS": "2",
        "FOUNDRY_CODE_SIZE_LIMIT": "1000000",
        "FOUNDRY_GAS_LIMIT": "200000000000",
    }


def forge(number: int, *more: str) -> subprocess.CompletedProcess[str]:
    """Runs the tests with one break switched on; 0 is none."""
    command = [
        FORGE,
        "test",
        "--block-prevrandao",
        f"{number:#066x}",
        "--no-match-path",
        "contracts/test/*Gas.t.sol",
        *more,
    ]
    return subprocess.run(  # noqa: S603
        ["nice", "-n", "15", *map(str, command)],  # noqa: S607
        cwd=WORK,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def verdict(number: int) -> str:
    """Runs the tests on a break and says which test noticed, or that none did."""
    try:
        run = forge(number, "--fail-fast")
    except subprocess.TimeoutExpired:
        return "killed by time"
    if run.returncode == 0:
        return "survived"
    found = re.search(r"\[FAIL.*\] (\w+)\(", run.stdout)
    if not found:
        sys.exit(f"no verdict on break {number}:\n{run.stdout[-2000:]}\n{run.stderr[-2000:]}")
    return f"killed by {found.group(1)}"


def load(sources: list[Source]) -> tuple[Path, dict[str, str]]:
    """Verdicts by name; only those about the contracts as they are now."""
    path = WORK / "verdicts.json"
    known = {b.name for s in sources for b in s.breaks}
    kept = json.loads(path.read_text()) if path.exists() else {}
    return path, {name: said for name, said in kept.items() if name in known}


def main() -> int:
    """Runs what is asked for; 1 if an unexplained break survived or some were not run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("contracts", nargs="*")
    parser.add_argument("--again", action="store_true", help="also those that survived before")
    parser.add_argument("--list", action="store_true", help="say what is known, run nothing")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop beginning new ones after this time")
    asked = parser.parse_args()

    sources = prepare()
    numbered = dict(enumerate((b for s in sources for b in s.breaks), start=1))
    chosen = {n: b for n, b in numbered.items() if not asked.contracts or b.contract in asked.contracts}
    path, verdicts = load(sources)
    todo = [n for n, b in chosen.items() if b.name not in verdicts or (asked.again and verdicts[b.name] == "survived")]
    # Removed checks before all else.
    todo.sort(key=lambda n: rank(numbered[n]))
    print(f"{len(numbered)} breaks in {len(sources)} contracts; {len(chosen)} chosen, {len(todo)} to run", flush=True)
    if todo and not asked.list:
        write(sources)
        base = forge(0)
        if base.returncode != 0:
            sys.exit(f"the tests fail with nothing broken:\n{base.stdout[-3000:]}\n{base.stderr[-3000:]}")
        run_all(todo, numbered, path, verdicts, asked.workers, asked.seconds)
    return summary(chosen, verdicts)


def rank(b: Break) -> int:
    """Removed checks first, then turned comparisons and events left out, then the rest."""
    if b.kind in ("never", "guard left out"):
        return 0 if b.contract in FIRST else 2
    if b.kind.startswith(("<", ">", "=", "!")) or b.text.startswith("emit "):
        return 1 if b.contract in FIRST else 2
    return 3 if b.contract in FIRST else 4


def run_all(
    todo: list[int], numbered: dict[int, Break], path: Path, verdicts: dict[str, str], workers: int, seconds: float
) -> None:
    """Runs breaks and keeps each verdict at once."""
    lock = threading.Lock()
    begun = time.monotonic()

    def one(number: int) -> None:
        if time.monotonic() - begun > seconds:
            return
        said = verdict(number)
        with lock:
            verdicts[numbered[number].name] = said
            path.write_text(json.dumps(verdicts, indent=0, sort_keys=True))
            print(f"{said:12.12} {numbered[number].name}", flush=True)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, todo))


def summary(chosen: dict[int, Break], verdicts: dict[str, str]) -> int:
    """Prints a table and the survivors; what docs/mutations-contracts.md names is explained."""
    explained = EXPLAINED.read_text() if EXPLAINED.exists() else ""
    rows: dict[str, list[int]] = {}
    unexplained = []
    for b in chosen.values():
        row = rows.setdefault(b.contract, [0, 0, 0, 0])
        said = verdicts.get(b.name)
        if said is None:
            row[3] += 1
        elif said != "survived":
            row[0] += 1
        elif f"`{b.contract}` {b.kind}: `{b.text}`" in explained:
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
