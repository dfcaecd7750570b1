"""Evidence on its way to a keeper: late, twice, out of order, spoiled, by folder and by HTTP; and what became of it.

The provider and one verifier work in workspaces of their own. What they send has to be in the keeper's workspace in
the end, byte for byte, and nothing else.
"""

from __future__ import annotations

import json
import random
import shutil
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import requests

from pyoutcome.workspace import Workspace

KEY = "the key of those who send evidence"
RECORDS = "parcels.csv"
LONGEST_LATE = 12.0
"""Seconds after which what is late is sent."""


@dataclass(frozen=True)
class Letter:
    """One file for one agreement."""

    agreement: str
    kind: str
    """``evidence``, ``reports`` or ``records``."""
    name: str
    """As the workspace calls it."""
    data: bytes
    period: int
    true: bool = True
    """Whether it is what its author made."""


@dataclass(frozen=True)
class Post:
    """Where a keeper takes letters."""

    inbox: Path
    addresses: tuple[str, ...] = ()
    """Of keepers that take them by HTTP."""


class Partners:
    """The workspaces of the provider P1 and the verifier V1, who have the records that the keeper is to be sent."""

    def __init__(self, folder: Path, deals: Mapping[str, Path], periods: int) -> None:
        """``deals``: the keeper's workspaces by agreement, with a year's records, which are taken away there."""
        self._letters: dict[int, list[Letter]] = {}
        for name, home in deals.items():
            shutil.copytree(home, folder / name)
            (home / "records" / RECORDS).unlink()
            with Workspace.open(folder / name) as own:
                own.measure("P1")
                own.verify("V1")
                for period in range(1, periods + 1):
                    self._letters.setdefault(period, []).extend(self._made(own, name, period))

    @staticmethod
    def _made(own: Workspace, name: str, period: int) -> Iterator[Letter]:
        if period == 1:  # a bundle tells of all records that it was made from: all parties have the same file
            records = own.files.records / RECORDS
            yield Letter(name, "records", records.name, records.read_bytes(), period)
        for kind, party in (("evidence", "P1"), ("reports", "V1")):
            path = own.files.folder / kind / f"period-{period:02d}.{party}.json"
            yield Letter(name, kind, path.name, path.read_bytes(), period)

    def letters(self, period: int) -> list[Letter]:
        """What there is to send once a period has ended."""
        return list(self._letters[period])


class Mailbag:
    """Sends letters, and worse ones beside them."""

    def __init__(self, post: Post, deals: Mapping[str, Path], chance: random.Random) -> None:
        """``deals``: the keeper's workspaces by agreement."""
        self._post = post
        self._deals = deals
        self._chance = chance
        self._waiting: deque[tuple[float, Letter]] = deque()
        self._sent: list[Letter] = []
        self._number = 0
        self.counts: Counter[str] = Counter()

    # --- what is sent -------------------------------------------------------------------------------------------------

    def give(self, letters: Sequence[Letter]) -> None:
        """Has letters sent in any order, some of them late or twice, with spoiled ones before and after them."""
        now = time.monotonic()
        for letter in self._chance.sample(letters, len(letters)):
            late = self._chance.random() < 0.3
            at = now + (self._chance.uniform(1, LONGEST_LATE) if late else 0)
            self._sent.append(letter)
            self._waiting.append((at, letter))
            self.counts["evidence sent"] += 1
            self.counts["evidence late or out of order"] += late
            if self._chance.random() < 0.2:
                self._waiting.append((at + self._chance.uniform(0, LONGEST_LATE), letter))
                self.counts["evidence twice"] += 1
            if self._chance.random() < 0.3:
                kind, spoiled = self._spoil(letter, letters)
                self._waiting.append((at + self._chance.uniform(-4, 4), spoiled))
                self.counts[f"evidence {kind}"] += 1
        taken = [letter for letter in self._sent if self._is_there(letter)]
        for letter in self._chance.sample(taken, min(len(letters) // 12, len(taken))):
            self._waiting.append((now, self._forge(letter)))
            self.counts["evidence changed after the fact"] += 1

    def _spoil(self, letter: Letter, all_letters: Sequence[Letter]) -> tuple[str, Letter]:
        """A letter that is not to be taken, and what is wrong with it."""
        others = [each for each in all_letters if each.kind == letter.kind and each.agreement != letter.agreement]
        ways = ["cut", "flipped"]
        if letter.kind != "records":
            ways += ["of another period"] + (["of another agreement"] if others else [])
        way = self._chance.choice(ways)
        data = letter.data
        match way:
            case "cut":
                # Records that end with a line are good ones: nobody can tell that there were more.
                data = data[: self._chance.randrange(1, len(data) - 1)]
                data = data.rstrip(b"\n,")[:-1] + (b',"' if letter.kind == "records" else b"")
            case "flipped":
                at = self._chance.randrange(len(data) // 3, len(data))
                data = data[:at] + (b"\xff" if letter.kind == "records" else bytes([data[at] ^ 1])) + data[at + 1 :]
            case "of another period":
                told = json.loads(data)
                data = json.dumps({**told, "period": type(told["period"])(int(told["period"]) % 12 + 1)}).encode()
            case "of another agreement":
                data = self._chance.choice(others).data
        return way, replace(letter, data=data, true=False)

    def _forge(self, letter: Letter) -> Letter:
        """Readable, and not what arrived before: records that say something else, another file otherwise."""
        if letter.kind == "records":
            return replace(letter, data=letter.data.replace(b",0\n", b",1\n", 3), true=False)
        return replace(letter, data=letter.data.rstrip() + b" \n", true=False)

    # --- sending ------------------------------------------------------------------------------------------------------

    def befall(self) -> None:
        """Sends some of what is due."""
        now = time.monotonic()
        for _ in range(len(self._waiting)):
            at, letter = self._waiting.popleft()
            if at > now or not self._send(letter):
                self._waiting.append((at, letter))

    def _send(self, letter: Letter) -> bool:
        """Whether it was taken in; by HTTP that is what the answer says."""
        if self._post.addresses and self._chance.random() < 0.4:
            return self._by_http(letter)
        folder = self._post.inbox / letter.agreement / letter.kind
        folder.mkdir(parents=True, exist_ok=True)
        self._number += 1
        part = folder / f"{self._number}.part"
        part.write_bytes(letter.data)
        # The keeper tells records by their names; other files may have any.
        name = letter.name if letter.kind == "records" else f"{self._number}.json"
        if (folder / name).exists():
            part.unlink()
            return False  # the one before is not taken yet
        part.rename(folder / name)
        return True

    def _by_http(self, letter: Letter) -> bool:
        address = f"{self._chance.choice(self._post.addresses)}/agreements/{letter.agreement}/{letter.kind}"
        if letter.kind == "records":
            address += f"/{letter.name}"
        try:
            answer = requests.post(address, letter.data, headers={"Authorization": f"Bearer {KEY}"}, timeout=2)
        except requests.RequestException:
            self.counts["http not answered"] += 1
            return False
        self.counts[f"http {answer.status_code}"] += 1
        return answer.status_code == 202

    def clear(self) -> None:
        """Nothing is late any more."""
        self._waiting = deque((0.0, letter) for _, letter in self._waiting)

    # --- what became of it --------------------------------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """Whether everything was sent."""
        return not self._waiting

    def missing(self) -> list[Letter]:
        """True letters that are not in the keeper's workspaces as they were sent."""
        return [each for each in self._sent if not self._is_there(each)]

    def _is_there(self, letter: Letter) -> bool:
        path = _place(self._deals[letter.agreement], letter)
        return path.is_file() and path.read_bytes() == letter.data

    def strange(self) -> list[Path]:
        """Files in the keeper's workspaces, where letters go, that nobody sent and its verifier did not make."""
        sent = {_place(self._deals[each.agreement], each) for each in self._sent}
        found = []
        for home in self._deals.values():
            for folder in (home / "evidence", home / "reports", home / "records"):
                files = [each for each in folder.glob("*") if each.is_file() and not each.name.startswith(".")]
                found += [each for each in files if each not in sent and not each.name.endswith(".V2.json")]
        return found


def _place(home: Path, letter: Letter) -> Path:
    return home / letter.kind / letter.name
