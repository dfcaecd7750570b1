"""Making an audit pack of an escrow, and repeating its audit from the pack alone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, Field, ValidationError

from pyoutcome.audit import AuditReport
from pyoutcome.chain.network import Network
from pyoutcome.chain.proofs import Proof, read_proof
from pyoutcome.chain.transcript import RecordingNetwork, ToldNetwork
from pyoutcome.errors import WorkspaceError
from pyoutcome.evidence.bundles.bundle import bundle_name
from pyoutcome.evidence.bundles.manifest import LARGEST
from pyoutcome.terms.agreement import Agreement
from pyoutcome.workspace.auditing import Case, audit_case
from pyoutcome.workspace.files import WorkspaceFiles
from pyoutcome.workspace.packing import ABOUT, AGREEMENT, BLOCKS, CHAIN, REPORT, bad_pack, canonical, unpack, write_pack
from pyoutcome.workspace.remote import Store, open_remote
from pyoutcome.workspace.settings import Address, Bytes, Stored
from pyoutcome.workspace.signatures import check_signatures

if TYPE_CHECKING:
    from pyoutcome.evidence.staged import Given

Progress = Callable[[int, int], None]
_EXTRA: Final = ("reports", "signatures")
"""Folders beside ``evidence`` whose files go along."""
_LARGEST_FILE: Final = 8 << 20


class _About(Stored):
    """What the audit in a pack was asked for."""

    escrow: Address
    factory: Address | None
    first_block: int = Field(ge=0, lt=2**53)
    block: int = Field(ge=0, lt=2**53)
    parties: dict[str, Address]


@dataclass(frozen=True)
class Packed:
    """A pack that was written."""

    report: AuditReport
    sha256: bytes


@dataclass(frozen=True)
class Checked:
    """What came of repeating the audit of a pack."""

    agreement: Agreement
    escrow: str
    chain_id: int
    block_hash: bytes
    """Of the block that everything was read after: to be compared with a node one trusts."""
    report: AuditReport
    sha256: bytes
    logs: int
    """How many logs of the escrow there are."""
    proven: int
    """How many of them are proven by header and receipts of their block."""
    signatures: int
    """How many signatures over terms, bundles and reports were checked."""
    recomputed: bool
    """Whether the values come from raw records; otherwise from the signed bundles."""
    problems: tuple[str, ...]
    """What is not as it should be, besides the differences of the report."""

    @property
    def differences(self) -> int:
        """Findings of the audit, and problems of the pack."""
        return self.report.differences + len(self.problems)

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            **self.report.to_dict(),
            "escrow": self.escrow,
            "chain_id": str(self.chain_id),
            "block_hash": "0x" + self.block_hash.hex(),
            "sha256": self.sha256.hex(),
            "logs": self.logs,
            "proven": self.proven,
            "signatures": self.signatures,
            "recomputed": self.recomputed,
            "problems": list(self.problems),
        }


def make_pack(
    network: Network,
    address: str,
    store: Store,
    file: Path,
    target: Path,
    *,
    factory: str | None = None,
    first_block: int = 0,
    block: int | None = None,
    engine: str | None = None,
    progress: Progress | None = None,
) -> Packed:
    """Audits the escrow at an address as ``open_remote`` and ``audit_case`` do, and writes all of it to ``target``.

    ``file`` is the agreement's own. Raises what these raise, and WorkspaceError ``bad-pack``.
    """
    at = network.head().number if block is None else network.require_block(block).number
    recording = RecordingNetwork(network)
    recording.identity()
    case = open_remote(recording, address, store, factory=factory, first_block=first_block, block=at, engine=engine)
    report = audit_case(case, progress)
    parties = dict(sorted(store.parties.items()))
    about = _About(escrow=address, factory=factory, first_block=first_block, block=at, parties=parties)
    files = {
        AGREEMENT: file.read_bytes(),
        ABOUT: canonical(about.model_dump(mode="json")),
        CHAIN: canonical(recording.answers),
        REPORT: canonical(report.to_dict()),
        BLOCKS: canonical(_prove(network, sorted({each.block for each in case.located}))),
        **dict(_stored_files(store, case)),
    }
    return Packed(report, write_pack(target, files))


def _prove(network: Network, blocks: Sequence[int]) -> dict[str, object]:
    """Headers and receipts of the blocks, as far as the network gives them."""
    proofs = ((number, network.proof(number)) for number in blocks)
    return {
        str(number): {"header": "0x" + proof.header.hex(), "receipts": ["0x" + each.hex() for each in proof.receipts]}
        for number, proof in proofs
        if proof is not None
    }


def _stored_files(store: Store, case: Case) -> Iterator[tuple[str, bytes]]:
    """What the parties keep outside the chain, by its name in the pack."""
    for number in range(1, len(case.amendments) + 1):
        for kind in ("yaml", "json"):
            if store.amendments is not None:
                name = f"{number:02d}.{kind}"
                yield f"amendments/{name}", (store.amendments / name).read_bytes()
    for period in range(1, len(case.terms.arguments.ends) + 1):
        for provider in store.agreement.providers:
            name = bundle_name(period, provider)
            data = store.storage.get(name, LARGEST)
            if data is not None:
                yield f"evidence/{name}", data
    for folder in _EXTRA:
        for path in sorted((Path(store.evidence) / folder).glob("*.json")):
            if path.is_file() and path.stat().st_size <= _LARGEST_FILE:
                yield f"{folder}/{path.name}", path.read_bytes()


def check_pack(
    path: Path,
    records: Mapping[str, Given] | None = None,
    *,
    engine: str | None = None,
    progress: Progress | None = None,
) -> Checked:
    """Repeats the audit in a pack without a network; ``records``: raw records by source name, without which the values
    of the signed bundles are priced.

    Raises WorkspaceError ``bad-pack`` for what is no pack as it was written, ChainError for answers of a network that
    make no sense, and what ``open_remote`` raises.
    """
    files, sha256 = unpack(path)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each, data in files.items():
            target = folder / each
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(data)
        about = _load(files, ABOUT, _About)
        store = Store(
            agreement=Agreement.load(folder / AGREEMENT),
            evidence=folder,
            records=records or {},
            amendments=folder / "amendments" if (folder / "amendments").is_dir() else None,
            parties=about.parties,
        )
        network = ToldNetwork(_answers(files))
        case = open_remote(
            network,
            about.escrow,
            store,
            factory=about.factory,
            first_block=about.first_block,
            block=about.block,
            engine=engine,
        )
        if not records:
            case = replace(case, values=lambda period: _signed_values(case, period))
        report = audit_case(case, progress)
        problems, signatures = [], 0
        logs = network.logs((about.escrow,), about.first_block, about.block)
        proven = 0
        for number, proof in _read_proofs(files).items():
            own = [log for log in logs if log.block == number]
            if read_proof(proof).agrees(own, about.escrow):
                proven += len(own)
            else:
                problems.append(f"The logs of block {number} are not those that its header and receipts prove.")
        for problem in check_signatures(case, WorkspaceFiles(folder), files):
            signatures += 1
            problems += [problem] if problem else []
    if canonical(report.to_dict()) != files.get(REPORT):
        problems.append("The audit's report in the pack is not what repeating the audit gives.")
    return Checked(
        agreement=store.agreement,
        escrow=about.escrow,
        chain_id=network.chain_id,
        block_hash=network.require_block(about.block).hash,
        report=report,
        sha256=sha256,
        signatures=signatures,
        logs=len(logs),
        proven=proven,
        recomputed=bool(records),
        problems=tuple(problems),
    )


def _load(files: Mapping[str, bytes], name: str, model: type[_About]) -> _About:
    try:
        return model.model_validate_json(files.get(name, b""))
    except ValidationError as error:
        raise bad_pack(f"{name}: {error.errors(include_url=False)[0]['msg']}") from error


class _Answers(BaseModel):
    """JSON whose depth is bounded."""

    answers: dict[str, object]


def _answers(files: Mapping[str, bytes]) -> dict[str, object]:
    try:
        return _Answers.model_validate_json(b'{"answers":' + files.get(CHAIN, b"") + b"}").answers
    except ValidationError as error:
        raise bad_pack(f"{CHAIN}: {error.errors(include_url=False)[0]['msg']}") from error


class _Block(Stored):
    header: Bytes
    receipts: list[Bytes]


class _Blocks(Stored):
    blocks: dict[str, _Block]


def _read_proofs(files: Mapping[str, bytes]) -> dict[int, Proof]:
    try:
        found = _Blocks.model_validate_json(b'{"blocks":' + files.get(BLOCKS, b"{}") + b"}").blocks
        return {
            int(number): Proof(
                bytes.fromhex(each.header[2:]), tuple(bytes.fromhex(receipt[2:]) for receipt in each.receipts)
            )
            for number, each in found.items()
        }
    except ValidationError as error:
        raise bad_pack(f"{BLOCKS}: {error.errors(include_url=False)[0]['msg']}") from error
    except ValueError as error:
        raise bad_pack(f"{BLOCKS}: a block's number is none") from error


def _signed_values(case: Case, period: int) -> Sequence[int | None]:
    """The values that the bundles of a period say. WorkspaceError ``records-needed`` where they do not say all."""
    told = {value.name: value.value for bundle in case.bundles(period).values() for value in bundle.values}
    kpis = [kpi.name for kpi in case.under(period).agreement.kpis]
    if any(kpi not in told for kpi in kpis):
        raise WorkspaceError(
            "records-needed",
            f"The pack has no complete evidence of period {period}, whose values the audit needs.",
            "Name the raw records with --records NAME=PATH.",
            period=period,
        )
    return [told[kpi] for kpi in kpis]
