"""A keeper that is killed at random instants, over and over, while the months go by; then everything is counted."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pyoutcome.protocol.events import Settled
from pyoutcome.workspace import Workspace
from tests.service.deals import make_deal, write_keeper
from tests.service.processes import running, start, stop, wait_for

SHORTEST, LONGEST = 0.3, 4.0
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
    say: Callable[[str], None] = lambda text: None,
) -> Counts:
    """Makes agreements, lets their months pass, and kills the keeper ``kills`` times meanwhile."""
    began = time.monotonic()
    chance = random.Random(seed)
    deals: list[Workspace] = []
    for number in range(1, agreements + 1):
        contracts = (deals[0].desk.settings.factory, deals[0].desk.settings.token) if deals else (None, None)
        deal = make_deal(
            folder / "deals" / f"deal-{number:02d}", url, name=f"deal-{number:02d}", periods=periods,
            factory=contracts[0], token=contracts[1],
        )  # fmt: skip
        deals.append(deal)
    payer = deals[0].parties.addresses["client"]
    network = deals[0].network
    before = network.nonce(payer)
    for stray in [*(folder / "deals").glob("*.yaml"), *(folder / "deals").glob("*.csv")]:
        stray.unlink()
    config = write_keeper(
        folder,
        {
            "poll": "1 second",
            "look_again": "5 seconds",
            "workspaces": [{"folder": "deals", "as": ["P1", "V1", "V2"], "pays": "client"}],
        },
    )
    ends = deals[0].desk.deal.arguments.ends
    killed = 0
    for number, end in enumerate(ends, 1):
        network.advance_to(max(end, network.now()))
        for _ in range(kills * number // periods - killed):
            with running(config):
                time.sleep(chance.uniform(SHORTEST, LONGEST))
            killed += 1
        say(f"period {number} of {periods}: {killed} kills, {sum(map(_count, deals))} settled")
    keeper = start(config)
    try:
        wait_for(lambda: all(_count(deal) == periods for deal in deals), "every settlement")
        assert 0 == stop(keeper)
    finally:
        keeper.kill()
        keeper.wait()
    audits = [deal.audit() for deal in deals]
    told = [sorted(_settled(deal)) for deal in deals]
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


def _settled(deal: Workspace) -> list[int]:
    return [each.event.period for each in deal.desk.escrow.history() if isinstance(each.event, Settled)]


def _count(deal: Workspace) -> int:
    return len(_settled(deal))
