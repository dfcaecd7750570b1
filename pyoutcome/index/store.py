"""The index in its database: what is read in one go, and what is written in one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, delete, func, insert, select, update

from pyoutcome.chain.blocks import Identity, Log
from pyoutcome.database import make_tables, transaction
from pyoutcome.index.booking import Booked
from pyoutcome.index.collecting import LARGEST, Gathered
from pyoutcome.index.tables import VERSION, add_missing, blocks, chains, escrows, events, logs, postings, tables

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlalchemy.engine import Connection, Engine

ADDRESSES_AT_ONCE: Final = 500
ROWS_AT_ONCE: Final = 5_000


@dataclass(frozen=True)
class Watched:
    """One escrow of the index."""

    first_block: int
    next_block: int
    """The block from which its logs are missing."""
    version: int
    """The write that changed its logs last."""
    names: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class State:
    """The index of a chain after one of its writes."""

    version: int
    next_block: int
    """The block from which logs are missing, but for escrows that lag behind."""
    escrows: Mapping[str, Watched] = field(default_factory=dict)

    @property
    def next_blocks(self) -> dict[str, int]:
        """The block from which logs are missing, by address."""
        return {address: each.next_block for address, each in self.escrows.items()}


class _OtherBlock(Exception):  # noqa: N818 - internal: nothing is written then
    """A block is known with another hash."""


class IndexStore:
    """The rows of one chain. Writes are refused (False, None) if another process wrote after the state was read."""

    def __init__(self, engine: Engine, identity: Identity) -> None:
        self._engine = engine
        make_tables(engine, tables, "index", VERSION)
        genesis = "0x" + (identity.genesis or b"").hex()
        wanted = and_(chains.c.chain_id == identity.chain_id, chains.c.genesis == genesis)
        with transaction(engine) as connection:
            row = {"chain_id": identity.chain_id, "genesis": genesis, "version": 0, "next_block": 0}
            add_missing(connection, chains, row)
            self._chain = int(connection.execute(select(chains.c.id).where(wanted)).scalar_one())

    # --- reading ------------------------------------------------------------------------------------------------------

    def state(self) -> State:
        """What is watched, and how far its logs are here."""
        with transaction(self._engine) as connection:
            version, next_block = self._head(connection)
            rows = connection.execute(select(escrows).where(escrows.c.chain == self._chain).order_by(escrows.c.address))
            found = {
                row.address: Watched(
                    row.first_block,
                    next_block if row.behind is None else row.behind,
                    row.version,
                    tuple(row.names),
                    row.problem,
                )
                for row in rows
            }
        return State(version, next_block, found)

    def glance(self) -> tuple[State, list[tuple[int, bytes]], bool]:
        """Version and next block without the escrows; the last known block; whether any escrow lags behind."""
        with transaction(self._engine) as connection:
            lagging = select(func.count()).where(escrows.c.chain == self._chain, escrows.c.behind.is_not(None))
            state = State(*self._head(connection))
            return state, self._known(connection, 1), bool(connection.execute(lagging).scalar_one())

    def known_blocks(self) -> list[tuple[int, bytes]]:
        """Number and hash of every block with logs, and of the last one that was looked at; rising."""
        with transaction(self._engine) as connection:
            return self._known(connection)

    def logs(self, address: str, until_block: int | None = None) -> list[Log] | None:
        """The logs of an escrow, in the chain's order; None if it is not watched."""
        with transaction(self._engine) as connection:
            own = and_(escrows.c.chain == self._chain, escrows.c.address == address)
            if connection.execute(select(escrows.c.address).where(own)).scalar() is None:
                return None
            query = (
                select(logs, blocks.c.hash)
                .join(blocks, and_(blocks.c.chain == logs.c.chain, blocks.c.number == logs.c.block))
                .where(logs.c.chain == self._chain, logs.c.address == address)
                .where(logs.c.block <= (LARGEST if until_block is None else until_block))
                .order_by(logs.c.block, logs.c.log_index)
            )
            return [
                Log(
                    row.address,
                    tuple(bytes(row.topics[at : at + 32]) for at in range(0, len(row.topics), 32)),
                    bytes(row.data),
                    row.block,
                    row.log_index,
                    bytes(row.transaction),
                    row.timestamp,
                    bytes(row.hash),
                )
                for row in connection.execute(query)
            ]

    # --- writing ------------------------------------------------------------------------------------------------------

    def watch(self, wanted: Sequence[tuple[str, int, tuple[str, ...]]]) -> None:
        """Adds escrows: address, first block, names. One that is known with a later first block or other names is
        emptied, to be read anew."""
        with transaction(self._engine) as connection:
            version, next_block = self._lock(connection)
            query = select(escrows.c.address, escrows.c.first_block, escrows.c.names)
            rows = connection.execute(query.where(escrows.c.chain == self._chain))
            known = {row.address: (int(row.first_block), tuple(row.names)) for row in rows}
            if not known and wanted:
                next_block = max(first_block for _, first_block, _ in wanted)
            changed = False
            for address, first_block, names in wanted:
                first, had = known.get(address, (first_block, names))
                if address in known and first_block >= first and names in ((), had):
                    continue
                changed, first = True, min(first, first_block)
                known[address] = first, names or had
                row = {
                    "first_block": first, "names": list(names or had), "version": version + 1, "problem": None,
                    "behind": first if first < next_block else None,
                }  # fmt: skip
                self._forget(connection, [address])
                add_missing(connection, escrows, {"chain": self._chain, "address": address, **row})
                self._set(connection, [address], **row)
            if changed:
                self._advance(connection, version + 1, next_block)

    def cut(self, state: State, cut: int, problems: Mapping[str, str | None]) -> frozenset[str] | None:
        """Deletes what stood in blocks from ``cut`` on; whose logs those were. ``problems``: what remains of them."""
        with transaction(self._engine) as connection:
            if self._lock(connection)[0] != state.version:
                return None
            own = and_(logs.c.chain == self._chain, logs.c.block >= cut)
            lost = frozenset(connection.execute(select(logs.c.address).where(own).distinct()).scalars())
            for table in (logs, events, postings):
                connection.execute(delete(table).where(table.c.chain == self._chain, table.c.block >= cut))
            connection.execute(delete(blocks).where(blocks.c.chain == self._chain, blocks.c.number >= cut))
            self._set(connection, sorted(lost), version=state.version + 1)
            for address in sorted(problems):
                self._set(connection, [address], problem=problems[address])
            next_block = min(cut, state.next_block)
            caught_up = and_(escrows.c.chain == self._chain, escrows.c.behind >= next_block)
            connection.execute(update(escrows).where(caught_up).values(behind=None))
            self._advance(connection, state.version + 1, next_block)
        return lost

    def add(self, state: State, found: Gathered, rows: Mapping[str, Booked]) -> bool:
        """Adds what was gathered after ``state``, and what follows from it."""
        return self._write(state, [(state, found, rows)], afresh=False)

    def replace(self, state: State, portions: Sequence[tuple[State, Gathered, Mapping[str, Booked]]]) -> bool:
        """Puts what was gathered in the place of everything."""
        return self._write(state, portions, afresh=True)

    def _write(
        self, state: State, portions: Sequence[tuple[State, Gathered, Mapping[str, Booked]]], *, afresh: bool
    ) -> bool:
        try:
            with transaction(self._engine) as connection:
                if self._lock(connection)[0] != state.version:
                    return False
                if afresh:
                    self._forget(connection, list(state.escrows))
                    connection.execute(delete(blocks).where(blocks.c.chain == self._chain))
                    self._set(connection, list(state.escrows), behind=None, problem=None, version=state.version + 1)
                for portion in portions:
                    self._add(connection, *portion)
        except _OtherBlock:
            return False
        return True

    def _add(self, connection: Connection, state: State, found: Gathered, rows: Mapping[str, Booked]) -> None:
        self._add_blocks(connection, found)
        chain = {"chain": self._chain}
        new = (_row(log) for each in found.logs.values() for log in each)
        self._insert(connection, logs, (chain | row for row in new))
        for table, part in ((events, "events"), (postings, "postings")):
            booked = ((address, getattr(each, part)) for address, each in rows.items())
            told = ({**chain, "escrow": address, **row} for address, each in booked for row in each)
            self._insert(connection, table, told)
        version, next_block = state.version + 1, found.reached.number + 1
        self._set(connection, list(rows), version=version)
        for address, each in rows.items():
            if each.problem is not None:
                self._set(connection, [address], problem=each.problem)
        ahead = [address for address, block in state.next_blocks.items() if block == state.next_block]
        # Those at the front move together; if they do not, the others were brought up towards them.
        front = next_block if not ahead or ahead[0] in found.addresses else state.next_block
        moved = [address for address in found.addresses if state.escrows[address].next_block != state.next_block]
        self._set(connection, moved, behind=None if next_block >= front else next_block)
        self._advance(connection, version, front)

    def _add_blocks(self, connection: Connection, found: Gathered) -> None:
        """Adds the blocks of the logs and the last one."""
        own = blocks.c.chain == self._chain
        new = {**found.blocks, found.reached.number: found.reached.hash}
        for numbers in _portions(sorted(new)):
            for row in connection.execute(select(blocks).where(own, blocks.c.number.in_(numbers))):
                if bytes(row.hash) != new.pop(row.number):
                    raise _OtherBlock
            logged = [number for number in numbers if number in found.blocks]
            connection.execute(update(blocks).where(own, blocks.c.number.in_(logged)).values(has_logs=True))
        rows = (
            {"chain": self._chain, "number": number, "hash": block_hash, "has_logs": number in found.blocks}
            for number, block_hash in new.items()
        )
        self._insert(connection, blocks, rows)
        newest = select(func.max(blocks.c.number)).where(own).scalar_subquery()
        connection.execute(delete(blocks).where(own, ~blocks.c.has_logs, blocks.c.number < newest))

    # --- steps --------------------------------------------------------------------------------------------------------

    def _head(self, connection: Connection) -> tuple[int, int]:
        row = connection.execute(select(chains.c.version, chains.c.next_block).where(chains.c.id == self._chain)).one()
        return int(row.version), int(row.next_block)

    def _lock(self, connection: Connection) -> tuple[int, int]:
        """Lets no other process write until the transaction ends; the number of the last write, and the next block."""
        connection.execute(select(chains.c.id).where(chains.c.id == self._chain).with_for_update())
        return self._head(connection)

    def _advance(self, connection: Connection, version: int, next_block: int) -> None:
        changed = update(chains).where(chains.c.id == self._chain).values(version=version, next_block=next_block)
        connection.execute(changed)

    def _known(self, connection: Connection, most: int | None = None) -> list[tuple[int, bytes]]:
        query = select(blocks.c.number, blocks.c.hash).where(blocks.c.chain == self._chain)
        rows = connection.execute(query.order_by(blocks.c.number.desc()).limit(most))
        return [(row.number, bytes(row.hash)) for row in rows][::-1]

    def _set(self, connection: Connection, addresses: Sequence[str], **values: Any) -> None:
        for portion in _portions(addresses):
            chosen = and_(escrows.c.chain == self._chain, escrows.c.address.in_(portion))
            connection.execute(update(escrows).where(chosen).values(**values))

    def _forget(self, connection: Connection, addresses: Sequence[str]) -> None:
        """Deletes all copies of these escrows' logs and what follows from them."""
        for portion in _portions(addresses):
            connection.execute(delete(logs).where(logs.c.chain == self._chain, logs.c.address.in_(portion)))
            for table in (events, postings):
                connection.execute(delete(table).where(table.c.chain == self._chain, table.c.escrow.in_(portion)))

    def _insert(self, connection: Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
        portion: list[dict[str, Any]] = []
        for row in rows:
            portion.append(row)
            if len(portion) == ROWS_AT_ONCE:
                connection.execute(insert(table), portion)
                portion = []
        if portion:
            connection.execute(insert(table), portion)


def _row(log: Log) -> dict[str, Any]:
    return {
        "block": log.block,
        "log_index": log.index,
        "address": log.address,
        "transaction": log.transaction,
        "topics": b"".join(log.topics),
        "data": log.data,
        "timestamp": log.timestamp,
    }


def _portions(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for at in range(0, len(items), ADDRESSES_AT_ONCE):
        yield items[at : at + ADDRESSES_AT_ONCE]
