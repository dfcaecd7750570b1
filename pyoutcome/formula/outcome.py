"""What evaluating a period gives: amounts, the next state, and the reason for every figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from pyoutcome.formula import syntax as s
from pyoutcome.formula.shapes import ItemKind
from pyoutcome.formula.state import State

NoteKind: TypeAlias = Literal["branch", "row", "segment", "band", "limit", "rounded", "truncated", "choice"]


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that decided a figure."""

    kind: NoteKind
    formula: str
    """The part of the formula it is about, as text."""
    span: s.Span
    """Where that part stands in the formula's text."""
    said: str
    """A sentence for people."""
    before: str = ""
    """The exact value before rounding or truncation: a decimal, or a fraction ``a/b`` where no decimal is exact."""
    after: str = ""
    """The value used from then on."""


@dataclass(frozen=True, slots=True)
class Step:
    """How one definition, line or payee amount came about."""

    kind: ItemKind
    name: str
    formula: str
    value: int
    """Scaled; of a yes/no definition 1 or 0."""
    inputs: tuple[tuple[str, int], ...]
    """Every name read and its value, in order of reading, each once. What a branch not taken would read is absent."""
    notes: tuple[Note, ...]
    said: str
    """A sentence for people."""
    closing: str = ""
    """How the figure follows from the notes, as a last sentence after theirs; empty where they say it all."""


class Outcome(NamedTuple):
    """The result of one period, all numbers scaled by 10**18."""

    lines: tuple[int, ...]
    """Per line, in the rule's order, unsigned by the line's sign: what its formula gives."""
    amounts: tuple[int, ...]
    """Per payee: positive is owed to it, negative it owes."""
    definitions: tuple[int, ...]
    state: State | None = None
    """What the period leaves to the next; None of a rule that does not look back."""
    steps: tuple[Step, ...] = ()
    """In order of evaluation; empty unless an explanation was asked for."""
