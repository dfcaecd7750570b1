"""One escrow's logs turned into rows for readers: events and postings, going on where the last logs ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from itertools import groupby
from typing import Any, Final

from pyoutcome.chain.blocks import Log
from pyoutcome.chain.network import Network
from pyoutcome.chain.unfolding import unfold
from pyoutcome.chain.views import EscrowViews
from pyoutcome.errors import ChainError, LedgerError, ProtocolError
from pyoutcome.ledger import Entry, Folding
from pyoutcome.ledger.entries import iso_time
from pyoutcome.protocol import Located

Row = dict[str, Any]
TROUBLE: Final = frozenset(
    {"network-timeout", "network-unreachable", "network-refused", "network-error", "bad-network-answer"}
)
"""What says nothing of the escrow: the step is done again."""


@dataclass
class Booked:
    """Rows for the tables ``events`` and ``postings``, without chain and escrow."""

    events: list[Row] = field(default_factory=list)
    postings: list[Row] = field(default_factory=list)
    problem: str | None = None
    """Why there are no more rows than there are."""


class Booking:
    """The books of one escrow while its logs arrive, in portions of whole blocks."""

    def __init__(self, network: Network, address: str, first_block: int, names: Sequence[str]) -> None:
        self.version = -1
        """The write of the index that these books have reached; whoever keeps them says so."""
        self.problem: str | None = None
        """Why no more rows follow."""
        self._escrow = EscrowViews(network, address, first_block)
        self._names = tuple(names)
        self._moment = self._escrow.told()
        self._folding: Folding | None = None
        self._events = 0

    def take(self, logs: Sequence[Log]) -> Booked:
        """The rows of the next logs. Raises ChainError only where the network fails."""
        booked = Booked(problem=self.problem)
        if self.problem is not None or not logs:
            return booked
        try:
            if self._folding is None:
                given = self._escrow.arguments().providers
                self._folding = Folding(self._names or tuple(f"provider{at}" for at in range(1, len(given) + 1)))
            located = unfold(logs, self._escrow.interface, self._moment)
            for _, transaction in groupby(located, lambda each: (each.block, each.transaction)):
                self._book(self._folding, list(transaction), booked)
        except (ChainError, LedgerError, ProtocolError) as error:
            if error.code in TROUBLE:
                raise
            self.problem = booked.problem = f"{error.code}: {error.why}"
        return booked

    def _book(self, folding: Folding, transaction: list[Located], booked: Booked) -> None:
        before = len(folding.entries)
        try:
            folding.take(transaction)
        finally:
            # Up to what makes no books.
            for entry in folding.entries[before:]:
                booked.postings += _postings(entry)
        for located in transaction:
            self._events += 1
            booked.events.append(_event(located, self._events, folding.providers))


def _event(located: Located, number: int, names: Sequence[str]) -> Row:
    event = located.event
    provider = getattr(event, "provider", None)
    return {
        "number": number,
        **_place(located),
        "name": type(event).__name__,
        "period": getattr(event, "period", None),
        "provider": names[provider] if provider is not None and 0 <= provider < len(names) else None,
        "fields": {part.name: _plain(getattr(event, part.name)) for part in fields(event)},
    }


def _postings(entry: Entry) -> list[Row]:
    about = {
        "entry": entry.number,
        **_place(entry),
        "event": entry.kind,
        "period": entry.period,
        "provider": entry.provider,
        "narration": entry.narration,
    }
    return [
        {**about, "line": line, "account": posting.account, "units": posting.amount}
        for line, posting in enumerate(entry.postings, 1)
    ]


def _place(at: Located | Entry) -> Row:
    return {
        "block": at.block,
        "log_index": at.index,
        "transaction": "0x" + at.transaction.hex(),
        "time": iso_time(at.timestamp),
    }


def _plain(value: Any) -> Any:
    """A field for JSON: whole numbers as texts, because they may be longer than others can read."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return str(int(value)) if isinstance(value, int) and not isinstance(value, bool) else value
