"""The syntax tree of the payment language: frozen nodes, equal when they mean the same text.

Every node carries ``span``, the half-open range of characters it was read from; spans never take part in equality.
The grammar and the rules that are not in it are in ``docs/language.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Final, TypeAlias

from pyoutcome.decimals import Rounding
from pyoutcome.errors import FormulaError

DEEPEST: Final = 200
"""Levels a tree may have; more is refused, so that no reader of a tree ever runs out of stack."""

Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Node:
    """Any part of a formula."""

    span: Span = field(default=(0, 0), compare=False, repr=False, kw_only=True)
    """Where in the text it stands: first character and the one after the last."""


Formula: TypeAlias = Node
"""A whole formula is its topmost node."""


class Edge(StrEnum):
    """On which side of a step row's edge the row holds, the edge itself in or out."""

    AT_LEAST = "at_least"
    ABOVE = "above"
    AT_MOST = "at_most"
    BELOW = "below"


class Relation(StrEnum):
    """A comparison of two numbers, or (``==`` and ``!=`` only) of a choice with one of its labels."""

    LT = "<"
    LE = "<="
    EQ = "=="
    GT = ">"
    GE = ">="
    NE = "!="


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A constant."""

    value: int
    """Scaled by 10**18; negative for a literal behind a minus sign."""
    text: str = field(default="", compare=False, repr=False)
    """As it was written, such as ``12.5%``; for the words only."""


@dataclass(frozen=True, slots=True)
class Truth(Node):
    """``yes`` or ``no``."""

    value: bool


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A KPI, parameter, definition, line or label, or one of ``period``, ``total.kpi`` and carried state."""

    name: str


@dataclass(frozen=True, slots=True)
class Neg(Node):
    """The operand with the other sign."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Not(Node):
    """The opposite of a yes/no."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Abs(Node):
    """The operand without its sign."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Plus(Node):
    """Sum of two."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Minus(Node):
    """Difference of two."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Product(Node):
    """All factors over all divisors, as the chain rule has it; build it with ``product``."""

    factors: tuple[Node, ...]
    """At least one; none of them a Product, nor a Product behind a minus sign."""
    divisors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """A comparison of two."""

    relation: Relation
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class And(Node):
    """Both hold; the right is not looked at when the left does not."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Or(Node):
    """At least one holds; the right is not looked at when the left does."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class If(Node):
    """``then if condition else otherwise``; only the chosen side is evaluated."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Min(Node):
    """The least of several."""

    operands: tuple[Node, ...]
    """At least two."""


@dataclass(frozen=True, slots=True)
class Max(Node):
    """The greatest of several."""

    operands: tuple[Node, ...]
    """At least two."""


@dataclass(frozen=True, slots=True)
class Clamp(Node):
    """``of``, but not below ``low`` and not above ``high``."""

    of: Node
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class Outside(Node):
    """``max(low - of, of - high, 0)``: how far outside the range it is."""

    of: Node
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class Round(Node):
    """A multiple of ``step``, chosen by ``mode``."""

    of: Node
    step: Node
    mode: Rounding


@dataclass(frozen=True, slots=True)
class SumLast(Node):
    """Sum over the last ``periods`` periods before this one."""

    name: str
    periods: int


@dataclass(frozen=True, slots=True)
class Lag(Node):
    """The value ``periods`` periods ago."""

    name: str
    periods: int


@dataclass(frozen=True, slots=True)
class StepRow(Node):
    """One row of a step table."""

    edge: Edge
    at: Node
    value: Node


@dataclass(frozen=True, slots=True)
class Step(Node):
    """The value of the first row that holds, else ``otherwise``."""

    of: Node
    rows: tuple[StepRow, ...]
    otherwise: Node


@dataclass(frozen=True, slots=True)
class PickRow(Node):
    """One row of ``pick``."""

    label: str
    value: Node


@dataclass(frozen=True, slots=True)
class Pick(Node):
    """One value per label of a choice."""

    choice: Name
    rows: tuple[PickRow, ...]
    otherwise: Node | None


@dataclass(frozen=True, slots=True)
class BandRow(Node):
    """One band: how far it goes and its rate."""

    is_width: bool
    """``next`` (a width) rather than ``upto`` (a position)."""
    to: Node
    rate: Node


@dataclass(frozen=True, slots=True)
class Bands(Node):
    """Each rate applies to the part of ``of`` inside its band."""

    of: Node
    rows: tuple[BandRow, ...]
    rest: Node


@dataclass(frozen=True, slots=True)
class Point(Node):
    """A corner of a curve."""

    x: Node
    y: Node


@dataclass(frozen=True, slots=True)
class Curve(Node):
    """Straight lines between points, flat outside."""

    of: Node
    points: tuple[Point, ...]


def negate(node: Node, span: Span = (0, 0)) -> Node:
    """``-node``; a constant takes the sign into itself."""
    if isinstance(node, Number):
        return Number(-node.value, f"-{node.text}" if node.text and not node.text.startswith("-") else "", span=span)
    return Neg(node, span=span)


def product(factors: tuple[Node, ...], divisors: tuple[Node, ...] = (), span: Span = (0, 0)) -> Node:
    """The product of factors over divisors under the chain rule.

    Products among the factors, behind brackets or a minus sign, are merged, so that all their divisions come last.
    A divisor is a border: what is below a fraction line is worked out on its own.
    """
    flat: list[Node] = []
    below: list[Node] = []
    for factor in factors:
        inner = factor.operand if isinstance(factor, Neg) else factor
        if isinstance(inner, Product):
            first = negate(inner.factors[0], factor.span) if isinstance(factor, Neg) else inner.factors[0]
            flat += [first, *inner.factors[1:]]
            below += inner.divisors
        else:
            flat.append(factor)
    below += divisors
    return Product(tuple(flat), tuple(below), span=span) if len(flat) > 1 or below else flat[0]


_PARTS: Final[dict[type[Node], tuple[str, ...]]] = {}
"""The fields in which a kind of node may hold others, of the kinds met so far."""


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly inside a node, in the order they are evaluated."""
    found: list[Node] = []
    kind = type(node)
    if kind not in _PARTS:
        _PARTS[kind] = tuple(each.name for each in fields(kind) if each.name not in ("span", "text", "name"))
    for name in _PARTS[kind]:
        value = getattr(node, name)
        if isinstance(value, Node):
            found.append(value)
        elif isinstance(value, tuple):
            found += [item for item in value if isinstance(item, Node)]
    return tuple(found)


def walk(node: Node) -> Iterator[Node]:
    """The node and every node below it, without recursion, parents first."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        waiting += reversed(children(here))


def names(node: Node) -> Iterator[str]:
    """Every name a formula mentions, in reading order and with repeats; labels of ``pick`` are not names."""
    for each in walk(node):
        if isinstance(each, Name | SumLast | Lag):
            yield each.name


def rename(node: Node, change: Callable[[str], str]) -> Node:
    """The same formula with every name changed; used to write a clause once for every provider."""
    if isinstance(node, Name | SumLast | Lag):
        return replace(node, name=change(node.name))
    changed: dict[str, object] = {}
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, Node):
            changed[each.name] = rename(value, change)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changed[each.name] = tuple(rename(item, change) for item in value)
    return replace(node, **changed) if changed else node  # type: ignore[arg-type]


def refuse_depth(node: Node) -> None:
    """FormulaError ``formula-too-deep`` when a tree has more than ``DEEPEST`` levels."""
    level = [node]
    for _ in range(DEEPEST):
        level = [child for here in level for child in children(here)]
        if not level:
            return
    raise FormulaError(
        "formula-too-deep",
        f"The formula is nested more than {DEEPEST} levels deep; each part of a long sum, or of a long chain of 'and' "
        "or 'or', is a level.",
        "Give its parts names with 'define', up to 200 added up in each, and add up the names.",
        deepest=DEEPEST,
    )
