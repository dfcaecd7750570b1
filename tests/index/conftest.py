"""Databases for the index: SQLite always, PostgreSQL where PYOUTCOME_POSTGRESQL names a server (scripts/postgresql)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from pyoutcome.database import open_database, transaction
from tests.chain.scene import scene_on
from tests.index.story import Story, live

POSTGRESQL = os.environ.get("PYOUTCOME_POSTGRESQL")
DATABASES = ("sqlite", "postgresql") if POSTGRESQL else ("sqlite",)
Open = Callable[[], Engine]
_numbers = count(1)


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with scene_on("embedded", tmp_path_factory.mktemp("story")) as scene:
        yield live(scene)


@pytest.fixture(params=DATABASES)
def fresh_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Makes an empty database each time it is called."""
    opened: list[Engine] = []

    def open_one() -> Engine:
        number = next(_numbers)
        if request.param == "sqlite":
            engine = open_database(tmp_path / f"{number}.sqlite")
        else:
            schema = f"index_{os.getpid()}_{number}"
            server = open_database(str(POSTGRESQL))
            with transaction(server) as connection:
                connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
            server.dispose()
            engine = open_database(f"{POSTGRESQL}&options=-csearch_path%3D{schema}")
        opened.append(engine)
        return engine

    yield open_one
    for engine in opened:
        engine.dispose()
