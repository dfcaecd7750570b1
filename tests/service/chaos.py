"""Keepers that are killed at random instants while months go by and everything else goes wrong; then all is counted.

Lines to the node fail, blocks are taken back, disks are full, clocks jump, and evidence comes late, twice and spoiled.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from itertools import count
from pathlib import Path

from pyoutcome.chain.networks import connect
from pyoutcome.protocol.events import Settled
from pyoutcome.workspace import Workspace
from tests.anvil import Line, connected, running_anvil
from tests.service.counts import FAULTS, Counts, Plan, show
from tests.service.deals import make_deal, write_keeper
from tests.service.ledgers import count_book_differences, count_index_differences, count_undone
from tests.service.mail import KEY, Mailbag, Partners, Post
from tests.service.nursery import Nursery, is_there, nursery
from tests.service.processes import start, wait_for
from tests.service.proxy import BadLine, bad_line
from tests.service.weather import FullDisks, Reorganisations, Storms, Weather, WrongClocks

LONG = 0.3
"""Share of the keepers that live long enough for a few rounds."""
MONTHS_END = 20
"""Seconds that keepers go on at most, with everything but kills, until half of what ended last has settled."""
ANSWERS_WITHIN = 2.0
"""Seconds a keeper waits for the node here, so that late answers do not take all the time there is."""
PATIENCE = 300
"""Seconds after the last fault in which everything has to come to its end."""


class Chaos:
    """One run."""

    def __init__(self, folder: Path, node: str, line: BadLine, control: Line, plan: Plan) -> None:
        self._plan = plan
        self._chance = random.Random(plan.seed)
        self._began = time.monotonic()
        self._homes = _make_deals(folder / "deals", line.url, plan)
        self._network = connect(node, folder)
        self._deals = [Workspace.open(home, network=self._network) for home in self._homes.values()]
        self._control = control
        self._keepers: list[int] = []
        self._partners: Partners | None = None
        if "evidence" in plan.faults:
            self._partners = Partners(folder / "partners", self._homes, plan.periods)
        self.configs = [self._configure(folder, number) for number in range(plan.keepers)]
        self._mail = Mailbag(self._post, self._homes, random.Random(plan.seed + 1))
        self._weather = list(self._make_weather(line))
        self._payer = self._deals[0].parties.addresses["client"]
        self._before = self._network.nonce(self._payer)
        self._moment = 0
        self._spells = 0
        self._ended = 0

    def _configure(self, folder: Path, number: int) -> Path:
        plan = self._plan
        self._post = Post(folder / "inbox")
        signs = ["client", "V2"] if self._partners else ["P1", "V1", "V2"]
        duties = {"folder": str(folder / "deals"), "as": signs, "pays": "client"}
        shared = plan.database if "://" in plan.database else str(folder / plan.database)
        given: dict[str, object] = {
            "database": shared, "poll": "1 second", "look_again": "5 seconds", "workspaces": [duties],
        }  # fmt: skip
        if "reorg" in plan.faults:
            given["confirmations"] = 2
        if self._partners:
            (folder / "key").write_text(KEY, encoding="utf-8")
            may = ["evidence", "reports", "records"]
            keys = {"partners": {"key": f"file:{folder / 'key'}", "agreements": ["all"], "may": may}}
            port = _free_port()
            given |= {"inbox": str(folder / "inbox"), "http": {"port": port, "keys": keys}}
            self._ports = [*getattr(self, "_ports", []), port]
            self._post = Post(folder / "inbox", tuple(f"http://127.0.0.1:{each}" for each in self._ports))
        return write_keeper(folder / f"keeper-{number}", given)

    def _make_weather(self, line: BadLine) -> Iterator[Weather]:
        faults, seed = self._plan.faults, self._plan.seed
        if "rpc" in faults:
            yield Storms(line, random.Random(seed + 2))
        if "reorg" in faults:
            yield Reorganisations(self._control, self._network, random.Random(seed + 3))
        if "disk" in faults:
            yield FullDisks(random.Random(seed + 4), lambda: self._keepers)
        if "clock" in faults:
            yield WrongClocks(self._control, self._network, self.configs, random.Random(seed + 5))
        if self._partners:
            yield self._mail

    # --- going on -----------------------------------------------------------------------------------------------------

    def run(self, say: Callable[[str], None]) -> Counts:
        """Lets the months go by, and then everything come to its end."""
        with nursery(ANSWERS_WITHIN) as born:
            self._control.ask("anvil_mine", "0x8")  # the deals themselves are not taken back
            self._keepers = [born.start(config) for config in self.configs]
            for number, end in enumerate(self._deals[0].desk.deal.arguments.ends, 1):
                self._moment = end
                self._hold_time()
                if self._partners:
                    self._mail.give(self._partners.letters(number))
                self._live_a_month(born, number)
                self._live_on(number)
                say(
                    f"{self._elapsed():>4} s  month {number} of {self._plan.periods}: {self._kills} kills, "
                    f"{self._count_settled()} of {self._plan.agreements * number} settled"
                )
            for keeper in self._keepers:
                born.end(keeper)
        self._clear_up(say)
        return self._count()

    def _live_a_month(self, born: Nursery, number: int) -> None:
        for turn in count():
            if self._spells >= self._plan.kills * number // self._plan.periods:
                return
            which = turn % len(self.configs)
            long = self._chance.random() < LONG
            self._endure(self._chance.uniform(*((2, 4) if long else (0.01, 1))) * self._plan.life)
            kills = "kills" in self._plan.faults
            lived = born.end(self._keepers[which]) if kills else is_there(self._keepers[which])
            self._spells += lived
            self._ended += not lived
            assert self._ended <= 20 + self._plan.kills, "keepers end by themselves again and again: see their logs"
            if kills or not lived:
                self._keepers[which] = born.start(self.configs[which])

    def _live_on(self, number: int) -> None:
        """Lets what lives at a month's end live until most has settled, so that not all is left for the last day."""
        end = time.monotonic() + MONTHS_END
        while time.monotonic() < end and 2 * self._count_settled() < self._plan.agreements * (2 * number - 1):
            self._endure(1.0)

    def _count_settled(self) -> int:
        return sum(len(set(_settled(deal))) for deal in self._deals)

    def _endure(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, self._chance.uniform(0.05, 0.5)))
            for weather in self._weather:
                weather.befall()
            self._hold_time()

    def _hold_time(self) -> None:
        """The chain's clock is not before the month's end for longer than a moment."""
        if self._network.now() < self._moment and self._chance.random() < 0.5:
            self._network.advance_to(self._moment)

    def _clear_up(self, say: Callable[[str], None]) -> None:
        """The weather clears, and keepers as they are in the field bring all to an end."""
        for weather in self._weather:
            weather.clear()
        self._network.advance_to(max(self._moment, self._network.now()))
        keepers = [start(config) for config in self.configs]
        last = 0.0

        def is_over() -> bool:
            nonlocal last
            self._mail.befall()
            self._control.ask("anvil_mine", "0x1")  # or else nothing would ever be final
            if time.monotonic() > last + 20:
                last = time.monotonic()
                say(f"{self._elapsed():>4} s  {self._count_settled()} settled")
            if not self._mail.is_empty or count_undone(self._database, self._homes):
                return False
            return not self._partners or not self._mail.missing()

        try:
            wait_for(is_over, "everything to come to its end", PATIENCE)
        except AssertionError as error:
            say(str(error))  # the counts say what is missing
        finally:
            for keeper in keepers:
                keeper.terminate()
            for keeper in keepers:
                keeper.wait()

    # --- counting -----------------------------------------------------------------------------------------------------

    @property
    def _database(self) -> str | Path:
        given = self._plan.database
        return given if "://" in given else self.configs[0].parents[1] / given

    @property
    def _kills(self) -> int:
        """Every spell ends with one, if there are any."""
        return self._spells if "kills" in self._plan.faults else 0

    def _elapsed(self) -> int:
        return int(time.monotonic() - self._began)

    def _count(self) -> Counts:
        audits = [deal.audit() for deal in self._deals]
        told = [_settled(deal) for deal in self._deals]
        faults: Counter[str] = Counter()
        for weather in self._weather:
            faults += weather.counts
        return Counts(
            agreements=self._plan.agreements,
            periods=self._plan.agreements * self._plan.periods,
            kills=self._kills,
            settled=sum(len(set(each)) for each in told),
            repeated=sum(len(each) - len(set(each)) for each in told),
            transactions=self._network.nonce(self._payer) - self._before,
            differences=sum(audit.differences for audit in audits),
            book_differences=count_book_differences(self._database, self._deals),
            index_differences=count_index_differences(self._database, self._deals),
            undone=count_undone(self._database, self._homes),
            lost=len(self._mail.missing()),
            strange=len(self._mail.strange()) if self._partners else 0,
            ended=self._ended,
            unexpected=sum(_count_faults(config) for config in self.configs),
            seconds=self._elapsed(),
            faults=dict(sorted(faults.items())),
        )

    def close(self) -> None:
        """Gives the network back."""
        self._network.close()


@contextmanager
def _making(folder: Path, plan: Plan) -> Iterator[Chaos]:
    with ExitStack() as stack:
        node = stack.enter_context(running_anvil())
        line = stack.enter_context(bad_line(node, random.Random(plan.seed + 6)))
        control = stack.enter_context(connected(node))
        chaos = Chaos(folder, node, line, control, plan)
        stack.callback(chaos.close)
        yield chaos


def run_chaos(folder: Path, plan: Plan, say: Callable[[str], None] = lambda text: None) -> Counts:
    """Makes agreements on a node of their own, lets everything happen to their keepers, and counts."""
    with _making(folder, plan) as chaos:
        return chaos.run(say)


def _make_deals(folder: Path, url: str, plan: Plan) -> dict[str, Path]:
    """Active agreements that share a factory and a token: their workspaces by name."""
    homes: dict[str, Path] = {}
    factory, token = None, None
    for number in range(1, plan.agreements + 1):
        name = f"deal-{number:02d}"
        homes[name] = folder / name
        with make_deal(homes[name], url, name=name, periods=plan.periods, factory=factory, token=token) as deal:
            factory, token = deal.desk.settings.factory, deal.desk.settings.token
    return homes


def _settled(deal: Workspace) -> list[int]:
    """The periods of which the chain says that they settled, as often as it says so."""
    return [each.event.period for each in deal.desk.escrow.history() if isinstance(each.event, Settled)]


def _count_faults(config: Path) -> int:
    lines = (config.parent / "log.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()
    return sum('"event": "fault"' in line for line in lines)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _read_faults(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(","))
    unknown = [each for each in chosen if each not in FAULTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such fault: {', '.join(unknown)}; there are {', '.join(FAULTS)}")
    return chosen


def main() -> None:
    """The command line of scripts/chaos."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    for name, default in (("kills", 300), ("agreements", 20), ("periods", 12), ("seed", 0), ("keepers", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--faults", type=_read_faults, default=FAULTS, help=f"of {','.join(FAULTS)}; all of them")
    parser.add_argument("--keep", type=Path, help="an empty folder for logs and workspaces, which stay")
    parser.add_argument("--json", action="store_true", help="the counts for machines")
    given = vars(parser.parse_args())
    as_json, keep = given.pop("json"), given.pop("keep")
    if given["keepers"] > 1:
        given["database"] = os.environ["PYOUTCOME_POSTGRESQL"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary)
        counts = run_chaos(folder, Plan(**given), lambda text: print(text, file=sys.stderr, flush=True))
    if as_json:
        print(json.dumps({**asdict(counts), "right": counts.is_right}))
    else:
        show(counts)
    sys.exit(not counts.is_right)


if __name__ == "__main__":
    main()
