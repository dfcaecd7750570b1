"""The keeper's hands in one workspace: files are made at once, transactions are wanted and go out together later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from pyoutcome.chain.blocks import Call
from pyoutcome.chain.disputing import Form
from pyoutcome.errors import EvidenceError, WorkspaceError
from pyoutcome.evidence.bundles.bundle import bundle_name, make_bundle
from pyoutcome.evidence.bundles.filing import fetch_bundle, keep_bundle
from pyoutcome.evidence.bundles.storage import FolderStorage
from pyoutcome.protocol import MISSING
from pyoutcome.service.alerts import dangers
from pyoutcome.service.configuration import Duties
from pyoutcome.settlement.plan import PeriodFacts
from pyoutcome.workspace.evidencing import has_bundle, require_supplier, verify_periods
from pyoutcome.workspace.reporting import PeriodDesk, collect_report
from pyoutcome.workspace.reports import agreeing_reports, message_of

VERIFYING: Final = "the verifier"
"""Whose reading of the records all verifiers share for whom one keeper signs."""


@dataclass(frozen=True)
class Errand:
    """A transaction that a period, or the agreement as a whole (0), wants."""

    period: int
    purpose: str
    """What for, in words that no other transaction has."""
    party: str
    """Who signs and pays it."""
    call: Call
    packed: bytes | None = None
    """The report in it, if it can go together with others."""


@dataclass
class Hands(PeriodDesk):
    """What the keeper does for one agreement, within its duties."""

    duties: Duties = field(default_factory=Duties)
    errands: dict[int, Errand] = field(default_factory=dict)
    """By period; at most one each."""
    waits: dict[int, str] = field(default_factory=dict)
    """By period: what was not done because something has not arrived."""
    seen: dict[int, PeriodFacts] = field(default_factory=dict)
    """The last facts of each period."""

    def facts(self, period: int) -> PeriodFacts:
        """Everything known about a period now."""
        if period not in self.seen and self.desk.is_deployed():
            self.desk.undeployed_escrow.foresee_period(period)
        self.seen[period] = found = super().facts(period)
        return found

    def measure(self, period: int) -> None:
        """Makes the missing bundles of the providers whom this keeper signs for."""
        for provider in self.desk.agreement.providers:
            if provider in self.duties.sign and not has_bundle(self.desk, period, provider):
                try:
                    self._measure(period, provider)
                except WorkspaceError as error:
                    if error.code != "records-missing":
                        raise
                    self.waits[period] = error.why

    def _measure(self, period: int, provider: str) -> None:
        require_supplier(self.desk, provider)
        under = self.desk.under(period)
        measured = self._readings.of(under, party=provider).measured(period, [provider])
        absent = [each.text for each in measured.findings if each.code == "records-absent"]
        if absent and not self.duties.without_records:
            self.waits[period] = f"{absent[0]} {provider} signs nothing about that by itself."
            return
        bundle = make_bundle(under.agreement, measured, provider, self.desk.parties.signer(provider))
        keep_bundle(bundle, self.desk.evidence)

    def verify(self, period: int) -> None:
        """Makes the missing reports of the verifiers whom this keeper signs for."""
        for verifier in self.desk.under(period).agreement.verifiers:
            if verifier in self.duties.sign and not self.desk.files.report(period, verifier).exists():
                try:
                    # Recomputed once from the records here, which all verifiers that this keeper signs for have.
                    read = partial(self._readings.of, party=VERIFYING)
                    verify_periods(self.desk, read, verifier, [period], self.progress)
                except WorkspaceError as error:
                    if error.code != "records-missing":
                        raise
                    self.waits[period] = error.why

    def report(self, period: int) -> str:
        """Wants the verified report handed in."""
        if self.duties.pays is None:
            return ""
        message, signatures = collect_report(self.desk, period)
        form = self.desk.escrow.form_report(period, message.values, message.evidence_digest, signatures)
        return self._want("report", period, form)

    def settle(self, period: int) -> str:
        """Wants the unchallenged report or default settled."""
        return self._want("settle", period, self.desk.escrow.form_settle(period))

    def open_dispute(self, period: int) -> str:
        """Wants the dispute opened."""
        return self._want("dispute", period, self.desk.escrow.form_dispute(period))

    def fall_back(self, period: int) -> str:
        """Wants the report to stand, since the arbitrator was silent."""
        return self._want("fall back", period, self.desk.escrow.form_fall_back(period))

    def propose_default(self, period: int) -> str:
        """Wants the default of an overdue period proposed."""
        return self._want("default", period, ("proposeDefault", (period,)))

    def _want(self, verb: str, period: int, form: Form) -> str:
        if self.duties.pays is None:
            return ""
        # A period that was reported, challenged and reported again wants a second transaction of the same kind.
        proposals = self.desk.escrow.period_state(period).proposals
        return self.want(verb, period, self.duties.pays, form, f"{period} {proposals}")

    def want(self, verb: str, period: int, party: str, form: Form, occasion: str) -> str:
        """Notes a transaction of a party; ``occasion`` tells it from others of its kind. Its purpose."""
        escrow = self.desk.escrow
        purpose = f"{verb} {escrow.address} {occasion}"
        function, arguments = form
        call = escrow.compose(self.desk.parties.addresses[party], function, arguments)
        packed = arguments[0] if function == "report" else None
        self.errands[period] = Errand(period, purpose, party, call, packed if isinstance(packed, bytes) else None)
        return purpose

    def own_files(self, period: int) -> Iterator[tuple[str, Path]]:
        """What the parties that this keeper signs for make in a period, there or not: its kind and path.

        Bundles in an object store are there for everybody already.
        """
        files, evidence = self.desk.files, self.desk.evidence
        if isinstance(evidence, FolderStorage):
            for provider in self.desk.agreement.providers:
                if provider in self.duties.sign:
                    yield "evidence", evidence.folder / bundle_name(period, provider)
        for verifier in self.desk.under(period).agreement.verifiers:
            if verifier in self.duties.sign:
                yield "reports", files.report(period, verifier)

    def dangers(self, period: int) -> list[tuple[str, str]]:
        """KPIs of a period next to or past a number at which the payment turns, from the evidence that is here."""
        values = self._values(period)
        return dangers(self.desk.under(period).agreement, values, self._values(period - 1), period) if values else []

    def _values(self, period: int) -> dict[str, int | None]:
        """Values by KPI: of the stored reports, else of the stored bundles. What cannot be read says nothing."""
        if period < 1:
            return {}
        reports = agreeing_reports(self.desk, period).reports
        if reports:
            names = [kpi.name for kpi in self.desk.under(period).agreement.kpis]
            told = [None if value == MISSING else value for value in message_of(reports[0]).values]
            return dict(zip(names, told, strict=True))
        found: dict[str, int | None] = {}
        for provider in self.desk.agreement.providers:
            try:
                bundle = fetch_bundle(self.desk.evidence, period, provider)
            except EvidenceError:
                continue  # malformed: whoever verifies says so
            if bundle is not None:
                found |= {value.name: value.value for value in bundle.values}
        return found
