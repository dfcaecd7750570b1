"""What the keeper remembers between looks: when to look at a period again, how often it failed, who looks at it now.

Several keepers share it on PostgreSQL: a row is claimed in a short transaction that passes over rows others are just
claiming, and writes a lease; nothing stays locked while somebody works. SQLite has one writer, which comes to the same.
Times are those of the database's machine, so that keepers with different clocks agree.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, case, func, or_, select, text, tuple_, update

from pyoutcome.database import make_tables, transaction
from pyoutcome.settlement.patience import LONGEST, SECOND, Patience
from pyoutcome.settlement.plan import Need
from pyoutcome.settlement.standing import AGREEMENT, FRESH, JUMP, LEASE, Known, Look, Standing
from pyoutcome.settlement.tables import VERSION, agreements, periods, tables

if TYPE_CHECKING:
    from sqlalchemy import Update
    from sqlalchemy.engine import Connection, Engine, RowMapping


class KeeperState:
    """The keeper's tables in one database."""

    def __init__(
        self,
        engine: Engine,
        owner: str,
        clock: Callable[[], int] | None = None,
        steady: Callable[[], int] | None = None,
    ) -> None:
        """``owner``: this keeper's name among those that share the database. For tests: ``clock``, milliseconds, in the
        place of the database's, and ``steady`` in that of the one that nobody sets.

        StoreError as ``make_tables`` raises.
        """
        postgresql = engine.dialect.name == "postgresql"
        # Rows are locked one by one; a server that serialises whole transactions would refuse some of them instead.
        self.engine = engine.execution_options(isolation_level="READ COMMITTED") if postgresql else engine
        self.owner = owner
        self._clock = clock
        self._steady = steady or clock or _steady
        self._ahead: int | None = None
        """How much the database's clock is ahead of this machine's that nobody sets."""
        make_tables(self.engine, tables, "keeper", VERSION)

    def now(self, connection: Connection) -> int:
        """The database's clock, milliseconds."""
        if self._clock is not None:
            return self._clock()
        if connection.dialect.name == "postgresql":
            return int(
                connection.execute(text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")).scalar_one()
            )
        return time.time_ns() // 1_000_000

    # --- agreements ---------------------------------------------------------------------------------------------------

    def known(self) -> dict[str, Known]:
        """The registered agreements by name."""
        columns = [agreements.c[name] for name in ("name", "folder", "chain", "escrow", "first_block")]
        with transaction(self.engine) as connection:
            return {row[0]: Known(*row) for row in connection.execute(select(*columns))}

    def register(self, known: Known, ends: Sequence[int]) -> None:
        """Takes an agreement in, with its periods' ends (unix seconds by the chain's clock), unless it is there."""
        with transaction(self.engine) as connection:
            found = connection.execute(
                select(agreements.c.name).where(agreements.c.name == known.name).with_for_update()
            ).scalar()
            values = {"folder": known.folder, "chain": known.chain, "escrow": known.escrow}
            if found is not None:
                changed = agreements.update().where(agreements.c.name == known.name)
                connection.execute(changed.values(**values, first_block=known.first_block))
                return
            connection.execute(agreements.insert().values(name=known.name, **values, first_block=known.first_block))
            now = self.now(connection)
            fresh = {
                "agreement": known.name, "need": "period-end", "why": FRESH, "attempts": 0,
                "parked": False, "done": False, "leased_until": 0, "woken": 0,
            }  # fmt: skip
            rows = [{**fresh, "number": AGREEMENT, "need": "agreement", "next_look": now, "chain_due": None}]
            rows += [
                {**fresh, "number": number, "next_look": now + LONGEST, "chain_due": end}
                for number, end in enumerate(ends, 1)
            ]
            connection.execute(periods.insert(), rows)

    # --- claiming -----------------------------------------------------------------------------------------------------

    def claim(self, names: Collection[str], most: int) -> list[Standing]:
        """Takes up to ``most`` due rows of these agreements for this keeper, oldest first, under a lease."""
        with transaction(self.engine) as connection:
            now = self.now(connection)
            self._mind_jumps(connection, now)
            due = (
                select(periods)
                .where(
                    periods.c.done.is_(False),
                    periods.c.parked.is_(False),
                    # Nothing is put off for longer than LONGEST: a later time was set by a clock that was wrong.
                    or_(periods.c.next_look <= now, periods.c.next_look > now + LONGEST + SECOND),
                    or_(periods.c.leased_until <= now, periods.c.leased_until > now + LEASE + SECOND),
                    periods.c.agreement.in_(names),
                )
                .order_by(periods.c.next_look, periods.c.agreement, periods.c.number)
                .limit(most)
                .with_for_update(skip_locked=True)
            )
            found = [_standing(row) for row in connection.execute(due).mappings()]
            for each in found:
                connection.execute(_row(each).values(owner=self.owner, leased_until=now + LEASE))
        return found

    def _mind_jumps(self, connection: Connection, now: int) -> None:
        """Ends waits that are as long as they are because the clock was set, now or before this keeper started."""
        before, self._ahead = self._ahead, now - self._steady()
        waiting = (periods.c.done.is_(False), periods.c.parked.is_(False), periods.c.next_look > now)
        if before is None:
            failing = select(periods).where(*waiting, periods.c.error.is_not(None))
            rows = [_standing(row) for row in connection.execute(failing).mappings()]
            for each in rows:
                soonest = now + Patience().wait(each.attempts)
                if each.next_look > soonest:
                    connection.execute(_row(each).values(next_look=soonest))
        elif abs(self._ahead - before) > JUMP:
            connection.execute(update(periods).where(*waiting, ~_RUNNING).values(next_look=now))

    def extend(self, held: Iterable[Standing]) -> None:
        """Holds claims for another lease while the work on them goes on."""
        with transaction(self.engine) as connection:
            now = self.now(connection)
            for each in held:
                connection.execute(_row(each, self.owner).values(leased_until=now + LEASE))

    def note(self, looks: Sequence[tuple[Standing, Look]], patience: Patience) -> list[Standing]:
        """Writes down what looks came to and gives the claims back, in one step; what is then written.

        A row that somebody else has claimed meanwhile, because this keeper was too slow, is left to it.
        """
        with transaction(self.engine) as connection:
            now = self.now(connection)
            for claimed, look in looks:
                self._note(connection, now, claimed, look, patience)
            chosen = [(claimed.agreement, claimed.number) for claimed, _ in looks]
            found = connection.execute(select(periods).where(tuple_(periods.c.agreement, periods.c.number).in_(chosen)))
            return [_standing(row) for row in found.mappings()]

    def _note(self, connection: Connection, now: int, claimed: Standing, look: Look, patience: Patience) -> None:
        error = look.error
        attempts = claimed.attempts + 1 if error else 0
        parked = error is not None and look.counts and patience.is_over(attempts)
        after = min(patience.wait(attempts) if error else look.after, LONGEST)
        # What arrived while it was looked at may not have been seen: then it is due at once, and not parked.
        same = periods.c.woken == claimed.woken
        connection.execute(
            _row(claimed, self.owner).values(
                need=look.need,
                why=look.why,
                next_look=case((same, now + after), else_=now),
                chain_due=look.chain_due,
                attempts=attempts,
                error=error and error.code,
                error_why=error and error.why,
                error_fix=error and error.fix,
                parked=case((same, parked), else_=False),
                done=look.done,
                purpose=look.purpose,
                owner=None,
                leased_until=0,
            )
        )

    def tag(self, held: Iterable[Standing], purpose: str) -> None:
        """Notes the transaction that is about to be made for claimed rows."""
        with transaction(self.engine) as connection:
            for each in held:
                connection.execute(_row(each, self.owner).values(purpose=purpose))

    def release(self, held: Iterable[Standing]) -> None:
        """Gives claims back unlooked at: the keeper stops."""
        with transaction(self.engine) as connection:
            for each in held:
                connection.execute(_row(each, self.owner).values(owner=None, leased_until=0))

    def owners(self) -> set[str]:
        """Who holds claims now."""
        with transaction(self.engine) as connection:
            held = select(periods.c.owner).where(periods.c.owner.is_not(None)).distinct()
            return set(connection.execute(held).scalars())

    def bury(self, owner: str) -> int:
        """Takes back the claims of a keeper that is known to be dead; how many that are."""
        with transaction(self.engine) as connection:
            its = update(periods).where(periods.c.owner == owner)
            return connection.execute(its.values(owner=None, leased_until=0)).rowcount

    # --- waking -------------------------------------------------------------------------------------------------------

    def wake(self, names: Collection[str]) -> None:
        """Something arrived for these agreements, or happened on their escrows: what waits or is parked is due at once.

        Periods that still run are left alone: only the chain's clock ends them.
        """
        if names:
            with transaction(self.engine) as connection:
                woken = _woken(self.now(connection)).where(periods.c.agreement.in_(names), periods.c.done.is_(False))
                connection.execute(woken.where(periods.c.need != Need.PERIOD_END.value))

    def nudge(self, names: Collection[str]) -> None:
        """A keeper has started: what of agreements waits for others is looked at once. What fails keeps its wait."""
        if not names:
            return
        with transaction(self.engine) as connection:
            waiting = (periods.c.done.is_(False), periods.c.error.is_(None), ~_RUNNING)
            soon = update(periods).where(periods.c.agreement.in_(names), *waiting)
            connection.execute(soon.values(next_look=self.now(connection)))

    def wake_purposes(self, purposes: Collection[str]) -> None:
        """These transactions have come to an end."""
        if purposes:
            with transaction(self.engine) as connection:
                soon = update(periods).where(periods.c.purpose.in_(purposes))
                connection.execute(soon.values(next_look=self.now(connection), woken=periods.c.woken + 1))

    def reopen(self, name: str) -> None:
        """The chain took something back: every period of the agreement is looked at again, the settled ones too."""
        with transaction(self.engine) as connection:
            again = _woken(self.now(connection)).where(periods.c.agreement == name)
            connection.execute(again.values(done=False))

    def wake_parked(self) -> int:
        """Everything that is parked is tried again; how much that is."""
        with transaction(self.engine) as connection:
            return connection.execute(_woken(self.now(connection)).where(periods.c.parked.is_(True))).rowcount

    def strike(self, chain: str, clock: int) -> int:
        """The chain's clock has reached ``clock``, unix seconds: what waited for that is due; how much that is."""
        of_chain = select(agreements.c.name).where(agreements.c.chain == chain)
        with transaction(self.engine) as connection:
            struck = update(periods).where(
                periods.c.chain_due <= clock, periods.c.done.is_(False), periods.c.agreement.in_(of_chain)
            )
            values = {"next_look": self.now(connection), "chain_due": None, "woken": periods.c.woken + 1}
            return connection.execute(struck.values(**values)).rowcount

    # --- telling ------------------------------------------------------------------------------------------------------

    def standings(self, names: Collection[str] | None = None) -> list[Standing]:
        """All rows, or those of some agreements, in order."""
        chosen = select(periods).order_by(periods.c.agreement, periods.c.number)
        if names is not None:
            chosen = chosen.where(periods.c.agreement.in_(names))
        with transaction(self.engine) as connection:
            return [_standing(row) for row in connection.execute(chosen).mappings()]

    def counts(self) -> dict[tuple[str, str], int]:
        """How many periods there are by need and by ``done``, ``parked``, ``failing`` or ``waiting``."""
        kind = case(
            (periods.c.done.is_(True), "done"),
            (periods.c.parked.is_(True), "parked"),
            (periods.c.error.is_not(None), "failing"),
            else_="waiting",
        )
        grouped = select(periods.c.need, kind, func.count()).where(periods.c.number > 0).group_by(periods.c.need, kind)
        with transaction(self.engine) as connection:
            return {(need, how): count for need, how, count in connection.execute(grouped)}

    def in_flight(self) -> int:
        """How many rows wait for a transaction that is on its way."""
        chosen = select(func.count()).where(periods.c.purpose.is_not(None), periods.c.done.is_(False))
        with transaction(self.engine) as connection:
            return int(connection.execute(chosen).scalar_one())

    def is_idle(self, names: Collection[str]) -> bool:
        """Whether nothing can be done now: no row is due, or waits for a transaction that is on its way."""
        with transaction(self.engine) as connection:
            due = and_(periods.c.parked.is_(False), periods.c.next_look <= self.now(connection))
            busy = or_(periods.c.purpose.is_not(None), due)
            chosen = select(func.count()).where(periods.c.done.is_(False), periods.c.agreement.in_(names), busy)
            return connection.execute(chosen).scalar_one() == 0


_RUNNING: Final = and_(
    periods.c.need == Need.PERIOD_END.value, periods.c.chain_due.is_not(None), periods.c.error.is_(None)
)
"""What waits for the chain's clock alone; once that has struck, and until a period is looked at, no time is named."""


def _steady() -> int:
    return time.monotonic_ns() // 1_000_000


def _standing(row: RowMapping) -> Standing:
    return Standing(**{name: row[name] for name in Standing.__dataclass_fields__})


def _row(standing: Standing, owner: str | None = None) -> Update:
    chosen = update(periods).where(periods.c.agreement == standing.agreement, periods.c.number == standing.number)
    return chosen if owner is None else chosen.where(periods.c.owner == owner)


def _woken(now: int) -> Update:
    return update(periods).values(next_look=now, parked=False, attempts=0, woken=periods.c.woken + 1)
