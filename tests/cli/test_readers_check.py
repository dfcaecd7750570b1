"""A reader's check of the real year: the figures of one airline, added up from each export by another library alone."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from beancount import loader
from beancount.core import realization

from pyoutcome.protocol.events import Credited, HoldbackReleased, Paid, Settled
from pyoutcome.workspace import Workspace
from pyoutcome.workspace.exporting import Wanted, export_book

UNIT = 10**6
MONTHS = range(1, 13)


@dataclass(frozen=True)
class Year:
    """What a year came to, base units."""

    earned: tuple[int, ...]
    """By month."""
    received: int
    """Money that came."""
    held: int
    """Holdback that was kept back at first."""
    left: dict[str, int]
    """What is owed in the end, by account."""


def year(postings: Iterable[tuple[str, int | None, int]]) -> Year:
    """From the account, period and base units of every posting."""
    accounts: defaultdict[str, int] = defaultdict(int)
    earned = dict.fromkeys(MONTHS, 0)
    held = 0
    for account, period, units in postings:
        accounts[account] += units
        if account == "income:earned":
            assert period is not None
            earned[period] -= units
        if account == "assets:receivable:holdback" and units > 0:
            held += units
    left = {name: units for name, units in accounts.items() if units and not name.startswith("income:")}
    received = left.pop("assets:cash", 0)
    return Year(tuple(earned.values()), received, held, left)


def from_csv(path: Path) -> Year:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(Decimal(row["amount"]) * UNIT == Decimal(row["base_units"]) for row in rows)
    return year((row["account"], int(row["period"]) if row["period"] else None, int(row["base_units"])) for row in rows)


def from_parquet(path: Path) -> Year:
    table = pq.read_table(path)

    def total(column: str, by: str) -> dict[Any, int]:
        chosen = table.filter(pc.equal(table["account"], column))
        sums = chosen.group_by(by).aggregate([("base_units", "sum")]).to_pylist()
        return {row[by]: int(row["base_units_sum"]) for row in sums}

    earned = total("income:earned", "period")
    kept = table.filter(
        pc.and_(pc.equal(table["account"], "assets:receivable:holdback"), pc.greater(table["base_units"], 0))
    )
    sums = table.group_by("account").aggregate([("base_units", "sum")]).to_pylist()
    left = {row["account"]: int(row["base_units_sum"]) for row in sums if row["base_units_sum"]}
    received = left.pop("assets:cash")
    left = {account: units for account, units in left.items() if not account.startswith("income:")}
    return Year(
        tuple(-earned.get(month, 0) for month in MONTHS), received, int(pc.sum(kept["base_units"]).as_py()), left
    )


def from_xlsx(path: Path) -> Year:
    book = openpyxl.load_workbook(path, read_only=True)
    head, *rows = book["Postings"].iter_rows(values_only=True)
    at = {str(name): number for number, name in enumerate(head)}
    found = [(str(row[at["account"]]), row[at["period"]], Decimal(str(row[at["base_units"]]))) for row in rows]
    book.close()
    return year((account, int(period) if period else None, int(units)) for account, period, units in found)


def from_json(path: Path) -> Year:
    told = json.loads(path.read_text(encoding="utf-8"))
    return year(
        (posting["account"], entry["period"], int(posting["amount"]))
        for entry in told["entries"]
        for posting in entry["postings"]
    )


def from_beancount(path: Path) -> Year:
    load: Any = loader.load_file
    realize: Any = realization.realize
    accounts_of: Any = realization.iter_children
    entries, errors, _ = load(str(path))
    assert [] == errors
    names = {entry.account: entry.meta["account"] for entry in entries if type(entry).__name__ == "Open"}
    balances = {
        names[each.account]: int(sum((position.units.number for position in each.balance), Decimal(0)) * UNIT)
        for each in accounts_of(realize(entries))
        if each.account in names
    }
    made = [
        (names[posting.account], entry.meta.get("period"), int(posting.units.number * UNIT))
        for entry in entries
        if type(entry).__name__ == "Transaction"
        for posting in entry.postings
    ]
    added = year((account, int(period) if period is not None else None, units) for account, period, units in made)
    left = {name: units for name, units in balances.items() if units and not name.startswith("income:")}
    assert added.received == left.pop("assets:cash")
    assert added.left == left
    return added


READERS: dict[str, Callable[[Path], Year]] = {
    "csv": from_csv, "parquet": from_parquet, "xlsx": from_xlsx, "json": from_json, "beancount": from_beancount,
}  # fmt: skip


@pytest.mark.parametrize("file_format", READERS)
def test_the_real_year_of_one_airline_added_up_from_an_export_is_that_of_the_chain(
    told: tuple[Path, str], tmp_path: Path, file_format: str
) -> None:
    path = tmp_path / f"year.{file_format}"
    with Workspace.open(told[0] / "pyoutcome-demo" / "workspace") as workspace:
        export_book(workspace, file_format, path, Wanted(owner="UA"))
        escrow = workspace.desk.escrow
        token, account = escrow.token(), escrow.account(0)
        assert token is not None
        balance = token.balance(workspace.parties.addresses["UA"])
        events = [located.event for located in escrow.history()]
    settled = [event for event in events if isinstance(event, Settled)]
    assert 12 == len(settled)
    assert account.holder == workspace.parties.addresses["UA"]
    # What the chain says: the amount of every month, the token's balance, and an account in which nothing is left.
    chain = Year(
        earned=tuple(event.amounts[0] for event in sorted(settled, key=lambda event: event.period)),
        received=balance,
        held=sum(event.held for event in events if isinstance(event, Credited) and event.provider == 0),
        left={},
    )
    assert (0, 0, 0, 0, 0) == (account.held, account.arrears, account.claimable, account.debt, account.bond)
    assert chain == READERS[file_format](path)
    # And the chain with itself, and with what the README shows.
    assert balance == sum(chain.earned) == 4_927_660 * UNIT
    assert (409_680 * UNIT, 520_000 * UNIT) == (chain.earned[0], chain.earned[8])
    paid = sum(event.amount for event in events if isinstance(event, Paid) and event.provider == 0)
    released = [event for event in events if isinstance(event, HoldbackReleased) and event.provider == 0]
    assert (balance, 1) == (paid, len(released))
