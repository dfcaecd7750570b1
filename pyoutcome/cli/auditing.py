"""Verbs that look again at everything: audit, and the index for readers with SQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from pyoutcome.cli.options import Engine, Folder, Json, Records, open_workspace, read_records
from pyoutcome.cli.output import emit, progress
from pyoutcome.errors import WorkspaceError

if TYPE_CHECKING:
    from rich.console import Console

    from pyoutcome.audit import AuditReport
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.workspace.remote import Store


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("audit", rich_help_panel="Books")(audit)
    app.command("index", rich_help_panel="Books")(index)


def audit(
    escrow: Annotated[
        str | None, typer.Option(help="Audit the escrow at this address, without a workspace or key.")
    ] = None,
    network: Annotated[str | None, typer.Option(help="With --escrow: JSON-RPC URL, or env:NAME.")] = None,
    agreement: Annotated[Path | None, typer.Option(help="With --escrow: the agreement file.")] = None,
    evidence: Annotated[
        str | None,
        typer.Option(help="With --escrow: folder with bundles, or with evidence/ and records/, or s3://bucket/path."),
    ] = None,
    amendments: Annotated[
        Path | None, typer.Option(help="With --escrow: the folder with 01.yaml and 01.json of accepted amendments.")
    ] = None,
    party: Annotated[
        list[str] | None,
        typer.Option(help="With --escrow: NAME=ADDRESS you know; others are believed as the escrow has them."),
    ] = None,
    factory: Annotated[str | None, typer.Option(help="With --escrow: the factory that it must come from.")] = None,
    first_block: Annotated[
        int, typer.Option(min=0, help="With --escrow: a block up to that of its creation; events are read from it on.")
    ] = 0,
    block: Annotated[
        int | None, typer.Option(min=0, help="Look at everything as it stood after this block; default: the newest.")
    ] = None,
    pack: Annotated[
        Path | None, typer.Option(help="Also write everything into this archive, which --check reads.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option(help="Repeat the audit in this archive, without a network or workspace.")
    ] = None,
    records: Records = None,
    engine: Engine = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Recomputes every settlement from agreement, raw records and chain, and reports each difference.

    Exit status 1 if there is any. With --escrow it needs no workspace and no key: the chain, the agreement file and the
    evidence are enough.

    Examples:
        pyoutcome audit
        pyoutcome audit --block 120
        pyoutcome audit --records flights=/my/own/flights.csv
        pyoutcome audit --escrow 0x5FbDB2315678afecb367f032d93F642f64180aa3 --network http://127.0.0.1:8545
            --agreement agreement.yaml --evidence store --records flights=flights.csv
        pyoutcome audit --pack audit.zip
        pyoutcome audit --check audit.zip --records flights=/my/own/flights.csv
    """
    from pyoutcome.terms.agreement import Agreement

    if check is not None:
        _check(check, records, engine, as_json)
    elif escrow is None and pack is not None:
        _pack_workspace(folder, pack, records, block, engine, as_json)
    elif escrow is None:
        with progress(as_json) as advance, open_workspace(folder, progress=advance, engine=engine) as workspace:
            report = workspace.audit(read_records(records) or None, block)
            audited = workspace.agreement
        _show(audited, report, as_json)
    else:
        if network is None or agreement is None or evidence is None:
            raise WorkspaceError(
                "audit-needs",
                "An audit of an escrow without a workspace needs --network, --agreement and --evidence.",
                "Name all three; --records and --first-block help where the evidence folder has no records.",
            )
        from pyoutcome.workspace.remote import Store

        audited = Agreement.load(agreement)
        parties = _read_parties(audited, party)
        store = Store(audited, evidence, read_records(records), amendments, parties=parties)
        options: _Options = {"factory": factory, "first_block": first_block, "block": block, "engine": engine}
        _audit_remote(escrow, network, store, agreement, pack, options, as_json)


class _Options(TypedDict):
    """What ``open_remote`` and ``make_pack`` take besides."""

    factory: str | None
    first_block: int
    block: int | None
    engine: str | None


def _audit_remote(
    escrow: str, network: str, store: Store, file: Path, pack: Path | None, options: _Options, as_json: bool
) -> None:
    from pyoutcome.chain.networks import connect
    from pyoutcome.workspace.addresses import read_address
    from pyoutcome.workspace.auditing import audit_case
    from pyoutcome.workspace.checking import make_pack
    from pyoutcome.workspace.remote import open_remote
    from pyoutcome.workspace.settings import resolve_network

    place, sha256 = read_address(escrow), None
    with connect(resolve_network(network), Path.cwd()) as chain, progress(as_json) as bar:

        def advance(done: int, total: int) -> None:
            bar("auditing periods", done, total)

        if pack is None:
            report = audit_case(open_remote(chain, place, store, **options), advance)
        else:
            packed = make_pack(chain, place, store, file, pack, progress=advance, **options)
            report, sha256 = packed.report, packed.sha256
    _show(store.agreement, report, as_json, sha256)


def _pack_workspace(
    folder: Path | None, pack: Path, records: list[str] | None, block: int | None, engine: str | None, as_json: bool
) -> None:
    with progress(as_json) as advance, open_workspace(folder, progress=advance, engine=engine) as workspace:
        packed = workspace.pack(pack, read_records(records) or None, block)
        audited = workspace.agreement
    _show(audited, packed.report, as_json, packed.sha256)


def _check(pack: Path, records: list[str] | None, engine: str | None, as_json: bool) -> None:
    from pyoutcome.cli import show
    from pyoutcome.workspace.checking import check_pack

    with progress(as_json) as bar:

        def advance(done: int, total: int) -> None:
            bar("auditing periods", done, total)

        found = check_pack(pack, read_records(records) or None, engine=engine, progress=advance)

    def draw(console: Console) -> None:
        show.audit(console, found.agreement, found.report)
        values = "the raw records" if found.recomputed else "the signed bundles (name raw records with --records)"
        pairs = {
            "escrow": f"{found.escrow} on chain {found.chain_id}",
            "read after block": f"{found.report.block}, hash 0x{found.block_hash.hex()}",
            "values from": values,
            "logs": f"{found.logs}, {found.proven} of them proven by their block's header and receipts",
            "signatures": f"{found.signatures} checked",
            "SHA-256 of the pack": found.sha256.hex(),
        }
        pairs |= {f"problem {number}": problem for number, problem in enumerate(found.problems, 1)}
        show.facts(console, "\nPack checked", pairs)

    emit(found.to_dict(), as_json, draw)
    if found.differences:
        raise typer.Exit(1)


def _read_parties(agreement: Agreement, given: list[str] | None) -> dict[str, str]:
    """``NAME=ADDRESS`` options. WorkspaceError ``bad-party-option``, ``bad-address``."""
    from pyoutcome.errors import did_you_mean
    from pyoutcome.workspace.addresses import read_address
    from pyoutcome.workspace.parties import party_ids

    found, known = {}, party_ids(agreement)
    for each in given or []:
        name, equals, address = each.partition("=")
        if not equals or name not in known:
            raise WorkspaceError(
                "bad-party-option",
                f"{each!r} does not say a party's address.",
                f"Write NAME=ADDRESS. {did_you_mean(name, known)}",
            )
        found[name] = read_address(address)
    return found


def _show(agreement: Agreement, report: AuditReport, as_json: bool, sha256: bytes | None = None) -> None:
    from pyoutcome.cli import show

    def draw(console: Console) -> None:
        show.audit(console, agreement, report)
        if sha256 is not None:
            console.print(f"SHA-256 of the pack: {sha256.hex()}")

    told = {} if sha256 is None else {"sha256": sha256.hex()}
    emit({**report.to_dict(), **told}, as_json, draw)
    if report.differences:
        raise typer.Exit(1)


def index(
    database: Annotated[
        str | None, typer.Option(help="A SQLite file or postgresql://...; default: index.sqlite in the workspace.")
    ] = None,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Read everything from the chain again.")] = False,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Copies the escrow's logs into a database, with the tables events and postings for readers with SQL.

    Examples:
        pyoutcome index
        pyoutcome index --database postgresql://reader@db/books --rebuild
    """
    from pyoutcome.cli import show
    from pyoutcome.workspace.indexing import index_escrow

    with open_workspace(folder) as workspace:
        found = index_escrow(workspace.desk, database, rebuild=rebuild)
    pairs = {"database": found.database, "logs": str(found.logs)}
    if found.lost:
        pairs["reorganised"] = "logs were lost and read again"
    if found.problem is not None:
        pairs["books end early"] = found.problem
    emit(found.to_dict(), as_json, lambda console: show.facts(console, f"Indexed up to block {found.block}", pairs))
