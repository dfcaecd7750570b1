"""Databases for the keeper's state: SQLite always, PostgreSQL where PYOUTCOME_POSTGRESQL names a server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from pyoutcome.database import open_database, transaction

POSTGRESQL = os.environ.get("PYOUTCOME_POSTGRESQL")
_numbers = count(1)


@pytest.fixture(params=("sqlite", "postgresql") if POSTGRESQL else ("sqlite",))
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database."""
    if request.param == "sqlite":
        opened = open_database(tmp_path / "keeper.sqlite")
    else:
        schema = f"keeper_{os.getpid()}_{next(_numbers)}"
        server = open_database(str(POSTGRESQL))
        with transaction(server) as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        server.dispose()
        opened = open_database(f"{POSTGRESQL}&options=-csearch_path%3D{schema}")
    yield opened
    opened.dispose()
