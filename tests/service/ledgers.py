"""What a keeper's database says, against the chain and against what a fresh one would say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import Engine

from pyoutcome.database import open_database, transaction
from pyoutcome.index import EventIndex
from pyoutcome.index.tables import events, logs, postings
from pyoutcome.ledger.accounts import ESCROW
from pyoutcome.service.telling import read_status
from pyoutcome.workspace import Workspace


def count_undone(database: str | Path, names: Collection[str]) -> int:
    """Periods of which the keeper does not know that they are done."""
    rows = [row.standing for row in read_status(database).rows]
    known = {row.agreement for row in rows}
    return sum(row.number > 0 and not row.done for row in rows) + len(set(names) - known)


def count_book_differences(database: str | Path, deals: Sequence[Workspace]) -> int:
    """Escrows whose postings come to another sum of tokens than the chain says that they have."""
    held: Counter[str] = Counter()
    engine = open_database(database)
    with transaction(engine) as connection:
        chosen = select(postings.c.escrow, postings.c.units).where(postings.c.account == ESCROW)
        for escrow, units in connection.execute(chosen):
            held[escrow] += units
    engine.dispose()
    return sum(held[deal.desk.escrow.address] != _tokens(deal) for deal in deals)


def _tokens(deal: Workspace) -> int:
    token = deal.desk.escrow.token()
    assert token is not None
    return token.balance(deal.desk.escrow.address)


def count_index_differences(database: str | Path, deals: Sequence[Workspace]) -> int:
    """Rows that one of the keeper's index and a fresh one has and the other has not."""
    engine, fresh = open_database(database), open_database("sqlite:///:memory:")
    index = EventIndex(fresh, deals[0].network)
    for deal in deals:
        index.watch(deal.desk.escrow.address, deal.desk.settings.first_block, deal.agreement.providers)
    index.update()
    found = _rows(fresh) ^ _rows(engine)
    engine.dispose()
    fresh.dispose()
    return len(found)


def _rows(engine: Engine) -> set[str]:
    rows: set[str] = set()
    with transaction(engine) as connection:
        for table in (logs, events, postings):
            columns = [column for column in table.c if column.name != "chain"]
            rows |= {f"{table.name} {tuple(row)}" for row in connection.execute(select(*columns))}
    return rows
