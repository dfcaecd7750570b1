"""How fast many agreements are indexed and audited: every log read again, every settlement worked out again.

``reindex`` takes agreements that have settled on a local chain; run alone, this module makes them first:

    python -m tests.bench.load_bench --agreements 1000 --periods 12
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Final

from pyoutcome.audit import Subject, audit
from pyoutcome.chain.batch import BatchClient
from pyoutcome.chain.factory import FactoryClient
from pyoutcome.chain.keys import KeySigner
from pyoutcome.chain.network import Network
from pyoutcome.chain.rpc import RpcNetwork
from pyoutcome.chain.views import EscrowViews
from pyoutcome.database import open_database
from pyoutcome.decimals import to_units_trunc
from pyoutcome.formula import evaluate
from pyoutcome.index import EventIndex
from pyoutcome.protocol import unpack_arguments
from pyoutcome.protocol.events import EscrowCreated
from pyoutcome.workspace.auditing import read_chain
from tests.anvil import connected, running_anvil
from tests.gas.anvil import Anvil
from tests.gas.scene import DIGEST, EVIDENCE, KEYS, WHO, Running, Stage, call, priced

AGREEMENTS: Final = 1000
PERIODS: Final = 12
BATCHED: Final = 25
"""Reports in one transaction."""
VALUES: Final = (9 * 10**17,)
NAMES: Final = ("provider",)


@dataclass(frozen=True)
class Reindexed:
    """What was measured."""

    reindex_s: float
    """Seconds to read all logs again and write logs, events and postings."""
    audit_s: float
    """Seconds to audit every agreement from the index and the chain's views."""
    settlements: int
    """How many were audited."""
    differences: int


@dataclass(frozen=True)
class KnownValues:
    """Evidence as a plain table."""

    table: Mapping[int, Sequence[int | None]]

    def values(self, period: int) -> Sequence[int | None]:
        return self.table[period]

    def digest(self, period: int) -> bytes | None:
        return EVIDENCE if period in self.table else None


def reindex(
    network: Network,
    running: Sequence[Running],
    records: Mapping[int, Sequence[int | None]],
    database: str | Path,
    name: str = "curve",
) -> Reindexed:
    """Indexes the agreements into an empty database and audits each. ``records``: the true values by period;
    ``name``: the agreement file they were made from."""
    head = network.head().number
    engine = open_database(database)
    index = EventIndex(engine, network)
    index.watch_many((one.address, 0, NAMES) for one in running)
    start = perf_counter()
    index.rebuild()
    reindexed = perf_counter() - start
    start = perf_counter()
    settled, differences = _audit_all(network, index, running, KnownValues(records), name, head)
    audited = perf_counter() - start
    engine.dispose()
    return Reindexed(reindexed, audited, settled, differences)


def _audit_all(
    network: Network, index: EventIndex, running: Sequence[Running], evidence: KnownValues, name: str, block: int
) -> tuple[int, int]:
    made = priced(name)
    factory = FactoryClient(network, running[0].stage.factory)
    told = (each.event for each in factory.events(0, block))
    digests = {event.escrow: event.agreement_digest for event in told if isinstance(event, EscrowCreated)}

    def amounts(period: int, values: Sequence[int | None]) -> tuple[int, ...]:
        given = [0 if value is None else value for value in values]
        return tuple(to_units_trunc(amount, 6) for amount in evaluate(made.rule, given, period=period).amounts)

    settled = differences = 0
    for one in running:
        escrow = EscrowViews(network, one.address).at(block)
        arguments = unpack_arguments(one.plan.deal.pack())
        subject = Subject(DIGEST, made.program.data, arguments, NAMES, ("on_time",), amounts)
        located = index.events(escrow, block)
        view = read_chain(escrow, located, NAMES, one.plan.nonce, digests[one.address])
        report = audit(subject, located, evidence, view)
        settled += report.settled
        differences += report.differences
    return settled, differences


@contextmanager
def settled(agreements: int, periods: int, say: Callable[[str], None]) -> Iterator[tuple[RpcNetwork, list[Running]]]:
    """A chain on which so many agreements have settled all their periods."""
    options = ("--hardfork", "prague", "--auto-impersonate", "--gas-price", "0", "--block-base-fee-per-gas", "0")
    with running_anvil(*options) as url, connected(url) as line, RpcNetwork(url) as network:
        anvil = Anvil(line)
        stage = Stage(anvil)
        sender = KeySigner(KEYS["sender"].to_bytes())
        anvil.ask("anvil_setBalance", sender.address, hex(10**24))
        plan = replace(stage.plan("curve", periods, quorum=2, holdback=5 * 10**16), registered=True)
        stage.register(plan.program)
        needed = agreements * periods * plan.deal.reserve
        stage.send(stage.token, call("mint(address,uint256)", WHO["client"], needed))
        say(f"{agreements} agreements are made")
        running = [Running(stage, replace(plan, nonce=number)).start() for number in range(agreements)]
        batch = BatchClient(network, stage.batch)
        for period in range(1, periods + 1):
            say(f"period {period} of {periods}")
            anvil.advance_to(plan.deal.ends[period - 1])
            for at in range(0, agreements, BATCHED):
                part = running[at : at + BATCHED]
                batch.submit_many(sender, [(one.address, one.packed(period, VALUES)) for one in part])
        yield network, running


def main(arguments: list[str] | None = None) -> int:
    """Make, measure and show; 1 if a settlement is missing or differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.load_bench", description=__doc__)
    parser.add_argument("--agreements", type=int, default=AGREEMENTS)
    parser.add_argument("--periods", type=int, default=PERIODS)
    chosen = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        settled(chosen.agreements, chosen.periods, lambda text: print(text, file=sys.stderr)) as (network, running),
    ):
        records = dict.fromkeys(range(1, chosen.periods + 1), VALUES)
        found = reindex(network, running, records, Path(folder) / "index.sqlite")
    print(json.dumps(asdict(found)))
    return 0 if (found.settlements, found.differences) == (chosen.agreements * chosen.periods, 0) else 1


if __name__ == "__main__":
    sys.exit(main())
