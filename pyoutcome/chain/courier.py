"""Transactions that survive everything: every wanted call lands once, whoever dies or lies in between.

A call is tried, given a nonce, signed and recorded, and only then handed in. ``attend`` looks at everything that is not
final and does what is then right: hands in again, offers more, notices blocks and their disappearance. It never waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pyoutcome.chain.blocks import Landing, Reverted
from pyoutcome.chain.delivery import Delivery, Scene, SignerOf, nonce_used, signed_by, unmined
from pyoutcome.chain.fees import FeePolicy
from pyoutcome.chain.inflight import HELD, Entry, InFlight, Plan, State, Wanted
from pyoutcome.chain.network import Network
from pyoutcome.chain.outbox import Outbox
from pyoutcome.chain.reverts import explain
from pyoutcome.chain.signing import require_coin, require_signer
from pyoutcome.errors import ChainError, PyoutcomeError
from pyoutcome.protocol import Signer

CONFIRMATIONS: Final = 12
"""Blocks on top that make a block final on a public network that does not say itself what is final."""


class Courier:
    """Brings calls onto one chain. Several may share an outbox, and even a key."""

    def __init__(
        self,
        network: Network,
        outbox: Outbox,
        *,
        confirmations: int | None = None,
        fees: FeePolicy | None = None,
    ) -> None:
        """``confirmations``: blocks on top of a final one. Unless given: none on a local chain, elsewhere what the
        network calls final, or else twelve blocks.
        """
        self.network = network
        self.outbox = outbox
        self.policy = fees or FeePolicy()
        self._confirmations = confirmations
        self._delivery = Delivery(network, outbox, self.policy)

    # --- wanting ------------------------------------------------------------------------------------------------------

    def submit(self, wanted: Wanted, signer: Signer) -> InFlight:
        """Records and hands in a call, once per purpose while that is in flight or final; does not wait for a block.

        Nothing is recorded of a call that would be refused. Raises the refusal as ProtocolError (``reverts.py``), and
        ChainError: ``wrong-signer``, ``not-enough-coin``, ``fee-above-limit``, those of the network before the
        recording. What goes wrong after it is in the result's ``error``, and ``attend`` takes it from there.
        """
        (outcome,) = self.submit_many([wanted], signer)
        if isinstance(outcome, PyoutcomeError):
            raise outcome
        return outcome

    def submit_many(self, wanted: Sequence[Wanted], signer: Signer) -> list[InFlight | PyoutcomeError]:
        """The same for many calls of one sender, with consecutive nonces, in few requests; for each its outcome.

        The calls are tried beside each other, not one after the other: none may need what another one does.
        """
        for one in wanted:
            require_signer(one.call, signer)
        known = self._known(wanted)
        todo = {one.purpose: one for one in wanted if one.purpose not in known}
        scene = self._look()
        refused: dict[str, PyoutcomeError] = {}
        if todo:
            plans = self._plan(list(todo.values()), signer.address, scene, refused)
            pending = self.network.nonce(signer.address) if plans else 0
            sign = signed_by(signer, self.network.chain_id)
            recorded = self.outbox.record(plans, signer.address, pending, sign, scene.head)
            fresh = [entry for entry in recorded.values() if entry.state is State.RECORDED]
            known |= recorded
            delivered = self._delivery.hand_in(fresh, scene, {signer.address: signer}.get)
            known |= {entry.purpose: entry for entry in delivered}
        return [
            refused[one.purpose] if one.purpose in refused else self._show(known[one.purpose], scene.head.number)
            for one in wanted
        ]

    def find(self, purpose: str) -> InFlight | None:
        """How far a purpose has come, as last seen; None if it was never wanted."""
        entry = self.outbox.find([purpose]).get(purpose)
        return self._show(entry, self.network.head().number) if entry else None

    def _known(self, wanted: Sequence[Wanted]) -> dict[str, Entry]:
        """What needs no recording. What was final and is wanted still is looked up again: the chain is the truth."""
        found = self.outbox.find([one.purpose for one in wanted])
        final = [entry for entry in found.values() if entry.state is State.FINAL]
        landings = self.network.landings([entry.hash for entry in final])
        gone = [entry for entry, landing in zip(final, landings, strict=True) if landing is None]
        found |= {entry.purpose: entry for entry in self.outbox.note(gone, [unmined(entry) for entry in gone])}
        return {purpose: entry for purpose, entry in found.items() if entry.state in HELD}

    def _plan(self, todo: list[Wanted], sender: str, scene: Scene, refused: dict[str, PyoutcomeError]) -> list[Plan]:
        """Tries the calls; what would fail, or cannot be paid, goes to ``refused``."""
        fees = self.policy.first(scene.head.base_fee, scene.tip)
        balance = self.network.balance(sender)
        plans = []
        for one, gas in zip(todo, self.network.rehearse([one.call for one in todo]), strict=True):
            if isinstance(gas, Reverted):
                refused[one.purpose] = explain(gas)
            elif isinstance(gas, ChainError):
                refused[one.purpose] = gas
            else:
                try:
                    require_coin(one.call, gas, fees, balance)
                except ChainError as error:
                    refused[one.purpose] = error
                else:
                    balance -= gas * fees.price + one.call.value
                    plans.append(Plan(one.purpose, one.call, gas, fees))
        return plans

    # --- attending ----------------------------------------------------------------------------------------------------

    def attend(self, signer_of: SignerOf) -> list[InFlight]:
        """Looks once at every transaction that may still change, and does what is needed; how each stands then.

        ``signer_of`` gives the key of an address, where it is here: offering more and cancelling need one.
        Raises ChainError of the network; what was not seen this time is seen the next.
        """
        entries = self.outbox.live()
        if not entries:
            return []
        scene = self._look()
        # The counts are asked before the landings: what was used then and has not landed now, somebody else used.
        used = {sender: self.network.nonce_at(sender) for sender in {entry.call.sender for entry in entries}}
        landings = self._landings(entries)
        seen = self.outbox.note(entries, [self._see(*pair, scene) for pair in zip(entries, landings, strict=True)])
        taken = [entry for entry in seen if entry.block is None and entry.nonce < used[entry.call.sender]]
        waiting = [entry for entry in seen if entry.block is None and entry.nonce >= used[entry.call.sender]]
        pushed = self._delivery.push(waiting, used, scene, signer_of)
        filled = self._delivery.fill_holes(pushed, used, scene, signer_of)
        judged = {entry.id: entry for entry in (*seen, *self._give_way(taken, scene), *pushed, *filled)}
        return [self._show(entry, scene.head.number) for entry in judged.values()]

    def _look(self) -> Scene:
        head = self.network.head()
        if self._confirmations is not None:
            final = head.number - self._confirmations
        elif self.network.local:
            final = head.number
        else:
            told = self.network.final_block()
            final = head.number - CONFIRMATIONS if told is None else min(told, head.number)
        return Scene(head, self.network.priority_fee(), final)

    def _landings(self, entries: Sequence[Entry]) -> list[Landing | None]:
        """For each entry where it is in the chain, by whichever attempt is in a block."""
        hashes = [attempt.hash for entry in entries for attempt in entry.attempts]
        by_hash = dict(zip(hashes, self.network.landings(hashes), strict=True))
        return [
            next((found for one in entry.attempts if (found := by_hash[one.hash]) is not None), None)
            for entry in entries
        ]

    def _see(self, entry: Entry, landing: Landing | None, scene: Scene) -> Entry:
        """The entry as the chain has it now."""
        if landing is None:
            return unmined(entry)
        mined = replace(entry, hash=landing.transaction, block=landing.block, block_hash=landing.block_hash)
        cancelled = next(one.cancels for one in entry.attempts if one.hash == landing.transaction)
        error = entry.error if cancelled else None if landing.succeeded else str(_failed(landing))
        if not self._is_final(landing, scene):
            return replace(mined, state=State.MINED, error=error)
        state = State.CANCELLED if cancelled else State.FINAL if landing.succeeded else State.FAILED
        return replace(mined, state=state, error=error)

    def _is_final(self, landing: Landing, scene: Scene) -> bool:
        if scene.final >= scene.head.number:
            return True
        # A node behind a balancer may still tell of a block that the others have dropped.
        return landing.block <= scene.final and self.network.block_hash(landing.block) == landing.block_hash

    def _give_way(self, taken: Sequence[Entry], scene: Scene) -> list[Entry]:
        """What becomes of entries whose nonce somebody else used: once that is final and was seen twice, they end."""
        if not taken:
            return []
        senders = {entry.call.sender for entry in taken}
        used = {sender: self.network.nonce_at(sender, scene.final) if scene.final >= 0 else 0 for sender in senders}
        ended = [
            replace(entry, state=State.SUPERSEDED)
            if entry.error == str(nonce_used(entry)) and landing is None and entry.nonce < used[entry.call.sender]
            else replace(entry, error=str(nonce_used(entry)))
            for entry, landing in zip(taken, self._landings(taken), strict=True)
        ]
        return self.outbox.note(taken, ended)

    @staticmethod
    def _show(entry: Entry, head: int) -> InFlight:
        return InFlight(
            id=entry.id,
            purpose=entry.purpose,
            sender=entry.call.sender,
            nonce=entry.nonce,
            hash=entry.hash,
            state=entry.state,
            block=entry.block,
            confirmations=0 if entry.block is None else max(0, head - entry.block),
            error=entry.error,
        )


def _failed(landing: Landing) -> ChainError:
    return ChainError(
        "transaction-failed",
        f"Transaction 0x{landing.transaction.hex()} is in block {landing.block}, but the contract refused it.",
        "Read the state again; if the step is still needed, repeat it.",
        transaction="0x" + landing.transaction.hex(),
    )
