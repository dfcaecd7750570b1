"""Books as JSON, in a layout with a version: amounts are texts of whole base units, never numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from pyoutcome.decimals import show, show_units
from pyoutcome.ledger.entries import Entry, Posting
from pyoutcome.ledger.exports.about import About
from pyoutcome.ledger.statements import BookStatement

LAYOUT: Final = "pyoutcome-books-1"
"""Named in every file; a change that breaks readers gets another number."""


def write_json(statement: BookStatement, about: About, path: Path) -> int:
    """Writes a book and its statement as one JSON object; returns how many postings."""
    book = statement.book
    document = {
        "layout": LAYOUT,
        "agreement": about.agreement,
        "title": about.title,
        "owner_name": about.name_of(book.owner),
        "token": {"symbol": about.token, "decimals": about.decimals},
        "escrow": about.escrow,
        "chain_id": about.chain_id,
        **statement.to_dict(),
        "entries": [_entry(entry, book.cents) for entry in book.entries],
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return sum(len(entry.postings) for entry in book.entries)


def _entry(entry: Entry, cents: int) -> dict[str, object]:
    return {
        "number": entry.number,
        "time": entry.time,
        "block": entry.block,
        "index": entry.index,
        "transaction": "0x" + entry.transaction.hex() if entry.transaction else None,
        "event": entry.kind,
        "narration": entry.narration,
        "provider": entry.provider,
        "period": entry.period,
        "postings": [_posting(posting, cents) for posting in entry.postings],
    }


def _posting(posting: Posting, cents: int) -> dict[str, object]:
    plain: dict[str, object] = {"account": posting.account, "amount": str(posting.amount)}
    if posting.worth is not None:
        plain["worth"] = show_units(posting.worth.amount, cents, cents)
        rate = posting.worth.rate
        plain["rate"] = rate and {"date": rate.day.isoformat(), "value": show(rate.value), "source": rate.source}
    return plain
