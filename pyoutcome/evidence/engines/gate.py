"""What an engine is let run: queries of our own making, and nothing that reaches past the records.

Queries are built from typed trees and never hold a text of the agreement except as a constant. This gate stands in
front of every engine all the same, because PostgreSQL and Spark cannot be locked from inside as DuckDB can: one query
that reads, over tables the engine itself defined, with functions of a list.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlglot import exp

from pyoutcome.errors import EvidenceError

_FUNCTIONS: Final[frozenset[type[exp.Func]]] = frozenset(
    {
        exp.Abs,
        exp.And,
        exp.Case,
        exp.Cast,
        exp.Ceil,
        exp.Coalesce,
        exp.Collate,
        exp.Count,
        exp.Extract,
        exp.FirstValue,
        exp.Floor,
        exp.Greatest,
        exp.If,
        exp.Lag,
        exp.LastValue,
        exp.Lead,
        exp.Least,
        exp.Max,
        exp.Min,
        exp.Nullif,
        exp.Or,
        exp.Rank,
        exp.RegexpLike,
        exp.RowNumber,
        exp.Substring,
        exp.Sum,
    }
)
_NAMED: Final = frozenset(
    {
        "array_join",
        "array_sort",
        "array_to_string",
        "collate",
        "collect_list",
        "convert_to",
        "encode",
        "epoch_us",
        "list",
        "list_sort",
        "quantile_disc",
        "regexp_full_match",
        "replace",
        "round",
        "sha2",
        "sha256",
        "string_agg",
        "unix_micros",
    }
)
"""Functions that sqlglot does not know, or should not translate."""
_REFUSED: Final = (
    exp.Command,
    exp.DDL,
    exp.DML,
    exp.Directory,
    exp.Into,
    exp.Lock,
    exp.Parameter,
    exp.Placeholder,
    exp.QueryTransform,
    exp.SessionParameter,
    exp.UserDefinedFunction,
)


def admit(query: exp.Expr, tables: Collection[str]) -> None:
    """Lets a query pass that only reads ``tables``. Raises EvidenceError ``engine-query-refused``."""
    if not isinstance(query, exp.Query) or isinstance(query, exp.Table):
        raise _refused(type(query).__name__.upper())
    known = {name.casefold() for name in tables} | {cte.alias.casefold() for cte in query.find_all(exp.CTE)}
    for node in query.walk():
        if isinstance(node, _REFUSED) and not isinstance(node, exp.Query):
            raise _refused(type(node).__name__.upper())
        if isinstance(node, exp.Table):
            _check_table(node, known)
        elif isinstance(node, exp.Anonymous):
            if str(node.this).casefold() not in _NAMED:
                raise _refused(f"the function {str(node.this)[:40]!a}")
        elif isinstance(node, exp.Func) and type(node) not in _FUNCTIONS:
            raise _refused(f"the function {type(node).__name__.upper()}")


def _check_table(table: exp.Table, known: Collection[str]) -> None:
    named = isinstance(table.this, exp.Identifier) and not table.args.get("db") and not table.args.get("catalog")
    if not named or table.name.casefold() not in known:
        raise _refused(f"the table {table.sql()[:40]!a}")


def _refused(what: str) -> EvidenceError:
    return EvidenceError(
        "engine-query-refused",
        f"A query over the records uses {what}, and engines are asked to read the records and nothing else.",
        "Report this as a fault: no agreement should be able to bring it about.",
    )
