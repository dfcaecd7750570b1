"""What a comparison takes from a workspace: values from its evidence, and an amendment with what it replaces."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.errors import EvidenceError, WorkspaceError
from pyoutcome.workspace.files import WorkspaceFiles
from pyoutcome.workspace.settings import ANEW, Amendment, Settings

if TYPE_CHECKING:
    from pyoutcome.evidence.bundles.storage import Storage
    from pyoutcome.legal.comparison import Values


@dataclass(frozen=True)
class Replaced:
    """An amendment's file beside the one whose rules it replaces."""

    before: Path
    after: Path
    first: int
    """The period from which it governs."""
    anew: bool
    """Whether what rules carry from period to period starts anew there."""


def find_amendment(files: WorkspaceFiles, number: int | None = None) -> Replaced:
    """The amendment of that number, or the latest, accepted or not, as its files say. WorkspaceError ``no-amendment``
    and those of reading its terms."""
    numbers = [each for each in files.amendments() if files.amendment_terms(each).exists()]
    chosen = number if number is not None else max(numbers, default=0)
    if chosen not in numbers:
        raise WorkspaceError(
            "no-amendment",
            f"The workspace has no amendment {chosen}." if number is not None else "The workspace has no amendment.",
            "Name two agreement files to compare, or propose an amendment: `pyoutcome amend FILE --as PARTY`.",
        )
    terms = files.load(files.amendment_terms(chosen), Amendment)
    before = files.agreement if chosen == 1 else files.amendment(chosen - 1)
    return Replaced(before, files.amendment(chosen), terms.first, ANEW in terms.carry)


def read_evidence(place: str, known: Collection[bytes]) -> Values:
    """KPI values by period from the bundles in a folder, a workspace or at an address.

    ``known`` are the digests of agreements whose evidence is meant. Signatures are not checked: ``verify`` does that.

    Raises EvidenceError ``bundles-missing``, ``bundle-for-another-agreement``, ``bundles-disagree``, and what reading
    bundles and opening a storage raise.
    """
    from pyoutcome.evidence.bundles.filing import find_bundles

    storage, own = _open(place)
    found: dict[int, dict[str, int | None]] = {}
    for bundle in find_bundles(storage):
        if bundle.agreement_digest not in {*known, *own}:
            raise EvidenceError(
                "bundle-for-another-agreement",
                f"The evidence of {bundle.supplier} for period {bundle.period} in {storage.where} belongs to agreement "
                f"0x{bundle.agreement_digest.hex()}, which is neither of the two.",
                "Name the folder with the evidence of one of the two agreements.",
            )
        values = found.setdefault(bundle.period, {})
        for each in bundle.values:
            name = each.kpi if each.provider is None else f"{each.kpi}.{each.provider}"
            if values.setdefault(name, each.value) != each.value:
                raise EvidenceError(
                    "bundles-disagree",
                    f"Two bundles of period {bundle.period} say different values of {name}.",
                    "Find out which one is right (`pyoutcome verify`), and give the values with --values.",
                    kpi=name,
                )
    if not found:
        raise EvidenceError(
            "bundles-missing",
            f"There is no evidence in {storage.where}.",
            "Name a workspace or folder with bundles, or give the values with --values.",
        )
    return found


def _open(place: str) -> tuple[Storage, set[bytes]]:
    """The storage of the bundles, and the digests of the workspace's agreements if it is one's."""
    from pyoutcome.evidence.bundles.storage import open_storage
    from pyoutcome.terms.agreement import Agreement

    files = WorkspaceFiles(Path(place))
    if "://" in place or not files.settings.is_file():
        return open_storage(place), set()
    numbers = files.amendments()
    agreements = (files.agreement, *map(files.amendment, numbers))
    digests = {Agreement.load(each).digest() for each in agreements}
    return open_storage(files.evidence_place(files.load(files.settings, Settings).evidence)), digests
