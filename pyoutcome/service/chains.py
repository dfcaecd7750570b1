"""The chains a keeper watches: what happened on one wakes what waits for it; one that does not answer is put off."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyoutcome.chain.inflight import LIVE, InFlight
from pyoutcome.errors import ChainError, PyoutcomeError, StoreError
from pyoutcome.service import alerts
from pyoutcome.service.logs import say
from pyoutcome.settlement.patience import SECOND, Patience
from pyoutcome.settlement.state import KeeperState

if TYPE_CHECKING:
    from pyoutcome.chain.courier import Courier
    from pyoutcome.chain.network import Network
    from pyoutcome.index import EventIndex
    from pyoutcome.protocol import Signer

NO_COIN: Final = "not-enough-coin"
STOPS: Final = frozenset({NO_COIN, "fee-above-limit", "no-key-to-replace", "nonce-out-of-reach"})
"""What keeps a transaction, and all later ones of its sender, from going on until somebody does something."""
BEHIND: Final = "waits-behind-another"
LONGEST_SILENCE: Final = 60 * SECOND
"""After how long a chain that did not answer is asked again at the latest."""


@dataclass
class Chain:
    """One chain with what acts on it."""

    key: str
    network: Network
    courier: Courier
    index: EventIndex
    watched: frozenset[str] = frozenset()
    """Escrows that the index followed when the keeper started."""
    names: dict[str, str] = field(default_factory=dict)
    """Agreements by their escrow's address."""
    failures: int = 0
    silent_since: int = 0
    """When it first failed, by this machine's monotonic clock, milliseconds."""
    not_before: int = 0
    """When it is asked again, by the same clock."""
    held: dict[str, str] = field(default_factory=dict)
    """Code of what keeps a transaction from going on, by its purpose."""
    poor: dict[str, int] = field(default_factory=dict)
    """Senders that could not pay a new transaction, and the coin they had, wei."""


class Watch:
    """Looks at the chains once a round."""

    def __init__(self, state: KeeperState, herald: alerts.Herald, patience: Patience) -> None:
        self._state = state
        self._herald = herald
        self._patience = patience

    def look_at(self, chain: Chain, signer_of: Callable[[str], Signer | None]) -> bool:
        """Wakes what the chain's clock, events and transactions are about; whether it answers. StoreError."""
        if monotonic() < chain.not_before:
            return False
        try:
            self._wake(chain, signer_of)
        except StoreError:
            raise
        except PyoutcomeError as error:
            self._put_off(chain, error)
            return False
        chain.failures = 0
        return True

    def _wake(self, chain: Chain, signer_of: Callable[[str], Signer | None]) -> None:
        self._state.strike(chain.key, chain.network.now())
        updated = chain.index.update()
        for escrow in updated.lost:
            say("reorganisation", logging.WARNING, agreement=chain.names.get(escrow), escrow=escrow)
            self._state.reopen(chain.names.get(escrow, ""))
        self._state.wake([chain.names[escrow] for escrow in updated.grown if escrow in chain.names])
        found = chain.courier.attend(signer_of)
        self._mind_stops(chain, [each for each in found if each.state in LIVE])
        self._mind_the_poor(chain)
        ended = [each for each in found if each.state not in LIVE]
        for each in ended:
            say("transaction", purpose=each.purpose, state=each.state, network=chain.network.name)
        self._state.wake_purposes([each.purpose for each in ended])

    def _mind_stops(self, chain: Chain, flights: Sequence[InFlight]) -> None:
        """Tells what keeps transactions from going on, and has their periods say so, or that they go on."""
        held = {each.purpose: each.trouble for each in flights if each.trouble is not None}
        stopped = {purpose: trouble for purpose, trouble in held.items() if trouble in STOPS or trouble == BEHIND}
        changed = {purpose for purpose, _ in stopped.items() ^ chain.held.items()}
        self._state.wake_purposes(changed)
        for each in flights:
            if each.purpose in changed and each.trouble in STOPS:
                self._tell_stop(f"{chain.key} {each.sender} {each.nonce} {each.trouble}", each.error or "")
        chain.held = stopped

    def note_poor(self, chain: Chain, error: ChainError) -> None:
        """A sender cannot pay a new transaction: it is told, and what it wants is tried as soon as it has more coin."""
        address, balance = str(error.details["address"]), error.details["balance"]
        if address in chain.poor or not isinstance(balance, int):
            return
        chain.poor[address] = balance
        if NO_COIN not in chain.held.values():
            self._tell_stop(f"{chain.key} {address} {balance} {NO_COIN}", str(error))

    def _mind_the_poor(self, chain: Chain) -> None:
        for address, had in list(chain.poor.items()):
            has = chain.network.balance(address)
            if has > had:
                del chain.poor[address]
                self._state.hasten(NO_COIN, chain.names.values())
            else:
                chain.poor[address] = has

    def _tell_stop(self, occasion: str, text: str) -> None:
        # Once for all periods and agreements of a sender: what one waits for, all later ones wait for.
        self._herald.tell(alerts.HELD_UP, "", None, f"{text} Until then nothing of this sender goes on.", occasion)

    def _put_off(self, chain: Chain, error: PyoutcomeError) -> None:
        chain.silent_since = chain.silent_since if chain.failures else monotonic()
        chain.failures += 1
        chain.not_before = monotonic() + min(self._patience.wait(chain.failures), LONGEST_SILENCE)
        name = chain.network.name
        say("network-failed", logging.WARNING, network=name, code=error.code, why=error.why, failures=chain.failures)
        if self._patience.is_over(chain.failures):
            text = f"{error.why} It is asked again every minute."
            self._herald.tell(alerts.FAILING, "", None, text, f"{chain.key} {chain.silent_since}")


def monotonic() -> int:
    """This machine's clock that nobody sets, milliseconds."""
    return time.monotonic_ns() // 1_000_000
