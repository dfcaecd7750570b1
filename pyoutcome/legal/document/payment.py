"""How the escrow pays, and what follows when somebody is silent: the same for every escrow, said as far as it applies.

The rules are those of docs/protocol.md and docs/lifecycle.md, which say them in full.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyoutcome.terms import Agreement


def say_payment(agreement: Agreement) -> Iterator[str]:
    """How one period's amounts become payments."""
    held = agreement.escrow.holdback_rate > 0
    yield (
        "The escrow works out every amount itself, by the program, from the KPI values of a report. An amount is "
        "credited once, in this order: a negative amount becomes the provider's debt, and cancels what is owed to it; "
        "a positive amount first cancels the provider's own debt; the rest is paid out of the funds"
        + (", less the holdback." if held else ".")
    )
    yield (
        "If the funds do not suffice for all providers of a period, they are divided in proportion, and the rest is "
        "arrears in one queue. Anyone may have arrears paid as money comes in, oldest first. While somebody waits in "
        "the queue, new credits join it, and the client can withdraw nothing."
    )
    yield "No provider's debt touches another's money. Money that cannot be sent stays claimable by its owner."
    yield (
        "The client may withdraw what lies above the reserve of every period that has started and is not settled, and "
        "one reserve more. When the agreement is closed, what is left after all claims goes back to the client."
    )
    yield (
        "If the program cannot be carried out on a report or default, the period settles with nothing, and what is "
        "carried from period to period stays as it was."
    )


def list_silence(agreement: Agreement) -> Iterator[tuple[str, str, str]]:
    """Who is silent, what happens, and who bears it."""
    terms = agreement.escrow
    yield (
        "A party does not sign",
        "Anyone may cancel once the time of the offer is over.",
        "Nobody: all money goes back.",
    )
    yield (
        "The client does not fund",
        "Periods settle all the same; what is missing is arrears."
        + (" A reserve that stays uncovered is cause to end the agreement." if terms.reserve else ""),
        "The client.",
    )
    yield (
        "A provider sends no evidence",
        "Once evidence is due anyone may propose the default."
        + (" The period counts as its breach." if terms.streak else ""),
        "That provider, by the values that stand in.",
    )
    yield "A verifier", "The quorum reports without it.", "Nobody, while a quorum is left."
    yield "So many verifiers that no quorum is left", (
        "The default may be proposed and challenged; client and providers may agree on values or on other verifiers."
    ), "Nobody, if they agree; else as the arbitrator rules."  # fmt: skip
    unchallenged = (
        "A report pays when the window is over." if terms.challenge_window else "A default pays when its time is over."
    )
    yield "A party that might challenge", unchallenged, "Itself."
    yield (
        "The arbitrator",
        "The report or default stands once its time is over" + (", and stakes go back." if _staked(agreement) else "."),
        "Nobody gains: what is undisputed is paid already.",
    )
    yield "A party asked to amend or to agree", "Nothing changes; what was signed last goes on.", "Nobody."
    yield (
        "Everybody",
        "Any outsider may propose defaults, settle, have arrears paid and close, each at its time.",
        "Nobody.",
    )


def _staked(agreement: Agreement) -> bool:
    return bool(agreement.escrow.stake_fixed or agreement.escrow.stake_share)
