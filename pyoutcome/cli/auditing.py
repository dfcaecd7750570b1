"""Verbs that look again at everything: audit, and the index for readers with SQL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import Engine, Folder, Json, Records, open_workspace, read_records
from pyoutcome.cli.output import emit, progress
from pyoutcome.errors import WorkspaceError

if TYPE_CHECKING:
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
        Path | None,
        typer.Option(help="With --escrow: folder with bundles, or with evidence/ and records/."),
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
    """
    from pyoutcome.terms.agreement import Agreement

    if escrow is None:
        with progress(as_json) as advance, open_workspace(folder, progress=advance, engine=engine) as workspace:
            report = workspace.audit(read_records(records) or None, block)
            audited = workspace.agreement
    else:
        if network is None or agreement is None or evidence is None:
            raise WorkspaceError(
                "audit-needs",
                "An audit of an escrow without a workspace needs --network, --agreement and --evidence.",
                "Name all three; --records and --first-block help where the evidence folder has no records.",
            )
        from pyoutcome.workspace.remote import Store

        audited = Agreement.load(agreement)
        store = Store(audited, evidence, read_records(records), amendments, _read_parties(audited, party))
        report = _audit_remote(escrow, network, store, factory, first_block, block, engine, as_json)
    _show(audited, report, as_json)


def _audit_remote(
    escrow: str,
    network: str,
    store: Store,
    factory: str | None,
    first_block: int,
    block: int | None,
    engine: str | None,
    as_json: bool,
) -> AuditReport:
    from pyoutcome.chain.networks import connect
    from pyoutcome.workspace.auditing import audit_case
    from pyoutcome.workspace.inspecting import read_address
    from pyoutcome.workspace.remote import open_remote
    from pyoutcome.workspace.settings import resolve_network

    place = read_address(escrow)
    with connect(resolve_network(network), Path.cwd()) as chain, progress(as_json) as advance:
        case = open_remote(chain, place, store, factory=factory, first_block=first_block, block=block, engine=engine)
        return audit_case(case, lambda done, total: advance("auditing periods", done, total))


def _read_parties(agreement: Agreement, given: list[str] | None) -> dict[str, str]:
    """``NAME=ADDRESS`` options. WorkspaceError ``bad-party-option``, ``bad-address``."""
    from pyoutcome.errors import did_you_mean
    from pyoutcome.workspace.inspecting import read_address
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


def _show(agreement: Agreement, report: AuditReport, as_json: bool) -> None:
    from pyoutcome.cli import show

    emit(report.to_dict(), as_json, lambda console: show.audit(console, agreement, report))
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
