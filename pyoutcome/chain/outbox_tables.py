"""The tables of transactions in flight."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
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

from pyoutcome.chain.inflight import HELD
from pyoutcome.database import WholeNumber

VERSION: Final = 1
TABLES: Final = MetaData()
SENDERS: Final = Table(
    "outbox_senders",
    TABLES,
    Column("chain", String(90), primary_key=True),
    Column("address", String(42), primary_key=True),
    Column("next_nonce", BigInteger, nullable=False),
)
TRANSACTIONS: Final = Table(
    "outbox_transactions",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("chain", String(90), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("sender", String(42), nullable=False),
    Column("nonce", BigInteger, nullable=False),
    Column("target", String(42)),
    Column("data", LargeBinary, nullable=False),
    Column("value", WholeNumber, nullable=False),
    Column("gas", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("block", BigInteger),
    Column("block_hash", LargeBinary),
    Column("error", Text),
    Column("refusals", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("chain", "sender", "nonce"),
)
Index("outbox_by_purpose", TRANSACTIONS.c.chain, TRANSACTIONS.c.purpose)
Index("outbox_by_state", TRANSACTIONS.c.chain, TRANSACTIONS.c.state)
IS_HELD: Final = TRANSACTIONS.c.state.in_([str(state) for state in HELD])
Index(
    "outbox_held",  # whatever the couriers do: one purpose is never in flight twice
    TRANSACTIONS.c.chain,
    TRANSACTIONS.c.purpose,
    unique=True,
    sqlite_where=IS_HELD,
    postgresql_where=IS_HELD,
)
ATTEMPTS: Final = Table(
    "outbox_attempts",
    TABLES,
    Column("transaction_id", Integer, ForeignKey(TRANSACTIONS.c.id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("tip", WholeNumber, nullable=False),
    Column("price", WholeNumber, nullable=False),
    Column("cancels", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("at_block", BigInteger, nullable=False),
)
