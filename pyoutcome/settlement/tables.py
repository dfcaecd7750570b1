"""The tables of the keeper: where it stands with each period, what it has to tell, and what it has to hand on.

Nothing in them decides anything: what is true stands on chain and in the files. A lost database costs looks and perhaps
a repeated message, never a settlement.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table, Text

VERSION: Final = 1
tables: Final = MetaData()

agreements: Final = Table(
    "keeper_agreements",
    tables,
    Column("name", String(100), primary_key=True),
    Column("folder", Text, nullable=False),
    Column("chain", String(100), nullable=False),  # number and first block of the chain it lives on
    Column("escrow", String(42), nullable=False),
    Column("first_block", BigInteger, nullable=False),
)

periods: Final = Table(
    "keeper_periods",
    tables,
    Column("agreement", String(100), ForeignKey("keeper_agreements.name"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # 0 is the agreement as a whole
    Column("need", String(40), nullable=False),
    Column("why", Text, nullable=False),
    Column("next_look", BigInteger, nullable=False),  # by the machine's clock, milliseconds
    Column("chain_due", BigInteger),  # by the chain's clock, seconds: then it is looked at as well
    Column("attempts", Integer, nullable=False),  # failures in a row
    Column("error", String(80)),
    Column("error_why", Text),
    Column("error_fix", Text),
    Column("parked", Boolean, nullable=False),
    Column("done", Boolean, nullable=False),
    Column("purpose", Text),  # of the transaction that is on its way for it
    Column("owner", String(80)),  # of the lease
    Column("leased_until", BigInteger, nullable=False),
    Column("woken", Integer, nullable=False),  # counts what arrived, so that a look that began before is repeated
    Index("keeper_periods_due", "done", "parked", "next_look"),
    Index("keeper_periods_chain_due", "chain_due"),
)

outgoing: Final = Table(
    "keeper_outgoing",
    tables,
    Column("key", String(300), primary_key=True),  # what it is: each thing goes to each channel once
    Column("channel", String(300), primary_key=True),  # where it goes
    Column("kind", String(40), nullable=False),
    Column("agreement", String(100), nullable=False),
    Column("period", Integer),
    Column("content", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("sent", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try", BigInteger, nullable=False),
    Column("given_up", Boolean, nullable=False),
    Column("error", Text),
    Index("keeper_outgoing_due", "sent", "given_up", "next_try"),
)
