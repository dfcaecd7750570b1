"""Evidence, disputes, cover and ways out in plain English."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pyoutcome.decimals import show_grouped
from pyoutcome.terms.escrow import EscrowTerms
from pyoutcome.terms.parties import Convenience, Escrow
from pyoutcome.terms.scalars import show_duration

if TYPE_CHECKING:
    from pyoutcome.terms.contents import Contents

Money = Callable[[int], str]
"""Writes base units as money."""


def say_escrow(agreement: Contents, money: Money) -> Iterator[tuple[str, list[str]]]:
    """What each group of rules is about, and one line for each rule; nothing for a rule file."""
    escrow = agreement.file.escrow
    if escrow is not None:
        terms = agreement.escrow
        yield "evidence", [*_evidence(escrow)]
        yield "disputes", [*_disputes(escrow, terms, money)]
        yield "cover", [*_money(agreement, escrow, terms, money)]
        yield "breaches", [*_breaches(agreement, escrow)]
        yield "exits", [*_exits(agreement, escrow, money)]


def _evidence(escrow: Escrow) -> Iterator[str]:
    yield (
        f"Evidence must arrive within {show_duration(escrow.evidence_within)} after a period's end. Then anyone may "
        "propose the default, in which every KPI has the value that stands in for a missing one."
    )
    yield (
        f"For {show_duration(escrow.default_window)} a report still replaces a proposed default; afterwards anyone "
        "may settle it."
    )


def _disputes(escrow: Escrow, terms: EscrowTerms, money: Money) -> Iterator[str]:
    challenge = escrow.challenge
    if challenge is None or challenge.within == 0:
        yield "A report that a quorum signed pays at once. Only a proposed default can be challenged, in its time."
    else:
        yield (
            f"For {show_duration(challenge.within)} a report can be challenged by the client and by each provider of "
            "the period, with values of its own; a proposed default likewise, in its time. Unchallenged, it pays then."
        )
    time = show_duration(escrow.default_window if challenge is None else challenge.ruling_within)
    yield (
        "If a report or default is challenged, every provider is paid at once what it gets under every version. The "
        f"arbitrator has {time} for the rest; if it is silent, the report or default stands."
    )
    if terms.chooses:
        yield "The arbitrator is a contract that asks a court or oracle; it chooses one of the versions."
    else:
        yield "The arbitrator rules values, under which no amount lies outside those of the versions."
    fixed, share = money(terms.stake_fixed), show_grouped(terms.stake_share, percent=True)
    if terms.stake_fixed or terms.stake_share:
        yield (
            f"A challenger stakes {fixed}, or {share} of all differences between its amounts and the report's if that "
            "is more. It gets its stake back unless the ruling is as near to the report as to its version, or nearer; "
            "then it goes to those whom the version would have harmed."
        )
    else:
        yield "A challenge costs no stake."
    if escrow.restates:
        yield (
            "A period that is settled may be settled anew, on other values that the client and its providers sign "
            "together, unless the rule of that period or of a later one depends on earlier periods."
        )


def _money(agreement: Contents, escrow: Escrow, terms: EscrowTerms, money: Money) -> Iterator[str]:
    if escrow.holdback is not None:
        share = show_grouped(escrow.holdback.share, percent=True)
        yield (
            f"{share} of every credit is held back and released {show_duration(escrow.holdback.release)} after the "
            "last period's end."
        )
    proven = " (the most that one period can cost)" if escrow.reserve == "proven" else ""
    yield (
        f"For every period that has started and is not settled, {money(terms.reserve)}{proven} must lie ready in the "
        "escrow."
    )
    cure = f" for {show_duration(escrow.cure_within)} after it is recorded" if escrow.cure_within else ", once recorded"
    yield f"If that is missing{cure}, a provider may end the agreement after the current period."
    for name, bond in zip(agreement.providers, terms.bonds, strict=True):
        if bond:
            yield (
                f"{name} deposits a bond of {money(bond)} before the agreement starts, and so does its successor. "
                "At the end what it owes is taken from the bond; the rest goes back."
            )


def _breaches(agreement: Contents, escrow: Escrow) -> Iterator[str]:
    if escrow.breaches is None:
        return
    often = "breach" if escrow.breaches == 1 else "breaches in a row"
    yield (
        "A provider breaches a period that settles without a KPI that it supplies, unless it showed in time that it "
        f"had the evidence. After {escrow.breaches} {often} the client may end the agreement after the current period."
    )
    for backup in agreement.backups:
        name = backup.removeprefix("backup-")
        yield f"Instead the client may then call {backup}, which takes the place of {name} from the next period on."


def _exits(agreement: Contents, escrow: Escrow, money: Money) -> Iterator[str]:
    yield (
        "The client and the providers together may change these terms for later periods, put another in a provider's "
        "place, or end the agreement after the current period; the arbitrator may find a cause to end it."
    )
    convenience = escrow.convenience
    if convenience is None:
        yield "Nobody may end the agreement early without a cause."
        return
    yield (
        f"{_who(convenience)} may end the agreement without a cause by notice; the last period is then the one that "
        f"runs {show_duration(convenience.notice)} later."
    )
    for name, fee in zip(agreement.providers, agreement.escrow.convenience_fee, strict=True):
        if fee:
            yield f"If the client gives notice, it pays {name} {money(fee)} at once."


def _who(convenience: Convenience) -> str:
    words = {"client": "The client", "providers": "A provider", "all": "The client, and any provider,"}
    return words[convenience.by]
