"""Spark: records larger than one machine, or in a catalogue already.

A session of its own beside whatever else runs in the same Spark: settings that could change a result are set and read
back, nothing is substituted in a query, files cannot be named in one, and a query that takes too long is cancelled.
``spark`` means the Spark this program was submitted to or that runs in this process already, else one started here;
``spark://host:7077`` a cluster.
"""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from sqlglot import exp

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.dialects import SPARK, Dialect
from pyoutcome.evidence.engines.engine import Engine, Limits, failed, out_of_limits
from pyoutcome.evidence.engines.loading import load_records
from pyoutcome.evidence.engines.spark_session import FAILURES, connect, settle, told_by

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from pyoutcome.evidence.measures.plan import SourcePlan
    from pyoutcome.evidence.staged import StagedRecords

_LONGEST_FIELD: Final = "-1"
_SMALL: Final = 4_194_304
"""A file of fewer bytes is one partition."""
_ODD: Final = re.compile(r"[*?\[\]{}\\^\n\r]")
"""What Spark reads in a path as a pattern."""
_PARTITION_BITS: Final = 33
"""``monotonically_increasing_id`` counts within a partition in so many bits."""


class Spark(Engine):
    """A session of its own in a Spark."""

    dialect: ClassVar[Dialect] = SPARK

    def __init__(self, session: SparkSession, limits: Limits) -> None:
        super().__init__()
        self._session = session
        self._limits = limits
        self._persisted: list[DataFrame] = []

    @classmethod
    @contextmanager
    def open(cls, option: str, folder: Path, limits: Limits) -> Iterator[Spark]:  # noqa: ARG003 (Spark spills by itself)
        """A session.

        Raises EvidenceError ``engine-unreachable``, or ``engine-settings`` when a setting does not hold.
        """
        session = connect(option, limits).newSession()
        opened = cls(session, limits)
        try:
            settle(session)
            yield opened
        finally:
            opened.close()

    def close(self) -> None:
        """Gives back what the session holds in a Spark that goes on."""
        for kept in self._persisted:
            kept.unpersist()
        for name in self.tables:
            self._session.catalog.dropTempView(name)

    def answer(self, sql: str) -> list[tuple[object, ...]]:
        """Runs one query. Raises EvidenceError ``engine-limit`` or ``engine-failed``."""
        with self._guard():
            return [tuple(row) for row in self._session.sql(sql).collect()]

    def stream(self, sql: str, size: int) -> Iterator[list[tuple[object, ...]]]:
        """Runs one query, whose partitions come one after another. Raises EvidenceError as ``answer`` does."""
        with self._guard():
            rows = (tuple(row) for row in self._session.sql(sql).toLocalIterator())
            while piece := list(islice(rows, size)):
                yield piece

    def load(self, plan: SourcePlan, staged: StagedRecords) -> StagedRecords:
        """As ``Engine.load`` says."""
        return load_records(self, plan, staged)

    def define(self, name: str, query: exp.Expr) -> None:
        """Makes a temporary view."""
        with self._guard():
            self._session.sql(self.dialect.sql(query)).createOrReplaceTempView(name)
            self.tables.add(name)

    def read_csv(self, name: str, staged: StagedRecords, columns: Sequence[str], texts: Mapping[str, exp.Expr]) -> None:
        """Reads a file once; Spark keeps the columns in memory, and on disk what does not fit there."""
        with self._guard():
            read = (
                self._session.read.schema(", ".join(f"`{column}` STRING" for column in columns))
                .option("header", "true")
                .option("sep", ",")
                .option("quote", '"')
                .option("escape", '"')
                # Without quotes no field can hold a line break, and a file can be read in pieces.
                .option("multiLine", str(staged.quoted).lower())
                .option("lineSep", staged.newline)
                .option("encoding", "UTF-8")
                .option("nullValue", "")
                .option("emptyValue", "")
                .option("ignoreLeadingWhiteSpace", "false")
                .option("ignoreTrailingWhiteSpace", "false")
                .option("maxColumns", str(len(columns) + 1))
                .option("maxCharsPerColumn", _LONGEST_FIELD)
                .option("mode", "FAILFAST")
                .option("enforceSchema", "true")
                .csv(_plain(staged.path))
            )
            raw = f"{name}_raw"
            kept = read.selectExpr("monotonically_increasing_id() AS place", *texts).persist()
            self._persisted.append(kept)
            kept.createOrReplaceTempView(raw)
            self.tables.add(raw)
            chosen = [exp.alias_(text, column) for column, text in texts.items()]
            # A file with quotes is read in one piece.
            single = staged.quoted or staged.path.stat().st_size < _SMALL
            place = exp.column("place") if single else self._position(raw)
            self.define(name, exp.select(exp.alias_(place, "position"), *chosen).from_(raw))

    def read_parquet(self, name: str, staged: StagedRecords, columns: Mapping[str, str]) -> None:
        """Makes a view over the files where they lie."""
        # Our links to the files are in a folder that other machines do not see.
        local = self._session.sparkContext.master.startswith("local")
        paths = [path if local else path.resolve() for path in staged.files]
        before, places = 0, []
        for path, file in zip(paths, staged.digest.files, strict=True):
            places += [_text(Path(_plain(path)).as_uri()), f"{before}L"]
            before += file.rows
        starts = f"element_at(map({', '.join(places)}), regexp_replace(_metadata.file_path, '^file:/+', 'file:///'))"
        chosen = [f"{_identifier(theirs)} AS {ours}" for ours, theirs in columns.items()]
        with self._guard():
            read = self._session.read.option("mergeSchema", "false").parquet(*(_plain(path) for path in paths))
            position = f"(_metadata.row_index + {starts}) AS position"
            read.selectExpr(position, *chosen).createOrReplaceTempView(name)
            self.tables.add(name)

    def read_table(self, name: str, table: str, columns: Mapping[str, str], /) -> None:
        """Makes a view of a table of the catalogue: ``table``, ``schema.table`` or ``catalogue.schema.table``."""
        named = ".".join(_identifier(part) for part in table.split("."))
        with self._guard():
            held = self._session.table(named)
            chosen = [f"{_identifier(theirs)} AS {ours}" for ours, theirs in columns.items()]
            held.selectExpr("CAST(NULL AS BIGINT) AS position", *chosen).createOrReplaceTempView(name)
            self.tables.add(name)

    def types(self, name: str) -> dict[str, str]:
        """Type by column."""
        with self._guard():
            return {column: type_.lower() for column, type_ in self._session.table(name).dtypes}

    def _position(self, raw: str) -> exp.Expr:
        """The number of a record of a view that has ``place``: partitions follow one another in the file."""
        counted = self.answer(f"SELECT shiftright(place, {_PARTITION_BITS}), count(*) FROM {raw} GROUP BY 1 ORDER BY 1")
        before, cases = 0, []
        for partition, count in counted:
            low = int(str(partition)) << _PARTITION_BITS
            cases.append((low, before - low))
            before += int(str(count))
        place: exp.Expr = exp.column("place")
        if len(cases) < 2:
            return place
        ifs = [
            exp.If(
                this=exp.GTE(this=place.copy(), expression=_bigint(low)),
                true=exp.Add(this=place.copy(), expression=_bigint(shift)),
            )
            for low, shift in reversed(cases)
        ]
        return exp.Case(ifs=ifs)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Cancels what takes too long; tells Spark's errors as ours, in its first line of words."""
        context = self._session.sparkContext
        group = f"pyoutcome-{uuid.uuid4()}"
        late = threading.Event()

        def cancel() -> None:
            late.set()
            context.cancelJobGroup(group)

        context.setJobGroup(group, "records", interruptOnCancel=True)
        timer = threading.Timer(self._limits.seconds, cancel)
        timer.daemon = True
        timer.start()
        try:
            yield
        except FAILURES as error:
            told = told_by(error)
            if late.is_set() or "OutOfMemoryError" in str(error) or "exceeds spark.driver.maxResultSize" in str(error):
                raise out_of_limits(told) from None
            raise failed(told) from None
        finally:
            timer.cancel()


def _plain(path: Path) -> str:
    text = str(path)
    if _ODD.search(text):
        raise EvidenceError(
            "engine-path",
            f"Spark would read the path {text!a} as a pattern.",
            "Move the records to a folder without * ? [ ] { } ^ or a backslash in its name.",
        )
    return text


def _bigint(number: int) -> exp.Expr:
    return exp.Cast(this=exp.Literal.string(str(number)), to=exp.DataType(this=exp.DType.BIGINT))


def _identifier(name: str) -> str:
    doubled = name.replace("`", "``")
    return f"`{doubled}`"


def _text(text: str) -> str:
    return exp.Literal.string(text).sql(dialect="spark")
