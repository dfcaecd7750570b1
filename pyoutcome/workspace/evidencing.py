"""Evidence in a workspace: providers measure and sign bundles, verifiers recompute and sign reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes
from typing import TYPE_CHECKING

from pyoutcome.decimals import show
from pyoutcome.errors import EvidenceError, WorkspaceError
from pyoutcome.evidence.bundles.bundle import Bundle, bundle_name, make_bundle
from pyoutcome.evidence.bundles.filing import fetch_bundle, keep_bundle
from pyoutcome.protocol import MISSING, Report
from pyoutcome.settlement.progress import Progress
from pyoutcome.terms.agreement import Agreement
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.settings import SignedReport

if TYPE_CHECKING:
    from pyoutcome.evidence.recomputation import Recomputation
    from pyoutcome.evidence.staged import Given


def records_of(desk: Desk, given: Mapping[str, Given] | None = None) -> dict[str, Given]:
    """Where each record source lies. WorkspaceError ``records-missing``."""
    return {name: place_of(desk, name, given) for name in desk.agreement.records}


def place_of(desk: Desk, name: str, given: Mapping[str, Given] | None = None) -> Given:
    """Where a record source lies: as given, else ``records/NAME.csv`` or the folder ``records/NAME``.

    WorkspaceError ``records-missing``.
    """
    return find_record_source(desk.agreement, name, desk.files.records, given or {}, desk.files.name)


def find_record_source(
    agreement: Agreement,
    name: str,
    folder: Path,
    given: Mapping[str, Given],
    name_of: Callable[[Path], str] = str,
) -> Given:
    """The same without a workspace: ``folder`` holds what is not given, ``name_of`` is what messages call a path."""
    source = agreement.records[name]
    path = folder / f"{name}.{source.format}"
    if name in given:
        return given[name]
    if path.is_file():
        return path
    if (folder / name).is_dir():
        return folder / name
    table = source.format == "table"
    raise WorkspaceError(
        "records-missing",
        f"The raw records {name!r} lie in a table, and nobody says in which."
        if table
        else f"The raw records {name!r} are not at {name_of(path)}.",
        f"Name it with --records {name}={'TABLE, and its engine with --engine' if table else 'PATH'}.",
        source=name,
    )


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
    *,
    provable: bool = False,
    replace: bool = False,
) -> list[Bundle]:
    """Signs and stores the provider's bundle for each period, from its reading by the agreement that governs it.

    ``provable``: with roots over the records, so that single ones can be proven; ``replace``: another bundle that is
    stored already gives way. To measure the same records again makes the same bundle again.

    WorkspaceError ``wrong-role``; EvidenceError ``evidence-exists``.
    """
    require_supplier(desk, provider)
    unders = {period: desk.under(period) for period in periods}
    signers = {period: desk.parties.signer(desk.holder_of(provider, period)) for period in unders}
    stored = {
        period: None if replace else _stored(under, period, provider, signers[period].address)
        for period, under in unders.items()
    }
    secrets = {}
    for period, held in stored.items():
        if provable or (held is not None and held.trees is not None):
            secrets[period] = held.secret if held is not None and held.secret else token_bytes(32)
    _build_trees(((read(unders[period]), period, provider, secret) for period, secret in secrets.items()), progress)
    bundles = []
    for done, (period, under) in enumerate(unders.items()):
        progress(f"{provider} signs its evidence", done, len(unders))
        reading, secret, held = read(under), secrets.get(period, b""), stored[period]
        measured = reading.measured(period, [provider])
        trees = reading.trees[period, provider, secret] if secret else None
        salt = None if held is None else held.salt
        bundle = make_bundle(under.agreement, measured, provider, signers[period], salt, trees=trees, secret=secret)
        keep_bundle(bundle, desk.evidence, replace=replace)
        bundles.append(bundle)
    return bundles


def _stored(desk: Desk, period: int, provider: str, address: str) -> Bundle | None:
    """The bundle that the provider itself has stored for a period before; None if there is none."""
    try:
        held = fetch_bundle(desk.evidence, period, provider)
        own = held is not None and held.agreement_digest == desk.agreement.digest() and held.signed_by() == address
    except EvidenceError:  # what is there is no bundle of its own, and is told when it would be written over
        return None
    return held if own else None


def _build_trees(wanted: Iterable[tuple[Recomputation, int, str, bytes]], progress: Progress) -> None:
    """The trees of many periods, with one more reading of the records for each agreement."""
    from pyoutcome.evidence.proofs.record_trees import build_trees

    by_reading: dict[int, tuple[Recomputation, dict[tuple[int, str], bytes]]] = {}
    for reading, period, supplier, secret in wanted:
        by_reading.setdefault(id(reading), (reading, {}))[1][period, supplier] = secret
    for reading, places in by_reading.values():
        progress("working out the roots over records", 0, 1)
        build_trees(reading, places)


def read_bundles(desk: Desk, period: int) -> dict[str, Bundle]:
    """The stored bundles of a period by provider; what a file says is not trusted until it is verified."""
    fetched = {provider: fetch_bundle(desk.evidence, period, provider) for provider in desk.agreement.providers}
    return {provider: bundle for provider, bundle in fetched.items() if bundle is not None}


def has_bundle(desk: Desk, period: int, provider: str) -> bool:
    """Whether a bundle is stored, whatever it says."""
    return bundle_name(period, provider) in desk.evidence.names()


def verify_periods(
    desk: Desk,
    read: Callable[[Desk], Recomputation],
    verifier: str,
    periods: Iterable[int],
    progress: Progress,
    supplier_records: Mapping[str, Given] | None = None,
) -> list[SignedReport]:
    """Recomputes each period as a verifier, and signs and stores its report.

    WorkspaceError ``wrong-role``, ``bundles-missing``; EvidenceError where a bundle does not hold, AgreementError where
    the agreement refuses the values, and nothing is signed then.
    """
    from pyoutcome.evidence.verification import verify

    wanted = list(periods)
    unders = {period: desk.under(period) for period in wanted}
    for under in unders.values():
        _require_role(verifier, under.agreement.verifiers, "does not verify")
    signer = desk.parties.signer(verifier)
    addresses = desk.parties.addresses
    known = _foresee(unders, read, progress)
    reports = []
    for done, period in enumerate(wanted):
        progress(f"{verifier} verifies", done, len(wanted))
        under = unders[period]
        bundles = known[period] if period in known else read_bundles(desk, period)
        missing = [provider for provider in desk.agreement.providers if provider not in bundles]
        if missing:
            raise WorkspaceError(
                "bundles-missing",
                f"The evidence of {', '.join(missing)} for period {period} is not here.",
                "Each of them runs `pyoutcome measure --as PROVIDER`; put its bundle beside the others "
                f"({desk.evidence.where}).",
                period=period,
            )
        given = list(bundles.values())
        suppliers = {provider: addresses[desk.holder_of(provider, period)] for provider in desk.agreement.providers}
        verified = verify(under.agreement, given, read(under), supplier_records, signers=suppliers)
        under.agreement.demand_reportable(
            period, dict(zip((kpi.name for kpi in under.agreement.kpis), verified.values, strict=True))
        )
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


def _foresee(
    unders: Mapping[int, Desk], read: Callable[[Desk], Recomputation], progress: Progress
) -> dict[int, dict[str, Bundle]]:
    """The stored bundles by period, with the trees they will be compared with worked out for all at once.

    A period whose bundles cannot be read is left out: that is told when its turn comes.
    """
    known = {}
    for period, desk in unders.items():
        with suppress(EvidenceError):
            known[period] = read_bundles(desk, period)
    trees = [
        (read(unders[period]), period, provider, bundle.secret)
        for period, bundles in known.items()
        for provider, bundle in bundles.items()
        if bundle.secret and (bundle.period, bundle.supplier) == (period, provider)
    ]
    _build_trees(trees, progress)
    return known


def require_supplier(desk: Desk, party: str) -> None:
    """Refuses a party that supplies no evidence: WorkspaceError ``wrong-role``."""
    _require_role(party, desk.agreement.providers, "does not supply evidence")


def _require_role(party: str, role: Sequence[str], does_not: str) -> None:
    if party not in role:
        raise WorkspaceError(
            "wrong-role", f"{party} {does_not} in this agreement.", f"Use one of: {', '.join(role)}.", party=party
        )
