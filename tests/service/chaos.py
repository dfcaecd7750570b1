"""A keeper that is killed at random instants, over and over, while the months go by; then everything is counted."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from pyoutcome.protocol.events import Settled
from pyoutcome.workspace import Workspace
from tests.anvil import running_anvil
from tests.service.deals import make_deal, write_keeper
from tests.service.nursery import nursery
from tests.service.processes import start, wait_for

SHORTEST, LONGEST = 0.01, 4.0
"""Seconds a keeper lives before it is killed: from before it has read its configuration to a few rounds."""


@dataclass(frozen=True)
class Counts:
    """What there is after the chaos."""

    agreements: int
    periods: int
    """Of all agreements."""
    kills: int
    settled: int
    """Settlements the chain tells of."""
    repeated: int
    """Settlements of a period that had settled."""
    transactions: int
    """Of the paying account since the deals were made."""
    differences: int
    """That the audits of all agreements found."""
    seconds: int


def chaos(
    folder: Path,
    url: str,
    *,
    agreements: int,
    periods: int,
    kills: int,
    seed: int,
    keepers: int = 1,
    database: str = "keeper.sqlite",
    say: Callable[[str], None] = lambda text: None,
) -> Counts:
    """Makes agreements, lets their months pass, and kills keepers ``kills`` times meanwhile.

    ``keepers``: how many share the database; while one is killed, the others go on.
    """
    began = time.monotonic()
    chance = random.Random(seed)
    deals = _make_deals(folder / "deals", url, agreements, periods)
    payer = deals[0].parties.addresses["client"]
    network = deals[0].network
    before = network.nonce(payer)
    duties = {"folder": str(folder / "deals"), "as": ["P1", "V1", "V2"], "pays": "client"}
    shared = database if "://" in database else str(folder / database)
    given = {"database": shared, "poll": "1 second", "look_again": "5 seconds", "workspaces": [duties]}
    configs = [write_keeper(folder / f"keeper-{number}", given) for number in range(keepers)]
    killed = 0
    with nursery() as born:
        for config in configs[1:]:
            born.start(config)
        for number, end in enumerate(deals[0].desk.deal.arguments.ends, 1):
            network.advance_to(max(end, network.now()))
            for _ in range(kills * number // periods - killed):
                keeper = born.start(configs[0])
                time.sleep(chance.uniform(SHORTEST, LONGEST))
                born.end(keeper)
                killed += 1
            say(f"period {number} of {periods}: {killed} kills, {sum(len(_settled(deal)) for deal in deals)} settled")
    last = start(configs[0])
    try:
        wait_for(lambda: all(len(_settled(deal)) >= periods for deal in deals), "every settlement", 900)
    finally:
        last.kill()
        last.wait()
    audits = [deal.audit() for deal in deals]
    told = [_settled(deal) for deal in deals]
    counts = Counts(
        agreements=agreements,
        periods=agreements * periods,
        kills=killed,
        settled=sum(len(set(each)) for each in told),
        repeated=sum(len(each) - len(set(each)) for each in told),
        transactions=network.nonce(payer) - before,
        differences=sum(audit.differences for audit in audits),
        seconds=int(time.monotonic() - began),
    )
    for deal in deals:
        deal.close()
    return counts


def _make_deals(folder: Path, url: str, agreements: int, periods: int) -> list[Workspace]:
    """Active agreements that share a factory and a token."""
    deals: list[Workspace] = []
    for number in range(1, agreements + 1):
        known = deals[0].desk.settings if deals else None
        name = f"deal-{number:02d}"
        deals.append(
            make_deal(
                folder / name,
                url,
                name=name,
                periods=periods,
                factory=known.factory if known else None,
                token=known.token if known else None,
            )
        )
    return deals


def _settled(deal: Workspace) -> list[int]:
    """The periods of which the chain says that they settled, as often as it says so."""
    return [each.event.period for each in deal.desk.escrow.history() if isinstance(each.event, Settled)]


def main() -> None:
    """The command line of scripts/chaos."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    for name, default in (("kills", 300), ("agreements", 20), ("periods", 12), ("seed", 0), ("keepers", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = vars(parser.parse_args())
    if given["keepers"] > 1:
        given["database"] = os.environ["PYOUTCOME_POSTGRESQL"]
    with running_anvil() as url, tempfile.TemporaryDirectory() as folder:
        counts = chaos(Path(folder), url, **given, say=lambda text: print(text, flush=True))
    for name, count in asdict(counts).items():
        print(f"{name:<14}{count:>8}")
    right = counts.settled == counts.periods and not counts.repeated and not counts.differences
    print("every period settled exactly once, books equal chain" if right else "WRONG: see the counts")
    sys.exit(not right)


if __name__ == "__main__":
    main()
