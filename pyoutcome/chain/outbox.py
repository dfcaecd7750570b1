"""Transactions in flight, in SQL: each is recorded with its nonce and signed bytes before it is handed in.

The chain is the truth and these tables the memory: what is in them says which bytes may still land. Couriers with the
same key share its nonces through the row of that key, which is locked while nonces are given out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, Final

from eth_utils.crypto import keccak
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, Row
from sqlalchemy.exc import IntegrityError

from pyoutcome.chain.fees import Fees
from pyoutcome.chain.inflight import HELD, LIVE, Attempt, Entry, Plan, State
from pyoutcome.chain.network import Call, Head, Identity
from pyoutcome.database import WholeNumber, make_tables, transaction
from pyoutcome.errors import StoreError

VERSION: Final = 1
AT_ONCE: Final = 500
"""Values in one query."""


_tables = MetaData()
_senders = Table(
    "outbox_senders",
    _tables,
    Column("chain", String(90), primary_key=True),
    Column("address", String(42), primary_key=True),
    Column("next_nonce", BigInteger, nullable=False),
)
_transactions = Table(
    "outbox_transactions",
    _tables,
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
Index("outbox_by_purpose", _transactions.c.chain, _transactions.c.purpose)
Index("outbox_by_state", _transactions.c.chain, _transactions.c.state)
_held = _transactions.c.state.in_([str(state) for state in HELD])
Index(
    "outbox_held",  # whatever the couriers do: one purpose is never in flight twice
    _transactions.c.chain,
    _transactions.c.purpose,
    unique=True,
    sqlite_where=_held,
    postgresql_where=_held,
)
_attempts = Table(
    "outbox_attempts",
    _tables,
    Column("transaction_id", Integer, ForeignKey(_transactions.c.id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("hash", LargeBinary, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("tip", WholeNumber, nullable=False),
    Column("price", WholeNumber, nullable=False),
    Column("cancels", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("at_block", BigInteger, nullable=False),
)
_NOTED: Final = ("state", "hash", "block", "block_hash", "error", "refusals")


Sign = Callable[[Plan, int], bytes]
"""Signed bytes of a plan under a nonce."""


class Outbox:
    """The transactions of one chain in a database."""

    def __init__(self, engine: Engine, chain: Identity) -> None:
        """Makes the tables where they are missing. Raises StoreError ``database-other-version``."""
        make_tables(engine, _tables, "outbox", VERSION)
        self.engine = engine
        self._chain = f"{chain.chain_id}:{(chain.genesis or b'').hex()}"

    # --- reading ------------------------------------------------------------------------------------------------------

    def live(self) -> list[Entry]:
        """All that may still change, by sender and nonce."""
        return self._read(_transactions.c.state.in_([str(state) for state in LIVE]))

    def find(self, purposes: Sequence[str]) -> dict[str, Entry]:
        """The newest entry of each purpose that has one."""
        found: dict[str, Entry] = {}
        for start in range(0, len(purposes), AT_ONCE):
            entries = self._read(_transactions.c.purpose.in_(purposes[start : start + AT_ONCE]))
            found |= {entry.purpose: entry for entry in sorted(entries, key=lambda entry: entry.id)}
        return found

    def at_nonce(self, sender: str, nonce: int) -> Entry | None:
        """The entry that has this nonce."""
        found = self._read((_transactions.c.sender == sender) & (_transactions.c.nonce == nonce))
        return found[0] if found else None

    def raws(self, entries: Sequence[Entry]) -> list[bytes]:
        """The signed bytes of each entry's newest attempt."""
        wanted = {(entry.id, entry.newest.number) for entry in entries}
        by_id: dict[int, bytes] = {}
        with transaction(self.engine) as connection:
            for start in range(0, len(entries), AT_ONCE):
                ids = [entry.id for entry in entries[start : start + AT_ONCE]]
                rows = connection.execute(
                    select(_attempts.c.transaction_id, _attempts.c.number, _attempts.c.raw).where(
                        _attempts.c.transaction_id.in_(ids)
                    )
                )
                by_id |= {row.transaction_id: row.raw for row in rows if (row.transaction_id, row.number) in wanted}
        return [by_id[entry.id] for entry in entries]

    def _read(self, condition: ColumnElement[bool]) -> list[Entry]:
        with transaction(self.engine) as connection:
            return self._read_in(connection, condition)

    def _read_in(self, connection: Connection, condition: ColumnElement[bool]) -> list[Entry]:
        # One query, so that both tables are seen at one moment.
        columns = [column for column in _attempts.c if column.name not in ("transaction_id", "hash", "raw")]
        rows = connection.execute(
            select(_transactions, _attempts.c.hash.label("attempt"), *columns)
            .join(_attempts)
            .where(_transactions.c.chain == self._chain, condition)
            .order_by(_transactions.c.sender, _transactions.c.nonce, _attempts.c.number)
        )
        return [_entry(list(group)) for _, group in groupby(rows, key=lambda row: row.id)]

    # --- writing ------------------------------------------------------------------------------------------------------

    def record(self, plans: Sequence[Plan], sender: str, pending: int, sign: Sign, head: Head) -> dict[str, Entry]:
        """Gives each plan the sender's next nonce, signs it and writes it down, all or nothing; by purpose.

        A purpose that somebody else has recorded meanwhile is not recorded again: theirs is handed back. ``pending`` is
        the network's count of the sender's transactions, asked before.
        """
        try:
            return self._record(plans, sender, pending, sign, head)
        except StoreError as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
            # Somebody with another key recorded the same purpose at this moment; now theirs is there to be found.
            return self._record(plans, sender, pending, sign, head)

    def _record(self, plans: Sequence[Plan], sender: str, pending: int, sign: Sign, head: Head) -> dict[str, Entry]:
        with transaction(self.engine) as connection:
            nonce = max(self._lock(connection, sender), pending)
            first = nonce
            theirs: dict[str, Entry] = {}
            purposes = list(dict.fromkeys(plan.purpose for plan in plans))
            for start in range(0, len(purposes), AT_ONCE):
                part = _transactions.c.purpose.in_(purposes[start : start + AT_ONCE])
                theirs |= {entry.purpose: entry for entry in self._read_in(connection, part & _held)}
            new = {plan.purpose: plan for plan in plans if plan.purpose not in theirs}
            for plan in new.values():
                self._insert(connection, plan, nonce, sign(plan, nonce), head)
                nonce += 1
            connection.execute(
                update(_senders)
                .where(_senders.c.chain == self._chain, _senders.c.address == sender)
                .values(next_nonce=nonce)
            )
            ours = (_transactions.c.sender == sender) & _transactions.c.nonce.between(first, nonce - 1)
            return theirs | {entry.purpose: entry for entry in self._read_in(connection, ours)}

    def fill(self, plan: Plan, nonce: int, sign: Sign, head: Head) -> Entry | None:
        """Records a transaction under a nonce that nobody has; None if somebody was quicker."""
        with transaction(self.engine) as connection:
            after = self._lock(connection, plan.call.sender)
            mine = (_transactions.c.sender == plan.call.sender) & (_transactions.c.nonce == nonce)
            if nonce >= after or self._read_in(connection, mine):
                return None
            self._insert(connection, plan, nonce, sign(plan, nonce), head)
            return self._read_in(connection, mine)[0]

    def _lock(self, connection: Connection, sender: str) -> int:
        """The sender's next nonce, with its row locked until the step ends (SQLite has one writer anyway)."""
        values = {"chain": self._chain, "address": sender, "next_nonce": 0}
        make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(make(_senders).values(values).on_conflict_do_nothing())
        row = select(_senders.c.next_nonce).where(_senders.c.chain == self._chain, _senders.c.address == sender)
        return int(connection.execute(row.with_for_update()).scalar_one())

    def _insert(self, connection: Connection, plan: Plan, nonce: int, raw: bytes, head: Head) -> None:
        hash_ = keccak(raw)
        values = {
            "chain": self._chain, "purpose": plan.purpose, "sender": plan.call.sender, "nonce": nonce,
            "target": plan.call.to, "data": plan.call.data, "value": plan.call.value, "gas": plan.gas,
            "state": str(State.RECORDED), "hash": hash_, "refusals": 0, "version": 0,
        }  # fmt: skip
        id_ = connection.execute(insert(_transactions).values(values)).inserted_primary_key
        attempt = Attempt(1, hash_, plan.fees, plan.cancels, head.timestamp, head.number)
        self._insert_attempt(connection, int(id_[0]) if id_ else 0, attempt, raw)

    @staticmethod
    def _insert_attempt(connection: Connection, id_: int, attempt: Attempt, raw: bytes) -> None:
        connection.execute(
            insert(_attempts).values(
                transaction_id=id_,
                number=attempt.number,
                hash=attempt.hash,
                raw=raw,
                tip=attempt.fees.tip,
                price=attempt.fees.price,
                cancels=attempt.cancels,
                at=attempt.at,
                at_block=attempt.at_block,
            )
        )

    def replace(self, entry: Entry, raw: bytes, fees: Fees, head: Head, *, cancels: bool) -> Entry | None:
        """Records another attempt under the same nonce; None if another courier changed the entry meanwhile."""
        attempt = Attempt(entry.newest.number + 1, keccak(raw), fees, cancels, head.timestamp, head.number)
        changed = replace(entry, hash=attempt.hash, refusals=0)
        with transaction(self.engine) as connection:
            if not self._note(connection, changed):
                return None
            self._insert_attempt(connection, entry.id, attempt, raw)
        return replace(changed, version=entry.version + 1, attempts=(*entry.attempts, attempt))

    def note(self, known: Sequence[Entry], seen: Sequence[Entry]) -> list[Entry]:
        """Writes down what was seen of entries, where it is new, and hands them back in the same order.

        What another courier has changed meanwhile stays as that one saw it.
        """
        new = [after for before, after in zip(known, seen, strict=True) if before != after]
        if not new:
            return list(seen)
        with transaction(self.engine) as connection:
            written = {entry.id for entry in new if self._note(connection, entry)}
        return [replace(entry, version=entry.version + 1) if entry.id in written else entry for entry in seen]

    def _note(self, connection: Connection, entry: Entry) -> bool:
        values = {name: getattr(entry, name) for name in _NOTED} | {"state": str(entry.state)}
        statement = (
            update(_transactions)
            .where(_transactions.c.id == entry.id, _transactions.c.version == entry.version)
            .values(version=entry.version + 1, **values)
        )
        return connection.execute(statement).rowcount == 1


def _entry(rows: Sequence[Row[Any]]) -> Entry:
    """From a transaction's row, repeated for each of its attempts."""
    row = rows[0]
    return Entry(
        id=row.id,
        version=row.version,
        purpose=row.purpose,
        call=Call(row.sender, row.target, row.data, row.value),
        nonce=row.nonce,
        gas=row.gas,
        state=State(row.state),
        hash=row.hash,
        block=row.block,
        block_hash=row.block_hash,
        error=row.error,
        refusals=row.refusals,
        attempts=tuple(
            Attempt(one.number, one.attempt, Fees(one.tip, one.price), one.cancels, one.at, one.at_block)
            for one in rows
        ),
    )
