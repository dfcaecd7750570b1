"""Signed reports as they are stored: read with suspicion, and what they amount to together."""

from __future__ import annotations

from dataclasses import dataclass

from pyoutcome.decimals import parse
from pyoutcome.errors import NumberError, ProtocolError, PyoutcomeError, WorkspaceError
from pyoutcome.protocol import MISSING, Report, signer_of
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.settings import SignedReport


def read_report(desk: Desk, period: int, verifier: str) -> SignedReport | None:
    """A verifier's stored report of a period, checked against its signature, this escrow and this desk's terms; None
    if there is none.

    WorkspaceError ``report-differs`` for one that was signed for something else, or by someone else.
    """
    path = desk.files.report(period, verifier)
    if not path.exists():
        return None
    text, address = desk.files.read(path), desk.parties.addresses.get(verifier)
    known = desk.checked_reports.get((period, verifier))
    if known is None or known[:2] != (text, address):
        report = desk.files.parse(path, text, SignedReport)
        check_report(desk, report, period, verifier)
        known = desk.checked_reports[period, verifier] = text, address, report
    return known[2]


def check_report(desk: Desk, report: SignedReport, period: int, verifier: str) -> None:
    """Refuses a report that the verifier did not sign for this escrow, this desk's terms and the period:
    WorkspaceError ``report-differs``."""
    message = message_of(report)
    expected = (desk.undeployed_escrow.address, desk.terms_hash, period)
    if (message.escrow, message.terms_hash, message.period) != expected or report.verifier != verifier:
        raise _report_differs(verifier, period, "it was signed for another agreement, chain or period")
    try:
        signer = signer_of(message.digest(desk.factory.domain), bytes.fromhex(report.signature[2:]))
    except ProtocolError as error:
        raise _report_differs(verifier, period, error.why) from error
    if signer != desk.parties.addresses.get(verifier):
        raise _report_differs(verifier, period, f"the signature over it is not that of {verifier}")


def message_of(report: SignedReport) -> Report:
    """The message that a stored report signs. WorkspaceError ``report-differs`` for values that are no numbers."""
    try:
        values = tuple(MISSING if value is None else parse(value) for value in report.values)
    except NumberError as error:
        raise _report_differs(report.verifier, report.period, error.why) from error
    return Report(
        report.escrow,
        bytes.fromhex(report.terms_hash[2:]),
        report.period,
        report.nonce,
        values,
        bytes.fromhex(report.evidence_digest[2:]),
    )


@dataclass(frozen=True)
class Agreeing:
    """The stored reports of a period."""

    reports: tuple[SignedReport, ...]
    """The largest set that says the same; a quorum of them can be submitted."""
    faults: tuple[PyoutcomeError, ...]
    """Why other stored reports cannot be used: one bad report does not stand in the way of the rest."""


def agreeing_reports(desk: Desk, period: int) -> Agreeing:
    """What the stored reports of a period amount to under the terms that govern it."""
    desk = desk.under(period)
    groups: dict[bytes, list[SignedReport]] = {}
    faults = []
    for verifier in desk.agreement.verifiers:
        try:
            report = read_report(desk, period, verifier)
        except PyoutcomeError as fault:
            faults.append(fault)
            continue
        if report is not None:
            groups.setdefault(message_of(report).digest(desk.factory.domain), []).append(report)
    largest: list[SignedReport] = []
    for group in groups.values():
        largest = group if len(group) > len(largest) else largest
    return Agreeing(tuple(largest), tuple(faults))


def _report_differs(verifier: str, period: int, why: str) -> WorkspaceError:
    return WorkspaceError(
        "report-differs",
        f"The stored report of {verifier} for period {period} cannot be used: {why}.",
        f"Let {verifier} verify the period again.",
        verifier=verifier,
        period=period,
    )
