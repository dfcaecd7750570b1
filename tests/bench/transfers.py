"""``python -m tests.bench.transfers``: token transfers per second on anvil, many at once and one by one, in one run.

Both sides sign and wait for what they send; the courier also records it, and looks until it is final.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

from pyoutcome.chain.blocks import Call
from pyoutcome.chain.courier import Courier
from pyoutcome.chain.inflight import Wanted
from pyoutcome.chain.keys import KeySigner
from pyoutcome.chain.network import Network
from pyoutcome.chain.networks import connect
from pyoutcome.chain.outbox import Outbox
from pyoutcome.chain.sender import Sender
from pyoutcome.chain.tokens import deploy_test_token
from pyoutcome.database import open_database
from tests.anvil import running_anvil

TRANSFERS = 2_000
AT_ONCE = 200


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.transfers", description=__doc__)
    parser.add_argument("--transfers", type=int, default=TRANSFERS, help="how many at once; a tenth of it one by one")
    count: int = parser.parse_args(arguments).transfers
    with (
        tempfile.TemporaryDirectory() as folder,
        running_anvil() as url,
        connect(url, Path(folder)) as network,
    ):
        signer = network.test_accounts()[0]
        engine = open_database(Path(folder) / "outbox.sqlite")
        courier = Courier(network, Outbox(engine, network.identity()))
        call = a_transfer(network, signer)
        few = max(1, count // 10)
        alone = timed(lambda: one_by_one(network, call, signer, few), few)
        together = timed(lambda: many_at_once(courier, call, signer, count), count)
        engine.dispose()
    print(f"one_by_one   {alone.rate:5.0f}/s, {alone.work:.2f} ms of this process's processor each")
    print(f"many_at_once {together.rate:5.0f}/s, {together.work:.2f} ms")
    print(
        f"ratio        {together.rate / alone.rate:.2f} by the clock, {alone.work / together.work:.2f} by the processor"
    )
    return 0


@dataclass(frozen=True)
class Speed:
    """What some transfers took."""

    rate: float
    """Per second, by the clock."""
    work: float
    """Milliseconds of this process's processor time for each; the node's are not in it."""


def timed(do: Callable[[], object], count: int) -> Speed:
    """Carries out ``count`` transfers."""
    clock, processor = perf_counter(), process_time()
    do()
    return Speed(count / (perf_counter() - clock), 1000 * (process_time() - processor) / count)


def a_transfer(network: Network, signer: KeySigner) -> Call:
    """One unit of a token to somebody who has some, so that all cost the same gas."""
    token = deploy_test_token(network, signer, "Test Dollar", "TUSD")
    receiver = network.test_accounts()[1].address
    for address in (signer.address, receiver):
        token.mint(signer, address, 10**12)
    return Call(signer.address, token.address, token.interface.encode("transfer", receiver, 1))


def one_by_one(network: Network, call: Call, signer: KeySigner, count: int) -> None:
    """Each waited for before the next."""
    sender = Sender(network)
    for _ in range(count):
        sender.send(call, signer)


def many_at_once(courier: Courier, call: Call, signer: KeySigner, count: int) -> None:
    """Through the courier, until all are final."""
    for start in range(0, count, AT_ONCE):
        wanted = [Wanted(f"transfer {number}", call) for number in range(start, min(count, start + AT_ONCE))]
        courier.submit_many(wanted, signer)
        courier.attend(lambda _: signer)
    while courier.attend(lambda _: signer):
        """Until nothing is in flight."""


if __name__ == "__main__":
    sys.exit(main())
