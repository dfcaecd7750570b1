"""Load: a thousand agreements of twelve periods on one local chain, settled next to plain token transfers.

Everything goes through the same client: call tried, nonce given, signed, recorded, handed in, looked for until final.
Reports are signed by their verifiers beforehand; that time is a figure of its own. The three kinds of work take turns
in portions, so what else the machine does meanwhile meets all of them.

The node makes one block of all that waits whenever a portion was handed in, and its time counts. A block for each
transaction, as it makes by itself, costs a copy of the whole chain's state each: it would be that which is measured,
and not what a transfer, a settlement or a batch costs.
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from pyoutcome.chain.blocks import Call
from pyoutcome.chain.courier import Courier
from pyoutcome.chain.inflight import InFlight, State, Wanted
from pyoutcome.chain.keys import KeySigner
from pyoutcome.chain.outbox import Outbox
from pyoutcome.chain.rpc import RpcNetwork
from pyoutcome.database import open_database
from tests.anvil import connected, running_anvil
from tests.bench.reindexing import reindex
from tests.gas.anvil import Anvil
from tests.gas.scene import KEYS, WHO, Plan, Running, Stage, call

AGREEMENTS: Final = 1000
PERIODS: Final = 12
PORTION: Final = 500
"""Transfers, or settlements, handed in together; in batches or each by itself."""
BATCHED: Final = 25
"""Reports in one transaction of the batch."""
VALUES: Final = (9 * 10**17,)
"""90 %, above every corner but one."""
NODE: Final = (
    *("--hardfork", "prague", "--auto-impersonate", "--gas-price", "0", "--block-base-fee-per-gas", "0"),
    *("--gas-limit", "10000000000"),  # a portion in one block: on a local chain each reserves much more than it needs
    *(
        "--prune-history",
        "16",
    ),  # old states kept, in memory; by default hundreds, on disk
)
_ALLOWANCE: Final = 1_000_000
_COIN: Final = 10**24


@dataclass
class Clockwork:
    """Seconds and pieces of each kind of work, by period."""

    seconds: defaultdict[tuple[str, int], float] = field(default_factory=lambda: defaultdict(float))
    pieces: Counter[tuple[str, int]] = field(default_factory=Counter)

    @contextmanager
    def timed(self, kind: str, period: int, pieces: int) -> Iterator[None]:
        start = perf_counter()
        yield
        self.seconds[kind, period] += perf_counter() - start
        self.pieces[kind, period] += pieces

    def rate(self, kind: str, period: int) -> float:
        """Pieces a second in a period."""
        return self.pieces[kind, period] / self.seconds[kind, period]

    def compare(self, kind: str, other: str, periods: Iterable[int]) -> float:
        """How many of a kind are done in the time of one of the other: the median of the periods."""
        return median(self.rate(kind, period) / self.rate(other, period) for period in periods)


@dataclass(frozen=True)
class Load:
    """What was measured."""

    settle_rate: float
    """Settlements a second, each in its own transaction, next to token transfers a second."""
    batch_rate: float
    """The same with many reports in one transaction."""
    batch_gain: float
    """Settlements a second in batches next to those each in its own transaction."""
    history: float
    """Time of a settlement over that of a transfer, in the last quarter of the periods next to the first: 1 is no
    growth."""
    reindex_s: float
    """Seconds to read all logs of all agreements again, and to write logs, events and postings."""
    audit_s: float
    """Seconds to audit every agreement."""
    settlements: int
    """How many were audited."""
    differences: int
    """What the audit found: nothing, or the load proves nothing."""
    transfers_s: float
    """Token transfers a second, what the rates are next to."""
    sign_ms: float
    """Milliseconds to sign a report as two verifiers."""


class Field:
    """Many running agreements on one chain, and the client under test."""

    def __init__(self, url: str, anvil: Anvil, database: Path, agreements: int, periods: int) -> None:
        self.stage = Stage(anvil)
        self.network = RpcNetwork(url)
        self.sender = KeySigner(KEYS["sender"].to_bytes())
        anvil.ask("anvil_setBalance", self.sender.address, hex(_COIN))
        self.courier = Courier(self.network, Outbox(open_database(database), self.network.identity()))
        plan = replace(self.stage.plan("curve", periods, quorum=2, holdback=5 * 10**16), registered=True)
        self.stage.register(plan.program)
        self.plan = plan
        needed = agreements * periods * plan.deal.reserve
        self.stage.send(self.stage.token, call("mint(address,uint256)", WHO["client"], needed))
        self.running = [_started(self.stage, plan, number) for number in range(agreements)]
        anvil.ask("evm_setAutomine", False)
        self.clockwork = Clockwork()
        self.signing = 0.0

    def close(self) -> None:
        self.network.close()
        self.courier.outbox.engine.dispose()

    def play(self, period: int) -> None:
        """One period of every agreement: the first half settled one by one, the second in batches; and as many
        transfers as the first half."""
        self.stage.anvil.advance_to(self.plan.deal.ends[period - 1])
        start = perf_counter()
        reports = {one.address: one.packed(period, VALUES) for one in self.running}
        self.signing += perf_counter() - start
        half = len(self.running) // 2
        single, batched = self.running[:half], self.running[half:]
        move = call("transfer(address,uint256)", WHO["provider"], 1)
        for at in range(0, half, PORTION):
            count = len(single[at : at + PORTION])
            self._carry("transfer", period, at, [(self.stage.token, move)] * count, count)
            singles = [(one.address, call("submit()") + reports[one.address]) for one in single[at : at + PORTION]]
            self._carry("settle", period, at, singles, count)
        for at in range(0, len(batched), PORTION):
            part = batched[at : at + PORTION]
            groups = [part[first : first + BATCHED] for first in range(0, len(part), BATCHED)]
            calls = [
                (self.stage.batch, _batch([(one.address, reports[one.address]) for one in each])) for each in groups
            ]
            self._carry("batch", period, at, calls, len(part))
        unsettled = [one.address for one in self.running if not one.is_settled(period)]
        assert not unsettled, f"{len(unsettled)} agreements have not settled period {period}"

    def _carry(self, kind: str, period: int, at: int, calls: Sequence[tuple[str, bytes]], pieces: int) -> None:
        wanted = [
            Wanted(f"{kind} {period} {at + place}", Call(self.sender.address, target, data))
            for place, (target, data) in enumerate(calls)
        ]
        with self.clockwork.timed(kind, period, pieces):
            outcomes = self.courier.submit_many(wanted, self.sender)
            for outcome in outcomes:
                if not isinstance(outcome, InFlight):
                    raise outcome
            self.stage.anvil.ask("evm_mine")
            while left := self.courier.attend(self._key_of):
                assert all(one.state is State.FINAL for one in left), left

    def _key_of(self, address: str) -> KeySigner | None:
        return self.sender if address == self.sender.address else None


def measure(agreements: int = AGREEMENTS, periods: int = PERIODS, say: Callable[[str], None] = lambda _: None) -> Load:
    """Plays all periods and gives the ratios."""
    with playing(agreements, periods, say) as field_, tempfile.TemporaryDirectory() as folder:
        say("all logs are read again, all settlements audited")
        records = dict.fromkeys(range(1, periods + 1), VALUES)
        found = reindex(field_.network, field_.running, records, Path(folder) / "index.sqlite")
        clockwork = field_.clockwork
        quarter = max(1, periods // 4)
        all_, early = range(1, periods + 1), range(1, quarter + 1)
        late = range(periods + 1 - quarter, periods + 1)
        return Load(
            settle_rate=clockwork.compare("settle", "transfer", all_),
            batch_rate=clockwork.compare("batch", "transfer", all_),
            batch_gain=clockwork.compare("batch", "settle", all_),
            history=clockwork.compare("settle", "transfer", early) / clockwork.compare("settle", "transfer", late),
            reindex_s=found.reindex_s,
            audit_s=found.audit_s,
            settlements=found.settlements,
            differences=found.differences,
            transfers_s=median(clockwork.rate("transfer", period) for period in all_),
            sign_ms=1000 * field_.signing / (agreements * periods),
        )


@contextmanager
def playing(agreements: int, periods: int, say: Callable[[str], None] = lambda _: None) -> Iterator[Field]:
    """A chain on which every agreement has settled every period, open for more questions."""
    with (
        tempfile.TemporaryDirectory(prefix="pyoutcome-load-") as folder,
        running_anvil(*NODE) as url,
        connected(url) as line,
    ):
        say(f"{agreements} agreements are made")
        field_ = Field(url, Anvil(line), Path(folder) / "outbox.sqlite", agreements, periods)
        try:
            for period in range(1, periods + 1):
                say(f"period {period} of {periods}")
                field_.play(period)
            yield field_
        finally:
            field_.close()


def _started(stage: Stage, plan: Plan, number: int) -> Running:
    return Running(stage, replace(plan, nonce=number)).start()


def _batch(reports: Sequence[tuple[str, bytes]]) -> bytes:
    data = call("submitMany()") + _ALLOWANCE.to_bytes(4)
    for address, report in reports:
        data += bytes.fromhex(address[2:]) + len(report).to_bytes(2) + report
    return data
