"""What arrives from others, checked before it gets into a workspace: bundles, reports, records. Nothing is replaced."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from pyoutcome.errors import EvidenceError, PyoutcomeError, SettlementError
from pyoutcome.evidence.bundles.filing import keep_bundle
from pyoutcome.evidence.bundles.manifest import LARGEST, parse_bundle
from pyoutcome.workspace.evidencing import require_supplier
from pyoutcome.workspace.reports import check_report
from pyoutcome.workspace.settings import SignedReport

if TYPE_CHECKING:
    from pyoutcome.workspace.desk import Desk

MOST_RECORDS: Final = 16 << 30
"""Bytes a file of records may have."""
MOST: Final = {"evidence": LARGEST, "reports": LARGEST, "records": MOST_RECORDS}
"""Bytes a file of each kind may have."""


def take_evidence(desk: Desk, path: Path) -> Path:
    """Puts a bundle where the workspace keeps it, if its supplier signed it for this agreement and period.

    Errors of ``parse_bundle``; SettlementError ``arrived-for-another``, ``arrived-differs``; WorkspaceError
    ``wrong-role``; AgreementError ``no-such-period``.
    """
    data = _read(path, LARGEST)
    bundle = parse_bundle(data, path.name)
    desk.agreement.period(bundle.period)
    require_supplier(desk, bundle.supplier)
    if bundle.agreement_digest != desk.under(bundle.period).agreement.digest():
        raise _for_another(path, "it is evidence for another agreement")
    holder = desk.holder_of(bundle.supplier, bundle.period)
    if bundle.signed_by() != desk.parties.addresses.get(holder):
        raise _for_another(path, f"it is not signed by {holder}")
    try:
        return Path(keep_bundle(bundle, desk.evidence))
    except EvidenceError as error:
        if error.code != "evidence-exists":
            raise
        raise _differs(path, "the evidence of that supplier and period") from None


def take_report(desk: Desk, path: Path) -> Path:
    """Puts a report where the workspace keeps it, if a verifier signed it for this escrow, terms and period.

    SettlementError ``arrived-malformed``, ``arrived-for-another``, ``arrived-differs``; WorkspaceError
    ``report-differs``; AgreementError ``no-such-period``.
    """
    data = _read(path, LARGEST)
    try:
        report = SignedReport.model_validate_json(data)
    except ValidationError as error:
        raise SettlementError(
            "arrived-malformed",
            f"{path.name} is no report as pyoutcome writes it: {error.errors()[0]['msg'][:200]!a}.",
            "Let its author send the file as it was written.",
        ) from error
    desk.agreement.period(report.period)
    under = desk.under(report.period)
    if report.verifier not in under.agreement.verifiers:
        raise _for_another(path, f"{report.verifier[:60]!a} does not verify in this agreement")
    check_report(under, report, report.period, report.verifier)
    return _keep(data, desk.files.report(report.period, report.verifier), path)


def take_records(desk: Desk, path: Path, source: str | None) -> Path:
    """Puts records into the workspace: ``flights.csv``, or a file of the folder ``flights/`` if ``source`` is given.

    The whole file is read and checked first. SettlementError ``arrived-for-another``, ``arrived-differs``; those of
    reading records.
    """
    name = path.stem if source is None else source
    declared = desk.agreement.records.get(name)
    if declared is None or declared.format == "table" or path.suffix not in (f".{declared.format}", ".zip", ".gz"):
        raise _for_another(path, "the agreement measures from no records of that name and format")
    single = desk.files.records / f"{name}.{declared.format}"
    target = single if source is None else desk.files.records / source / path.name
    if (desk.files.records / name).is_dir() if source is None else single.exists():
        raise _for_another(path, f"the records {name} are kept {'in one file' if source else 'in a folder'} here")
    if path.stat().st_size > MOST_RECORDS:
        raise _too_long(path, MOST_RECORDS)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=desk.files.records, prefix=".arriving-") as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        _check_records(desk, name, copy)
        _flush(copy)
        return _place(copy, target, path)


def _check_records(desk: Desk, name: str, copy: Path) -> None:
    from pyoutcome.evidence.counting import open_records
    from pyoutcome.evidence.measures.planning import plan_measures

    plan = next((plan for plan in plan_measures(desk.agreement) if plan.name == name), None)
    if plan is not None:
        with open_records(plan, copy):
            pass  # opening reads, checks and types every record


def _read(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise _too_long(path, most)
    return data


def _keep(data: bytes, target: Path, path: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=".arriving-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return _place(Path(draft), target, path)
    finally:
        Path(draft).unlink(missing_ok=True)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _place(draft: Path, target: Path, path: Path) -> Path:
    """Gives the draft its name, unless something else has it: a link is made whole, and replaces nothing."""
    try:
        target.hardlink_to(draft)
    except FileExistsError:
        if _digest(draft) != _digest(target):
            raise _differs(path, target.name) from None
    return target


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _differs(path: Path, kept: str) -> PyoutcomeError:
    return SettlementError(
        "arrived-differs",
        f"{path.name} differs from {kept}, which is here already; nothing is replaced.",
        "Find out with its author which one holds; to take the new one, remove the old one by hand.",
    )


def _for_another(path: Path, why: str) -> PyoutcomeError:
    return SettlementError(
        "arrived-for-another",
        f"{path.name} is not taken: {why}.",
        "Send it to the keeper of the agreement it belongs to, as it was signed.",
    )


def _too_long(path: Path, most: int) -> PyoutcomeError:
    return SettlementError(
        "arrived-too-long", f"{path.name} has more than {most} bytes.", "Send the file as it was written."
    )


TAKE: Final[dict[str, Callable[[Desk, Path], Path]]] = {"evidence": take_evidence, "reports": take_report}
