"""The inbox folder: what others put there is checked, taken into the workspace or refused with a reason.

inbox/AGREEMENT/evidence/*.json       bundles
inbox/AGREEMENT/reports/*.json        reports
inbox/AGREEMENT/records/flights.csv   records, or files of a folder, records/flights/*.csv
inbox/AGREEMENT/taken/...             what is in the workspace now
inbox/AGREEMENT/refused/...           what is not, each beside NAME.reason.json

A file is touched once it has not changed for a second, and never while it is called ``.part`` or is hidden.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyoutcome.errors import PyoutcomeError
from pyoutcome.service.alerts import REFUSED, Herald
from pyoutcome.service.arriving import KINDS, TAKE, is_name, take_records
from pyoutcome.service.logs import say
from pyoutcome.service.troubles import PASSING, as_ours
from pyoutcome.settlement.state import KeeperState

if TYPE_CHECKING:
    from pyoutcome.workspace.desk import Desk

PART: Final = ".part"
"""Ends the name of a file that is still being written."""
STEADY: Final = 1000
"""Milliseconds in which a file must not change before it is touched."""
AT_ONCE: Final = 100
"""Files taken in one round."""
Sight = tuple[int, int, int]


class Inbox:
    """One inbox folder for all agreements of a keeper."""

    def __init__(
        self,
        folder: Path,
        state: KeeperState,
        herald: Herald,
        open_desk: Callable[[str], Desk],
        kept: Callable[[], Collection[str]],
        steady_for: int = STEADY,
    ) -> None:
        """``open_desk`` gives the desk of an agreement by name; ``kept``: which are kept here.

        ``steady_for``: how long a file must not change before it is touched, milliseconds.
        """
        self.folder = folder
        self._state = state
        self._herald = herald
        self._open_desk = open_desk
        self._kept = kept
        self._steady_for = steady_for
        self._seen: dict[Path, tuple[Sight, int]] = {}
        self._strange: set[str] = set()

    @property
    def is_waiting(self) -> bool:
        """Whether the last round saw a file that may still grow."""
        return bool(self._seen)

    def round(self) -> bool:
        """Takes what is there; whether anything was taken or refused. OSError, StoreError."""
        now = time.monotonic_ns()
        sights = {}
        for path, sight in self._look():
            had = self._seen.get(path)
            sights[path] = had if had is not None and had[0] == sight else (sight, now)
        old = now - self._steady_for * 1_000_000
        steady = sorted(path for path, (_, since) in sights.items() if since <= old and since < now)[:AT_ONCE]
        woken = {self._take(path) for path in steady}
        self._state.wake(woken - {""})
        self._seen = {path: sight for path, sight in sights.items() if path not in steady}
        return bool(steady)

    def _look(self) -> Iterator[tuple[Path, Sight]]:
        """Every file that may be taken, and how it looks."""
        for agreement in _folders(self.folder):
            if not self._is_kept(agreement.name):
                continue
            for kind in KINDS:
                home = agreement / kind
                for folder in (home, *(_folders(home) if kind == "records" else ())):
                    for path in _entries(folder):
                        try:
                            found = path.stat(follow_symlinks=False)
                        except FileNotFoundError:
                            continue  # another keeper of this inbox was quicker
                        if path.is_file() and not path.is_symlink():
                            yield path, (found.st_size, found.st_mtime_ns, found.st_ino)

    def _is_kept(self, name: str) -> bool:
        """Whether an agreement is kept here; another's files are left where they are, and that is said once."""
        if name in self._kept():
            return True
        if name not in self._strange:
            self._strange.add(name)
            say("inbox-of-no-agreement", logging.WARNING, agreement=name)
        return False

    def _take(self, path: Path) -> str:
        """Takes or refuses one file; the agreement to wake, or nothing."""
        name, kind, *inside = path.relative_to(self.folder).parts
        try:
            desk = self._open_desk(name)
        except (PyoutcomeError, OSError) as error:
            _put_off(path, name, error)  # a workspace that cannot be opened says nothing of the file
            return ""
        try:
            if kind == "records":
                taken = take_records(desk, path, inside[0] if len(inside) > 1 else None)
            else:
                taken = TAKE[kind](desk, path)
            self._move(path, self._free_name(path, "taken"))
        except FileNotFoundError:
            return ""
        except (PyoutcomeError, OSError) as error:
            if isinstance(error, OSError) or error.code in PASSING:
                _put_off(path, name, error)
            else:
                self._refuse(path, name, error)
            return ""
        say("arrived", agreement=name, kind=kind, file=path.name, kept=taken.name)
        return name

    def _refuse(self, path: Path, name: str, error: PyoutcomeError) -> None:
        """Says why, and then moves the file: whatever ends the keeper in between, nothing lies there without a word."""
        reason = {"code": error.code, "why": error.why, "fix": error.fix}
        try:
            target = self._free_name(path, "refused")
            draft = target.with_name(f".{target.name}.reason")
            draft.write_text(json.dumps(reason, indent=2) + "\n", encoding="utf-8")
            draft.replace(target.with_name(f"{target.name}.reason.json"))
            text = f"{path.name} was refused: {error.why}"
            self._herald.tell(REFUSED, name, None, text, f"{target.name} {error.code}")
            self._move(path, target)
        except OSError as failure:
            _put_off(path, name, failure)
        else:
            say("refused", logging.WARNING, agreement=name, file=path.name, code=error.code, why=error.why)

    def _free_name(self, path: Path, where: str) -> Path:
        """Where a file that is done with goes; its folder is made."""
        name, *inside = path.relative_to(self.folder).parts
        folder = (self.folder / name / where).joinpath(*inside[:-1])
        folder.mkdir(parents=True, exist_ok=True)
        number = 0
        while (target := folder / (path.name if not number else f"{path.stem}.{number}{path.suffix}")).exists():
            number += 1
        return target

    @staticmethod
    def _move(path: Path, target: Path) -> None:
        with suppress(FileNotFoundError):  # another keeper was quicker
            path.rename(target)


def _put_off(path: Path, agreement: str, error: PyoutcomeError | OSError) -> None:
    """Leaves a file where it is; it is looked at again in the next rounds."""
    told = as_ours(error)
    say("arrival-put-off", logging.WARNING, agreement=agreement, file=path.name, code=told.code, why=told.why)


def _folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [each for each in folder.iterdir() if is_name(each.name) and each.is_dir() and not each.is_symlink()]


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(each for each in folder.iterdir() if is_name(each.name) and not each.name.endswith(PART))
