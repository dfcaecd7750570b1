"""Engines: where records are counted. Each is told the same in its own dialect and answers in whole numbers, exact
decimals and texts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

import sqlglot
from sqlglot import exp

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.dialects import Dialect
from pyoutcome.evidence.engines.gate import admit

if TYPE_CHECKING:
    from pyoutcome.evidence.measures.plan import SourcePlan
    from pyoutcome.evidence.staged import StagedRecords


@dataclass(frozen=True)
class Limits:
    """What one engine may take."""

    memory_mib: int = 2048
    seconds: int = 600
    """Longest time one query may run."""
    threads: int = 2
    disk_mib: int = 20_480
    """What may be spilled beside the records when memory does not suffice."""


class Engine(ABC):
    """An open engine. It runs queries of our own making only."""

    dialect: ClassVar[Dialect]

    def __init__(self) -> None:
        self.tables: set[str] = set()
        """Our names for what has been defined."""

    @abstractmethod
    def load(self, plan: SourcePlan, staged: StagedRecords) -> StagedRecords:
        """Makes the typed view ``plan.table``: a column ``position`` and the plan's columns, checked and typed.

        Gives ``staged``, of a table with the digest that only the engine can tell. Raises EvidenceError for records
        that do not fit their declaration.
        """

    def rows(self, query: exp.Expr | str) -> list[tuple[object, ...]]:
        """Every row of the answer: whole numbers, exact decimals, texts, booleans and None.

        A text is DuckDB's SQL, translated where needed. Raises EvidenceError ``engine-query-refused``, ``engine-limit``
        when time or memory run out, ``engine-failed`` otherwise.
        """
        if isinstance(query, str) and self.dialect.name == "duckdb":
            return self.answer(query)  # DuckDB is locked from inside
        tree = sqlglot.parse_one(query, read="duckdb") if isinstance(query, str) else query
        admit(tree, self.tables)
        return self.answer(self.dialect.sql(tree))

    def integers(self, query: exp.Expr | str) -> list[tuple[int, ...]]:
        """Rows of whole numbers; anything else is refused, so that no value is ever rounded inside an engine.

        Raises EvidenceError ``engine-not-exact``, and what ``rows`` raises.
        """
        return [tuple(_whole(cell) for cell in row) for row in self.rows(query)]

    counts = integers

    def pieces(self, query: exp.Expr, size: int = 20_000) -> Iterator[list[tuple[object, ...]]]:
        """The rows of an answer that is too large for memory, in their order, at most ``size`` at a time.

        Nothing else may be asked meanwhile. Raises what ``rows`` raises.
        """
        admit(query, self.tables)
        return self.stream(self.dialect.sql(query), size)

    @abstractmethod
    def stream(self, sql: str, size: int) -> Iterator[list[tuple[object, ...]]]:
        """Runs one statement of the engine's own dialect, and hands on its rows piece by piece."""

    @abstractmethod
    def answer(self, sql: str) -> list[tuple[object, ...]]:
        """Runs one statement of the engine's own dialect."""

    @abstractmethod
    def define(self, name: str, query: exp.Expr) -> None:
        """Gives a query a name, by which later queries read its rows."""

    @abstractmethod
    def read_csv(self, name: str, staged: StagedRecords, columns: Sequence[str], texts: Mapping[str, exp.Expr]) -> None:
        """Defines ``name``: ``position`` and ``texts`` (an expression by column) over a file whose columns are texts
        called ``columns``, from left to right; an empty field is missing."""

    @abstractmethod
    def read_parquet(self, name: str, staged: StagedRecords, columns: Mapping[str, str]) -> None:
        """Defines ``name``: ``position`` and, under our own names, the file's ``columns`` (theirs by ours)."""

    @abstractmethod
    def read_table(self, name: str, table: str, columns: Mapping[str, str], /) -> None:
        """Defines ``name`` over a table that the engine holds: ``position`` (missing) and, under our own names, its
        ``columns`` (theirs by ours)."""

    @abstractmethod
    def types(self, name: str) -> dict[str, str]:
        """The engine's own words for the type of every column of ``name``, in small letters."""


def needs(package: str, extra: str) -> EvidenceError:
    """The error for an engine whose package is not there."""
    return EvidenceError(
        "engine-not-installed",
        f"This engine needs the Python package {package}, which is not installed here.",
        f'Install it: pip install "pyoutcome[{extra}]".',
    )


def first_line(error: BaseException) -> str:
    """An engine's own words, shortened for a message."""
    return str(error).strip().partition("\n")[0].rstrip(".")[:300]


def out_of_limits(error: BaseException) -> EvidenceError:
    """The error for a query that took too much."""
    return EvidenceError(
        "engine-limit",
        "The records need more time or memory than the engine may take.",
        "Split the records by period, or measure on a larger machine.",
        engine=first_line(error),
    )


def failed(error: BaseException) -> EvidenceError:
    """The error for a query that could not be answered."""
    return EvidenceError(
        "engine-failed",
        f"The engine could not answer a query over the records: {first_line(error)}.",
        "Check that the records fit their declaration in the agreement; if they do, report this as a fault.",
        engine=first_line(error),
    )


def assert_setting(name: str, expected: str, found: object) -> None:
    """Raises EvidenceError ``engine-settings`` unless a setting was read back as it was set."""
    if str(found).lower() != expected.lower():
        raise EvidenceError(
            "engine-settings",
            f"The engine's setting {name} is {str(found)!r} and must be {expected!r} for exact results.",
            "Use the engine version that this release names.",
        )


def _whole(cell: object) -> int:
    if isinstance(cell, int) and not isinstance(cell, bool):
        return cell
    if isinstance(cell, Decimal) and cell.as_tuple().exponent == 0:
        return int(cell)
    raise EvidenceError(
        "engine-not-exact",
        "The engine answered with something other than whole numbers.",
        "Use the engine version that this release names.",
    )
