"""What a clause comes to: its amount, the named parts of it, and what it carries from period to period.

A clause writes itself into a ``Draft`` under the names that people use (``fee.base``, ``prev.rebate.running``), once,
whoever it concerns. ``Draft.form`` then decides which parts become values of their own. A name is a border, behind
which a value is already truncated, so this must never depend on who else reads a part:

- a part that its clause reads twice always has a name of its own,
- a part that it reads once stands in place; where somebody else reads it, it gets a name, and its clause reads that
  name only if this cannot change the amount (otherwise the clause keeps its own copy).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from pyoutcome.formula.syntax import Lag, Name, Neg, Node, Number, Product, SumLast, names, product, walk

ZERO: Final = Number(0)


@dataclass(frozen=True)
class NamedPart:
    """A part of a clause's amount with a name."""

    name: str
    """As formulas of the file write it, such as ``fee.base``."""
    formula: Node
    yes_no: bool = False
    kept: bool = False
    """It always has a name of its own."""


@dataclass(frozen=True)
class CarriedValue:
    """A value that a clause carries from period to period."""

    name: str
    """As formulas of the file write it, such as ``rebate.running``."""
    start: Node
    next: Node
    idle: Node
    """What it becomes in a period in which the clause does not apply."""


@dataclass(frozen=True)
class Form:
    """A clause (or the settlement of a provider) as values to define, values to carry, and the amount."""

    parts: tuple[NamedPart, ...]
    carried: tuple[CarriedValue, ...]
    amount: Node


class Draft:
    """What a clause writes itself into."""

    def __init__(self, clause: str, terms: Mapping[str, int] | None = None) -> None:
        self.clause = clause
        self._terms = terms or {}
        self._parts: dict[str, NamedPart] = {}
        self._carried: dict[str, CarriedValue] = {}

    def let(self, part: str, formula: Node, *, yes_no: bool = False, kept: bool = False) -> Name:
        """Give a part of the amount its name; formulas that come later may use it."""
        name = f"{self.clause}.{part}"
        self._parts[name] = NamedPart(name, formula, yes_no, kept)
        return Name(name)

    def carry(self, part: str, following: Node, start: Node = ZERO, idle: Node | None = None) -> Name:
        """Carry a value: ``following`` becomes it in every period. The name stands for it after this period.

        ``idle`` is what it becomes where the clause does not apply; it stays as it was unless told otherwise.
        """
        name = f"{self.clause}.{part}"
        self._carried[name] = CarriedValue(name, start, following, self.before(part) if idle is None else idle)
        return Name(name)

    def before(self, part: str) -> Name:
        """A carried value as the period before left it."""
        return Name(f"prev.{self.clause}.{part}")

    def constant(self, node: Node) -> int | None:
        """The scaled value of a formula that is just a number or a term; None for any other."""
        if isinstance(node, Number):
            return node.value
        return self._terms.get(node.name) if isinstance(node, Name) else None

    @property
    def part_names(self) -> tuple[str, ...]:
        """Every part that formulas may mention."""
        return (*self._parts, *self._carried)

    def carries(self, name: str) -> bool:
        """Is it the name of a carried value?"""
        return name in self._carried

    def form(self, amount: Node, mentioned: Iterable[str] = ()) -> Form:
        """The form, where ``mentioned`` are the parts that formulas outside read."""
        return _Settling(self._parts, tuple(self._carried.values()), amount).form(set(mentioned))


class _Settling:
    def __init__(self, parts: Mapping[str, NamedPart], carried: tuple[CarriedValue, ...], amount: Node) -> None:
        self.parts = parts
        self.carried = carried
        self.amount = amount
        self.core = self._reached([amount, *(each.next for each in carried)])
        """How often the clause itself reads each part it needs for its amount."""

    def _reached(self, roots: list[Node]) -> Counter[str]:
        counted: Counter[str] = Counter()
        waiting = list(roots)
        seen: set[str] = set()
        while waiting:
            for name in names(waiting.pop()):
                if name in self.parts:
                    counted[name] += 1
                    if name not in seen:
                        seen.add(name)
                        waiting.append(self.parts[name].formula)
        return counted

    def _asked(self, mentioned: set[str]) -> set[str]:
        """The mentioned parts, and those that one outside the amount's own reads."""
        asked: set[str] = set()
        waiting = [name for name in mentioned if name in self.parts]
        while waiting:
            name = waiting.pop()
            if name in asked:
                continue
            asked.add(name)
            if not self.core[name]:
                waiting += [each for each in names(self.parts[name].formula) if each in self.parts]
        return asked

    def form(self, mentioned: set[str]) -> Form:
        asked = self._asked(mentioned)
        inlined: dict[str, Node] = {}
        kept: list[NamedPart] = []
        for name, part in self.parts.items():
            formula = substitute(part.formula, inlined)
            trivial = isinstance(formula, Name | Number)
            own = part.kept or (self.core[name] > 1 and not trivial)
            if own or name in asked:
                kept.append(replace(part, formula=formula))
            if not own and (trivial or name not in asked or self._would_merge(name, formula)):
                inlined[name] = formula
        carried = tuple(replace(each, next=substitute(each.next, inlined)) for each in self.carried)
        return Form(tuple(kept), carried, substitute(self.amount, inlined))

    def _would_merge(self, name: str, formula: Node) -> bool:
        """Would the chain rule make one product of the part and what reads it?"""
        if not isinstance(formula.operand if isinstance(formula, Neg) else formula, Product):
            return False
        readers = [self.amount, *(each.next for each in self.carried), *(part.formula for part in self.parts.values())]
        return any(
            isinstance(node, Product)
            and any((each.operand if isinstance(each, Neg) else each) == Name(name) for each in node.factors)
            for reader in readers
            for node in walk(reader)
        )


def substitute(node: Node, table: Mapping[str, Node]) -> Node:
    """The formula with names replaced by formulas; products that come together are one, by the chain rule."""
    if not table:
        return node
    if isinstance(node, Name):
        return table.get(node.name, node)
    if isinstance(node, SumLast | Lag):
        return node  # what is remembered has a name of its own
    if isinstance(node, Product):
        return product(
            tuple(substitute(each, table) for each in node.factors),
            tuple(substitute(each, table) for each in node.divisors),
            node.span,
        )
    changed: dict[str, object] = {}
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, Node):
            changed[each.name] = substitute(value, table)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changed[each.name] = tuple(substitute(item, table) for item in value)
    return replace(node, **changed) if changed else node  # type: ignore[arg-type]
