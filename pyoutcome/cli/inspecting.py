"""The verb inspect: what a deployed escrow is, read from the chain alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import Folder, Json
from pyoutcome.cli.output import emit
from pyoutcome.errors import WorkspaceError

if TYPE_CHECKING:
    from rich.console import Console

    from pyoutcome.chain.network import Network
    from pyoutcome.workspace.inspection import Inspection


def add_to(app: typer.Typer) -> None:
    """Adds the verb of this module."""
    app.command("inspect", rich_help_panel="Books")(inspect)


def inspect(
    address: Annotated[str, typer.Argument(help="The escrow's address.")],
    network: Annotated[
        str | None,
        typer.Option(help="JSON-RPC URL, or env:NAME; by default the network of the workspace you are in."),
    ] = None,
    factory: Annotated[str | None, typer.Option(help="The factory that the escrow must come from.")] = None,
    agreement: Annotated[
        Path | None, typer.Option(help="An agreement file: brings the names, and is compared with the escrow.")
    ] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Reads a deployed escrow: parties, periods, KPIs, and its program as formulas and words.

    Needs an address and a network, nothing else. Exit status 1 if the escrow is not what --agreement says.

    Examples:
        pyoutcome inspect 0x5FbDB2315678afecb367f032d93F642f64180aa3 --network http://127.0.0.1:8545
        pyoutcome inspect 0x5FbDB2315678afecb367f032d93F642f64180aa3 --agreement agreement.yaml
    """
    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.workspace.addresses import read_address
    from pyoutcome.workspace.inspecting import inspect_escrow

    file = Agreement.load(agreement) if agreement is not None else None
    place = read_address(address)
    with _connect(network, folder) as chain:
        found = inspect_escrow(chain, place, factory, file)
    emit(found.to_dict(), as_json, lambda console: draw(console, found))
    if found.differences:
        raise typer.Exit(1)


def _connect(network: str | None, folder: Path | None) -> Network:
    """The named network, or the workspace's own."""
    from pyoutcome.chain.networks import EMBEDDED, connect
    from pyoutcome.workspace.files import WorkspaceFiles, find_workspace
    from pyoutcome.workspace.settings import Settings, resolve_network

    if network not in (None, EMBEDDED):
        return connect(resolve_network(network or ""), Path.cwd())
    try:
        files = WorkspaceFiles(folder if folder is not None else find_workspace(Path.cwd()))
        settings = files.load(files.settings, Settings)
    except WorkspaceError as error:
        raise WorkspaceError(
            "network-needed",
            "Here is no workspace that says which network to look at.",
            "Name one with --network URL, or a workspace with --workspace.",
        ) from error
    return connect(settings.url, files.folder, recorded=settings.identity)


def draw(console: Console, found: Inspection) -> None:
    """The escrow for people."""
    from rich.markup import escape
    from rich.text import Text

    from pyoutcome.cli import show
    from pyoutcome.decimals import show_grouped, show_money

    given = found.arguments
    decimals = given.unit_decimals
    share = show_grouped(given.holdback_rate, percent=True)
    pairs = {
        "network": f"{found.network}, chain {found.chain_id}",
        "factory": f"{found.factory}, code verified",
        "stage": found.stage,
        "client": given.client,
    }
    pairs |= {
        payee.name: each.signer if each.signer == each.payout else f"{each.signer}, first paid to {each.payout}"
        for payee, each in zip(found.rule.payees, given.providers, strict=True)
    }
    pairs |= {f"verifier {at}": each for at, each in enumerate(given.verifiers, 1)}
    pairs |= {
        "quorum": f"{given.quorum} of {len(given.verifiers)}",
        "arbitrator": given.arbitrator,
        "money": f"token {given.token}, {decimals} decimals",
        "periods": f"{len(given.ends)}, from {show.clock(given.start)} to {show.clock(given.ends[-1])}",
        "evidence": f"due {_days(given.evidence_window)} after a period; a default waits {_days(given.default_window)}",
        "holdback": f"{share} of every credit, until {show.clock(given.holdback_release)}",
        "reserve": f"{show_money(given.reserve, decimals)} for each period",
        "settles": "in order" if found.rule.sequential else "in any order",
        "agreement": "0x" + found.deal.agreement_digest.hex(),
        "program": f"{len(found.program)} bytes, hash 0x{found.deal.program_hash.hex()}",
        "terms hash": "0x" + found.terms_hash.hex(),
    }
    pairs |= _contests_and_exits(found)
    show.facts(console, f"Escrow {found.address}", pairs)
    _draw_values(console, found)
    formulas = show.table("\nFormulas", "name", "formula")
    for name, text in found.formulas:
        formulas.add_row(escape(name), escape(text))
    console.print(formulas)
    console.print("\n[bold]In words[/]")
    for sentence in found.words:
        console.print(Text(f"- {sentence}"))
    if found.bounds is None:
        console.print(f"\nNothing is proven about its amounts: {escape(found.unproven)}")
    else:
        bounds = show.table("\nProven, of one period", "provider", "least", "most", right=("least", "most"))
        for payee in found.bounds:
            bounds.add_row(payee.name, show_money(payee.least, decimals), show_money(payee.most, decimals))
        console.print(bounds)
    for difference in found.differences:
        console.print(f"[bold red]difference[/] {escape(difference)}", soft_wrap=True)
    if found.agreement is not None and not found.differences:
        console.print(f"\ninspect: the escrow is what {found.agreement} says, program and terms alike")


def _contests_and_exits(found: Inspection) -> dict[str, str]:
    """What holds when values are contested, and who may leave when."""
    from pyoutcome.decimals import show_grouped, show_money

    given = found.arguments
    decimals = given.unit_decimals
    window = f"{_days(given.challenge_window)} after a report" if given.challenge_window else "defaults only"
    fixed, share = show_money(given.stake_fixed, decimals), show_grouped(given.stake_share, percent=True)
    how = "chooses a version" if given.chooses else "rules values"
    pairs = {
        "challenge": f"{window}; it stakes {fixed} or, if that is more, {share} of the difference",
        "arbitrator has": f"{_days(given.ruling_window)}, and {how}",
        "settled again": "by agreement" if given.restates else "never",
    }
    for payee, each in zip(found.rule.payees, given.providers, strict=True):
        parts = [f"bond {show_money(each.bond, decimals)}"] if each.bond else []
        parts += [f"backup {each.backup}"] if each.backup else []
        if parts:
            pairs[f"behind {payee.name}"] = ", ".join(parts)
    if given.streak:
        pairs["breaches"] = f"{given.streak} in a row are cause to end it"
    if given.convenience:
        pairs["notice"] = f"{_days(given.notice)}, by {' or '.join(sorted(given.convenience))}"
    for number, amended in enumerate(found.amendments, 1):
        told = f"other terms from period {amended.first} on, hash 0x{amended.terms_hash.hex()}"
        pairs[f"amendment {number}"] = told
    return pairs


def _draw_values(console: Console, found: Inspection) -> None:
    """KPIs and terms."""
    from pyoutcome.cli import show
    from pyoutcome.decimals import show_grouped
    from pyoutcome.formula.rule_words import kpi_value_words, kpi_words

    kpis = show.table("\nKPIs", "name", "values", "if there is none")
    for shape, kpi in zip(found.rule.kpis, found.arguments.kpis, strict=True):
        stands_in = kpi_value_words(shape, kpi.if_missing)
        if kpi.if_missing < kpi.low:  # which no report can give, so that the program sees it
            stands_in = "what the program makes of it"
        missing = stands_in if kpi.may_be_missing else f"the report is refused; by default {stands_in}"
        kpis.add_row(shape.full_name, kpi_words(shape), missing)
    console.print(kpis)
    if found.rule.parameters:
        terms = show.table("\nTerms", "name", "value", right=("value",))
        for name, value in found.rule.parameters:
            terms.add_row(name, show_grouped(value))
        console.print(terms)


def _days(seconds: int) -> str:
    from pyoutcome.terms.scalars import show_duration

    return show_duration(seconds)
