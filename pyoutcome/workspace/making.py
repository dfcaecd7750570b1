"""Making and opening a workspace: a folder with an agreement, its records, a network and the contracts on it."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyoutcome.chain.factory import FactoryClient, deploy_factory
from pyoutcome.chain.network import Network
from pyoutcome.chain.networks import EMBEDDED, connect, start_chain
from pyoutcome.chain.tokens import TokenClient, deploy_test_token
from pyoutcome.errors import WorkspaceError
from pyoutcome.evidence.bundles.storage import open_storage
from pyoutcome.settlement.progress import Progress
from pyoutcome.terms.agreement import Agreement
from pyoutcome.workspace.desk import Desk
from pyoutcome.workspace.files import WorkspaceFiles, licence_of
from pyoutcome.workspace.intent import Confirm
from pyoutcome.workspace.parties import PartyBook, Password, party_ids
from pyoutcome.workspace.settings import Settings, resolve_network

CHAIN_LEAD = 30 * 24 * 3600
"""Seconds before the agreement's start at which a new embedded chain begins."""


@dataclass(frozen=True)
class Plan:
    """What a new workspace is to be connected to."""

    network: str
    """``embedded``, a JSON-RPC URL, or ``env:NAME``."""
    factory: str | None
    token: str | None
    """Addresses; None lets a local chain deploy its own."""
    records: Mapping[str, Path]
    """Files or folders to copy, by source name; a ZIP archive of one file is unpacked."""
    evidence: str | None = None
    """Where bundles and proofs are to lie; None: in the workspace."""


def make_workspace(
    folder: Path, source: Path, plan: Plan, password: Password, confirm: Confirm, progress: Progress
) -> Desk:
    """Fills a new or empty folder and opens it; nothing is left behind on failure.

    Raises WorkspaceError ``folder-not-empty``, ``no-such-records``, ``addresses-needed``, ``token-differs``,
    ``bad-archive``; what ``open_storage`` raises.
    """
    agreement = Agreement.load(source)
    if plan.evidence is not None:
        open_storage(plan.evidence)  # an address that cannot be used is refused now, not at the first measurement
    if folder.exists() and any(folder.iterdir()):
        raise WorkspaceError(
            "folder-not-empty", f"The folder {folder} is not empty.", "Choose a new folder for the workspace."
        )
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    files = WorkspaceFiles(folder)
    try:
        progress("copying agreement and records", 0, 2)
        _copy(files, agreement, source, plan)
        progress("connecting", 1, 2)
        return _connect(files, agreement, plan, password, confirm)
    except BaseException:
        # A half-made workspace would only be in the way of the next try.
        for left in folder.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()
        if made:
            folder.rmdir()
        raise


def open_desk(folder: Path, network: Network | None, password: Password, confirm: Confirm) -> Desk:
    """Opens the workspace in a folder; on an open connection, or on one of its own.

    WorkspaceError ``no-workspace``, ``file-malformed``; ChainError ``wrong-network``.
    """
    files = WorkspaceFiles(folder)
    if not files.settings.is_file():
        raise WorkspaceError(
            "no-workspace",
            f"There is no pyoutcome workspace in {folder}.",
            "Make one with `pyoutcome init FOLDER --agreement FILE`, or name one with --workspace.",
        )
    settings = files.load(files.settings, Settings)
    agreement = Agreement.load(files.agreement)
    if network is None:
        network = connect(settings.url, files.folder, recorded=settings.identity)
    else:
        network.require(settings.identity)
    amended = (Agreement.load(files.amendment(number)) for number in files.amendments())
    ids = dict.fromkeys(party for each in (agreement, *amended) for party in party_ids(each))
    book = PartyBook(tuple(ids), files, network, password)
    return Desk(files, settings, agreement, network, book, confirm)


def _copy(files: WorkspaceFiles, agreement: Agreement, source: Path, plan: Plan) -> None:
    files.write(files.agreement, source.read_text(encoding="utf-8"))
    files.records.mkdir()
    for name, path in plan.records.items():
        if name not in agreement.records:
            raise WorkspaceError(
                "no-such-records", f"The agreement has no records {name!r}.", f"It has {', '.join(agreement.records)}."
            )
        if path.is_dir():
            shutil.copytree(path, files.records / name)
        else:
            _copy_records(path, files.records / f"{name}.{agreement.records[name].format}")
            licence = licence_of(path)
            if licence is not None:
                shutil.copyfile(licence, files.records / licence.name)


def _copy_records(source: Path, target: Path) -> None:
    if source.suffix != ".zip":
        shutil.copyfile(source, target)
        return
    try:
        with zipfile.ZipFile(source) as archive:
            [member] = archive.namelist()
            with archive.open(member) as packed, target.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked, 1 << 20)
    except (ValueError, zipfile.BadZipFile) as error:
        raise WorkspaceError(
            "bad-archive",
            f"{source} is not a ZIP archive of exactly one file of records.",
            "Unpack it and name the file itself.",
        ) from error


def _connect(files: WorkspaceFiles, agreement: Agreement, plan: Plan, password: Password, confirm: Confirm) -> Desk:
    if plan.network == EMBEDDED:
        start_chain(files.folder, agreement.periods[0].start - CHAIN_LEAD)
    network = connect(resolve_network(plan.network), files.folder)
    try:
        parties = PartyBook(party_ids(agreement), files, network, password)
        settings = _settle_contracts(network, agreement, plan)
        if network.local:
            parties.use_test_accounts()
        files.save(files.settings, settings)
        return Desk(files, settings, agreement, network, parties, confirm)
    except BaseException:
        network.close()
        raise


def _settle_contracts(network: Network, agreement: Agreement, plan: Plan) -> Settings:
    """The factory and token of the workspace: those named, or new ones on a local chain."""
    first_block = network.head().number
    factory, token = plan.factory, plan.token
    if network.local:
        deployer = network.test_accounts()[-1]
        money = agreement.token
        factory = factory or deploy_factory(network, deployer).address
        token = token or deploy_test_token(network, deployer, money.name, money.symbol).address
    if factory is None or token is None:
        raise WorkspaceError(
            "addresses-needed",
            f"On {network.name} pyoutcome deploys no factory and no token by itself.",
            "Name them with --factory and --token; every party must use the same.",
        )
    FactoryClient(network, factory).verify()
    decimals = TokenClient(network, token).decimals()
    if decimals != agreement.token.decimals:
        raise WorkspaceError(
            "token-differs",
            f"The token at {token} has {decimals} decimals, and the agreement's has {agreement.token.decimals}.",
            "Name the token the agreement means.",
        )
    identity = network.identity()
    genesis = None if identity.genesis is None else "0x" + identity.genesis.hex()
    return Settings(
        network=plan.network,
        chain_id=identity.chain_id,
        genesis=genesis,
        factory=factory,
        token=token,
        first_block=first_block,
        evidence=plan.evidence,
    )
