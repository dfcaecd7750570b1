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
from sqlalchemy import ColumnElement, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, Row
from sqlalchemy.exc import IntegrityError

from pyoutcome.chain.blocks import Call, Head, Identity
from pyoutcome.chain.fees import Fees
from pyoutcome.chain.inflight import LIVE, Attempt, Entry, Plan, State
from pyoutcome.chain.outbox_tables import ATTEMPTS, IS_HELD, SENDERS, TABLES, TRANSACTIONS, VERSION
from pyoutcome.database import make_tables, transaction
from pyoutcome.errors import StoreError

AT_ONCE: Final = 500
"""Values in one query."""


_NOTED: Final = ("state", "hash", "block", "block_hash", "error", "refusals", "version")


Sign = Callable[[Plan, int], bytes]
"""Signed bytes of a plan under a nonce."""


class Outbox:
    """The transactions of one chain in a database."""

    def __init__(self, engine: Engine, chain: Identity) -> None:
        """Makes the tables where they are missing. Raises StoreError ``database-other-version``."""
        make_tables(engine, TABLES, "outbox", VERSION)
        self.engine = engine
        self._chain = f"{chain.chain_id}:{(chain.genesis or b'').hex()}"

    # --- reading ------------------------------------------------------------------------------------------------------

    def live(self) -> list[Entry]:
        """All that may still change, by sender and nonce."""
        return self._read(TRANSACTIONS.c.state.in_([str(state) for state in LIVE]))

    def find(self, purposes: Sequence[str]) -> dict[str, Entry]:
        """The newest entry of each purpose that has one."""
        found: dict[str, Entry] = {}
        for start in range(0, len(purposes), AT_ONCE):
            entries = self._read(TRANSACTIONS.c.purpose.in_(purposes[start : start + AT_ONCE]))
            found |= {entry.purpose: entry for entry in sorted(entries, key=lambda entry: entry.id)}
        return found

    def at_nonce(self, sender: str, nonce: int) -> Entry | None:
        """The entry that has this nonce."""
        found = self._read((TRANSACTIONS.c.sender == sender) & (TRANSACTIONS.c.nonce == nonce))
        return found[0] if found else None

    def raws(self, entries: Sequence[Entry]) -> list[bytes]:
        """The signed bytes of each entry's newest attempt."""
        wanted = {(entry.id, entry.newest.number) for entry in entries}
        by_id: dict[int, bytes] = {}
        with transaction(self.engine) as connection:
            for start in range(0, len(entries), AT_ONCE):
                ids = [entry.id for entry in entries[start : start + AT_ONCE]]
                rows = connection.execute(
                    select(ATTEMPTS.c.transaction_id, ATTEMPTS.c.number, ATTEMPTS.c.raw).where(
                        ATTEMPTS.c.transaction_id.in_(ids)
                    )
                )
                by_id |= {row.transaction_id: row.raw for row in rows if (row.transaction_id, row.number) in wanted}
        return [by_id[entry.id] for entry in entries]

    def _read(self, condition: ColumnElement[bool]) -> list[Entry]:
        with transaction(self.engine) as connection:
            return self._read_in(connection, condition)

    def _read_in(self, connection: Connection, condition: ColumnElement[bool]) -> list[Entry]:
        # One query, so that both tables are seen at one moment.
        columns = [column for column in ATTEMPTS.c if column.name not in ("transaction_id", "hash", "raw")]
        rows = connection.execute(
            select(TRANSACTIONS, ATTEMPTS.c.hash.label("attempt"), *columns)
            .join(ATTEMPTS)
            .where(TRANSACTIONS.c.chain == self._chain, condition)
            .order_by(TRANSACTIONS.c.sender, TRANSACTIONS.c.nonce, ATTEMPTS.c.number)
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
            next_nonce = self._lock(connection, sender)
            theirs: dict[str, Entry] = {}
            purposes = list(dict.fromkeys(plan.purpose for plan in plans))
            for start in range(0, len(purposes), AT_ONCE):
                part = TRANSACTIONS.c.purpose.in_(purposes[start : start + AT_ONCE])
                theirs |= {entry.purpose: entry for entry in self._read_in(connection, part & IS_HELD)}
            new = list({plan.purpose: plan for plan in plans if plan.purpose not in theirs}.values())
            first = max(next_nonce, pending)
            if not new:
                return theirs
            ours = self._insert(connection, new, sender, first, sign, head)
            connection.execute(
                update(SENDERS)
                .where(SENDERS.c.chain == self._chain, SENDERS.c.address == sender)
                .values(next_nonce=first + len(new))
            )
            return theirs | {entry.purpose: entry for entry in ours}

    def fill(self, plan: Plan, nonce: int, sign: Sign, head: Head) -> Entry | None:
        """Records a transaction under a nonce that nobody has; None if somebody was quicker."""
        with transaction(self.engine) as connection:
            after = self._lock(connection, plan.call.sender)
            mine = (TRANSACTIONS.c.sender == plan.call.sender) & (TRANSACTIONS.c.nonce == nonce)
            if nonce >= after or self._read_in(connection, mine):
                return None
            return self._insert(connection, [plan], plan.call.sender, nonce, sign, head)[0]

    def _lock(self, connection: Connection, sender: str) -> int:
        """The sender's next nonce, with its row locked until the step ends (SQLite has one writer anyway)."""
        values = {"chain": self._chain, "address": sender, "next_nonce": 0}
        make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(make(SENDERS).values(values).on_conflict_do_nothing())
        row = select(SENDERS.c.next_nonce).where(SENDERS.c.chain == self._chain, SENDERS.c.address == sender)
        return int(connection.execute(row.with_for_update()).scalar_one())

    def _insert(
        self, connection: Connection, plans: Sequence[Plan], sender: str, first: int, sign: Sign, head: Head
    ) -> list[Entry]:
        """Writes plans down under the nonces from ``first``."""
        signed = {nonce: (plan, sign(plan, nonce)) for nonce, plan in enumerate(plans, first)}
        rows = [
            {
                "chain": self._chain, "purpose": plan.purpose, "sender": sender, "nonce": nonce,
                "target": plan.call.to, "data": plan.call.data, "value": plan.call.value, "gas": plan.gas,
                "state": str(State.RECORDED), "hash": keccak(raw), "refusals": 0, "version": 0,
            }
            for nonce, (plan, raw) in signed.items()
        ]  # fmt: skip
        # Two that record the same purposes wait for one another in the same order.
        connection.execute(insert(TRANSACTIONS), sorted(rows, key=lambda row: str(row["purpose"])))
        mine = (TRANSACTIONS.c.sender == sender) & TRANSACTIONS.c.nonce.between(first, first + len(plans) - 1)
        ids = select(TRANSACTIONS.c.id, TRANSACTIONS.c.nonce).where(TRANSACTIONS.c.chain == self._chain, mine)
        attempts = []
        for id_, nonce in connection.execute(ids):
            plan, raw = signed[nonce]
            attempt = Attempt(1, keccak(raw), plan.fees, plan.cancels, head.timestamp, head.number)
            attempts.append(_attempt_row(id_, attempt, raw))
        connection.execute(insert(ATTEMPTS), attempts)
        return self._read_in(connection, mine)

    def replace(self, entry: Entry, raw: bytes, fees: Fees, head: Head, *, cancels: bool) -> Entry | None:
        """Records another attempt under the same nonce; None if another courier changed the entry meanwhile."""
        attempt = Attempt(entry.newest.number + 1, keccak(raw), fees, cancels, head.timestamp, head.number)
        changed = replace(entry, hash=attempt.hash, refusals=0)
        with transaction(self.engine) as connection:
            if not self._note(connection, [changed]):
                return None
            connection.execute(insert(ATTEMPTS), [_attempt_row(entry.id, attempt, raw)])
        return replace(changed, version=entry.version + 1, attempts=(*entry.attempts, attempt))

    def note(self, known: Sequence[Entry], seen: Sequence[Entry]) -> list[Entry]:
        """Writes down what was seen of entries, where it is new, and hands them back in the same order.

        What another courier has changed meanwhile stays as that one saw it.
        """
        new = [after for before, after in zip(known, seen, strict=True) if before != after]
        if not new:
            return list(seen)
        with transaction(self.engine) as connection:
            written = self._note(connection, new)
        return [replace(entry, version=entry.version + 1) if entry.id in written else entry for entry in seen]

    @staticmethod
    def _note(connection: Connection, entries: Sequence[Entry]) -> set[int]:
        """Writes entries whose row is still of their version; which those are."""
        versions: dict[int, int] = {}
        for start in range(0, len(entries), AT_ONCE):
            ids = sorted(entry.id for entry in entries[start : start + AT_ONCE])
            rows = select(TRANSACTIONS.c.id, TRANSACTIONS.c.version).where(TRANSACTIONS.c.id.in_(ids))
            found = connection.execute(rows.order_by(TRANSACTIONS.c.id).with_for_update())
            versions |= {row.id: row.version for row in found}
        mine = [entry for entry in entries if versions.get(entry.id) == entry.version]
        if mine:
            values: dict[str, object] = {name: bindparam(f"new_{name}") for name in _NOTED}
            connection.execute(
                update(TRANSACTIONS).where(TRANSACTIONS.c.id == bindparam("which")).values(values),
                [{"which": entry.id, **_noted(entry)} for entry in mine],
            )
        return {entry.id for entry in mine}


def _noted(entry: Entry) -> dict[str, object]:
    """What a look may change of an entry."""
    return {
        "new_state": str(entry.state),
        "new_hash": entry.hash,
        "new_block": entry.block,
        "new_block_hash": entry.block_hash,
        "new_error": entry.error,
        "new_refusals": entry.refusals,
        "new_version": entry.version + 1,
    }


def _attempt_row(id_: int, attempt: Attempt, raw: bytes) -> dict[str, object]:
    return {
        "transaction_id": id_, "number": attempt.number, "hash": attempt.hash, "raw": raw, "tip": attempt.fees.tip,
        "price": attempt.fees.price, "cancels": attempt.cancels, "at": attempt.at, "at_block": attempt.at_block,
    }  # fmt: skip


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
