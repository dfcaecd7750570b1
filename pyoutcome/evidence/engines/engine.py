"""Engines: where records are counted. Each is told the same in its own dialect and answers in whole numbers, exact
decimals and texts.

    duckdb                           in this process, the default
    postgresql://user@host/database  a PostgreSQL server
    spark, spark://host:7077         Spark, here or a cluster
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import sqlglot
from sqlglot import exp

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.dialects import Dialect
from pyoutcome.evidence.engines.gate import admit

if TYPE_CHECKING:
    from pyoutcome.evidence.measures.plan import SourcePlan
    from pyoutcome.evidence.staged import StagedRecords

_SCHEME: Final = re.compile(r"([a-z]+)(?:://.*)?", re.DOTALL)


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

    def load(self, plan: SourcePlan, staged: StagedRecords) -> StagedRecords:
        """Makes the typed view ``plan.table``: a column ``position`` and the plan's columns, checked and typed.

        Gives ``staged``, of a table with the digest that only the engine can tell. Raises EvidenceError for records
        that do not fit their declaration.
        """
        # Late: loading knows engines.
        from pyoutcome.evidence.engines.loading import load_records

        return load_records(self, plan, staged)

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


@contextmanager
def open_engine(
    files: Iterable[Path], folder: Path, limits: Limits | None = None, engine: str | None = None
) -> Iterator[Engine]:
    """An engine that can read ``files`` and spill into ``folder``, and touch nothing else.

    ``engine`` names it: ``duckdb`` (also if None), ``postgresql://...``, ``spark`` or ``spark://...``. Raises
    EvidenceError ``engine-unknown``, ``engine-not-installed``, ``engine-unreachable``, or ``engine-settings`` when a
    setting does not hold.
    """
    limits = limits or Limits()
    match = _SCHEME.fullmatch(engine or "duckdb")
    scheme = match[1] if match else ""
    # Late: each engine brings a large package, and two of them are optional.
    if engine is None or engine == "duckdb":
        from pyoutcome.evidence.engines.duckdb import DuckDB

        with DuckDB.open(files, folder, limits) as opened:
            yield opened
    elif scheme in {"postgresql", "postgres"} and "://" in engine:
        from pyoutcome.evidence.engines.postgresql import PostgreSQL

        with PostgreSQL.open(engine, files, folder, limits) as opened:
            yield opened
    elif scheme == "spark":
        from pyoutcome.evidence.engines.spark import Spark

        with Spark.open(engine, folder, limits) as opened:
            yield opened
    else:
        # The option may hold a password; what stands before :// does not.
        raise EvidenceError(
            "engine-unknown",
            f"There is no engine {scheme if match else 'of that name'!r}.",
            "Use duckdb, postgresql://user@host/database, spark or spark://host:7077.",
        )


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
