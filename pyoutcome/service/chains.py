"""The chains a keeper watches: what happened on one wakes what waits for it; one that does not answer is put off."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pyoutcome.chain.inflight import LIVE
from pyoutcome.errors import PyoutcomeError, StoreError
from pyoutcome.service import alerts
from pyoutcome.service.logs import say
from pyoutcome.settlement.patience import SECOND, Patience
from pyoutcome.settlement.state import KeeperState

if TYPE_CHECKING:
    from pyoutcome.chain.courier import Courier
    from pyoutcome.chain.network import Network
    from pyoutcome.index import EventIndex
    from pyoutcome.protocol import Signer

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
        ended = [each for each in chain.courier.attend(signer_of) if each.state not in LIVE]
        for each in ended:
            say("transaction", purpose=each.purpose, state=each.state, network=chain.network.name)
        self._state.wake_purposes([each.purpose for each in ended])

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
