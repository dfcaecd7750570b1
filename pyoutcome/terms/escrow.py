"""What an agreement says to its escrow: waiting times, cover, stakes, bonds and ways out, in whole base units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pyoutcome.decimals import DECIMALS
from pyoutcome.terms.parties import Challenge, Escrow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyoutcome.terms.file import AgreementFile
    from pyoutcome.terms.kpis import AgreementKpi

_PARTIES: Final = {"client": {"client"}, "providers": {"provider"}, "all": {"client", "provider"}}
_AT_ONCE: Final = Challenge.model_construct(within=0, ruling_within=0)
"""What counts without ``challenge``: a report pays at once."""


@dataclass(frozen=True)
class EscrowTerms:
    """What the escrow is deployed with besides parties, KPIs and program."""

    evidence_window: int
    """Seconds after a period's end from which the default may be proposed."""
    default_window: int
    """Seconds in which a report still replaces a proposed default."""
    holdback_rate: int
    """Share of every credit that is kept, scaled by 10**18."""
    holdback_release: int
    """Seconds after the end of the last period."""
    reserve: int
    """Cover of one period, in base units."""
    challenge_window: int = 0
    """Seconds in which a report can be challenged; 0: it pays at once."""
    ruling_window: int = 0
    """Seconds the arbitrator has; 0: as long as the default's window."""
    stake_fixed: int = 0
    """Least stake of a challenge, base units."""
    stake_share: int = 0
    """Least stake as a share of all differences of amounts, scaled by 10**18."""
    chooses: bool = False
    """The arbitrator chooses one of the versions; otherwise it rules values."""
    bonds: tuple[int, ...] = ()
    """By provider, base units."""
    backups: tuple[bool, ...] = ()
    """By provider: does it have one?"""
    suppliers: tuple[int | None, ...] = ()
    """By KPI of the program: the provider (by its place) whose evidence it needs; None is the client."""
    streak: int = 0
    """Breaches in a row that are cause for step-in and termination; 0 is never."""
    cure_window: int = 0
    """Seconds a reserve may stay uncovered before a provider may end the agreement."""
    notice: int = 0
    """Seconds between a notice for convenience and the moment whose period is the last."""
    convenience: frozenset[str] = frozenset()
    """Who may give notice: ``client``, ``provider``."""
    convenience_fee: tuple[int, ...] = ()
    """What a client's notice pays, by provider, base units."""
    restates: bool = False
    """A settled period can be agreed anew."""


def write_escrow_terms(file: AgreementFile, escrow: Escrow, kpis: Sequence[AgreementKpi], reserve: int) -> EscrowTerms:
    """The terms of ``escrow``, which is that of the file; ``reserve``: its cover, base units."""
    decimals = file.token.decimals
    providers = file.parties.providers
    challenge = escrow.challenge or _AT_ONCE
    convenience = escrow.convenience
    fees = convenience.fee if convenience else {}
    places = {name: place for place, name in enumerate(providers)}
    return EscrowTerms(
        evidence_window=escrow.evidence_within,
        default_window=escrow.default_window,
        holdback_rate=escrow.holdback.share if escrow.holdback else 0,
        holdback_release=escrow.holdback.release if escrow.holdback else 0,
        reserve=reserve,
        challenge_window=challenge.within,
        ruling_window=challenge.ruling_within,
        stake_fixed=units_up(challenge.stake.fixed, decimals),
        stake_share=challenge.stake.share,
        chooses=challenge.arbitrator == "chooses",
        bonds=tuple(units_up(each.bond or 0, decimals) for each in providers.values()),
        backups=tuple(each.backup is not None for each in providers.values()),
        suppliers=tuple(None if kpi.supplier is None else places[kpi.supplier] for kpi in kpis),
        streak=escrow.breaches or 0,
        cure_window=escrow.cure_within or 0,
        notice=convenience.notice if convenience else 0,
        convenience=frozenset(_PARTIES[convenience.by]) if convenience else frozenset(),
        restates=bool(escrow.restates),
        convenience_fee=tuple(units_up(fees.get(name, 0), decimals) for name in providers),
    )


def units_up(scaled: int, unit_decimals: int) -> int:
    """A scaled amount in base units, rounded up: a cover must not be a unit too small."""
    size: int = 10 ** (DECIMALS - unit_decimals)
    return -(-scaled // size)
