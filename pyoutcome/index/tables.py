"""The tables of the index. ``events`` and ``postings`` are for readers; the others are the index's own."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from pyoutcome.database import WholeNumber

VERSION: Final = 1
tables = MetaData()
_ADDRESS: Final = 42
_HASH: Final = 66
_TIME: Final = 20


def _chain() -> Column[Any]:
    return Column("chain", Integer, ForeignKey("index_chains.id"), primary_key=True)


chains = Table(
    "index_chains",
    tables,
    Column("id", Integer, primary_key=True),
    Column("chain_id", WholeNumber, nullable=False),
    Column("genesis", String(_HASH), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("next_block", BigInteger, nullable=False),
    UniqueConstraint("chain_id", "genesis"),
)
"""One row per chain. ``version`` counts the writes; whoever writes locks the row first. All logs before ``next_block``
are here, but for those of escrows that lag behind."""

escrows = Table(
    "index_escrows",
    tables,
    _chain(),
    Column("address", String(_ADDRESS), primary_key=True),
    Column("first_block", BigInteger, nullable=False),
    Column("behind", BigInteger),
    Column("version", BigInteger, nullable=False),
    Column("names", JSON, nullable=False),
    Column("problem", Text),
)
"""What is watched. ``behind``: the block from which its logs are missing, if that is not the chain's; ``version``: the
write that changed its logs last; ``names``: the providers' ids; ``problem``: why events and postings end before its
logs."""

blocks = Table(
    "index_blocks",
    tables,
    _chain(),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("has_logs", Boolean, nullable=False),
)
"""Blocks that logs stand in, and the last one that was looked at: what tells that the chain was reorganised."""

logs = Table(
    "index_logs",
    tables,
    _chain(),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("log_index", Integer, primary_key=True, autoincrement=False),
    Column("address", String(_ADDRESS), nullable=False),
    Column("transaction", LargeBinary(32), nullable=False),
    Column("topics", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Index("index_logs_of", "chain", "address", "block", "log_index"),
)
"""The logs as the chain has them; ``topics`` one after the other."""


def _place() -> list[Column[Any]]:
    return [
        Column("block", BigInteger, nullable=False),
        Column("log_index", Integer, nullable=False),
        Column("transaction", String(_HASH), nullable=False),
        Column("time", String(_TIME), nullable=False),
    ]


events = Table(
    "events",
    tables,
    _chain(),
    Column("escrow", String(_ADDRESS), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    *_place(),
    Column("name", String(40), nullable=False),
    Column("period", Integer),
    Column("provider", String(80)),
    Column("fields", JSON, nullable=False),
)
"""What each escrow said, counted from 1; whole numbers in ``fields`` are texts, bytes hexadecimal."""

postings = Table(
    "postings",
    tables,
    _chain(),
    Column("escrow", String(_ADDRESS), primary_key=True),
    Column("entry", Integer, primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True, autoincrement=False),
    *_place(),
    Column("event", String(40), nullable=False),
    Column("period", Integer),
    Column("provider", String(80)),
    Column("narration", Text, nullable=False),
    Column("account", String(100), nullable=False),
    Column("units", WholeNumber, nullable=False),
)
"""The journal of each escrow: base units, a debit positive."""


def add_missing(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    """Adds a row unless another process has added one with its key."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(table).values(row).on_conflict_do_nothing())
