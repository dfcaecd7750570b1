"""One SQL database for what can be rebuilt or resumed: SQLite in a file by default, PostgreSQL for several processes.

Each package that keeps something brings its own tables (``tables`` below creates them and refuses those of another
release). Money and other whole numbers beyond 64 bits are ``WholeNumber``: exact on both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Column, Integer, MetaData, Numeric, String, Table, create_engine, event, select
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.types import TypeDecorator

from pyoutcome.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.types import TypeEngine

WAIT_SECONDS: Final = 30
"""How long one process waits for another that is writing."""

_bookkeeping = MetaData()
_versions = Table(
    "schema_versions",
    _bookkeeping,
    Column("name", String(60), primary_key=True),
    Column("version", Integer, nullable=False),
)


class WholeNumber(TypeDecorator[int]):
    """A whole number of at most 78 digits: NUMERIC(78, 0) in PostgreSQL, its digits as text in SQLite.

    In SQLite do not order or add by it.
    """

    impl = String(79)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The column's type in an engine."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(78, 0))
        return dialect.type_descriptor(String(79))

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        """Towards the database."""
        return value if value is None or dialect.name == "postgresql" else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:  # noqa: ARG002
        """From the database."""
        return None if value is None else int(value)


def open_database(address: str | Path) -> Engine:
    """Connects to a database: the path of a SQLite file (made if missing), or ``postgresql://user@host/name``.

    A password belongs into the environment (``PGPASSWORD``) or ``~/.pgpass``; in the address it is accepted, and shown
    in no message. Raises StoreError ``bad-database-address``, ``database-driver-missing``, ``database-unreachable``.
    """
    url = _read(address)
    try:
        if url.get_backend_name() == "sqlite":
            engine = create_engine(url, connect_args={"timeout": WAIT_SECONDS})
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            # A server may be set to another isolation, under which steps that wait for a lock are refused instead.
            options = {"connect_timeout": WAIT_SECONDS}
            engine = create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED", connect_args=options)
    except ModuleNotFoundError as error:
        raise StoreError(
            "database-driver-missing",
            "PostgreSQL needs a driver that is not installed.",
            "Run: pip install 'pyoutcome[postgresql]'.",
        ) from error
    try:
        with engine.connect():
            pass
    except SQLAlchemyError as error:
        engine.dispose()
        raise StoreError(
            "database-unreachable",
            f"The database {_shown(url)} cannot be opened: {_reason(error)}.",
            "Check the address, that the folder or server exists, and that you may write there.",
        ) from error
    return engine


def make_tables(engine: Engine, tables: MetaData, name: str, version: int) -> None:
    """Creates the tables of one package where they are missing; several processes may do so at once.

    Raises StoreError ``database-other-version`` for tables that another release made.
    """
    with transaction(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7265717)")  # one maker at a time
        _bookkeeping.create_all(connection)
        found = connection.execute(select(_versions.c.version).where(_versions.c.name == name)).scalar()
        if found is None:
            tables.create_all(connection)
            connection.execute(_versions.insert().values(name=name, version=version))
        elif found != version:
            raise StoreError(
                "database-other-version",
                f"The tables of {name!r} in this database have version {found}, and this release works with {version}.",
                "Use the release that made them, or give another database: what is in it can be rebuilt.",
                name=name,
                found=found,
                expected=version,
            )


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction: all of it or, on any error, nothing. On SQLite it is the only writer until it ends.

    Raises StoreError ``database-failed`` where the database itself fails: disk full, connection lost.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        raise StoreError(
            "database-failed",
            f"The database did not carry out a step: {_reason(error)}.",
            "Nothing of that step was kept; mend the cause (disk, connection, rights), and go on.",
        ) from error


def _read(address: str | Path) -> URL:
    text = str(address)
    if isinstance(address, Path) or "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
    except ArgumentError:
        url = URL.create("unknown")
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername != "sqlite" or not url.database:
        raise StoreError(
            "bad-database-address",
            "A database is a file's path, sqlite:///PATH or postgresql://USER@HOST/NAME.",
            "Check the address of the database.",
        )
    return url


def _shown(url: URL) -> str:
    """The address without user, password and options."""
    return str(url.database) if url.host is None else f"{url.host}/{url.database}"


def _reason(error: SQLAlchemyError) -> str:
    """What the engine itself said, in one line, without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines()
    return ascii(lines[0][:200])[1:-1] if lines else type(cause).__name__


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late for one writer at a time
    for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {setting}")


def _begin_sqlite(connection: Connection) -> None:
    # Taking the lock at the start: two that read first and write later would refuse one another.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
