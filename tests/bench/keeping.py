"""What a keeper takes: memory next to the number of its agreements, questions to the node and processor time for each
settlement, early and late in the agreements' lives.

The keepers are processes of their own, over real workspaces that measure, verify, report and settle.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from pyoutcome.chain.blocks import ZERO_ADDRESS, Call
from pyoutcome.chain.courier import Courier
from pyoutcome.chain.deal import clone_address
from pyoutcome.chain.escrow import EscrowClient, PeriodStage
from pyoutcome.chain.inflight import InFlight, State, Wanted
from pyoutcome.chain.network import Network
from pyoutcome.chain.outbox import Outbox
from pyoutcome.database import open_database
from pyoutcome.protocol import Signer
from pyoutcome.workspace import Workspace
from pyoutcome.workspace.settings import Offer
from pyoutcome.workspace.signing import Signing
from tests.anvil import Line, connected, running_anvil
from tests.bench.memory import most_memory
from tests.service.deals import make_deal, write_keeper

STEADY: Final = 20
"""Agreements of which every period is settled, to compare the last with the second."""
PERIODS: Final = 12
PORTION: Final = 250
ROOT: Final = Path(__file__).parents[2]
NODE: Final = ("--gas-limit", "10000000000", "--prune-history", "64")
PATIENCE: Final = 1800
"""Seconds after which a keeper that has not settled will not."""
DUTIES: Final = {"as": ["P1", "V1", "V2"], "pays": "client"}


@dataclass(frozen=True)
class Kept:
    """What was measured."""

    memory_growth: float
    """Most memory that a keeper of many agreements had, over that of a keeper of few; each settled a period of all."""
    memory_few_mb: float
    """Most resident memory of the keeper of few, millions of bytes."""
    memory_many_mb: float
    """The same of the keeper of many."""
    keeper_calls: float
    """Questions to the node for each settlement, in the last period but one."""
    keeper_ms: float
    """Milliseconds of the keeper's processor for each settlement, in the last period but one."""
    keeper_history: float
    """The questions in the last period but one over those in the second: 1 is no growth."""


@dataclass(frozen=True)
class Taken:
    """What a keeper has taken so far."""

    questions: int
    seconds: float
    """Of the processor."""
    peak: int
    """Bytes."""


class Keeper:
    """A keeper's process, seen from outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self) -> Taken:
        """What it has taken so far."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Taken(**json.loads(self._process.stdout.readline()))


@contextmanager
def keeper(folder: Path, groups: Sequence[Path]) -> Iterator[Keeper]:
    """A keeper of all workspaces in some folders, for as long as the block."""
    kept = [{"folder": str(group), **DUTIES} for group in groups]
    config = write_keeper(folder, {"database": "keeper.sqlite", "poll": "1 second", "workspaces": kept})
    command = [sys.executable, "-m", "tests.bench.keeping", str(config)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Keeper(process)
        finally:
            process.kill()


class Deals:
    """Many agreements alike on one chain, each in a workspace of its own."""

    def __init__(self, folder: Path, url: str, line: Line, periods: int) -> None:
        self._folder = folder
        self._periods = periods
        self._line = line
        self._first = make_deal(folder / "first", url, periods=periods)
        self.network = self._first.network
        self.ends = self._first.desk.deal.arguments.ends
        self.client = self._first.parties.signer("client")
        self._engine = open_database(folder / "making.sqlite")
        self._made = 0
        line.ask("evm_setAutomine", False)
        line.ask("evm_setIntervalMining", 1)

    def close(self) -> None:
        self._engine.dispose()
        self._first.close()

    def make(self, name: str, count: int) -> list[EscrowClient]:
        """So many more, active and funded for all periods, with their workspaces in the folder ``name``."""
        desk, numbers = self._first.desk, range(self._made + 1, self._made + count + 1)
        self._made += count
        token = desk.escrow.token()
        assert token is not None
        units = self._periods * desk.deal.arguments.reserve
        mint = token.compose(self.client.address, "mint", (self.client.address, count * units))
        self._carry([(f"mint for {name}", mint)])
        signers = [self._first.parties.signer(party) for party in ("client", "P1")]
        escrows, creations = [], []
        for number in numbers:
            files = shutil.copytree(self._first.files.folder, self._folder / name / f"deal-{number}")
            deal = replace(desk.deal, nonce=number)
            terms = deal.terms.digest(desk.factory.domain)
            code = deal.clone_code(desk.factory.address, desk.factory.implementation, terms)
            escrow = EscrowClient(self.network, clone_address(desk.factory.address, code))
            signed = _sign(Workspace.open(files, network=self.network), escrow.address, number, terms, signers)
            creations.append(desk.factory.compose(self.client.address, "create", (deal.as_offer(), signed)))
            escrows.append(escrow)
        self._carry([(f"create {number}", call) for number, call in zip(numbers, creations, strict=True)])
        payer = self.client.address
        for what, calls in (
            ("approve", [token.compose(payer, "approve", (escrow.address, units)) for escrow in escrows]),
            ("deposit", [escrow.compose(payer, "deposit", (units,)) for escrow in escrows]),
            ("activate", [escrow.compose(payer, "activate", ()) for escrow in escrows]),
        ):
            self._carry([(f"{what} {number}", call) for number, call in zip(numbers, calls, strict=True)])
        return escrows

    def _carry(self, calls: Sequence[tuple[str, Call]]) -> None:
        courier = Courier(self.network, Outbox(self._engine, self.network.identity()))
        for at in range(0, len(calls), PORTION):
            wanted = [Wanted(purpose, call) for purpose, call in calls[at : at + PORTION]]
            for outcome in courier.submit_many(wanted, self.client):
                if not isinstance(outcome, InFlight):
                    raise outcome
            self._line.ask("evm_mine")
            assert all(one.state is State.FINAL for one in courier.attend(lambda _: None))

    def go_to(self, period: int) -> None:
        """Lets a period end."""
        self.network.advance_to(max(self.network.now(), self.ends[period - 1]))


def _sign(workspace: Workspace, escrow: str, nonce: int, terms: bytes, signers: Sequence[Signer]) -> list[bytes]:
    """Writes the offer of a copied workspace, and both signatures over it, as signing would."""
    files = workspace.files
    offer = files.load(files.offer, Offer)
    told = "0x" + terms.hex()
    files.save(files.offer, offer.model_copy(update={"nonce": nonce, "terms_hash": told, "escrow": escrow}))
    parties = dict(zip(("client", "P1"), signers, strict=True))
    addresses = {party: signer.address for party, signer in parties.items()}
    signing = Signing(offer.chain_id, offer.factory, escrow, terms, addresses)
    signed = [signing.sign(party, signer) for party, signer in parties.items()]
    for each in signed:
        files.save(files.signature(each.party), each)
    return [bytes.fromhex(each.signature[2:]) for each in signed]


def wait_until_settled(network: Network, escrows: Sequence[EscrowClient], period: int) -> None:
    """Waits until a period of all of them has settled."""
    left = list(escrows)
    deadline = time.monotonic() + PATIENCE
    while left:
        some = left[:PORTION]
        calls = [Call(ZERO_ADDRESS, one.address, one.interface.encode("periodState", period)) for one in some]
        states: list[Any] = [
            one.interface.decode("periodState", answer)
            for one, answer in zip(some, network.call_many(calls), strict=True)
            if isinstance(answer, bytes)
        ]
        waiting = [one for one, state in zip(some, states, strict=True) if state[0] != PeriodStage.SETTLED]
        left = [*waiting, *left[PORTION:]]
        assert time.monotonic() < deadline, f"{len(left)} agreements have not settled period {period}"
        if waiting:
            time.sleep(1)


def measure(
    few: int, many: int, steady: int = STEADY, periods: int = PERIODS, say: Callable[[str], None] = lambda _: None
) -> Kept:
    """A keeper of few, then one of many agreements; then one of which every period is looked at."""
    with (
        tempfile.TemporaryDirectory(prefix="pyoutcome-keeping-") as name,
        running_anvil(*NODE) as url,
        connected(url) as line,
    ):
        folder = Path(name)
        deals = Deals(folder, url, line, periods)
        try:
            say(f"{steady} + {few} + {many} workspaces are made")
            groups = {"steady": deals.make("steady", steady), "few": deals.make("few", few)}
            groups["many"] = deals.make("many", many)
            deals.go_to(1)
            say(f"a keeper of {few}, and one of {many}")
            peaks = []
            for group in ("few", "many"):
                with keeper(folder / f"keeper-{group}", [folder / group]) as kept:
                    wait_until_settled(deals.network, groups[group], 1)
                    peaks.append(kept.ask().peak)
            taken: list[Taken] = []
            with keeper(folder / "keeper-steady", [folder / "steady"]) as kept:
                for period in range(1, periods + 1):
                    say(f"period {period} of {periods}")
                    deals.go_to(period)
                    wait_until_settled(deals.network, groups["steady"], period)
                    time.sleep(3)  # what it does after the last settlement counts too
                    taken.append(kept.ask())
        finally:
            deals.close()
    questions = [after.questions - before.questions for before, after in pairwise(taken)]
    seconds = [after.seconds - before.seconds for before, after in pairwise(taken)]
    late = questions[-2:][0]  # of the last but one: after the last each period is asked once whether all can be closed
    return Kept(
        memory_growth=peaks[1] / peaks[0],
        memory_few_mb=peaks[0] / 1e6,
        memory_many_mb=peaks[1] / 1e6,
        keeper_calls=late / steady,
        keeper_ms=1000 * seconds[-2:][0] / steady,
        keeper_history=late / questions[0],
    )


def main(config: str) -> None:
    """A keeper that counts, and tells on a line of standard input what it has taken so far."""
    from threading import Thread

    from pyoutcome.chain.jsonrpc import Node
    from pyoutcome.service.configuration import Setup
    from pyoutcome.service.logs import Redactor, start_log
    from pyoutcome.service.running import run_keeper

    questions = 0
    post = Node._post

    def count(node: Node, question: Any) -> bytes:
        nonlocal questions
        questions += len(question) if isinstance(question, list) else 1
        return post(node, question)

    def tell() -> None:
        for _ in sys.stdin:
            taken = {"questions": questions, "seconds": time.process_time(), "peak": most_memory()}
            print(json.dumps(taken), flush=True)

    setattr(Node, "_post", count)  # noqa: B010 - from outside, so that nothing is counted where nobody asks
    Thread(target=tell, daemon=True).start()
    path = Path(config)
    with (path.parent / "log.jsonl").open("a", encoding="utf-8") as log:
        start_log(Redactor(), log)
        run_keeper(Setup.load(path), lambda _: os.urandom(8).hex())


if __name__ == "__main__":
    main(sys.argv[1])
