"""DuckDB, locked down: no network, no extension, no file but the ones named, bounded memory, time and threads.

The settings that could change a result (time zone, null order, collation) are set, then read back and compared; a
connection that does not answer as expected is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.lowering import quote


@dataclass(frozen=True)
class Limits:
    """What one engine may take."""

    memory_mib: int = 2048
    seconds: int = 600
    """Longest time one query may run."""
    threads: int = 2
    disk_mib: int = 20_480
    """What may be spilled beside the records when memory does not suffice."""


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


class Engine:
    """An open connection; queries are our own SQL only."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """Every row of the answer.

        Raises EvidenceError ``engine-limit`` when time or memory run out, ``engine-failed`` otherwise.
        """
        try:
            return self._connection.execute(sql).fetchall()
        except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
            raise EvidenceError(
                "engine-limit",
                "The records need more time or memory than the engine may take.",
                "Split the records by period, or measure on a larger machine.",
                engine=str(error),
            ) from error
        except duckdb.Error as error:
            raise EvidenceError(
                "engine-failed",
                f"The engine could not answer a query over the records: {_first_line(error)}.",
                "Check that the records fit their declaration in the agreement; if they do, report this as a fault.",
                engine=str(error),
            ) from error

    def counts(self, sql: str) -> list[tuple[int, ...]]:
        """Rows of whole numbers; anything else is refused, so that no value is ever rounded inside an engine."""
        rows = self.rows(sql)
        counts = [tuple(cell for cell in row if isinstance(cell, int)) for row in rows]
        if [len(row) for row in rows] != [len(row) for row in counts]:
            raise EvidenceError(
                "engine-not-exact",
                "The engine answered with something other than whole numbers.",
                "Use the engine version that this release names.",
            )
        return counts


@contextmanager
def open_engine(files: Iterable[Path], folder: Path, limits: Limits | None = None) -> Iterator[Engine]:
    """An engine in memory that can read ``files`` and spill into ``folder``, and touch nothing else.

    Raises EvidenceError ``engine-settings`` when a setting does not hold.
    """
    limits = limits or Limits()
    connection = duckdb.connect(":memory:")
    try:
        paths = ", ".join(quote(str(path)) for path in files)
        for setting, value in (
            ("allowed_paths", f"[{paths}]"),
            ("temp_directory", quote(str(folder / "spill"))),
            ("max_temp_directory_size", quote(f"{limits.disk_mib}MiB")),
            ("memory_limit", quote(f"{limits.memory_mib}MiB")),
            ("max_execution_time", str(limits.seconds * 1000)),
            ("threads", str(limits.threads)),
            *((name, quote(value)) for name, value in _ASSERTED.items()),
        ):
            connection.execute(f"SET {setting} = {value}")
        _assert_settings(connection)
        yield Engine(connection)
    except duckdb.Error as error:
        raise EvidenceError(
            "engine-settings",
            f"The engine refuses a setting that exact results need: {_first_line(error)}.",
            "Use the engine version that this release names.",
        ) from error
    finally:
        connection.close()


def _assert_settings(connection: duckdb.DuckDBPyConnection) -> None:
    for name, expected in _ASSERTED.items():
        row = connection.execute("SELECT current_setting(?)", [name]).fetchone()
        found = str(row[0] if row else "")
        if found.lower() != expected.lower():
            raise EvidenceError(
                "engine-settings",
                f"The engine's setting {name} is {found!r} and must be {expected!r} for exact results.",
                "Use the engine version that this release names.",
            )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")
