"""A statement of account as PDF, set by Typst: the same statement gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

from pyoutcome.decimals import show, show_money
from pyoutcome.errors import LedgerError
from pyoutcome.ledger.entries import Entry, Rate
from pyoutcome.ledger.exports.about import About
from pyoutcome.ledger.exports.library import load
from pyoutcome.ledger.periods import PeriodRow
from pyoutcome.ledger.statements import AccountLine, BookStatement

_MOST: Final = 20_000
"""Postings that a statement on paper may have: some hundred pages."""
_PERIOD_AMOUNTS: Final = {
    "amount": "Amount", "held": "Held back", "paid": "Paid", "owed": "Owed", "set_off": "Set off",
    "new_debt": "New debt",
}  # fmt: skip


def write_pdf(statement: BookStatement, about: About, path: Path) -> int:
    """Writes periods, accounts and every movement with a page each as long as it needs; returns how many postings.

    LedgerError ``too-many-lines``, ``library-missing``.
    """
    typst = load("typst")
    postings = sum(len(entry.postings) for entry in statement.entries)
    if postings > _MOST:
        raise LedgerError(
            "too-many-lines",
            f"The statement has {postings} postings, and a PDF at most {_MOST}.",
            "Export fewer days with --from and --to, or as csv or parquet.",
            lines=postings,
        )
    template = (files("pyoutcome.ledger.exports") / "statement.typ").read_bytes()
    document = typst.compile(
        template,
        format="pdf",
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps(_contents(statement, about))},
        # The time of making is not the statement's.
        timestamp=statement.book.entries[-1].timestamp if statement.book.entries else 0,
    )
    path.write_bytes(document)
    return postings


def _contents(statement: BookStatement, about: About) -> dict[str, object]:
    """Everything on the pages, as texts."""
    book = statement.book
    several = len({row.provider for row in statement.periods}) > 1
    return {
        "heading": "Statement of account",
        "title": about.title,
        "facts": [[name, value] for name, value in _facts(statement, about) if value],
        "footer": f"{about.agreement}, books of {about.name_of(book.owner)}. Worked out from the events of the escrow; "
        "numbers are those of its journal.",
        "periods_heading": f"Periods settled, {about.token}",
        **_periods(statement.periods, about, several),
        "accounts_heading": f"Accounts, {about.token}",
        "account_columns": ["Account", "Opening", "Debits", "Credits", "Closing"],
        "accounts": [_account(line, about.decimals) for line in statement.lines],
        "signs": "A debit balance is positive, a credit balance negative; all balances of a column sum to zero.",
        "worths_heading": f"Accounts, {book.currency}",
        "worths": [_account(line, book.cents) for line in statement.worths],
        "worths_note": f"Each posting at the rate of its day, balances at that of the last. {_rates(statement, about)}",
        "entries_heading": f"Movements, {about.token}",
        "entries": [_entry(entry, about) for entry in statement.entries if any(each.amount for each in entry.postings)],
    }


def _facts(statement: BookStatement, about: About) -> list[tuple[str, str]]:
    days = [entry.day for entry in statement.book.entries]
    first, last = statement.since or (days[0] if days else None), statement.until or (days[-1] if days else None)
    span = f"{first:%-d %B %Y} to {last:%-d %B %Y}, UTC" if first and last else ""
    return [
        ("Books of", about.name_of(statement.book.owner)),
        ("Days", span),
        ("Agreement", about.agreement),
        ("Token", f"{about.token}, {about.decimals} decimals"),
        ("Escrow", f"{about.escrow} on chain {about.chain_id}" if about.escrow else ""),
    ]


def _periods(rows: Sequence[PeriodRow], about: About, several: bool) -> dict[str, object]:
    """The table of periods without columns that hold nothing, and its last line, the totals."""
    shown = [name for name in _PERIOD_AMOUNTS if name == "amount" or any(getattr(row, name) for row in rows)]
    lines = [
        [
            str(row.period),
            *([about.name_of(row.provider)] if several else []),
            f"{datetime.fromtimestamp(row.timestamp, UTC):%-d %b %Y}",
            *(show_money(getattr(row, name), about.decimals) for name in shown),
        ]
        for row in rows
    ]
    totals = [show_money(sum(getattr(row, name) for row in rows), about.decimals) for name in shown]
    return {
        "period_words": 3 if several else 2,
        "period_columns": [
            "Period",
            *(["Provider"] if several else []),
            "Settled",
            *(_PERIOD_AMOUNTS[name] for name in shown),
        ],
        "periods": [*lines, ["Total", *([""] if several else []), "", *totals]] if lines else [],
    }


def _account(line: AccountLine, decimals: int) -> list[str]:
    amounts = (line.opening, line.debits, line.credits, line.closing)
    return [line.account, *(show_money(amount, decimals) for amount in amounts)]


def _rates(statement: BookStatement, about: About) -> str:
    used: dict[Rate, None] = {}
    for entry in statement.entries:
        used.update((each.worth.rate, None) for each in entry.postings if each.worth and each.worth.rate)
    return " ".join(
        f"1 {about.token} = {show(rate.value)} {statement.book.currency} on {rate.day.isoformat()} ({rate.source})."
        for rate in used
    )


def _entry(entry: Entry, about: About) -> dict[str, object]:
    return {
        "day": entry.day.isoformat(),
        "number": str(entry.number or ""),
        "narration": entry.narration,
        "postings": [
            {
                "account": posting.account,
                "debit": show_money(posting.amount, about.decimals) if posting.amount > 0 else "",
                "credit": show_money(-posting.amount, about.decimals) if posting.amount < 0 else "",
            }
            for posting in entry.postings
            if posting.amount
        ],
    }
