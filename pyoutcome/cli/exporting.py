"""The verb `export`: books for spreadsheets, accountants, banks and other programs."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyoutcome.cli.options import Folder, Json, open_workspace
from pyoutcome.cli.output import emit
from pyoutcome.errors import WorkspaceError

if TYPE_CHECKING:
    from pyoutcome.ledger.rates import RateTable


def add_to(app: typer.Typer) -> None:
    """Adds the verbs of this module."""
    app.command("export", rich_help_panel="Books")(export)


def export(
    file_format: Annotated[
        str, typer.Option("--format", help="csv, parquet, xlsx, json, beancount, camt053, pain001 or pdf.")
    ],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    party: Annotated[
        str, typer.Option(help="Whose books: escrow, client, a provider, or who took its place later (UA-2).")
    ] = "escrow",
    since: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, UTC; default: the beginning.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, UTC, included; default: the end.")
    ] = None,
    accrue: Annotated[
        bool, typer.Option("--accrue", help="Book also what was earned and not settled at the end of the last day.")
    ] = False,
    currency: Annotated[
        str | None, typer.Option(help="Also value every posting in this currency (ISO 4217), by --rates.")
    ] = None,
    rates: Annotated[Path | None, typer.Option(help="CSV of rates: date,rate,source.")] = None,
    taxes: Annotated[Path | None, typer.Option(help="CSV of tax lines: name,base,rate,on,debit,credit.")] = None,
    accounts: Annotated[
        Path | None, typer.Option(help="CSV of bank accounts for pain001: party,iban,bic, perhaps with addresses.")
    ] = None,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Writes books in the format of another tool: the escrow's, or a party's own.

    Examples:
        pyoutcome export --format xlsx --out books.xlsx
        pyoutcome export --format beancount --party UA --out ua.beancount
        pyoutcome export --format pain001 --party client --currency EUR --rates eur.csv --accounts banks.csv \
--out due.xml
        pyoutcome export --format csv --party client --from 2013-01-01 --to 2013-12-31 --currency EUR --rates eur.csv \
--out 2013.csv
    """
    from pyoutcome.workspace.exporting import Wanted, export_book, load_banks, load_taxes

    wanted = Wanted(
        owner=party,
        since=since.date() if since else None,
        until=until.date() if until else None,
        accrue=accrue,
        rates=_rates(currency, rates),
        taxes=load_taxes(taxes) if taxes else (),
        banks=load_banks(accounts) if accounts else {},
    )
    with open_workspace(folder) as workspace:
        rows = export_book(workspace, file_format, out, wanted)
    emit(
        {"file": str(out), "format": file_format, "party": party, "rows": rows},
        as_json,
        lambda console: console.print(f"Written: {out}, {rows} postings"),
    )


def _rates(currency: str | None, rates: Path | None) -> RateTable | None:
    from pyoutcome.workspace.exporting import load_rates

    if currency is not None and rates is not None:
        return load_rates(rates, currency)
    if currency is None and rates is None:
        return None
    raise WorkspaceError(
        "currency-and-rates",
        "A currency needs a table of rates, and rates need the currency they are in.",
        "Give both --currency and --rates, such as --currency EUR --rates eur.csv.",
    )
