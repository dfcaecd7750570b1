"""Opening an engine by its name.

duckdb                           in this process, the default
postgresql://user@host/database  a PostgreSQL server
spark, spark://host:7077         Spark, here or a cluster
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.engine import Engine, Limits

_SCHEME: Final = re.compile(r"([a-z]+)(?:://.*)?", re.DOTALL)


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
