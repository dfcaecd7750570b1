"""Books of a workspace in the formats of other tools."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pyoutcome.errors import WorkspaceError
from pyoutcome.ledger.accruals import accrue
from pyoutcome.ledger.book import Book, escrow_book
from pyoutcome.ledger.exports.about import About
from pyoutcome.ledger.exports.iso20022 import BankAccount, read_accounts
from pyoutcome.ledger.exports.writing import write_book
from pyoutcome.ledger.party_books import party_book
from pyoutcome.ledger.rates import RateTable, read_rates
from pyoutcome.ledger.statements import BookStatement, state_book
from pyoutcome.ledger.taxes import TaxLine, add_taxes, read_taxes
from pyoutcome.ledger.valued import convert
from pyoutcome.protocol.events import Assigned, PayoutMoved, SteppedIn
from pyoutcome.workspace.expecting import expected_amounts
from pyoutcome.workspace.files import not_written

if TYPE_CHECKING:
    from pyoutcome.workspace.workspace import Workspace

_MOST_BYTES = 16_000_000
"""Of a table of rates or taxes: a rate a day for more than a thousand years."""


@dataclass(frozen=True)
class Wanted:
    """Which books, of which days, valued how."""

    owner: str = "escrow"
    """``escrow``, ``client``, a provider, or who took its place later (``UA-2``)."""
    since: date | None = None
    """First day, UTC; None from the beginning."""
    until: date | None = None
    """Last day, UTC, included; None to the end."""
    accrue: bool = False
    """Book also what was earned and not settled at the end of ``until``, and of the day before ``since``."""
    rates: RateTable | None = None
    taxes: tuple[TaxLine, ...] = ()
    banks: Mapping[str, BankAccount] = field(default_factory=dict)
    """Bank accounts by party, for ``pain001``."""


def export_book(workspace: Workspace, file_format: str, path: Path, wanted: Wanted) -> int:
    """Writes a book into a file, whole or not at all; how many postings went in.

    WorkspaceError ``file-not-written``, and errors of ``state_owner`` and ``write_book``.
    """
    statement, about = state_owner(workspace, wanted), about_of(workspace)
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            made = Path(folder) / "book"
            written = write_book(file_format, statement, about, made, wanted.banks)
            made.replace(path)
    except OSError as error:
        raise not_written(path, error) from error
    return written


def state_owner(workspace: Workspace, wanted: Wanted) -> BookStatement:
    """The statement behind an export."""
    journal = workspace.books.journal
    book: Book = escrow_book(journal) if wanted.owner == "escrow" else party_book(journal, wanted.owner)
    if wanted.accrue:
        if wanted.until is None:
            raise WorkspaceError(
                "accruals-need-a-day",
                "Accruals are of the end of a day, and no last day was given.",
                "Give the last day with --to.",
            )
        days = [wanted.until, *([wanted.since - timedelta(1)] if wanted.since else [])]
        book = accrue(book, journal.rows, days, expected_amounts(workspace, wanted.until))
    if wanted.taxes:
        book = add_taxes(book, wanted.taxes)
    if wanted.rates is not None:
        book = convert(book, wanted.rates, workspace.agreement.token.decimals)
    return state_book(book, journal.rows, wanted.since, wanted.until)


def about_of(workspace: Workspace) -> About:
    """The agreement, token and parties behind the books."""
    agreement = workspace.agreement
    parties = agreement.parties
    names = {"client": parties.client.name, **{name: each.name for name, each in parties.providers.items()}}
    return About(
        agreement=agreement.id,
        title=agreement.title,
        token=agreement.token.symbol,
        decimals=agreement.token.decimals,
        escrow=workspace.desk.escrow.address,
        chain_id=workspace.network.chain_id,
        names=names,
        addresses=_payouts(workspace),
    )


def _payouts(workspace: Workspace) -> dict[str, str]:
    """Where each party is paid: where the terms say, or where it moved that to; a later holder at its own address."""
    desk, events = workspace.desk, [each.event for each in workspace.books.events]
    arguments = desk.deal.arguments
    found = [each.payout for each in arguments.providers]
    for event in events:
        if isinstance(event, Assigned | SteppedIn):
            found.append(event.holder)
        elif isinstance(event, PayoutMoved):
            found[event.provider] = event.to
    return {"client": arguments.client, **dict(zip(workspace.books.journal.providers, found, strict=True))}


def load_rates(path: Path, currency: str) -> RateTable:
    """A table of rates from a file. WorkspaceError ``table-unreadable``, LedgerError of ``read_rates``."""
    return read_rates(_read(path), currency, str(path))


def load_taxes(path: Path) -> tuple[TaxLine, ...]:
    """Tax lines from a file. WorkspaceError ``table-unreadable``, LedgerError of ``read_taxes``."""
    return read_taxes(_read(path), str(path))


def load_banks(path: Path) -> dict[str, BankAccount]:
    """Bank accounts from a file. WorkspaceError ``table-unreadable``, LedgerError of ``read_accounts``."""
    return read_accounts(_read(path), str(path))


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8") if path.stat().st_size <= _MOST_BYTES else None
        problem = f"it has more than {_MOST_BYTES} bytes"
    except (OSError, ValueError) as error:
        text, problem = None, str(error)
    if text is None:
        raise WorkspaceError(
            "table-unreadable",
            f"{path} cannot be read as a table: {problem}.",
            "Give a CSV file in UTF-8 of at most 16 MB; docs/ledger.md shows the columns.",
            path=str(path),
        )
    return text
