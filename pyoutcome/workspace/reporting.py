"""Moving periods in a workspace: facts for the keeper, reports to the escrow, defaults, and the local clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from pyoutcome.chain.escrow import PeriodStage, Stage
from pyoutcome.errors import WorkspaceError
from pyoutcome.evidence.bundles.bundle import bundle_name
from pyoutcome.evidence.bundles.filing import fetch_bundle
from pyoutcome.protocol import Report
from pyoutcome.protocol.events import Activated, Amended, Settled
from pyoutcome.settlement.plan import At, PeriodFacts
from pyoutcome.settlement.progress import Progress
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.evidencing import Readings, has_bundle, measure_periods, require_supplier, verify_periods
from pyoutcome.workspace.foretelling import say_decision, say_settlement, say_undisputed
from pyoutcome.workspace.reports import agreeing_reports, message_of

_STAGES = {
    PeriodStage.NONE: At.OPEN,
    PeriodStage.DEFAULTED: At.DEFAULTED,
    PeriodStage.REPORTED: At.REPORTED,
    PeriodStage.DISPUTED: At.DISPUTED,
    PeriodStage.SETTLED: At.SETTLED,
}


@dataclass
class PeriodDesk:
    """The keeper's hands in one workspace. Each party that measures or verifies reads the records once, by itself."""

    desk: Desk
    by: str
    """The party that submits transactions."""
    progress: Progress
    move_clock: bool = False
    """Whether to move a local chain's clock to a period's end instead of waiting for it."""
    _readings: Readings = field(init=False)
    _settled: set[int] = field(default_factory=set)
    _activated: int | None = None

    def __post_init__(self) -> None:
        self._readings = Readings(self.progress)

    def facts(self, period: int) -> PeriodFacts:
        """Everything known about a period now."""
        desk = self.desk.under(period)
        arguments = desk.deal.arguments
        active = desk.is_active()
        stage, until, challenged = At.OPEN, 0, False
        if desk.is_deployed():
            stage, until = self._standing(period)
            challenged = stage in (At.REPORTED, At.DEFAULTED) and desk.escrow.is_contested(period)
        settled = stage is At.SETTLED
        ends = arguments.ends[period - 1]
        providers, stored = desk.agreement.providers, set(desk.evidence.names())
        return PeriodFacts(
            number=period,
            ends=ends,
            now=desk.network.now(),
            active=active,
            stage=stage,
            until=until,
            challenged=challenged,
            waits_for=self._waits_for(desk, period),
            evidence_due=max(ends, self._activation(), self._accepted(desk), self._turn(desk, period))
            + arguments.evidence_window,
            bundles_missing=tuple(name for name in providers if bundle_name(period, name) not in stored),
            verified_by=() if settled else tuple(report.verifier for report in agreeing_reports(desk, period).reports),
            quorum=arguments.quorum,
        )

    def _standing(self, period: int) -> tuple[At, int]:
        """Where a period stands on chain, and until when."""
        if period > self.desk.escrow.last_period():
            return At.ENDED, 0
        state = self.desk.escrow.period_state(period)
        return _STAGES[state.stage], state.until

    def wait_until(self, timestamp: int) -> bool:
        """Moves a local chain's clock there if this run may."""
        if not self.move_clock or not self.desk.is_active():
            return False
        self.desk.network.advance_to(timestamp)
        return True

    def measure(self, period: int) -> None:
        """Makes the missing bundles of the providers whose keys are here."""
        for provider in self.desk.agreement.providers:
            here = self.desk.parties.has_key(self.desk.holder_of(provider, period))
            if here and not has_bundle(self.desk, period, provider):
                read = partial(self._readings.of, party=provider)
                measure_periods(self.desk, read, provider, [period], self.progress)

    def verify(self, period: int) -> None:
        """Makes the missing reports of the verifiers whose keys are here."""
        for verifier in self.desk.under(period).agreement.verifiers:
            here = self.desk.parties.has_key(verifier)
            if here and not self.desk.files.report(period, verifier).exists():
                read = partial(self._readings.of, party=verifier)
                verify_periods(self.desk, read, verifier, [period], self.progress)

    def report(self, period: int) -> str:
        """Submits the verified report."""
        return submit_report(self.desk, period, self.by)

    def settle(self, period: int) -> str:
        """Settles a report or default that nobody challenged."""
        does, moves = f"settles period {period}", say_settlement(self.desk, period)
        return self.desk.perform(self.by, does, moves, lambda e, key: e.settle(key, period)).transaction

    def open_dispute(self, period: int) -> str:
        """Opens the dispute of a challenged period."""
        return open_dispute(self.desk, period, self.by)

    def fall_back(self, period: int) -> str:
        """Has the report stand, since the arbitrator was silent."""
        return fall_back(self.desk, period, self.by)

    def _activation(self) -> int:
        """When the agreement became active, unix seconds; 0 before."""
        if self._activated is None and self.desk.is_active():
            self._activated = activation_time(self.desk)
        return self._activated or 0

    def _accepted(self, under: Desk) -> int:
        """When the escrow accepted the amendment of that desk; 0 where it is none."""
        if under is self.desk:
            return 0
        located = self.desk.escrow.history()
        told = (
            each for each in located if isinstance(each.event, Amended) and each.event.terms_hash == under.terms_hash
        )
        return next((each.timestamp for each in told), 0)

    def _waits_for(self, under: Desk, period: int) -> int | None:
        """The first unsettled earlier period, where periods depend on one another."""
        if not under.agreement.program().sequential or not self.desk.is_deployed():
            return None
        return next((number for number in range(1, period) if not self.is_settled(number)), None)

    def is_settled(self, period: int) -> bool:
        """Whether a period is settled; asked until it is, because that never changes again."""
        if period not in self._settled and self.desk.escrow.period_state(period).stage is PeriodStage.SETTLED:
            self._settled.add(period)
        return period in self._settled

    def _turn(self, under: Desk, period: int) -> int:
        """When the last of all earlier periods settled, where they must settle first; else 0."""
        if not under.agreement.program().sequential or period == 1 or not self.desk.is_deployed():
            return 0
        located = self.desk.escrow.events(self.desk.settings.first_block)
        settled = [each.timestamp for each in located if isinstance(each.event, Settled) and each.event.period < period]
        return max(settled, default=0)


def activation_time(desk: Desk) -> int:
    """When the agreement became active by the chain's clock; 0 if it never was."""
    located = desk.escrow.events(desk.settings.first_block)
    return next((each.timestamp for each in located if isinstance(each.event, Activated)), 0)


def submit_report(desk: Desk, period: int, by: str) -> str:
    """Hands the stored reports of a quorum to the escrow; the transaction's hash.

    WorkspaceError ``too-few-reports``, or the fault of a stored report that is missing for the quorum.
    """
    message, signatures = collect_report(desk, period)
    window = desk.under(period).deal.arguments.challenge_window
    pays = say_settlement(desk, period, message.values)
    moves = f"no money before its challenge window is over, then {pays}" if window else pays
    done = desk.perform(
        by, f"reports period {period}", moves,
        lambda e, key: e.report(key, period, message.values, message.evidence_digest, signatures),
    )  # fmt: skip
    return done.transaction


def collect_report(desk: Desk, period: int) -> tuple[Report, dict[int, bytes]]:
    """What a quorum has signed for a period, and their signatures by index; errors as ``submit_report``."""
    desk.agreement.period(period)
    under = desk.under(period)
    found = agreeing_reports(desk, period)
    quorum = under.deal.arguments.quorum
    if len(found.reports) < quorum:
        if found.faults:
            raise found.faults[0]
        raise WorkspaceError(
            "too-few-reports",
            f"{len(found.reports)} verifiers have signed the same report for period {period}, and {quorum} must.",
            "Let another verifier run `pyoutcome verify`, and put its report into the folder reports/.",
            period=period,
        )
    chosen = found.reports[:quorum]
    message = message_of(chosen[0])
    order = under.agreement.verifiers
    return message, {order.index(report.verifier): bytes.fromhex(report.signature[2:]) for report in chosen}


def propose_default(desk: Desk, period: int, by: str) -> str:
    """Proposes the default of a period whose evidence is overdue; the transaction's hash."""
    desk.agreement.period(period)
    does = f"proposes the default of period {period}"
    return desk.perform(by, does, "no money yet", lambda e, key: e.propose_default(key, period)).transaction


def show_evidence(desk: Desk, period: int, by: str) -> str:
    """Posts the digest of a provider's stored bundle, in time: then a report without its values is no breach of it.

    The transaction's hash. WorkspaceError ``wrong-role``, ``bundles-missing``.
    """
    desk.agreement.period(period)
    require_supplier(desk, by)
    bundle = fetch_bundle(desk.evidence, period, by)
    if bundle is None:
        raise WorkspaceError(
            "bundles-missing",
            f"The evidence of {by} for period {period} is not here.",
            f"Run `pyoutcome measure --as {by}` first.",
            period=period,
        )
    digest = bundle.digest()
    does = f"shows that it has its evidence of period {period}"
    holder = desk.holder_of(by, period)
    done = desk.perform(holder, does, "no money", lambda e, key: e.post_digest(key, period, digest))
    return done.transaction


def open_dispute(desk: Desk, period: int, by: str) -> str:
    """Opens the dispute of a challenged period after its window; the transaction's hash."""
    does, moves = f"opens the dispute of period {period}", say_undisputed(desk, period)
    return desk.perform(by, does, moves, lambda e, key: e.dispute(key, period)).transaction


def fall_back(desk: Desk, period: int, by: str) -> str:
    """Has the report stand when the arbitrator was silent until its deadline; the transaction's hash."""
    does, moves = f"has the report of period {period} stand", f"{say_decision(desk, period)}, which all go back"
    return desk.perform(by, does, moves, lambda e, key: e.fall_back(key, period)).transaction


def close_escrow(desk: Desk, by: str) -> str:
    """Closes the agreement: releases holdback, pays what is owed, returns the rest; the transaction's hash."""
    escrow = desk.escrow
    if escrow.stage() is Stage.CLOSED:
        raise WorkspaceError("already-closed", "The agreement is closed.", "Nothing is left to do.")
    most = max(1, escrow.queue_length())
    moves = f"up to {desk.money(escrow.tracked())}: holdback to the providers, the rest to the client"
    return desk.perform(by, "closes the agreement", moves, lambda e, key: e.close(key, most)).transaction


def all_periods(desk: Desk, chosen: Iterable[int] | None) -> list[int]:
    """The chosen periods, each checked, or all of the agreement."""
    if chosen is None:
        return [period.number for period in desk.agreement.periods]
    return [desk.agreement.period(number).number for number in chosen]
