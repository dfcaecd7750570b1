"""How fast many agreements that have settled are indexed and audited: every log read again, every settlement worked out
again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

from pyoutcome.audit import Subject, audit
from pyoutcome.chain.factory import FactoryClient
from pyoutcome.chain.network import Network
from pyoutcome.chain.views import EscrowViews
from pyoutcome.database import open_database
from pyoutcome.decimals import to_units_trunc
from pyoutcome.formula import evaluate
from pyoutcome.index import EventIndex
from pyoutcome.protocol import unpack_arguments
from pyoutcome.protocol.events import EscrowCreated
from pyoutcome.workspace.auditing import read_chain
from tests.gas.scene import DIGEST, EVIDENCE, Running, priced

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
