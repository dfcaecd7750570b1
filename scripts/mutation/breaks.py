"""What can be broken in the contracts: every break with its place and its switch, and the sources that hold them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = ROOT / "build" / "mutation"
# Money first: what is run before an interruption should be what matters most.
FIRST = ["EscrowCredits", "EscrowMoney", "EscrowPeriods", "EscrowSettling", "EscrowDisputes", "EscrowRulings"]
FIRST += ["EscrowStakes", "EscrowVersions", "EscrowFinish", "EscrowExits", "EscrowChanges", "EscrowStreaks"]
FIRST += ["EscrowOrdinary"]
# These say what is wrong by what they return.
ANSWERING = {"ArgumentRules", "ProgramVerifier"}
# A worthless coin for trials is no production contract; interfaces have nothing to break.
LEFT_OUT = {"TestToken"}
BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
OTHER = {**BOUNDARY, "+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "&&": "||", "||": "&&"}
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
