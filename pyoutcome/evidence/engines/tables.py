"""Records that an engine holds already: nothing is copied, and every column must be of a type that the declared one can
take over exactly.

Their digest is computed where they lie, over what measures see: each record's declared columns as one text, its
SHA-256, and of those, in ascending order, the SHA-256 in parts. It does not depend on the engine or on the order of the
records.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.measures.columns import ColumnType, Kind
from pyoutcome.evidence.measures.conditions import Constant
from pyoutcome.evidence.staged import SourceDigest, StagedRecords

if TYPE_CHECKING:
    from pyoutcome.evidence.engines.dialects import Dialect
    from pyoutcome.evidence.engines.engine import Engine
    from pyoutcome.evidence.measures.plan import SourcePlan
    from pyoutcome.evidence.staged import Given

SURE_DIGITS: Final = 15
"""Digits of a decimal number that a DOUBLE keeps, whatever they are (IEEE 754 binary64)."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(?:\.[A-Za-z_][A-Za-z0-9_]{0,62}){0,2}")
_WHOLE: Final = {
    "smallint": 5, "integer": 10, "bigint": 19, "tinyint": 3, "int": 10, "hugeint": 38,
}  # fmt: skip
"""Digits the whole numbers of a type can have."""
_DECIMAL: Final = re.compile(r"(?:decimal|numeric)\(([0-9]+),([0-9]+)\)")
_TEXT: Final = re.compile(r"text|varchar|string|character varying(?:\([0-9]+\))?|varchar\([0-9]+\)|string collate .*")
_TIMES: Final = {
    Kind.INSTANT: {"timestamp with time zone", "timestamptz", "timestamp_ltz"},
    Kind.WALL: {"timestamp without time zone", "timestamp_ntz"},
}
_FIRST: Final = "1000-01-01T00:00:00"
_LAST: Final = "9999-12-31T23:59:59.999999"


@dataclass(frozen=True)
class _Stored:
    """What a column's own type can hold."""

    whole: int | None
    """Digits before the point; None: any number."""
    scale: int | None
    double: bool = False


def stage_table(name: str, given: Given) -> StagedRecords:
    """The records ``name`` in a table: ``table``, ``schema.table`` or ``catalogue.schema.table``.

    Their digest comes when an engine has read them. Raises EvidenceError ``records-table-name``.
    """
    places = [given] if isinstance(given, str | Path) else list(given)
    table = str(places[0]) if len(places) == 1 else ""
    if not _NAME.fullmatch(table):
        raise EvidenceError(
            "records-table-name",
            f"The records {name!r} are declared as a table, and {table[:80]!a} is not the name of one.",
            "Write table, schema.table or catalogue.schema.table: letters, digits and underscores.",
            source=name,
        )
    return StagedRecords(
        digest=SourceDigest(name, b"", 0, 0), format="table", files=(), origin=f"table {table}", header=(), table=table
    )


def check_table(engine: Engine, plan: SourcePlan, view: str, staged: StagedRecords) -> None:
    """Every column of ``view`` can be cast to its declared type without a change.

    Raises EvidenceError ``records-table-type`` and ``records-malformed-value``.
    """
    found = {name.casefold(): type_ for name, type_ in engine.types(view).items()}
    faults: dict[str, exp.Expr] = {}
    for name, column in plan.columns.items():
        fault = _fault(engine.dialect, plan, name, exp.column(column), found[column.casefold()], staged)
        if fault is not None:
            faults[name] = fault
    if not faults:
        return
    counted = [
        exp.Filter(this=exp.Count(this=exp.Star(), big_int=True), expression=exp.Where(this=fault))
        for fault in faults.values()
    ]
    [counts] = engine.integers(exp.select(*counted).from_(view))
    for name, count in zip(faults, counts, strict=True):
        if count:
            raise EvidenceError(
                "records-malformed-value",
                f"{count} values of column {name!r} in the records {plan.name!r} ({staged.origin}) are not exactly "
                f"{plan.types[name]}.",
                "Correct the records, or widen the column's declaration.",
                file=staged.origin,
                column=name,
                count=count,
            )


def _fault(
    dialect: Dialect, plan: SourcePlan, name: str, held: exp.Expr, stored: str, staged: StagedRecords
) -> exp.Expr | None:
    """What holds for a value that a cast would change; None if there can be none."""
    declared = plan.types[name]
    good = False
    match declared.kind:
        case Kind.TEXT:
            good = _TEXT.fullmatch(stored) is not None
        case Kind.BOOLEAN:
            good = stored == "boolean"
        case Kind.INSTANT | Kind.WALL:
            good = _is_time(dialect, declared.kind, stored)
            if good:
                return _outside_time(dialect, held, declared)
        case Kind.DECIMAL:
            layout = _number(stored)
            if layout is not None and layout.double and declared.digits <= SURE_DIGITS:
                return _inexact(dialect, held, declared)
            if layout is not None and not layout.double and (layout.scale is None or layout.scale <= declared.scale):
                return _too_large(dialect, held, declared, layout)
    if not good:
        raise EvidenceError(
            "records-table-type",
            f"Column {name!r} of the records {plan.name!r} ({staged.origin}) is of the type {stored[:60]!a}, which "
            f"{declared} cannot take over exactly.",
            "Declare the column as it is stored, or give the engine a view with the declared type.",
            column=name,
        )
    return None


def _is_time(dialect: Dialect, kind: Kind, stored: str) -> bool:
    # Spark's `timestamp` is an instant; DuckDB's is a clock on the wall.
    plain = Kind.INSTANT if dialect.name == "spark" else Kind.WALL
    return stored in _TIMES[kind] or (stored == "timestamp" and kind is plain)


def _number(stored: str) -> _Stored | None:
    if stored in _WHOLE:
        return _Stored(_WHOLE[stored], 0)
    found = _DECIMAL.fullmatch(stored)
    if found is not None:
        return _Stored(int(found[1]) - int(found[2]), int(found[2]))
    if stored == "numeric":
        return _Stored(None, None)
    return _Stored(None, None, double=True) if stored in {"double", "double precision"} else None


def _outside_time(dialect: Dialect, held: exp.Expr, declared: ColumnType) -> exp.Expr:
    ending = "Z" if declared.kind is Kind.INSTANT else ""
    first, last = (dialect.constant(Constant(text + ending, declared)) for text in (_FIRST, _LAST))
    return _or(exp.LT(this=held.copy(), expression=first), exp.GT(this=held.copy(), expression=last))


def _too_large(dialect: Dialect, held: exp.Expr, declared: ColumnType, layout: _Stored) -> exp.Expr | None:
    faults: list[exp.Expr] = []
    # PostgreSQL's numeric has a NaN, whatever its digits.
    if layout.whole is None or layout.whole > declared.whole or dialect.name == "postgres":
        faults.append(_beyond(dialect, held, declared))
    if layout.scale is None:
        # PostgreSQL's numeric without digits: any number of decimals.
        rounded = exp.Anonymous(this="round", expressions=[held.copy(), exp.Literal.number(declared.scale)])
        faults.append(exp.Paren(this=exp.NEQ(this=rounded, expression=held.copy())))
    return _or(*faults) if faults else None


def _beyond(dialect: Dialect, held: exp.Expr, declared: ColumnType) -> exp.Expr:
    """Too many digits before the point; also what is no number, which engines order behind all of them."""
    edge = ColumnType(Kind.DECIMAL, declared.whole + 1)
    top, bottom = (dialect.constant(Constant(sign + "1" + "0" * declared.whole, edge)) for sign in ("", "-"))
    return _or(exp.GTE(this=held.copy(), expression=top), exp.LTE(this=held.copy(), expression=bottom))


def _inexact(dialect: Dialect, held: exp.Expr, declared: ColumnType) -> exp.Expr:
    """Not the one DOUBLE nearest to a decimal of the declared scale."""
    beyond = _beyond(dialect, held, declared)
    again = exp.Cast(this=dialect.cast(held.copy(), declared), to=exp.DataType(this=exp.DType.DOUBLE))
    changed = exp.Paren(this=exp.NEQ(this=again, expression=held.copy()))
    return exp.Case(ifs=[exp.If(this=beyond, true=exp.true())], default=changed)


def _or(first: exp.Expr, *others: exp.Expr) -> exp.Expr:
    made: exp.Expr = exp.Paren(this=first)
    for other in others:
        made = exp.Paren(this=exp.Or(this=made, expression=exp.Paren(this=other)))
    return made


def with_digest(engine: Engine, plan: SourcePlan, staged: StagedRecords) -> StagedRecords:
    """The records with the digest of what lies in ``plan.table``."""
    hashed = exp.select(exp.alias_(_hash(engine.dialect, _record(engine.dialect, plan)), "h")).from_(plan.table)
    head = exp.Substring(this=exp.column("h"), start=exp.Literal.number(1), length=exp.Literal.number(3))
    parts = exp.select(
        exp.alias_(head, "head"),
        exp.alias_(_hash(engine.dialect, _gathered(engine.dialect, exp.column("h"))), "digest"),
        exp.alias_(exp.Count(this=exp.Star(), big_int=True), "n"),
    )
    rows = engine.rows(parts.from_(hashed.subquery("hashed")).group_by(exp.Literal.number(1)))
    told = sorted((str(head), str(digest), int(str(n))) for head, digest, n in rows)
    whole = hashlib.sha256("".join(digest for _, digest, _ in told).encode()).digest()
    return replace(staged, digest=SourceDigest(plan.name, whole, sum(n for _, _, n in told), 0))


def _record(dialect: Dialect, plan: SourcePlan) -> exp.Expr:
    """A record as one text that no other record has: missing values are told from all others, commas inside from those
    between."""
    made: exp.Expr | None = None
    for name in sorted(plan.columns):
        held = exp.column(plan.columns[name])
        text = _replaced(_replaced(_text(dialect, held, plan.types[name]), "~", "~0"), ",", "~1")
        absent = exp.Paren(this=exp.Is(this=held.copy(), expression=exp.Null()))
        cell = exp.Paren(this=exp.Case(ifs=[exp.If(this=absent, true=exp.Literal.string("~"))], default=text))
        parts = [exp.Literal.string(name + "="), cell]
        for part in parts if made is None else [exp.Literal.string(","), *parts]:
            made = part if made is None else exp.Paren(this=exp.DPipe(this=made, expression=part))
    assert made is not None  # noqa: S101 (a source has columns)
    return made


def _text(dialect: Dialect, held: exp.Expr, type_: ColumnType) -> exp.Expr:
    text = exp.DataType(this=exp.DType.TEXT)
    match type_.kind:
        case Kind.TEXT:
            return held.copy()
        case Kind.BOOLEAN:
            return exp.Case(
                ifs=[exp.If(this=exp.Paren(this=held.copy()), true=exp.Literal.string("1"))],
                default=exp.Literal.string("0"),
            )
        case Kind.INSTANT | Kind.WALL:
            return exp.Cast(this=dialect.microseconds(held.copy()), to=text)
        case Kind.DECIMAL:
            return exp.Cast(this=held.copy(), to=text)


def _replaced(tree: exp.Expr, old: str, new: str) -> exp.Expr:
    return exp.Anonymous(this="replace", expressions=[tree, exp.Literal.string(old), exp.Literal.string(new)])


def _call(name: str, *given: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(given))


def _hash(dialect: Dialect, text: exp.Expr) -> exp.Expr:
    """SHA-256 of a text's UTF-8 bytes, in 64 small letters and digits."""
    match dialect.name:
        case "duckdb":
            return _call("sha256", text)
        case "postgres":
            as_bytes = _call("convert_to", text, exp.Literal.string("UTF8"))
            return _call("encode", _call("sha256", as_bytes), exp.Literal.string("hex"))
        case "spark":
            return _call("sha2", text, exp.Literal.number(256))


def _gathered(dialect: Dialect, hashes: exp.Expr) -> exp.Expr:
    """The hashes of a group one after another, in ascending order."""
    nothing = exp.Literal.string("")
    match dialect.name:
        case "duckdb":
            return _call("array_to_string", _call("list_sort", _call("list", hashes)), nothing)
        case "postgres":
            order = exp.Ordered(this=dialect.text_key(hashes.copy()), desc=False)
            return _call("string_agg", hashes, exp.Order(this=nothing, expressions=[order]))
        case "spark":
            return _call("array_join", _call("array_sort", _call("collect_list", hashes)), nothing)
