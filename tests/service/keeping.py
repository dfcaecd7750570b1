"""A keeper inside a test: run until nothing can be done now, and asked what it told."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Timer

from sqlalchemy import select

from pyoutcome.database import open_database, transaction
from pyoutcome.service.configuration import Setup
from pyoutcome.service.keeper import Keeper
from pyoutcome.service.running import open_keeper
from pyoutcome.service.telling import Row, read_status
from pyoutcome.settlement.tables import outgoing


def password(party: str) -> str:
    return f"the password of {party}"


def keep(config: Path, *, wake: bool = False, within: float = 120) -> int:
    """Runs a keeper until nothing can be done now; how many rounds it took.

    ``within``: seconds after which a keeper that finds no end is stopped, and the test has failed.
    """
    endless = Event()

    def end(keeper: Keeper) -> None:
        endless.set()
        keeper.stop()

    with open_keeper(Setup.load(config), password) as (keeper, dispatch):
        if wake:
            keeper.state.wake_parked()
        guard = Timer(within, end, [keeper])
        guard.daemon = True
        guard.start()
        try:
            keeper.run(once=True)
        finally:
            guard.cancel()
        assert not endless.is_set(), f"The keeper found no end within {within} seconds."
        while dispatch.flush():
            pass
        return keeper.rounds


def alerts(config: Path) -> list[tuple[str, int | None]]:
    """Kind and period of everything that was told, in order."""
    engine = open_database(Setup.load(config).database)
    with transaction(engine) as connection:
        chosen = select(outgoing.c.kind, outgoing.c.period).where(outgoing.c.kind != "file")
        found = [(kind, period) for kind, period in connection.execute(chosen.order_by(outgoing.c.made_at))]
    engine.dispose()
    return list(dict.fromkeys(found))


def count_alerts(config: Path, kind: str) -> int:
    """How many alerts of a kind there are, on all channels."""
    engine = open_database(Setup.load(config).database)
    with transaction(engine) as connection:
        found = connection.execute(select(outgoing.c.key).where(outgoing.c.kind == kind)).all()
    engine.dispose()
    return len(found)


def rows(config: Path) -> dict[int, Row]:
    """Where the keeper stands, by period; of a configuration with one agreement."""
    return {row.standing.number: row for row in read_status(Setup.load(config).database).rows}


def needs(config: Path) -> list[str]:
    """What each period needs."""
    return [row.standing.need for number, row in sorted(rows(config).items()) if number]
