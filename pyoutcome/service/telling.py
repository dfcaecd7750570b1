"""Where a keeper's periods stand and why, from its database alone: no keeper has to run, no network to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.chain.blocks import Identity
from pyoutcome.chain.inflight import Entry
from pyoutcome.chain.outbox import Outbox
from pyoutcome.database import open_database
from pyoutcome.errors import SettlementError
from pyoutcome.settlement.outgoing import Outgoing
from pyoutcome.settlement.standing import AGREEMENT, FRESH, Known, Standing
from pyoutcome.settlement.state import KeeperState

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


@dataclass(frozen=True)
class Row:
    """A period, or the agreement as a whole, with the transaction that is on its way for it."""

    standing: Standing
    flight: Entry | None

    @property
    def how(self) -> str:
        """How it goes, in a word."""
        standing = self.standing
        if standing.done:
            return "done"
        if standing.parked:
            return "parked"
        if standing.error is not None:
            return f"failed {standing.attempts}x"
        if standing.purpose is not None:
            return "in flight" if self.flight is None else str(self.flight.state)
        return "new" if standing.why == FRESH and standing.number == AGREEMENT else "waiting"

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        flight = self.flight
        told = flight and {
            "purpose": flight.purpose,
            "state": str(flight.state),
            "hash": "0x" + flight.hash.hex(),
            "nonce": flight.nonce,
            "attempts": len(flight.attempts),
            "block": flight.block,
            "error": flight.error,
        }
        return {**self.standing.to_dict(), "how": self.how, "transaction": told or self.standing.purpose}


@dataclass(frozen=True)
class KeeperStatus:
    """Everything a keeper's database says."""

    agreements: Mapping[str, Known]
    rows: tuple[Row, ...]
    """By agreement; in each the periods, after 0 for the agreement as a whole."""
    given_up: tuple[tuple[str, str, str], ...]
    """Alerts and files that are no longer sent: what, where to, and why."""

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "agreements": {
                name: {"folder": known.folder, "chain": known.chain, "escrow": known.escrow}
                for name, known in self.agreements.items()
            },
            "periods": [row.to_dict() for row in self.rows],
            "given_up": [{"what": what, "to": to, "why": why} for what, to, why in self.given_up],
        }


def read_status(database: str | Path) -> KeeperStatus:
    """Reads a keeper's database. SettlementError ``no-keeper-yet``; StoreError."""
    if isinstance(database, Path) and not database.exists():
        raise SettlementError(
            "no-keeper-yet",
            "No keeper has run with this configuration: its database is not there.",
            "Start one with `pyoutcome run`.",
        )
    engine = open_database(database)
    try:
        state = KeeperState(engine, "status")
        agreements = state.known()
        standings = state.standings()
        flights = _flights(engine, agreements, standings)
        rows = tuple(Row(each, flights.get(each.purpose or "")) for each in standings)
        return KeeperStatus(agreements, rows, tuple(Outgoing(state).given_up()))
    finally:
        engine.dispose()


def _flights(engine: Engine, agreements: Mapping[str, Known], standings: list[Standing]) -> dict[str, Entry]:
    """The transactions that rows wait for, by purpose."""
    wanted: dict[str, set[str]] = {}
    for each in standings:
        if each.purpose is not None and not each.done:
            wanted.setdefault(agreements[each.agreement].chain, set()).add(each.purpose)
    found: dict[str, Entry] = {}
    for chain, purposes in wanted.items():
        number, _, genesis = chain.partition(":")
        outbox = Outbox(engine, Identity(int(number), bytes.fromhex(genesis) or None))
        found |= outbox.find(sorted(purposes))
    return found
