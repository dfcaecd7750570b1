"""Why a transaction is not there yet: what is written down with it, for the operator."""

from __future__ import annotations

from pyoutcome.chain.inflight import Entry, code_in
from pyoutcome.errors import ChainError, PyoutcomeError


def nonce_used(entry: Entry) -> ChainError:
    """Somebody else used the nonce."""
    return ChainError(
        "nonce-used-elsewhere",
        f"Another program with the key of {entry.call.sender} used or is using its nonce {entry.nonce}.",
        "Give each program its own key; once that is final, the step is taken anew if it is still needed.",
        address=entry.call.sender,
        nonce=entry.nonce,
    )


def waits_behind(entry: Entry, stop: Entry) -> ChainError:
    """An earlier one of the same sender holds it up."""
    return ChainError(
        "waits-behind-another",
        f"Transaction {entry.nonce} of {entry.call.sender} waits for its transaction {stop.nonce}, "
        f"which cannot go on ({code_in(stop.error)}).",
        "See to that one; then this one goes on by itself.",
        address=entry.call.sender,
        nonce=entry.nonce,
        behind=stop.nonce,
    )


def given_up(entry: Entry, reason: PyoutcomeError) -> ChainError:
    """The network would not take it, for no reason that goes by."""
    return ChainError(
        "transaction-given-up",
        f"The network would not take the transaction for {entry.purpose!r} ({reason.code}: {reason.why})",
        "Mend the cause; if the step is still needed it is taken anew.",
        purpose=entry.purpose,
    )


def no_key(entry: Entry) -> ChainError:
    """Only its key could offer more for it."""
    return ChainError(
        "no-key-to-replace",
        f"Transaction {entry.nonce} of {entry.call.sender} waits, and its key is not here to offer more.",
        "Run where that key is, or wait until the network takes it.",
        address=entry.call.sender,
        nonce=entry.nonce,
    )


def out_of_reach(sender: str, nonce: int, free: int) -> ChainError:
    """More nonces are free before it than a stranger may have lost: a node must have counted wrongly."""
    return ChainError(
        "nonce-out-of-reach",
        f"Transaction {nonce} of {sender} waits for {free} earlier ones that nobody here knows: the node counts "
        "otherwise than when it was recorded.",
        "Look at the sender with another node; if it counts the same, begin with a new database.",
        address=sender,
        nonce=nonce,
        missing=free,
    )
