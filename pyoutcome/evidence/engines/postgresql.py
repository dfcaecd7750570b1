"""PostgreSQL: records that are there already, or that do not fit into one process.

A session of its own: settings that could change a result are set and read back, names resolve to PostgreSQL's own
functions and operators only, every query runs in one read-only snapshot under a time limit. Files are read and checked
as ever, by DuckDB, and copied into temporary tables, which vanish with the session; a table of the server is read where
it lies. The address may hold a password: it stands in no message and no log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from sqlglot import exp

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.dialects import POSTGRES, Dialect
from pyoutcome.evidence.engines.duckdb import DuckDB
from pyoutcome.evidence.engines.engine import Engine, Limits, assert_setting, failed, first_line, needs, out_of_limits
from pyoutcome.evidence.engines.loading import load_records
from pyoutcome.evidence.measures.columns import Kind

try:
    import psycopg
    from psycopg import sql as names
    from psycopg.conninfo import conninfo_to_dict
except ImportError as error:
    raise needs("psycopg", "postgresql") from error

if TYPE_CHECKING:
    from pyoutcome.evidence.measures.plan import SourcePlan
    from pyoutcome.evidence.staged import StagedRecords

_OLDEST: Final = 140_000
"""Since version 14 ``extract`` is exact."""
_CONNECT_SECONDS: Final = 20
_ASSERTED: Final[Mapping[str, str]] = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    # Temporary names last and named in full: nobody else's function or operator is ever found.
    "search_path": "pg_catalog, pg_temp",
    "default_transaction_isolation": "repeatable read",
    "default_transaction_read_only": "off",
    "lock_timeout": "20000",
    "idle_in_transaction_session_timeout": "0",
    "jit": "off",
    # Rows that a policy would hide are an error, not silently missing.
    "row_security": "off",
}
_SEEN: Final = (
    "authentication failed", "Connection refused", "could not translate host name", "does not exist",
    "is not permitted to log in", "no pg_hba.conf entry", "No such file or directory", "SSL", "timeout expired",
    "too many connections",
)  # fmt: skip
"""Causes that may be told: the server's words around them could hold more of the address."""


class PostgreSQL(Engine):
    """A session on a server."""

    dialect: ClassVar[Dialect] = POSTGRES

    def __init__(
        self, connection: psycopg.Connection[tuple[object, ...]], files: Iterable[Path], folder: Path, limits: Limits
    ) -> None:
        super().__init__()
        self._connection = connection
        self._files = tuple(files)
        self._folder = folder
        self._limits = limits

    @classmethod
    @contextmanager
    def open(cls, address: str, files: Iterable[Path], folder: Path, limits: Limits) -> Iterator[PostgreSQL]:
        """A session at ``postgresql://user@host/database``.

        Raises EvidenceError ``engine-unreachable``, or ``engine-settings`` when a setting does not hold.
        """
        connection = _connect(address)
        try:
            _settle(connection, limits)
            yield cls(connection, files, folder, limits)
        finally:
            connection.close()

    def answer(self, sql: str) -> list[tuple[object, ...]]:
        """Runs one query in the session's snapshot, which can read only.

        Raises EvidenceError ``engine-limit`` or ``engine-failed``.
        """
        with self._guard():
            self._begin()
            # Binary text of psycopg is not used: no parameters, so no sign of the query is read as one.
            return self._connection.execute(sql.encode()).fetchall()

    def stream(self, sql: str, size: int) -> Iterator[list[tuple[object, ...]]]:
        """Runs one query in the session's snapshot, whose rows the server keeps until they are fetched."""
        with self._guard():
            self._begin()
            with self._connection.cursor("pieces") as cursor:
                cursor.execute(sql.encode())
                while piece := cursor.fetchmany(size):
                    yield piece

    def _begin(self) -> None:
        if self._connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def load(self, plan: SourcePlan, staged: StagedRecords) -> StagedRecords:
        """Files are read and checked by DuckDB, then copied; tables are read where they lie."""
        if staged.format not in {"csv", "parquet"}:
            return load_records(self, plan, staged)
        with DuckDB.open(self._files, self._folder, self._limits) as reader:
            reader.load(plan, staged)
            self._copy(plan, reader)
        return staged

    def define(self, name: str, query: exp.Expr) -> None:
        """Makes a temporary view."""
        self._write(f"CREATE TEMPORARY VIEW {name} AS {self.dialect.sql(query)}")
        self.tables.add(name)

    def read_csv(
        self, name: str, _staged: StagedRecords, _columns: Sequence[str], _texts: Mapping[str, exp.Expr], /
    ) -> None:
        """Never called: ``load`` lets DuckDB read files."""
        raise AssertionError(name)

    def read_parquet(self, name: str, _staged: StagedRecords, _columns: Mapping[str, str], /) -> None:
        """Never called: ``load`` lets DuckDB read files."""
        raise AssertionError(name)

    def read_table(self, name: str, table: str, columns: Mapping[str, str], /) -> None:
        """Makes a temporary view of a table or view of the server: ``table`` or ``schema.table``."""
        chosen = names.SQL(", ").join(
            names.SQL("{} AS {}").format(names.Identifier(theirs), names.Identifier(ours.lower()))
            for ours, theirs in columns.items()
        )
        parts = table.split(".") if "." in table else ["public", table]
        made = names.SQL("CREATE TEMPORARY VIEW {} AS SELECT CAST(NULL AS BIGINT) AS position, {} FROM {}").format(
            names.Identifier(name.lower()), chosen, names.Identifier(*parts)
        )
        self._write(made.as_string(None))
        self.tables.add(name)

    def types(self, name: str) -> dict[str, str]:
        """Type by column."""
        rows = self.answer(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped "
            f"AND attrelid = 'pg_temp.{name}'::regclass"
        )
        return {str(column): str(type_) for column, type_ in rows}

    def _copy(self, plan: SourcePlan, reader: DuckDB) -> None:
        """Typed records from ``reader`` into a temporary table, as text both sides write and read alike."""
        kept = [(column, plan.types[name]) for name, column in plan.columns.items()]
        declared = ", ".join(
            f"{column} {self.dialect.sql(self.dialect.data_type(type_))}"
            + (' COLLATE "C"' if type_.kind is Kind.TEXT else "")
            for column, type_ in kept
        )
        self._write(f"CREATE TEMPORARY TABLE {plan.table} (position BIGINT, {declared})")
        listed = ", ".join(["position", *(column for column, _ in kept)])
        texts = [
            exp.Cast(this=exp.column(column), to=exp.DataType(this=exp.DType.TEXT))
            for column in ("position", *(column for column, _ in kept))
        ]
        pieces = reader.pieces(exp.select(*texts).from_(plan.table))
        with self._guard(), self._connection.cursor() as cursor:
            with cursor.copy(f"COPY pg_temp.{plan.table} ({listed}) FROM STDIN".encode()) as copy:
                for piece in pieces:
                    for row in piece:
                        copy.write_row(row)
            cursor.execute(f"ANALYZE pg_temp.{plan.table}".encode())
        self.tables.add(plan.table)

    def _write(self, sql: str) -> None:
        """Runs a statement that defines something of the session's own; the snapshot ends."""
        with self._guard():
            self._connection.rollback()
            with self._connection.transaction():
                self._connection.execute(sql.encode())

    @contextmanager
    def _guard(self) -> Iterator[None]:
        try:
            yield
        except (psycopg.errors.QueryCanceled, psycopg.errors.InsufficientResources) as error:
            self._connection.rollback()
            raise out_of_limits(error) from error
        except psycopg.Error as error:
            if not self._connection.closed:
                self._connection.rollback()
            raise failed(error) from error


def _connect(address: str) -> psycopg.Connection[tuple[object, ...]]:
    try:
        given = conninfo_to_dict(address)
    except psycopg.Error:
        given = {}
    place = f"{given.get('host') or 'this machine'}, database {given.get('dbname') or '(none named)'}"
    cause = ""
    if given:
        try:
            return psycopg.connect(address, autocommit=True, connect_timeout=_CONNECT_SECONDS)
        except psycopg.Error as error:
            cause = next((f": {words}" for words in _SEEN if words in str(error)), "")
    # From here no error of the driver is chained: its words may repeat the address with its password.
    raise EvidenceError(
        "engine-unreachable",
        f"PostgreSQL cannot be reached at {place}{cause}."
        if given
        else "What is given is no address of a PostgreSQL server (it is not repeated here: it may hold a password).",
        "Check the address: postgresql://user@host:5432/database; the password may stand in PGPASSWORD or ~/.pgpass.",
    )


def _settle(connection: psycopg.Connection[tuple[object, ...]], limits: Limits) -> None:
    asserted = dict(_ASSERTED) | {
        "statement_timeout": str(limits.seconds * 1000),
        # What one sort or hash may take before it spills; the server's own limits stand beside it.
        "work_mem": str(max(limits.memory_mib // 8, 4) * 1024),
        "max_parallel_workers_per_gather": str(max(limits.threads - 1, 0)),
    }
    try:
        for name, value in asserted.items():
            connection.execute("SELECT set_config(%s, %s, false)", [name, value])
        for name, value in asserted.items():
            row = connection.execute("SELECT setting FROM pg_settings WHERE name = %s", [name]).fetchone()
            assert_setting(name, value, row[0] if row else "")
        if connection.info.server_version < _OLDEST:
            raise EvidenceError(
                "engine-settings",
                f"The PostgreSQL server is of version {connection.info.server_version // 10_000}, and exact results "
                "need 14 or newer.",
                "Use a newer server.",
            )
        for name, value in (("server_encoding", "UTF8"), ("integer_datetimes", "on")):
            row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            assert_setting(name, value, row[0] if row else "")
    except psycopg.Error as error:
        raise EvidenceError(
            "engine-settings",
            f"The engine refuses a setting that exact results need: {first_line(error)}.",
            "Use the engine version that this release names.",
        ) from error
