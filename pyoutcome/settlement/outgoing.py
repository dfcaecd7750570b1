"""What the keeper has to tell or hand on: each thing once to each channel, tried again with limits, never for ever."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import BigInteger, case, func, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pyoutcome.database import transaction
from pyoutcome.settlement.patience import LONGEST, SECOND, Patience
from pyoutcome.settlement.standing import LEASE
from pyoutcome.settlement.state import KeeperState
from pyoutcome.settlement.tables import outgoing

if TYPE_CHECKING:
    from sqlalchemy import Update

MOST_TEXT: Final = 1000
"""Characters of an error that are kept."""


@dataclass(frozen=True)
class Item:
    """One thing for one channel."""

    key: str
    channel: str
    kind: str
    agreement: str
    period: int | None
    content: str
    made_at: int
    """Milliseconds, by the database's clock."""
    attempts: int


class Outgoing:
    """The queue of what goes out, in the keeper's database."""

    def __init__(self, state: KeeperState) -> None:
        self._state = state

    def put(
        self, key: str, channels: Iterable[str], kind: str, agreement: str, period: int | None, content: str
    ) -> bool:
        """Queues a thing for channels, unless it was queued for them before; whether it is new to any."""
        engine = self._state.engine
        insert = postgresql.insert if engine.dialect.name == "postgresql" else sqlite.insert
        new = 0
        with transaction(engine) as connection:
            now = self._state.now(connection)
            for channel in channels:
                row = {
                    "key": key, "channel": channel, "kind": kind, "agreement": agreement, "period": period,
                    "content": content, "made_at": now, "sent": False, "attempts": 0, "next_try": now,
                    "given_up": False, "error": None,
                }  # fmt: skip
                put = insert(outgoing).values(**row).on_conflict_do_nothing().returning(outgoing.c.key)
                new += len(connection.execute(put).all())
        return new > 0

    def claim(self, most: int) -> list[Item]:
        """Up to ``most`` things that are due, oldest first; no other keeper gets them while this one sends."""
        with transaction(self._state.engine) as connection:
            now = self._state.now(connection)
            due = (
                select(*(outgoing.c[name] for name in Item.__dataclass_fields__))
                .where(
                    outgoing.c.sent.is_(False),
                    outgoing.c.given_up.is_(False),
                    or_(
                        outgoing.c.next_try <= now,
                        _NEVER_TRIED,
                        outgoing.c.next_try > literal(now, BigInteger) + _LONGEST_WAIT + SECOND,
                    ),
                )
                .order_by(outgoing.c.made_at, outgoing.c.key)
                .limit(most)
                .with_for_update(skip_locked=True)
            )
            found = [Item(*row) for row in connection.execute(due)]
            for each in found:
                connection.execute(_row(each).values(next_try=now + LEASE))
        return found

    def note(self, item: Item, error: str | None, patience: Patience) -> bool:
        """Writes down that it was sent, or why not; whether it is given up now."""
        attempts = item.attempts + 1
        over = error is not None and patience.is_over(attempts)
        with transaction(self._state.engine) as connection:
            now = self._state.now(connection)
            connection.execute(
                _row(item).values(
                    sent=error is None,
                    attempts=attempts,
                    next_try=now + patience.wait(attempts),
                    given_up=over,
                    error=error and error[:MOST_TEXT],
                )
            )
        return over

    def retry(self) -> int:
        """Tries again what was given up; how much that is."""
        with transaction(self._state.engine) as connection:
            again = update(outgoing).where(outgoing.c.given_up.is_(True))
            values = {"given_up": False, "attempts": 0, "next_try": self._state.now(connection)}
            return connection.execute(again.values(**values)).rowcount

    def waiting(self) -> int:
        """How much is due to be sent now or later."""
        chosen = select(func.count()).where(outgoing.c.sent.is_(False), outgoing.c.given_up.is_(False))
        with transaction(self._state.engine) as connection:
            return int(connection.execute(chosen).scalar_one())

    def given_up(self) -> list[tuple[str, str, str]]:
        """What was given up: key, channel and the last error."""
        chosen = select(outgoing.c.key, outgoing.c.channel, outgoing.c.error).where(outgoing.c.given_up.is_(True))
        with transaction(self._state.engine) as connection:
            return [(key, channel, error or "") for key, channel, error in connection.execute(chosen)]


_NEVER_TRIED: Final = outgoing.c.next_try == outgoing.c.made_at
"""Due whatever the clock says now: it may have been set back since."""
_LONGEST_WAIT: Final = case(
    *(
        (outgoing.c.attempts == attempts, max(LEASE, Patience().wait(attempts)))
        for attempts in range(20)
        if Patience().wait(attempts) < LONGEST
    ),
    else_=LONGEST,
)
"""How long a thing may have to wait after so many tries, or while another keeper sends it: what waits for longer
waits by a clock that was wrong. It follows from the row alone, so it holds for all keepers, and after a restart.
"""


def _row(item: Item) -> Update:
    return update(outgoing).where(outgoing.c.key == item.key, outgoing.c.channel == item.channel)
