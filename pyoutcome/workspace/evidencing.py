"""Evidence in a workspace: providers measure and sign bundles, verifiers recompute and sign reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.decimals import parse, show
from pyoutcome.errors import NumberError, ProtocolError, PyoutcomeError, WorkspaceError
from pyoutcome.evidence.bundle import Bundle, make_bundle, read_bundle, write_bundle
from pyoutcome.protocol import MISSING, Report, signer_of
from pyoutcome.terms.agreement import Agreement
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.settings import SignedReport

if TYPE_CHECKING:
    from pyoutcome.evidence.recomputation import Recomputation
    from pyoutcome.evidence.sources.files import Given

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""


def records_of(desk: Desk, given: Mapping[str, Given] | None = None) -> dict[str, Given]:
    """Where each record source lies: as given, else ``records/NAME.csv`` or the folder ``records/NAME``.

    WorkspaceError ``records-missing``.
    """
    return find_records(desk.agreement, desk.files.records, given or {}, desk.files.name)


def find_records(
    agreement: Agreement, folder: Path, given: Mapping[str, Given], name_of: Callable[[Path], str] = str
) -> dict[str, Given]:
    """The same without a workspace; ``folder`` holds those that are not given, ``name_of`` what messages call a path.

    WorkspaceError ``records-missing``.
    """
    found: dict[str, Given] = {}
    for name, source in agreement.records.items():
        path = folder / f"{name}.{source.format}"
        if name in given:
            found[name] = given[name]
        elif path.is_file():
            found[name] = path
        elif (folder / name).is_dir():
            found[name] = folder / name
        else:
            table = source.format == "table"
            raise WorkspaceError(
                "records-missing",
                f"The raw records {name!r} lie in a table, and nobody says in which."
                if table
                else f"The raw records {name!r} are not at {name_of(path)}.",
                f"Name it with --records {name}={'TABLE, and its engine with --engine' if table else 'PATH'}.",
                source=name,
            )
    return found


def read_records(
    desk: Desk, given: Mapping[str, Given] | None, progress: Progress, who: str, engine: str | None = None
) -> Recomputation:
    """One party's own reading of the raw records, from which every period's values follow."""
    from pyoutcome.evidence.recomputation import Recomputation

    progress(f"{who} reads the records", 0, 1)
    return Recomputation.read(desk.agreement, records_of(desk, given), engine=engine)


@dataclass
class Readings:
    """Each party's own readings of the raw records, made once for every agreement that governs a period."""

    progress: Progress
    engine: str | None = None
    """Where records are counted; None: in this process."""
    _found: dict[tuple[str, bytes], Recomputation] = field(default_factory=dict)

    def of(self, desk: Desk, party: str, records: Mapping[str, Given] | None = None) -> Recomputation:
        """The party's reading by the desk's agreement; ``records`` where it has not read them yet."""
        key = party, desk.agreement.digest()
        if key not in self._found:
            self._found[key] = read_records(desk, records, self.progress, party, self.engine)
        return self._found[key]

    def forget(self, party: str) -> None:
        """Lets the party read anew, from other files."""
        self._found = {key: reading for key, reading in self._found.items() if key[0] != party}


def measure_periods(
    desk: Desk,
    read: Callable[[Desk], Recomputation],
    provider: str,
    periods: Iterable[int],
    progress: Progress,
) -> list[Bundle]:
    """Signs and stores the provider's bundle for each period, from its reading by the agreement that governs it.

    WorkspaceError ``wrong-role``.
    """
    require_supplier(desk, provider)
    signer = desk.parties.signer(provider)
    wanted = list(periods)
    bundles = []
    for done, period in enumerate(wanted):
        progress(f"{provider} signs its evidence", done, len(wanted))
        under = desk.under(period)
        measured = read(under).measured(period, [provider])
        bundle = make_bundle(under.agreement, measured, provider, signer)
        write_bundle(bundle, desk.files.bundle(period, provider).parent)
        bundles.append(bundle)
    return bundles


def read_bundles(desk: Desk, period: int) -> dict[str, Bundle]:
    """The stored bundles of a period by provider; what a file says is not trusted until it is verified."""
    paths = {provider: desk.files.bundle(period, provider) for provider in desk.agreement.providers}
    return {provider: read_bundle(path) for provider, path in paths.items() if path.exists()}


def verify_periods(
    desk: Desk,
    read: Callable[[Desk], Recomputation],
    verifier: str,
    periods: Iterable[int],
    progress: Progress,
    supplier_records: Mapping[str, Given] | None = None,
) -> list[SignedReport]:
    """Recomputes each period as a verifier, and signs and stores its report.

    WorkspaceError ``wrong-role``, ``bundles-missing``; EvidenceError where a bundle does not hold, and nothing is
    signed then.
    """
    from pyoutcome.evidence.verification import verify

    wanted = list(periods)
    unders = {period: desk.under(period) for period in wanted}
    for under in unders.values():
        _require_role(verifier, under.agreement.verifiers, "does not verify")
    signer = desk.parties.signer(verifier)
    addresses = desk.parties.addresses
    suppliers = {provider: addresses[provider] for provider in desk.agreement.providers}
    reports = []
    for done, period in enumerate(wanted):
        progress(f"{verifier} verifies", done, len(wanted))
        under = unders[period]
        bundles = read_bundles(desk, period)
        missing = [provider for provider in desk.agreement.providers if provider not in bundles]
        if missing:
            raise WorkspaceError(
                "bundles-missing",
                f"The evidence of {', '.join(missing)} for period {period} is not here.",
                "Each of them runs `pyoutcome measure --as PROVIDER`; put the bundle into the folder evidence/.",
                period=period,
            )
        given = list(bundles.values())
        verified = verify(under.agreement, given, read(under), supplier_records, signers=suppliers)
        values = tuple(MISSING if value is None else value for value in verified.values)
        message = Report(desk.undeployed_escrow.address, under.terms_hash, period, 0, values, verified.evidence_digest)
        report = SignedReport(
            verifier=verifier,
            signer=signer.address,
            escrow=message.escrow,
            terms_hash="0x" + message.terms_hash.hex(),
            period=period,
            nonce=message.nonce,
            values=tuple(None if value is None else show(value) for value in verified.values),
            evidence_digest="0x" + message.evidence_digest.hex(),
            signature="0x" + signer.sign(message.digest(desk.factory.domain)).hex(),
        )
        desk.files.save(desk.files.report(period, verifier), report)
        reports.append(report)
    return reports


def read_report(desk: Desk, period: int, verifier: str) -> SignedReport | None:
    """A verifier's stored report of a period, checked against its signature, this escrow and this desk's terms; None
    if there is none.

    WorkspaceError ``report-differs`` for one that was signed for something else, or by someone else.
    """
    path = desk.files.report(period, verifier)
    if not path.exists():
        return None
    report = desk.files.load(path, SignedReport)
    check_report(desk, report, period, verifier)
    return report


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


def require_supplier(desk: Desk, party: str) -> None:
    """Refuses a party that supplies no evidence: WorkspaceError ``wrong-role``."""
    _require_role(party, desk.agreement.providers, "does not supply evidence")


def _require_role(party: str, role: Sequence[str], does_not: str) -> None:
    if party not in role:
        raise WorkspaceError(
            "wrong-role", f"{party} {does_not} in this agreement.", f"Use one of: {', '.join(role)}.", party=party
        )


def _report_differs(verifier: str, period: int, why: str) -> WorkspaceError:
    return WorkspaceError(
        "report-differs",
        f"The stored report of {verifier} for period {period} cannot be used: {why}.",
        f"Let {verifier} verify the period again.",
        verifier=verifier,
        period=period,
    )
