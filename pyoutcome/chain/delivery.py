"""Handing in what is recorded, and what to do where the network does not take it.

A node's words are only a hint: what is done follows from what is then true on the chain.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from pyoutcome.chain.blocks import Call, Head, Reverted
from pyoutcome.chain.fees import FeePolicy
from pyoutcome.chain.inflight import Entry, Plan, State
from pyoutcome.chain.network import Network
from pyoutcome.chain.outbox import Outbox, Sign
from pyoutcome.chain.reverts import explain
from pyoutcome.chain.signing import require_coin, sign_call
from pyoutcome.errors import ChainError, PyoutcomeError
from pyoutcome.protocol import Signer

UNKNOWN_OUTCOME: Final = ("network-timeout", "network-unreachable", "network-refused", "bad-network-answer")
"""After these a transaction may have arrived or not."""
MOST_FILLED: Final = 25
"""Missing nonces of a sender that are filled at one look."""
SignerOf = Callable[[str], Signer | None]


@dataclass(frozen=True)
class Scene:
    """The network at one look."""

    head: Head
    tip: int
    """What the network recommends, wei per unit of gas."""
    final: int
    """Newest block that counts as final; negative while none does."""


class Delivery:
    """From the outbox to the network."""

    def __init__(self, network: Network, outbox: Outbox, policy: FeePolicy) -> None:
        self._network = network
        self._outbox = outbox
        self._policy = policy

    def hand_in(self, entries: Sequence[Entry], scene: Scene, signer_of: SignerOf) -> list[Entry]:
        """Hands in the newest attempt of each, in the order given."""
        if not entries:
            return []
        answers = self._send(entries)
        taken = [_sent(entry, answer) for entry, answer in zip(entries, answers, strict=True)]
        noted = zip(self._outbox.note(entries, taken), answers, strict=True)
        return [
            entry if isinstance(answer, bytes) or _unknown(answer) else self._weigh(entry, answer, scene, signer_of)
            for entry, answer in noted
        ]

    def push(self, waiting: Sequence[Entry], used: Mapping[str, int], scene: Scene, signer_of: SignerOf) -> list[Entry]:
        """Deals with entries that are in no block and whose nonce is free: ``used`` counts each sender's used ones."""
        hashes = [attempt.hash for entry in waiting for attempt in entry.attempts]
        known = {hash_ for hash_, here in zip(hashes, self._network.knows(hashes), strict=True) if here}
        replaced: list[Entry] = []
        absent: list[Entry] = []
        there: list[Entry] = []
        for entry in waiting:
            here = [attempt.hash in known for attempt in entry.attempts]
            cheap = entry.newest.fees.price < scene.head.base_fee
            turn = entry.nonce == used[entry.call.sender]
            if (cheap and not any(here)) or (self._stuck(entry, scene) and any(here) and (turn or cheap)):
                replaced.append(self._replace(entry, scene, signer_of, cancels=entry.newest.cancels))
            elif here[-1]:
                there.append(entry)
            else:
                absent.append(entry)
        seen = self._outbox.note(there, [_sent(entry, entry.newest.hash) for entry in there])
        return [*replaced, *seen, *self.hand_in(absent, scene, signer_of)]

    def _stuck(self, entry: Entry, scene: Scene) -> bool:
        newest, head = entry.newest, scene.head
        return (
            head.timestamp - newest.at >= self._policy.stuck_seconds
            and head.number - newest.at_block >= self._policy.stuck_blocks
        )

    def _send(self, entries: Sequence[Entry]) -> list[bytes | Reverted | ChainError]:
        try:
            return self._network.send_many(self._outbox.raws(entries))
        except ChainError as error:
            return [error] * len(entries)

    def _weigh(self, entry: Entry, refusal: Reverted | ChainError, scene: Scene, signer_of: SignerOf) -> Entry:
        """The node refused an attempt: what now follows from what is true on the chain."""
        sender = entry.call.sender
        known = self._network.knows([attempt.hash for attempt in entry.attempts])
        if any(known):  # it was there already, or a form that pays less is
            return self._note(entry, state=State.SENT, error=None if known[-1] else str(_reason(refusal)))
        used = self._network.nonce_at(sender)
        if used > entry.nonce or self._network.nonce(sender) > entry.nonce:
            return self._note(entry, error=str(nonce_used(entry)))
        if used < entry.nonce:
            return self._note(entry, error=str(_reason(refusal)))  # an earlier one must land first
        try:
            call = _nothing(sender) if entry.newest.cancels else entry.call
            require_coin(call, entry.gas, entry.newest.fees, self._network.balance(sender))
        except ChainError as error:
            return self._note(entry, error=str(error))
        refusals = entry.refusals + 1
        # A node may be out of order for a while; a local one is not, and its clock may stand still.
        soon = not self._network.local and scene.head.timestamp - entry.newest.at < self._policy.stuck_seconds
        if (soon or refusals < self._policy.most_refusals) and isinstance(refusal, ChainError):
            return self._note(entry, refusals=refusals, error=str(_reason(refusal)))
        given_up = replace(entry, refusals=refusals, error=str(_given_up(entry, _reason(refusal))))
        return self._replace(given_up, scene, signer_of, cancels=True)

    def _replace(self, entry: Entry, scene: Scene, signer_of: SignerOf, *, cancels: bool) -> Entry:
        """Hands in another attempt under the same nonce that pays more."""
        recorded = self._offer_more(entry, scene, signer_of, cancels=cancels)
        if isinstance(recorded, PyoutcomeError):
            return self._note(entry, error=str(recorded))
        if recorded is None:
            return entry  # another courier was quicker
        (answer,) = self._send([recorded])
        return self._outbox.note([recorded], [_sent(recorded, answer)])[0]

    def _offer_more(
        self, entry: Entry, scene: Scene, signer_of: SignerOf, *, cancels: bool
    ) -> Entry | PyoutcomeError | None:
        """The entry with another attempt, signed and recorded; or why not; None if it was changed meanwhile."""
        sender = entry.call.sender
        signer = signer_of(sender)
        if signer is None:
            return _no_key(entry)
        try:
            fees = self._policy.raised(entry.newest.fees, scene.head.base_fee, scene.tip)
        except ChainError as error:
            return error
        call = _nothing(sender) if cancels else entry.call
        gas = self._network.rehearse([call])[0] if cancels else entry.gas
        if not isinstance(gas, int):
            return _reason(gas)
        raw = sign_call(call, self._network.chain_id, entry.nonce, fees, gas, signer)
        return self._outbox.replace(entry, raw, fees, scene.head, cancels=cancels)

    def fill_holes(
        self, waiting: Sequence[Entry], used: Mapping[str, int], scene: Scene, signer_of: SignerOf
    ) -> list[Entry]:
        """Fills nonces that nobody has and later ones wait for: another program's that the network lost, or our own
        that a deep reorganisation brought back.
        """
        missing: list[Entry] = []
        told: list[Entry] = []
        for sender, count in used.items():
            nonces = {entry.nonce for entry in waiting if entry.call.sender == sender}
            missed = (nonce for nonce in range(count, max(nonces, default=count)) if nonce not in nonces)
            holes = list(islice(missed, MOST_FILLED))
            pending = self._network.nonce(sender) if holes else 0
            try:
                filled = [self._fill(sender, hole, scene, signer_of) for hole in holes if hole >= pending]
            except ChainError as error:
                told += [self._note(entry, error=str(error)) for entry in waiting if entry.call.sender == sender]
            else:
                missing += [entry for entry in filled if entry is not None]
        return [*told, *self.hand_in(missing, scene, signer_of)]

    def _fill(self, sender: str, nonce: int, scene: Scene, signer_of: SignerOf) -> Entry | None:
        ended = self._outbox.at_nonce(sender, nonce)
        if ended is not None:
            if ended.state is State.FINAL:
                return self._outbox.note([ended], [unmined(ended)])[0]
            if not ended.live:
                # What another ended one was for may be under way anew: only its nonce is wanted, and it stays ended.
                empty = ended if ended.newest.cancels else self._offer_more(ended, scene, signer_of, cancels=True)
                if isinstance(empty, Entry):
                    self._send([empty])
            return None
        signer, call = signer_of(sender), _nothing(sender)
        gas = self._network.rehearse([call])[0]
        if signer is None or not isinstance(gas, int):
            return None
        fees = self._policy.first(scene.head.base_fee, scene.tip)
        plan = Plan(f"fill nonce {nonce} of {sender}", call, gas, fees, cancels=True)
        return self._outbox.fill(plan, nonce, signed_by(signer, self._network.chain_id), scene.head)

    def _note(
        self, entry: Entry, *, error: str | None, state: State | None = None, refusals: int | None = None
    ) -> Entry:
        noted = replace(
            entry,
            error=error,
            state=state or entry.state,
            refusals=entry.refusals if refusals is None else refusals,
        )
        return self._outbox.note([entry], [noted])[0]


def signed_by(signer: Signer, chain_id: int) -> Sign:
    """Signs plans of that signer for one chain."""

    def sign(plan: Plan, nonce: int) -> bytes:
        return sign_call(plan.call, chain_id, nonce, plan.fees, plan.gas, signer)

    return sign


def unmined(entry: Entry) -> Entry:
    """The entry, known to be in no block now."""
    if entry.block is None and entry.live:
        return entry
    return replace(entry, state=State.SENT, hash=entry.newest.hash, block=None, block_hash=None, error=None)


def nonce_used(entry: Entry) -> ChainError:
    """Somebody else used the nonce."""
    return ChainError(
        "nonce-used-elsewhere",
        f"Another program with the key of {entry.call.sender} used or is using its nonce {entry.nonce}.",
        "Give each program its own key; once that is final, the step is taken anew if it is still needed.",
        address=entry.call.sender,
        nonce=entry.nonce,
    )


def _nothing(sender: str) -> Call:
    """A transaction that only uses its nonce."""
    return Call(sender, sender, b"")


def _unknown(answer: Reverted | ChainError) -> bool:
    return isinstance(answer, ChainError) and answer.code in UNKNOWN_OUTCOME


def _sent(entry: Entry, answer: bytes | Reverted | ChainError) -> Entry:
    if isinstance(answer, Exception):
        return replace(entry, error=entry.error if entry.newest.cancels else str(_reason(answer)))
    return replace(entry, state=State.SENT, error=entry.error if entry.newest.cancels else None)


def _reason(refusal: Reverted | ChainError) -> PyoutcomeError:
    return explain(refusal) if isinstance(refusal, Reverted) else refusal


def _given_up(entry: Entry, reason: PyoutcomeError) -> ChainError:
    return ChainError(
        "transaction-given-up",
        f"The network would not take the transaction for {entry.purpose!r} ({reason.code}: {reason.why})",
        "Mend the cause; if the step is still needed it is taken anew.",
        purpose=entry.purpose,
    )


def _no_key(entry: Entry) -> ChainError:
    return ChainError(
        "no-key-to-replace",
        f"Transaction {entry.nonce} of {entry.call.sender} waits, and its key is not here to offer more.",
        "Run where that key is, or wait until the network takes it.",
        address=entry.call.sender,
        nonce=entry.nonce,
    )
