"""What Beancount makes of a text: its loader runs every check it has, balances included."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from beancount import loader


def load(text: str) -> tuple[list[Any], list[Any]]:
    """Directives and errors."""
    load_string: Any = loader.load_string
    entries, errors, _ = load_string(text)
    return entries, errors


def directives(entries: list[Any], kind: str) -> list[Any]:
    """Those of one kind: ``Transaction``, ``Open``, ``Price``."""
    return [entry for entry in entries if type(entry).__name__ == kind]


def totals(entries: list[Any]) -> dict[str, Decimal]:
    """Sum of units by account, under the account names that stand in the metadata of its ``open``."""
    plain = {entry.account: entry.meta["account"] for entry in directives(entries, "Open")}
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for entry in directives(entries, "Transaction"):
        for posting in entry.postings:
            found[plain[posting.account]] += posting.units.number
    return dict(found)
