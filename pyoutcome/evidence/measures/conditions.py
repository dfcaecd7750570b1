"""Typed trees of expressions: what an engine is asked, free of any engine's syntax."""

from __future__ import annotations

from dataclasses import dataclass

from pyoutcome.evidence.measures.columns import ColumnType


@dataclass(frozen=True)
class Column:
    """A column of the records."""

    name: str
    type: ColumnType


@dataclass(frozen=True)
class Constant:
    """A number, text, instant or wall-clock time written in the expression."""

    text: str
    type: ColumnType


@dataclass(frozen=True)
class Arithmetic:
    """``left sign right`` with sign ``+ - *``; ``type`` is wide enough for every result."""

    sign: str
    left: Value
    right: Value
    type: ColumnType


@dataclass(frozen=True)
class SecondsBetween:
    """Seconds from ``start`` to ``end``, both instants or both wall-clock times; negative if ``end`` is the earlier.

    Exact to the microsecond; missing if either is. Two wall-clock times differ as the clocks show.
    """

    start: Value
    end: Value
    type: ColumnType


@dataclass(frozen=True)
class Case:
    """The value of the first branch whose condition holds, else ``otherwise``, else missing; numbers only.

    Every branch is taken as ``type``, the type common to them all.
    """

    branches: tuple[tuple[Condition, Value], ...]
    otherwise: Value | None
    type: ColumnType


Value = Column | Constant | Arithmetic | SecondsBetween | Case


@dataclass(frozen=True)
class Comparison:
    """``left sign right``, both taken as ``common``; unknown if either is missing."""

    sign: str
    left: Value
    right: Value
    common: ColumnType


@dataclass(frozen=True)
class Membership:
    """``value in (choices)``; unknown if the value is missing."""

    value: Value
    choices: tuple[Constant, ...]
    common: ColumnType


@dataclass(frozen=True)
class Missing:
    """``value is null``."""

    value: Value


@dataclass(frozen=True)
class Flag:
    """A boolean column standing as a condition."""

    column: Column


@dataclass(frozen=True)
class Negation:
    """``not condition``, three-valued."""

    condition: Condition


@dataclass(frozen=True)
class Connective:
    """``left AND right`` or ``left OR right``, three-valued."""

    word: str
    left: Condition
    right: Condition


Condition = Comparison | Membership | Missing | Flag | Negation | Connective
