"""Records into an engine: read by explicit rules, checked whole, then given their types.

Nothing is guessed. Of a file every column is read as text, a declared null word or an empty field is a missing value,
and a value that does not match its column's form in full, or names a day that no calendar has, is refused before any
cast. Of a table that an engine holds, every column's own type must be one that the declared type can take over exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from sqlglot import exp

from pyoutcome.errors import EvidenceError, did_you_mean
from pyoutcome.evidence.engines.dialects import Dialect
from pyoutcome.evidence.engines.engine import Engine
from pyoutcome.evidence.engines.tables import check_table, with_digest
from pyoutcome.evidence.measures.columns import TEXT, ColumnType, Kind
from pyoutcome.evidence.measures.conditions import Constant

if TYPE_CHECKING:
    from pyoutcome.evidence.measures.plan import SourcePlan
    from pyoutcome.evidence.staged import StagedRecords

_SHOWN: Final = 40
_ODD_PAIR: Final = "(?:[02468][1235679]|[13579][01345789])"
"""Two digits that four does not divide."""
NO_SUCH_DAY: Final = (
    rf"(?:[0-9]{{4}}-(?:0[469]|11)-31|[0-9]{{4}}-02-3[01]|(?:[0-9]{{2}}{_ODD_PAIR}|{_ODD_PAIR}00)-02-29)[T ].*"
)
"""A time in the right form on a day that its month does not have."""


def load_records(engine: Engine, plan: SourcePlan, staged: StagedRecords) -> StagedRecords:
    """Makes the typed view ``plan.table`` of checked records; gives ``staged``, of a table with its digest.

    Raises EvidenceError ``records-lack-column``, ``records-misread`` (the engine counts other records than the file
    has), ``records-table-type`` or ``records-malformed-value``.
    """
    if staged.format == "csv":
        _load_texts(engine, plan, staged)
        _check_forms(engine, plan, staged)
    elif staged.format == "table":
        engine.read_table(f"{plan.table}_text", staged.table, _given(plan))
        check_table(engine, plan, f"{plan.table}_text", staged)
    else:
        engine.read_parquet(f"{plan.table}_text", staged, _given(plan))
        _check_count(engine, plan, staged)
    stored = staged.format != "csv"
    typed = [
        exp.alias_(_typed(engine.dialect, column, plan.types[name], plan.null_words, stored=stored), column)
        for name, column in _ours(plan)
    ]
    engine.define(plan.table, exp.select("position", *typed).from_(f"{plan.table}_text"))
    return with_digest(engine, plan, staged) if staged.format == "table" else staged


def _load_texts(engine: Engine, plan: SourcePlan, staged: StagedRecords) -> None:
    absent = [name for name in plan.columns if name not in staged.header]
    if absent:
        raise EvidenceError(
            "records-lack-column",
            f"The records {plan.name!r} in {staged.origin} have no column {absent[0]!r}.",
            did_you_mean(absent[0], staged.header),
            file=str(staged.origin),
            column=absent[0],
        )
    # The file's names never reach the engine: columns are read by position under our own names.
    columns = [plan.columns.get(name, f"unused_{place}") for place, name in enumerate(staged.header)]
    texts = {column: _present(engine.dialect, column, plan.null_words) for _, column in _ours(plan)}
    engine.read_csv(f"{plan.table}_text", staged, columns, texts)
    _check_count(engine, plan, staged)


def _present(dialect: Dialect, column: str, null_words: tuple[str, ...]) -> exp.Expr:
    """A text, missing if it is one of the words for it."""
    held = exp.column(column)
    if not null_words:
        return held
    words = [dialect.constant(Constant(word, TEXT)) for word in null_words]
    among = exp.Paren(this=exp.In(this=dialect.text_key(held.copy()), expressions=words))
    return exp.Case(ifs=[exp.If(this=among, true=exp.Null())], default=held)


def _check_count(engine: Engine, plan: SourcePlan, staged: StagedRecords) -> None:
    [(rows,)] = engine.integers(exp.select(_count()).from_(f"{plan.table}_text"))
    if rows != staged.digest.rows:
        raise EvidenceError(
            "records-misread",
            f"The engine read {rows} records of {plan.name!r} in {staged.origin}, which has {staged.digest.rows}.",
            "Export the records again, with one line ending throughout and no line breaks inside fields.",
            file=str(staged.origin),
        )


def _check_forms(engine: Engine, plan: SourcePlan, staged: StagedRecords) -> None:
    faults = {
        name: _malformed(engine.dialect, column, plan.types[name])
        for name, column in _ours(plan)
        if plan.types[name].kind is not Kind.TEXT
    }
    if not faults:
        return
    counted = [_count_if(fault) for fault in faults.values()]
    [counts] = engine.integers(exp.select(*counted).from_(f"{plan.table}_text"))
    for (name, fault), count in zip(faults.items(), counts, strict=True):
        if count:
            column = plan.columns[name]
            first = exp.select("position", column).from_(f"{plan.table}_text").where(fault).order_by("position")
            [(position, value)] = engine.rows(first.limit(1))
            shown, place = str(value), staged.place_of(_place(position))
            raise EvidenceError(
                "records-malformed-value",
                f"{count} values of column {name!r} in the records {plan.name!r} ({staged.origin}) are not "
                f"{plan.types[name]}; the first is "
                f"{shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'!a} in {place}.",
                "Correct the records, widen the column's declaration, or add the word to 'null_words' if it means "
                "that the value is missing.",
                file=str(staged.origin),
                column=name,
                count=count,
            )


def _malformed(dialect: Dialect, column: str, type_: ColumnType) -> exp.Expr:
    held = exp.column(column)
    fault: exp.Expr = exp.Not(this=dialect.matches(held.copy(), type_.form))
    if type_.kind in {Kind.INSTANT, Kind.WALL}:
        fault = exp.Or(this=exp.Paren(this=fault), expression=dialect.matches(held.copy(), NO_SUCH_DAY))
    present = exp.Not(this=exp.Paren(this=exp.Is(this=held, expression=exp.Null())))
    return exp.Paren(this=exp.And(this=exp.Paren(this=present), expression=exp.Paren(this=fault)))


def _typed(dialect: Dialect, column: str, type_: ColumnType, null_words: tuple[str, ...], *, stored: bool) -> exp.Expr:
    if stored and type_.kind is Kind.TEXT:
        # As in a text file, an empty text is a missing value.
        return dialect.cast(_present(dialect, column, ("", *null_words)), type_)
    return dialect.cast(exp.column(column), type_)


def _ours(plan: SourcePlan) -> list[tuple[str, str]]:
    return list(plan.columns.items())


def _given(plan: SourcePlan) -> Mapping[str, str]:
    """What the records call each of our columns."""
    return {column: plan.source.columns[name].from_ or name for name, column in _ours(plan)}


def _count() -> exp.Expr:
    return exp.Count(this=exp.Star(), big_int=True)


def _count_if(condition: exp.Expr) -> exp.Expr:
    return exp.Filter(this=_count(), expression=exp.Where(this=condition))


def _place(position: object) -> int:
    return int(str(position))
