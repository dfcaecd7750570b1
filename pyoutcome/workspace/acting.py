"""Every act on an agreement that needs its desk only: no records, no engine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pyoutcome.chain.escrow import PeriodStage
from pyoutcome.chain.network import Network
from pyoutcome.terms.agreement import Agreement
from pyoutcome.workspace import amending, disputing, leaving, money, offer, offering, reporting
from pyoutcome.workspace.addresses import read_address
from pyoutcome.workspace.amending import Amending
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.disputing import Step
from pyoutcome.workspace.files import WorkspaceFiles
from pyoutcome.workspace.granting import grant, grant_bond, read_money
from pyoutcome.workspace.offer import Deployment, Funding
from pyoutcome.workspace.parties import PartyBook
from pyoutcome.workspace.settings import Offer, TermsSignature


class Acting:
    """What a party does from a desk, verb by verb."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def agreement(self) -> Agreement:
        """The agreement of this workspace."""
        return self._desk.agreement

    @property
    def network(self) -> Network:
        """The network it lives on."""
        return self._desk.network

    @property
    def parties(self) -> PartyBook:
        """Addresses and keys."""
        return self._desk.parties

    @property
    def files(self) -> WorkspaceFiles:
        """Where everything lies."""
        return self._desk.files

    @property
    def desk(self) -> Desk:
        """The contracts and the signed deal."""
        return self._desk

    def sign(self, party: str) -> TermsSignature:
        """Signs the terms as the client or a provider."""
        return offering.sign_terms(self._desk, party)

    def offer(self, out: str | Path | None = None) -> Offer:
        """The offer that everybody signs, made if there is none; ``out``: a file for those who sign elsewhere."""
        made = offering.make_offer(self._desk)
        if out is not None:
            self.files.save(Path(out), made)
        return made

    def take_offer(self, file: str | Path) -> Offer:
        """Stores the offer in a file that another party sent."""
        return offering.take_offer(self._desk, Path(file))

    def take_signatures(self, files: Iterable[str | Path]) -> tuple[TermsSignature, ...]:
        """Stores signatures that other parties sent as files: all of them, or none if one does not fit."""
        return offering.take_signatures(self._desk, [Path(each) for each in files])

    def missing_signatures(self) -> tuple[str, ...]:
        """Who has not signed the terms yet; every stored signature is checked."""
        return tuple(offering.missing_signatures(self._desk))

    def deploy(self, by: str = "client") -> Deployment:
        """Creates the escrow that everybody signed."""
        return offer.deploy_escrow(self._desk, by)

    def fund(self, amount: str | int, by: str = "client", *, permit: bool = False) -> Funding:
        """Deposits money (text in token units, or whole base units) and starts the agreement once it is covered.

        ``permit``: by a signed permit of the token (ERC-2612), without an approval before. On a local chain a client
        without enough test tokens is given them.
        """
        units = read_money(amount, self.agreement.token.decimals)
        grant(self._desk, by, units)
        return offer.fund_escrow(self._desk, units, by, permit=permit)

    def report(self, period: int, by: str = "client") -> str:
        """Submits a period's verified report, which settles it; the transaction's hash."""
        return reporting.submit_report(self._desk, period, by)

    def propose_default(self, period: int, by: str = "client") -> str:
        """Proposes the default of an overdue period; the transaction's hash."""
        return reporting.propose_default(self._desk, period, by)

    def close_agreement(self, by: str = "client") -> str:
        """Closes the agreement: holdback to the providers, the rest to the client; the transaction's hash."""
        return reporting.close_escrow(self._desk, by)

    def bond(self, provider: str, by: str | None = None) -> Funding:
        """Deposits what is missing of a provider's bond."""
        payer = by or provider
        grant_bond(self._desk, provider, payer)
        return offer.post_bond(self._desk, provider, payer)

    def challenge(self, period: int, values: Iterable[str], by: str) -> Step:
        """Contests a report or default with values of one's own (``NAME=VALUE``), for a stake."""
        own = disputing.read_own_values(self._desk, period, values)
        if self.network.local:
            grant(self._desk, by, self._desk.escrow.stake_of(period, own))
        return disputing.challenge(self._desk, period, own, by)

    def dispute(self, period: int, by: str = "client") -> Step:
        """Opens the dispute of a challenged period, or has the report stand once the arbitrator's time is over."""
        if self._desk.escrow.period_state(period).stage is PeriodStage.DISPUTED:
            return Step(f"the report of period {period} stands", reporting.fall_back(self._desk, period, by))
        return Step(f"period {period} is disputed", reporting.open_dispute(self._desk, period, by))

    def rule(self, period: int, values: Iterable[str], by: str = "arbitrator") -> Step:
        """The arbitrator's values for a disputed period; those not named are the report's."""
        return disputing.rule(self._desk, period, disputing.read_own_values(self._desk, period, values), by)

    def choose(self, period: int, choice: int | None, by: str = "arbitrator") -> Step:
        """The choice of a version by an arbitrator that chooses; None lets the report stand."""
        return disputing.choose(self._desk, period, choice, by)

    def agree(self, period: int, by: str, values: Iterable[str] = (), *, submit: bool = False) -> Step:
        """Signs values on which client and payees settle a period, or hands in everybody's signatures."""
        given = list(values)
        own = disputing.read_own_values(self._desk, period, given) if given else None
        return disputing.agree(self._desk, period, own, by, submit=submit)

    def assign(self, provider: str, by: str, *, submit: bool = False) -> Step:
        """Signs, or hands in, that ``successor-UA`` takes UA's place from the next period on."""
        if submit:
            grant_bond(self._desk, provider, by)
        return leaving.assign(self._desk, provider, by, submit=submit)

    def step_in(self, provider: str, by: str = "client") -> Step:
        """Calls a provider's backup after too many breaches in a row."""
        grant_bond(self._desk, provider, by)
        return leaving.step_in(self._desk, provider, by)

    def terminate(
        self,
        by: str,
        *,
        mutual: bool = False,
        submit: bool = False,
        breaches_of: str | None = None,
        uncovered: bool = False,
        finding: str | None = None,
        against: str | None = None,
    ) -> Step:
        """Ends the agreement early: by notice unless one of the other paths is named."""
        if mutual or submit:
            return leaving.terminate_together(self._desk, by, submit=submit)
        if breaches_of is not None:
            return leaving.end_for_breaches(self._desk, breaches_of, by)
        if uncovered:
            return leaving.end_for_want_of_cover(self._desk, by)
        if finding is not None:
            return leaving.end_on_finding(self._desk, finding, against or "client", by)
        return leaving.give_notice(self._desk, by)

    def claim(self, by: str, to: str | None = None, *, early: bool = False) -> Step:
        """Fetches what could not be pushed to a party."""
        return leaving.claim(self._desk, by, None if to is None else read_address(to), early=early)

    def amend(
        self,
        by: str,
        file: str | Path | None = None,
        first: int | None = None,
        *,
        anew: bool = False,
        within: int = amending.WITHIN,
        arbitrator: str = "arbitrator",
        submit: bool = False,
    ) -> Amending:
        """Signs, or hands in, other rules for later periods.

        ``file`` proposes them, from period ``first`` on (by default the next that has not started), to be handed in
        within so many seconds; without it the open proposal is meant. ``arbitrator``: the party that arbitrates then,
        such as ``successor-arbitrator``.
        """
        if file is not None:
            amending.propose(self._desk, Path(file), first, anew=anew, within=within, arbitrator=arbitrator)
        return amending.hand_in(self._desk, by) if submit else amending.sign(self._desk, by)

    def cancel(self, by: str = "client") -> Step:
        """Ends an offer that was not activated in time; everybody gets its own back."""
        return money.cancel(self._desk, by)

    def withdraw(self, amount: str | int, by: str = "client") -> Step:
        """Takes out client funding that no started period and not the next one needs."""
        return money.withdraw(self._desk, read_money(amount, self.agreement.token.decimals), by)

    def pay(self, by: str = "client") -> Step:
        """Pays what is owed to providers, as far as the funds reach."""
        return money.pay_owed(self._desk, by)

    def sync(self, by: str = "client") -> Step:
        """Books money that came or went without an act of the escrow."""
        return money.sync(self._desk, by)

    def move_payout(self, by: str, to: str) -> Step:
        """Lets a provider's later payments go to another address."""
        return money.move_payout(self._desk, by, read_address(to))

    def show_evidence(self, provider: str, period: int) -> Step:
        """Posts the digest of a provider's stored evidence bundle while its evidence is not overdue."""
        transaction = reporting.show_evidence(self._desk, period, provider)
        return Step(f"{provider} shows that it has its evidence of period {period}", transaction)
