"""DuckDB, locked down: no network, no extension, no file but the ones named, bounded memory, time and threads.

The settings that could change a result (time zone, null order, collation) are set, then read back and compared; a
connection that does not answer as expected is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

import duckdb
from sqlglot import exp

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.dialects import DUCKDB, Dialect
from pyoutcome.evidence.engines.engine import Engine, Limits, assert_setting, failed, first_line, out_of_limits
from pyoutcome.evidence.engines.loading import load_records
from pyoutcome.evidence.staged import LONGEST_RECORD

if TYPE_CHECKING:
    from pyoutcome.evidence.measures.plan import SourcePlan
    from pyoutcome.evidence.staged import StagedRecords

_ASSERTED: Final[Mapping[str, str]] = {
    "TimeZone": "UTC",
    "default_null_order": "NULLS_LAST",
    "default_collation": "",
    "enable_external_access": "false",
    "allow_community_extensions": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "python_enable_replacements": "false",
    "preserve_insertion_order": "true",
    # Left alone, it draws one on standard output, among our results, once a query takes longer than two seconds.
    "enable_progress_bar": "false",
    "lock_configuration": "true",
}


_UNBELIEVED: Final[Mapping[str, str]] = {"disabled_optimizers": "filter_pushdown,statistics_propagation"}


class DuckDB(Engine):
    """A connection in memory."""

    dialect: ClassVar[Dialect] = DUCKDB

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__()
        self._connection = connection

    @classmethod
    @contextmanager
    def open(cls, files: Iterable[Path], folder: Path, limits: Limits) -> Iterator[DuckDB]:
        """An engine that can read ``files`` and spill into ``folder``, and touch nothing else.

        Raises EvidenceError ``engine-settings`` when a setting does not hold.
        """
        connection = duckdb.connect(":memory:")
        try:
            _settle(connection, files, folder, limits)
            yield cls(connection)
        finally:
            connection.close()

    def answer(self, sql: str) -> list[tuple[object, ...]]:
        """Runs one statement. Raises EvidenceError ``engine-limit`` or ``engine-failed``."""
        try:
            return self._connection.execute(sql).fetchall()
        except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
            raise out_of_limits(error) from error
        except duckdb.Error as error:
            raise failed(error) from error

    def stream(self, sql: str, size: int) -> Iterator[list[tuple[object, ...]]]:
        """Runs one statement. Raises EvidenceError ``engine-limit`` or ``engine-failed``."""
        try:
            cursor = self._connection.execute(sql)
            while piece := cursor.fetchmany(size):
                yield piece
        except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
            raise out_of_limits(error) from error
        except duckdb.Error as error:
            raise failed(error) from error

    def load(self, plan: SourcePlan, staged: StagedRecords) -> StagedRecords:
        """As ``Engine.load`` says."""
        return load_records(self, plan, staged)

    def define(self, name: str, query: exp.Expr) -> None:
        """Makes a view."""
        self.answer(f"CREATE VIEW {name} AS {self.dialect.sql(query)}")
        self.tables.add(name)

    def read_csv(self, name: str, staged: StagedRecords, columns: Sequence[str], texts: Mapping[str, exp.Expr]) -> None:
        """Reads a file into memory, once."""
        declared = ", ".join(f"{_quoted(column)}: 'VARCHAR'" for column in columns)
        chosen = ", ".join(f"{self.dialect.sql(text)} AS {column}" for column, text in texts.items())
        # No `new_line`: given '\r\n', DuckDB 2.0.0 reads no record at all. With quotes in the file one thread reads it.
        self.answer(
            f"CREATE TABLE {name}_rows AS SELECT {chosen} FROM read_csv({_quoted(str(staged.path))}, "
            f"auto_detect = false, header = true, columns = {{{declared}}}, delim = ',', quote = '\"', escape = '\"', "
            "nullstr = '', comment = '', strict_mode = true, null_padding = false, ignore_errors = false, "
            f"encoding = 'utf-8', compression = 'none', max_line_size = {LONGEST_RECORD + 2}, "
            f"parallel = {'false' if staged.quoted else 'true'})"
        )
        self.answer(f"CREATE VIEW {name} AS SELECT rowid AS position, {', '.join(texts)} FROM {name}_rows")
        self.tables.add(name)

    def read_parquet(self, name: str, staged: StagedRecords, columns: Mapping[str, str]) -> None:
        """Makes a view over the files where they lie; positions go on from file to file."""
        chosen = ", ".join(f"{_identifier(theirs)} AS {ours}" for ours, theirs in columns.items())
        parts, before = [], 0
        for path, file in zip(staged.files, staged.digest.files, strict=True):
            parts.append(
                f"SELECT file_row_number + {before} AS position, {chosen} "
                f"FROM read_parquet({_quoted(str(path))}, file_row_number = true, hive_partitioning = false)"
            )
            before += file.rows
        self.answer(f"CREATE VIEW {name} AS {' UNION ALL '.join(parts)}")
        self.tables.add(name)

    def read_table(self, _name: str, table: str, _columns: Mapping[str, str]) -> None:
        """Refuses: this engine holds nothing that was not given to it."""
        raise EvidenceError(
            "engine-holds-no-tables",
            f"The records lie in the table {table!r}, and the engine in this process holds no tables.",
            "Name the engine that holds it: --engine postgresql://user@host/database, or --engine spark.",
        )

    def types(self, name: str) -> dict[str, str]:
        """Type by column."""
        return {str(row[0]): str(row[1]).lower() for row in self.answer(f"DESCRIBE {name}")}


def _settle(connection: duckdb.DuckDBPyConnection, files: Iterable[Path], folder: Path, limits: Limits) -> None:
    readable = list(files)
    paths = ", ".join(_quoted(str(path)) for path in readable)
    # A Parquet file's statistics may contradict its values; believed, they would change what a query counts.
    stored = any(path.suffix == ".parquet" for path in readable)
    asserted = {**_ASSERTED, **(_UNBELIEVED if stored else {})}
    try:
        for setting, value in (
            ("allowed_paths", f"[{paths}]"),
            ("temp_directory", _quoted(str(folder / "spill"))),
            ("max_temp_directory_size", _quoted(f"{limits.disk_mib}MiB")),
            ("memory_limit", _quoted(f"{limits.memory_mib}MiB")),
            ("max_execution_time", str(limits.seconds * 1000)),
            ("threads", str(limits.threads)),
            *((name, _quoted(value)) for name, value in sorted(asserted.items(), key=_lock_last)),
        ):
            connection.execute(f"SET {setting} = {value}")
        for name, expected in asserted.items():
            row = connection.execute("SELECT current_setting(?)", [name]).fetchone()
            assert_setting(name, expected, row[0] if row else "")
    except duckdb.Error as error:
        raise EvidenceError(
            "engine-settings",
            f"The engine refuses a setting that exact results need: {first_line(error)}.",
            "Use the engine version that this release names.",
        ) from error


def _lock_last(setting: tuple[str, str]) -> bool:
    return setting[0] == "lock_configuration"


def _quoted(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


def _identifier(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
