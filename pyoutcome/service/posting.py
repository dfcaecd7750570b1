"""Handing in what the looks of a round want: all of a sender together, reports of many escrows in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from pyoutcome.chain.batch import BatchClient
from pyoutcome.chain.inflight import InFlight, Wanted
from pyoutcome.errors import ChainError, PyoutcomeError
from pyoutcome.settlement.standing import Standing
from pyoutcome.settlement.state import KeeperState

if TYPE_CHECKING:
    from pyoutcome.protocol import Signer
    from pyoutcome.service.chains import Chain
    from pyoutcome.service.hands import Errand

MOST_TOGETHER: Final = 14
"""Reports in one transaction: each may take a million gas, and local chains give one transaction sixteen."""
TOGETHER: Final = "reports "
"""How the purpose of a transaction for many begins."""


@dataclass(frozen=True)
class Order:
    """One errand and whose it is."""

    standing: Standing
    errand: Errand
    signer: Signer
    escrow: str


class Posting:
    """Hands errands to the couriers."""

    def __init__(self, state: KeeperState, batch: str | None) -> None:
        """``batch``: address of the contract that takes many reports."""
        self._state = state
        self._batch = batch

    def send(self, chain: Chain, orders: Sequence[Order]) -> dict[tuple[str, int], InFlight | PyoutcomeError]:
        """By agreement and period: how far the transaction has come, or why there is none. StoreError."""
        sent: dict[tuple[str, int], InFlight | PyoutcomeError] = {}
        senders = {order.signer.address: order.signer for order in orders}
        for address, signer in senders.items():
            mine = [order for order in orders if order.signer.address == address]
            together = [order for order in mine if self._may_go_together(order)]
            if len(together) < 2:
                together = []
            alone = [order for order in mine if order not in together]
            wanted = [Wanted(order.errand.purpose, order.errand.call) for order in alone]
            groups = [[order] for order in alone]
            for first in range(0, len(together), MOST_TOGETHER):
                group = together[first : first + MOST_TOGETHER]
                wanted.append(self._combine(chain, signer, group))
                groups.append(group)
            answers = _submit(chain, wanted, signer)
            for group, answer in zip(groups, answers, strict=True):
                sent |= {(order.standing.agreement, order.standing.number): answer for order in group}
        return sent

    def _may_go_together(self, order: Order) -> bool:
        # One that was in a batch and is wanted again was refused there; by itself the escrow says why.
        refused = (order.standing.purpose or "").startswith(TOGETHER)
        return self._batch is not None and order.errand.packed is not None and not refused

    def _combine(self, chain: Chain, signer: Signer, group: Sequence[Order]) -> Wanted:
        assert self._batch is not None  # noqa: S101 - for the type checker; only then anything goes together
        purpose = together_purpose(order.errand.purpose for order in group)
        # Noted first: a keeper that dies in between finds the transaction by it, and makes no other of some of them.
        self._state.tag([order.standing for order in group], purpose)
        reports = [(order.escrow, order.errand.packed or b"") for order in group]
        return Wanted(purpose, BatchClient(chain.network, self._batch).compose_many(signer.address, reports))


def _submit(chain: Chain, wanted: Sequence[Wanted], signer: Signer) -> Sequence[InFlight | PyoutcomeError]:
    """The outcome of each; where the node fails before anything is recorded, that is everybody's."""
    try:
        return chain.courier.submit_many(wanted, signer)
    except ChainError as error:
        return [error] * len(wanted)


def together_purpose(purposes: Iterable[str]) -> str:
    """The purpose of one transaction for many."""
    return TOGETHER + sha256("\n".join(sorted(purposes)).encode()).hexdigest()
