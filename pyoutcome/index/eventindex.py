"""The index: copies of the logs of watched escrows, exact, and at any time what a fresh copy would be.

One write is one transaction: logs, and the events and postings that follow from them. What to write is worked out
before, without a lock, and thrown away if another process has written meanwhile.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pyoutcome.chain.blocks import Log
from pyoutcome.chain.network import Network
from pyoutcome.chain.unfolding import unfold
from pyoutcome.errors import StoreError
from pyoutcome.index.booking import Booked, Booking
from pyoutcome.index.collecting import Gathered, find_cut, gather, still_stand, unsteady
from pyoutcome.index.store import IndexStore, State, Watched

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine

    from pyoutcome.chain.views import EscrowViews
    from pyoutcome.protocol import Located

BOOKS_KEPT: Final = 256
"""Escrows whose books are kept in memory to go on with; those of others are folded anew from their logs."""
TRIES: Final = 20


@dataclass(frozen=True)
class Updated:
    """What an update found."""

    block: int
    """Everything up to this block is in the index."""
    version: int
    """Number of the index's last write: what ``changed_since`` takes."""
    grown: frozenset[str]
    """Escrows with new logs."""
    lost: frozenset[str]
    """Escrows some of whose logs are no longer on the chain, because it was reorganised."""


class EventIndex:
    """The index of one chain in a database, which may hold those of several."""

    def __init__(self, engine: Engine, network: Network) -> None:
        """Raises StoreError as ``make_tables`` does, ChainError as the network does."""
        self._network = network
        self._store = IndexStore(engine, network.identity())
        self._books: OrderedDict[str, Booking] = OrderedDict()

    def watch(self, escrow: str, first_block: int, providers: Iterable[str] = ()) -> None:
        """Has the escrow at a checksum address followed, from a block on before which it had no logs.

        ``providers``: the agreement's ids, for names in postings; without them they are called ``provider1`` and so on.
        Watched with an earlier block or other names than before, it is read anew.
        """
        self.watch_many([(escrow, first_block, tuple(providers))])

    def watch_many(self, wanted: Iterable[tuple[str, int, tuple[str, ...]]]) -> None:
        """The same for many at once: address, first block and providers of each."""
        self._store.watch(list(wanted))

    def watched(self) -> dict[str, int]:
        """First block by address."""
        return {address: each.first_block for address, each in self._store.state().escrows.items()}

    # --- following the chain ------------------------------------------------------------------------------------------

    def update(self) -> Updated:
        """Brings the index up to the newest block. Raises ChainError ``chain-unsteady``, and as the network does."""
        grown: set[str] = set()
        lost: set[str] = set()
        head = self._network.head().number
        wasted = 0
        while wasted < TRIES:
            glance, last, lagging = self._store.glance()
            cut = None
            if find_cut(self._network, last) is not None:
                cut = find_cut(self._network, self._store.known_blocks())
            if cut is None and glance.next_block > head and not lagging:
                return Updated(head, glance.version, frozenset(grown), frozenset(lost))
            state = self._store.state()
            if state.version != glance.version:  # another process was quicker
                wasted += 1
            elif cut is not None:
                lost |= self._cut(state, cut)
                head, wasted = self._network.head().number, wasted + 1
            elif (found := gather(self._network, state.next_blocks, head)) is None:
                return Updated(head, state.version, frozenset(grown), frozenset(lost))
            elif find_cut(self._network, last) is not None:  # reorganised meanwhile: these logs are of the new branch
                wasted += 1
            elif self._store.add(state, found, self._book(state, found)):
                grown |= found.logs.keys()
            else:  # another process was quicker
                self._books.clear()
                wasted += 1
        raise unsteady(self._network, head)

    def rebuild(self) -> None:
        """Reads everything from the chain again and puts it in the place of what was there, in one write.

        Raises ChainError ``chain-unsteady``, and as the network does.
        """
        head = self._network.head().number
        for _ in range(TRIES):
            state = self._store.state()
            fresh = {
                address: replace(each, next_block=each.first_block, problem=None)
                for address, each in state.escrows.items()
            }
            now = State(state.version, max((each.first_block for each in fresh.values()), default=0), fresh)
            self._books.clear()
            portions: list[tuple[State, Gathered, dict[str, Booked]]] = []
            while (found := gather(self._network, now.next_blocks, head)) is not None:
                portions.append((now, found, self._book(now, found, fresh=True)))
                now = _after(now, found)
            if still_stand(self._network, [found.reached for _, found, _ in portions]) and self._store.replace(
                state, portions
            ):
                return
            self._books.clear()
        raise unsteady(self._network, head)

    def head(self) -> int:
        """Everything up to this block is in the index; -1 if nothing is watched."""
        return min(self._store.state().next_blocks.values(), default=0) - 1

    def changed_since(self, version: int) -> tuple[int, frozenset[str]]:
        """The number of the last write, and the escrows whose logs changed in a write after ``version``, whichever
        process made it."""
        state = self._store.state()
        return state.version, frozenset(address for address, each in state.escrows.items() if each.version > version)

    # --- reading ------------------------------------------------------------------------------------------------------

    def events(self, escrow: EscrowViews, until_block: int | None = None) -> list[Located]:
        """All events of an escrow up to a block that the index has, decoded from its logs.

        Raises StoreError ``escrow-not-watched``, and what ``unfold`` raises.
        """
        return list(unfold(self.logs(escrow.address, until_block), escrow.interface, escrow.told()))

    def logs(self, escrow: str, until_block: int | None = None) -> list[Log]:
        """The same as they were logged. Raises StoreError ``escrow-not-watched``."""
        found = self._store.logs(escrow, until_block)
        if found is None:
            raise StoreError(
                "escrow-not-watched",
                f"The index does not have the escrow at {escrow}.",
                "Have it watched first, and the index updated.",
                address=escrow,
            )
        return found

    def problems(self) -> dict[str, str]:
        """Escrows whose events and postings end before their logs do, and why."""
        state = self._store.state()
        return {address: each.problem for address, each in state.escrows.items() if each.problem is not None}

    # --- steps --------------------------------------------------------------------------------------------------------

    def _cut(self, state: State, cut: int) -> frozenset[str]:
        problems: dict[str, str | None] = {}
        for address, each in state.escrows.items():
            if each.problem is not None:
                # What did not fit may be gone, or still be there.
                booking = self._open(address, each)
                booking.take(self._store.logs(address, cut - 1) or [])
                problems[address] = booking.problem
        return self._store.cut(state, cut, problems) or frozenset()

    def _book(self, state: State, found: Gathered, *, fresh: bool = False) -> dict[str, Booked]:
        """The rows that follow from the logs, by escrow. ``fresh``: nothing in the database is believed."""
        rows = {}
        for address, new in found.logs.items():
            each = state.escrows[address]
            booking = self._books.pop(address, None)
            if booking is None or booking.version != each.version:
                booking = self._open(address, each)
                if each.next_block > each.first_block and not fresh:
                    booking.take(self._store.logs(address, each.next_block - 1) or [])
            rows[address] = booking.take(new)
            booking.version = state.version + 1
            self._books[address] = booking
            while len(self._books) > BOOKS_KEPT and not fresh:
                self._books.popitem(last=False)
        return rows

    def _open(self, address: str, watched: Watched) -> Booking:
        return Booking(self._network, address, watched.first_block, watched.names)


def _after(state: State, found: Gathered) -> State:
    """The state once what was gathered is written."""
    next_block, version = found.reached.number + 1, state.version + 1
    moved = {
        address: replace(
            state.escrows[address],
            next_block=next_block,
            version=version if address in found.logs else state.escrows[address].version,
        )
        for address in found.addresses
    }
    return State(version, max(next_block, state.next_block), {**state.escrows, **moved})
