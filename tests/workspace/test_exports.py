"""A reader's check: the exports alone, added up by other libraries, say of a settled year what the chain says."""

from __future__ import annotations

import csv
import json
import shutil
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow.compute
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from pyoutcome.cli.app import app
from pyoutcome.errors import WorkspaceError
from pyoutcome.ledger.exports import FORMATS
from pyoutcome.workspace import Workspace
from pyoutcome.workspace.exporting import Wanted, export_book, load_rates
from tests.ledger.reading import load, totals
from tests.workspace.conftest import AIRLINES

UNIT = 10**6
Figures = dict[str, int]


@pytest.fixture(scope="session")
def settled(active_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year settled, with the holdback still kept."""
    folder = tmp_path_factory.mktemp("settled") / "deal"
    shutil.copytree(active_template, folder)
    with Workspace.open(folder) as workspace:
        workspace.settle(move_clock=True)
    return folder


def from_csv(path: Path) -> Figures:
    found: defaultdict[str, int] = defaultdict(int)
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["account"]] += int(row["base_units"])
    return dict(found)


def from_parquet(path: Path) -> Figures:
    table = pyarrow.parquet.read_table(path, columns=["account", "base_units"])
    sums = table.group_by("account").aggregate([("base_units", "sum")])
    return {row["account"]: int(row["base_units_sum"]) for row in sums.to_pylist()}


def from_beancount(path: Path) -> Figures:
    entries, errors = load(path.read_text(encoding="utf-8"))
    assert [] == errors
    return {account: int(total * UNIT) for account, total in totals(entries).items()}


READERS: dict[str, Callable[[Path], Figures]] = {
    "csv": from_csv, "parquet": from_parquet, "beancount": from_beancount,
}  # fmt: skip


@pytest.mark.parametrize("file_format", READERS)
def test_the_year_of_one_provider_added_up_by_another_library_is_that_of_the_chain(
    settled: Path, tmp_path: Path, file_format: str
) -> None:
    path = tmp_path / "year"
    with Workspace.open(settled) as workspace:
        export_book(workspace, file_format, path, Wanted(owner="UA"))
        escrow, token = workspace.desk.escrow, workspace.desk.escrow.token()
        account = escrow.account(0)
        assert token is not None
        received = token.balance(workspace.parties.addresses["UA"])
    figures = READERS[file_format](path)
    assert received == figures["assets:cash"] > 0
    assert account.held == figures["assets:receivable:holdback"] > 0
    assert account.held + received == -figures["income:earned"]
    assert (0, 0, 0) == (account.arrears, account.claimable, account.debt)


@pytest.mark.parametrize("file_format", READERS)
def test_the_books_of_escrow_and_client_say_what_the_escrow_holds(
    settled: Path, tmp_path: Path, file_format: str
) -> None:
    with Workspace.open(settled) as workspace:
        for owner in ("escrow", "client"):
            export_book(workspace, file_format, tmp_path / owner, Wanted(owner=owner))
        escrow = workspace.desk.escrow
        funds, tracked, held = escrow.funds(), escrow.tracked(), [escrow.account(at).held for at in range(3)]
    trustee, client = (READERS[file_format](tmp_path / owner) for owner in ("escrow", "client"))
    assert (tracked, -funds) == (trustee["assets:escrow"], trustee["client:funding"])
    assert (funds, sum(held)) == (client["assets:escrow:funding"], client["assets:escrow:holdback"])
    assert held == [-client[f"liabilities:holdback:{airline}"] for airline in AIRLINES]


def test_months_exported_one_by_one_add_up_to_the_year(settled: Path, tmp_path: Path) -> None:
    with Workspace.open(settled) as workspace:
        ends = [date(2013, month, 1) - timedelta(1) for month in range(2, 13)] + [date(2014, 12, 31)]
        earned, since = 0, date(2012, 1, 1)
        for end in ends:
            path = tmp_path / f"{end}.csv"
            export_book(workspace, "csv", path, Wanted("UA", since, end))
            earned += from_csv(path).get("income:earned", 0)
            since = end + timedelta(1)
        export_book(workspace, "csv", tmp_path / "year.csv", Wanted("UA"))
    assert from_csv(tmp_path / "year.csv")["income:earned"] == earned
    # The last part alone has no income of earlier months, but all that is there.
    last = from_csv(path)
    assert from_csv(tmp_path / "year.csv")["assets:cash"] == last["assets:cash"]


RATES = "date,rate,source\n2012-12-01,0.75,Central bank\n2013-06-01,0.8,Central bank\n"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout if result.exit_code == 0 else result.stderr


def test_the_verb_values_every_line_in_the_book_currency(settled: Path, tmp_path: Path) -> None:
    rates, out = tmp_path / "eur.csv", tmp_path / "ua.csv"
    rates.write_text(RATES, encoding="utf-8")
    where = ("-w", str(settled), "--json")
    status, answer = run("export", "--format", "csv", "--party", "UA", "--currency", "EUR", "--rates", str(rates),
                         "--out", str(out), *where)  # fmt: skip
    assert 0 == status, answer
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"file": str(out), "format": "csv", "party": "UA", "rows": len(rows)} == json.loads(answer)
    for row in rows:
        if row["account"] == "equity:rounding" or row["event"] == "Revalued":
            continue
        rate = "0.8" if row["time"] >= "2013-06-01" else "0.75"
        assert rate == row["rate"]
        assert abs(Decimal(row["amount"]) * Decimal(rate) - Decimal(row["worth"])) <= Decimal("0.005")
    assert 0 == sum(Decimal(row["worth"]) for row in rows)
    cash = [row for row in rows if row["account"] == "assets:cash"]
    assert sum(Decimal(row["amount"]) for row in cash) * Decimal("0.8") == sum(Decimal(row["worth"]) for row in cash)


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_verb_writes_every_format(settled: Path, tmp_path: Path, file_format: str) -> None:
    rates, out = tmp_path / "eur.csv", tmp_path / "out"
    rates.write_text(RATES, encoding="utf-8")
    given = (
        "--party",
        "client",
        "--currency",
        "EUR",
        "--rates",
        str(rates),
        "--from",
        "2013-03-01",
        "--to",
        "2013-09-30",
    )
    status, answer = run("export", "--format", file_format, "--out", str(out), *given, "-w", str(settled), "--json")
    if file_format == "pain001":
        assert (1, "nothing-to-pay") == (status, json.loads(answer)["error"]["code"])
        return
    assert 0 == status, answer
    assert json.loads(answer)["rows"] > 0
    assert out.stat().st_size > 1_000


def test_what_is_measured_accrues_in_full_and_what_is_not_with_the_proven_least(
    verified: Workspace, tmp_path: Path
) -> None:
    """January is measured and not settled, of February there is nothing yet."""
    path = tmp_path / "client.csv"
    export_book(verified, "csv", path, Wanted("client", until=date(2013, 3, 2), accrue=True))
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["account"].startswith("expenses:outcome:")]
    measured = verified.statement(1).statement
    expected = [("Accrued", "1", airline, measured.of(airline).units) for airline in AIRLINES]
    expected += [("Estimated", "2", airline, 180_000 * UNIT) for airline in AIRLINES]
    assert expected == [(row["event"], row["period"], row["provider"], int(row["base_units"])) for row in rows]
    with pytest.raises(WorkspaceError) as refused:
        export_book(verified, "csv", path, Wanted("client", accrue=True))
    assert "accruals-need-a-day" == refused.value.code


def test_the_verb_refuses_half_of_what_it_needs(settled: Path, tmp_path: Path) -> None:
    out, where = str(tmp_path / "x.csv"), ("-w", str(settled), "--json")
    for extra, code in (
        (("--currency", "EUR"), "currency-and-rates"),
        (("--party", "V1"), "no-such-books"),
        (("--out", str(tmp_path / "missing" / "x.csv")), "file-not-written"),
        (("--out", str(tmp_path)), "file-not-written"),
        (("--taxes", str(tmp_path / "none.csv")), "table-unreadable"),
    ):
        status, answer = run("export", "--format", "csv", "--out", out, *extra, *where)
        assert (1, code) == (status, json.loads(answer)["error"]["code"])
    assert [] == list(tmp_path.iterdir())


def test_a_table_of_rates_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "eur.csv"
    path.write_bytes(b"x" * 16_000_001)
    with pytest.raises(WorkspaceError) as refused:
        load_rates(path, "EUR")
    assert "table-unreadable" == refused.value.code
