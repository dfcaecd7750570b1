"""Spark: records larger than one machine, or in a catalogue already.

A session of its own beside whatever else runs in the same Spark: settings that could change a result are set and read
back, nothing is substituted in a query, files cannot be named in one, and a query that takes too long is cancelled.
``spark`` means the Spark this program was submitted to or that runs in this process already, else one started here;
``spark://host:7077`` a cluster.
"""

from __future__ import annotations

import atexit
import os
import re
import tempfile
import threading
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from sqlglot import exp

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.dialects import SPARK, Dialect
from pyoutcome.evidence.engines.engine import Engine, Limits, assert_setting, failed, first_line, needs, out_of_limits
from pyoutcome.evidence.engines.loading import load_records

with warnings.catch_warnings():
    # It warns of packages it finds here and that are never given to it.
    warnings.simplefilter("ignore")
    try:
        from py4j.protocol import Py4JError, Py4JJavaError
        from pyspark import SparkConf
        from pyspark.errors import PySparkException
        from pyspark.sql import DataFrame, SparkSession
    except ImportError as error:
        raise needs("pyspark", "spark") from error

if TYPE_CHECKING:
    from pyoutcome.evidence.measures.plan import SourcePlan
    from pyoutcome.evidence.staged import StagedRecords

_ASSERTED: Final[Mapping[str, str]] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.variable.substitute": "false",
    "spark.sql.runSQLOnFiles": "false",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.parser.quotedRegexColumnNames": "false",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.decimalOperations.allowPrecisionLoss": "true",
    "spark.sql.legacy.allowNegativeScaleOfDecimal": "false",
    "spark.sql.legacy.literal.pickMinimumPrecision": "true",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.optimizer.excludedRules": "",
    # Times in Parquet files of other programs are of the calendar we use, back to the year 1000.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.binaryAsString": "false",
    # How a file is cut into partitions; ``_SMALL`` follows from them.
    "spark.sql.files.openCostInBytes": "4194304",
    "spark.sql.files.maxPartitionBytes": "134217728",
    # A Parquet file's statistics may contradict its values; believed, they would change what a query counts.
    "spark.sql.parquet.filterPushdown": "false",
    "spark.sql.parquet.aggregatePushdown": "false",
}
_LONGEST_FIELD: Final = "-1"
_SMALL: Final = 4_194_304
"""A file of fewer bytes is one partition."""
_ODD: Final = re.compile(r"[*?\[\]{}\\^\n\r]")
"""What Spark reads in a path as a pattern."""
_PARTITION_BITS: Final = 33
"""``monotonically_increasing_id`` counts within a partition in so many bits."""
_QUIET: Final = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = spark: %p %m%n
logger.task.name = org.apache.spark
logger.task.level = off
"""


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
        session = _connect(option, limits).newSession()
        opened = cls(session, limits)
        try:
            _settle(session)
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
        except (PySparkException, Py4JError) as error:
            told = _told(error)
            if late.is_set() or "OutOfMemoryError" in str(error) or "exceeds spark.driver.maxResultSize" in str(error):
                raise out_of_limits(told) from None
            raise failed(told) from None
        finally:
            timer.cancel()


_started: SparkSession | None = None


def _connect(option: str, limits: Limits) -> SparkSession:
    global _started
    running = SparkSession.getActiveSession() or _started
    if running is not None and not _is_stopped(running):
        master = running.sparkContext.master
        if option not in {"spark", master}:
            raise EvidenceError(
                "engine-unreachable",
                f"This process works with the Spark at {master} already, and can work with one only.",
                "Start anew for another Spark.",
            )
        return running
    try:
        _started = _start(option, limits)
    except (PySparkException, Py4JError, OSError) as error:
        raise EvidenceError(
            "engine-unreachable",
            f"Spark cannot be started or reached: {first_line(_told(error))}.",
            "Spark needs Java 17 or newer (JAVA_HOME), and a cluster must be reachable at its address.",
        ) from None
    return _started


def _start(option: str, limits: Limits) -> SparkSession:
    folder = tempfile.TemporaryDirectory(prefix="pyoutcome-spark-")
    atexit.register(folder.cleanup)
    quiet = Path(folder.name) / "log4j2.properties"
    quiet.write_text(_QUIET)
    settings = {
        "spark.app.name": "pyoutcome",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(Path(folder.name) / "warehouse"),
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={quiet} -Dderby.system.home={folder.name}",
        "spark.driver.maxResultSize": f"{max(limits.memory_mib // 2, 64)}m",
    }
    if option != "spark" or not _is_submitted():
        settings["spark.master"] = f"local[{limits.threads}]" if option == "spark" else option
    if option == "spark" and not _is_submitted():
        # All in this process: nobody else can connect, and few partitions do.
        settings |= {
            "spark.driver.memory": f"{max(limits.memory_mib, 512)}m",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.local.dir": folder.name,
            "spark.sql.shuffle.partitions": str(limits.threads),
        }
    builder: Any = SparkSession.builder
    return builder.config(conf=SparkConf().setAll(list(settings.items()))).getOrCreate()


def _is_submitted() -> bool:
    """Whether Spark itself started this program, and so knows the master."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _is_stopped(session: SparkSession) -> bool:
    return session.sparkContext._jsc is None


def _settle(session: SparkSession) -> None:
    try:
        for name, value in _ASSERTED.items():
            session.conf.set(name, value)
        for name, expected in _ASSERTED.items():
            assert_setting(name, expected, session.conf.get(name))
        # Asked of the engine, not of its list of settings.
        [row] = session.sql("SELECT current_timezone(), '${env:HOME}', CAST(0.5 AS DECIMAL(2,1)) * 3").collect()
        assert_setting("current_timezone", "UTC", row[0])
        assert_setting("variable substitution", "${env:HOME}", row[1])
    except (PySparkException, Py4JError) as error:
        raise EvidenceError(
            "engine-settings",
            f"The engine refuses a setting that exact results need: {first_line(_told(error))}.",
            "Use the engine version that this release names.",
        ) from None


def _told(error: BaseException) -> BaseException:
    """The words of what went wrong, without Java's list of calls."""
    if isinstance(error, Py4JJavaError):
        return RuntimeError(str(error.java_exception.getMessage() or error.java_exception.toString()))
    return error


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
