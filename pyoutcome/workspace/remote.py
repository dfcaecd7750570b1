"""An audit without a workspace: from an escrow's address, a network, the agreement file and the stored evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.chain.network import Network
from pyoutcome.chain.views import EscrowViews
from pyoutcome.errors import WorkspaceError
from pyoutcome.evidence.bundles.bundle import Bundle
from pyoutcome.evidence.bundles.filing import fetch_bundle
from pyoutcome.evidence.bundles.storage import Storage, open_storage
from pyoutcome.protocol import Arguments, Located
from pyoutcome.protocol.events import Amended
from pyoutcome.terms.agreement import Agreement
from pyoutcome.workspace.auditing import Case, SignedTerms, read_chain
from pyoutcome.workspace.binding import bind
from pyoutcome.workspace.evidencing import find_record_source
from pyoutcome.workspace.files import WorkspaceFiles
from pyoutcome.workspace.inspecting import verify_escrow
from pyoutcome.workspace.pricing import Version
from pyoutcome.workspace.settings import ANEW, Amendment

if TYPE_CHECKING:
    from pyoutcome.evidence.recomputation import Recomputation
    from pyoutcome.evidence.staged import Given


@dataclass(frozen=True)
class Store:
    """What the parties of an agreement keep outside the chain."""

    agreement: Agreement
    evidence: str | Path
    """A folder with bundles by their usual names, or with a folder ``evidence`` of them, or the address of an object
    store; raw records that nobody names are looked for in the folder's folder ``records``."""
    records: Mapping[str, Given] = field(default_factory=dict)
    """Raw records by source name."""
    amendments: Path | None = None
    """The folder of amendments as the parties exchange them: ``01.yaml``, ``01.json`` and so on."""
    kept: Storage | None = None
    """Where the bundles lie, if not there."""
    parties: Mapping[str, str] = field(default_factory=dict)
    """Checksum addresses that the auditor knows, by party; all others are believed as the escrow has them."""

    @property
    def storage(self) -> Storage:
        """Where the bundles lie."""
        inside = Path(self.evidence) / "evidence"
        return self.kept or open_storage(inside if inside.is_dir() else self.evidence)

    def bundles(self, period: int) -> dict[str, Bundle]:
        """The bundles of a period, by provider; nothing is checked yet."""
        found = {provider: fetch_bundle(self.storage, period, provider) for provider in self.agreement.providers}
        return {provider: bundle for provider, bundle in found.items() if bundle is not None}

    def records_of(self, agreement: Agreement) -> dict[str, Given]:
        """Where the raw records lie. WorkspaceError ``records-missing``."""
        folder = Path(self.evidence) / "records"
        return {name: find_record_source(agreement, name, folder, self.records) for name in agreement.records}


def open_remote(
    network: Network,
    address: str,
    store: Store,
    *,
    factory: str | None = None,
    first_block: int = 0,
    block: int | None = None,
    engine: str | None = None,
) -> Case:
    """The case of the escrow at an address, after a block or the newest one. No key is needed.

    Code, terms and address are verified as ``inspect_escrow`` does, and its errors raised; also WorkspaceError
    ``escrow-of-another-agreement``, ChainError ``block-unknown``.
    """
    at = network.head().number if block is None else network.require_block(block).number
    escrow, _, deal = verify_escrow(network, address, factory, first_block)
    past = escrow.at(at)
    located = past.events(first_block, at)
    chain = read_chain(past, located, store.agreement.providers, deal.nonce, deal.agreement_digest)
    expected = expect_arguments(store.agreement, deal.arguments, store.parties)
    terms = SignedTerms(Version(store.agreement), expected, deal.nonce)
    amendments = read_amendments(store, past, located)
    case = Case(terms, tuple(amendments), located, chain, store.bundles, lambda _: ())
    return replace(case, values=_reader(store, case.under, engine))


def _reader(store: Store, under: Callable[[int], Version], engine: str | None) -> Callable[[int], Sequence[int | None]]:
    """The values of each period by the version that governs it; each version reads the records once."""
    found: dict[Version, Recomputation] = {}

    def values(period: int) -> Sequence[int | None]:
        from pyoutcome.evidence.recomputation import Recomputation

        version = under(period)
        if version not in found:
            records = store.records_of(version.agreement)
            found[version] = Recomputation.read(version.agreement, records, engine=engine)
        return [value.value for value in found[version].measured(period).values]

    return values


def expect_arguments(
    agreement: Agreement, given: Arguments, parties: Mapping[str, str], arbitrator: str = "arbitrator"
) -> Arguments:
    """What must be deployed for an agreement, between the known parties and, for others, those that are deployed.

    Raises WorkspaceError ``escrow-of-another-agreement``, ``no-such-party``.
    """
    counts = (len(agreement.providers), len(agreement.verifiers))
    if counts != (len(given.providers), len(given.verifiers)):
        raise WorkspaceError(
            "escrow-of-another-agreement",
            "The escrow has another number of providers or verifiers than the agreement file.",
            "Check the address, and that the file is the one that was signed.",
        )
    addresses = {"client": given.client, arbitrator: given.arbitrator}
    addresses |= dict(zip(agreement.providers, (each.signer for each in given.providers), strict=True))
    addresses |= dict(zip(agreement.verifiers, given.verifiers, strict=True))
    for name, each in zip(agreement.providers, given.providers, strict=True):
        if each.backup is not None:
            addresses[f"backup-{name}"] = each.backup
    # Where a backup was agreed and none is deployed, any other address shows the difference.
    missing = {backup: given.client for backup in agreement.backups if backup not in addresses}
    return bind(agreement, {**addresses, **missing, **parties}, given.token, given.activate_by, arbitrator)


def read_amendments(store: Store, escrow: EscrowViews, located: Sequence[Located]) -> list[SignedTerms]:
    """The accepted amendments whose files are in the store, in order, up to the first that is missing."""
    accepted = [each.event for each in located if isinstance(each.event, Amended)]
    found: list[SignedTerms] = []
    for number, event in enumerate(accepted, 1):
        files = None if store.amendments is None else (store.amendments / f"{number:02d}.yaml")
        if files is None or not files.is_file():
            break
        stored = WorkspaceFiles(files.parent).load(files.with_suffix(".json"), Amendment)
        agreement = Agreement.load(files)
        given = escrow.amended_terms(event.store).arguments
        expected = expect_arguments(agreement, given, store.parties, stored.arbitrator)
        found.append(SignedTerms(Version(agreement, ANEW in stored.carry), expected, stored.nonce, stored.first))
    return found
