"""The inbox: what others put there is checked, taken into the workspace or refused with a reason.

inbox/AGREEMENT/evidence/*.json       bundles
inbox/AGREEMENT/reports/*.json        reports
inbox/AGREEMENT/records/flights.csv   records, or files of a folder, records/flights/*.csv
inbox/AGREEMENT/taken/...             what is in the workspace now
inbox/AGREEMENT/refused/...           what is not, each beside NAME.reason.json

A file is touched once it has not changed for a second, and never while it is called ``.part`` or is hidden. In an
object store (``letterbox``) an object is whole when it is there.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

from pyoutcome.errors import EvidenceError, PyoutcomeError
from pyoutcome.service.alerts import FAILING, REFUSED, Herald
from pyoutcome.service.arriving import MOST, TAKE, take_records
from pyoutcome.service.letterbox import Letterbox
from pyoutcome.service.logs import say
from pyoutcome.settlement.patience import Patience
from pyoutcome.settlement.state import KeeperState

if TYPE_CHECKING:
    from pyoutcome.workspace.desk import Desk

TRANSIENT: Final = frozenset(
    {"network-timeout", "network-unreachable", "network-refused", "network-error", "storage-failed"}
)
"""Errors that say nothing about a file."""
AT_ONCE: Final = 100
"""Files taken in one round."""
_MILLISECOND: Final = 1_000_000


class Inbox:
    """One inbox for all agreements of a keeper."""

    def __init__(
        self,
        box: Letterbox,
        state: KeeperState,
        herald: Herald,
        open_desk: Callable[[str], Desk],
        kept: Callable[[], Collection[str]],
        patience: Patience,
    ) -> None:
        """``open_desk`` gives the desk of an agreement by name; ``kept``: which are kept here."""
        self._box = box
        self._state = state
        self._herald = herald
        self._open_desk = open_desk
        self._kept = kept
        self._patience = patience
        self._seen: dict[str, tuple[str, int]] = {}
        self._strange: set[str] = set()
        self._failures = 0
        self._again = 0

    @property
    def is_waiting(self) -> bool:
        """Whether the last round saw a file that may still grow."""
        return bool(self._seen)

    def round(self) -> bool:
        """Takes what is there; whether anything was taken or refused. OSError.

        A store that does not answer is asked again after a while, and that is told.
        """
        now = time.monotonic_ns()
        if now < self._again:
            return False
        woken: set[str] = set()
        try:
            steady = self._look(now)
            for key, look in steady:
                woken.add(self._take(key, look))
        except EvidenceError as error:
            self._put_off(error, now)
            return False
        finally:
            self._state.wake(woken - {""})
        self._failures = 0
        return bool(steady)

    def _look(self, now: int) -> list[tuple[str, str]]:
        """Key and look of the files that no longer grow; the others are remembered."""
        sights = {}
        for key, look in self._box.look(self._is_kept):
            had = self._seen.get(key)
            sights[key] = had if had is not None and had[0] == look else (look, now)
        old = now - self._box.steady * _MILLISECOND
        steady = sorted(key for key, (_, since) in sights.items() if since <= old and since < now)[:AT_ONCE]
        self._seen = {key: sight for key, sight in sights.items() if key not in steady}
        return [(key, sights[key][0]) for key in steady]

    def _put_off(self, error: PyoutcomeError, now: int) -> None:
        self._failures += 1
        self._again = now + self._patience.wait(self._failures) * _MILLISECOND
        say("inbox-not-reached", logging.WARNING, code=error.code, why=error.why, failures=self._failures)
        if self._failures == self._patience.attempts:
            self._herald.tell(FAILING, "inbox", None, f"{error.why} It is still tried, once an hour.", error.code)

    def _is_kept(self, name: str) -> bool:
        """Whether an agreement is kept here; another's files are left where they are, and that is said once."""
        if name in self._kept():
            return True
        if name not in self._strange:
            self._strange.add(name)
            say("inbox-of-no-agreement", logging.WARNING, agreement=name)
        return False

    def _take(self, key: str, look: str) -> str:
        """Takes or refuses one file; the agreement to wake, or nothing. EvidenceError ``storage-failed``, OSError."""
        name, kind, *inside = key.split("/")
        file = inside[-1]
        try:
            with self._box.open(key, MOST[kind]) as path:
                desk = self._open_desk(name)
                if kind == "records":
                    taken = take_records(desk, path, inside[0] if len(inside) > 1 else None)
                else:
                    taken = TAKE[kind](desk, path)
        except FileNotFoundError:
            return ""
        except PyoutcomeError as error:
            if error.code in TRANSIENT:
                say("arrival-put-off", logging.WARNING, agreement=name, file=file, code=error.code, why=error.why)
            else:
                self._refuse(key, look, error)
            return ""
        self._box.move(key, look, "taken")
        say("arrived", agreement=name, kind=kind, file=file, kept=taken.name)
        return name

    def _refuse(self, key: str, look: str, error: PyoutcomeError) -> None:
        moved = self._box.move(key, look, "refused")
        if moved is None:
            return
        name, file = key.partition("/")[0], key.rpartition("/")[2]
        reason = {"code": error.code, "why": error.why, "fix": error.fix}
        self._box.write(f"{moved}.reason.json", json.dumps(reason, indent=2) + "\n")
        say("refused", logging.WARNING, agreement=name, file=file, code=error.code, why=error.why)
        occasion = f"{moved.rpartition('/')[2]} {error.code}"
        self._herald.tell(REFUSED, name, None, f"{file} was refused: {error.why}", occasion)
