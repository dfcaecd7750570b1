"""The Renewables Obligation of 2019-20: 124 supplier groups settled by two agreements of a few lines each.

What the agreements do not reproduce is explained row by row: who paid late owes interest, and some never paid.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal

from pyoutcome.decimals import parse
from pyoutcome.formula import evaluate, run
from pyoutcome.terms import Agreement
from tests.corpus.published import FOLDER, load_agreement

ONE_CERTIFICATE = parse("48.78")
LAST_DAYS = 62
"""From the first to the last day on which late payment was possible, and a little more."""
LATE = """\
agreement: late-buyout
title: Buy-out of a quota, paid late with interest
kpis:
  obligation: {unit: certificates, range: [0, 200_000_000]}
  presented: {unit: certificates, range: [0, 200_000_000]}
  days: {unit: days late, range: [0, 62]}
clauses:
  payment:
    kind: unit_price
    pays: client
    quantity: obligation
    allowance: presented
    price: 48.78
    then: [interest: {rate: 5.1%, days: days}, round: 0.01 half_up]
"""
"""Five points above the base rate of the Bank of England, 0.1% at that time."""


@dataclass(frozen=True)
class Group:
    name: str
    obligation: int
    presented: int
    paid: int
    """Scaled."""
    shared: int
    """Scaled."""


def read_groups() -> tuple[list[Group], Group]:
    """The supplier groups, and the row of totals."""
    with (FOLDER / "renewables.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            Group(name, int(owed), int(presented), parse(paid), parse(shared))
            for name, owed, presented, paid, shared in list(csv.reader(file))[1:]
        ]
    return rows[:-1], rows[-1]


GROUPS, TOTALS = read_groups()


def line(agreement: Agreement, **values: int) -> int:
    """The only line's amount, worked out by the evaluator and by the program alike."""
    numbers = agreement.values_of({name: Decimal(value) for name, value in values.items()})
    terms = [value for _, value in agreement.rule().parameters]
    (amount,) = evaluate(agreement.rule(), numbers).lines
    assert (amount,) == run(agreement.program().data, numbers, terms).lines
    return amount


def test_the_rows_are_those_of_the_totals() -> None:
    assert ("Totals", 124) == (TOTALS.name, len(GROUPS))
    assert TOTALS.obligation == sum(group.obligation for group in GROUPS)
    assert TOTALS.presented == sum(group.presented for group in GROUPS)
    assert TOTALS.shared == sum(group.shared for group in GROUPS)
    assert TOTALS.paid == sum(group.paid for group in GROUPS) // 10**18 * 10**18  # printed in whole pounds


def test_buy_out_payments() -> None:
    agreement = load_agreement("energy-ro-buyout")
    late = Agreement.parse(LATE)
    kinds: dict[str, list[str]] = {"exact": [], "interest": [], "nothing": [], "less": [], "other": []}
    days_late: list[int] = []
    for group in GROUPS:
        due = line(agreement, obligation=group.obligation, presented=group.presented)
        with_interest = [
            line(late, obligation=group.obligation, presented=group.presented, days=days)
            for days in (range(1, LAST_DAYS + 1) if due < group.paid else ())
        ]
        whole = [day for day, amount in enumerate(with_interest, 1) if abs(amount - group.paid) <= parse("0.01")]
        if due == group.paid:
            kind = "exact"
        elif whole:
            kind = "interest"  # the whole sum was paid so many days late
            days_late += whole
        elif group.paid == 0:
            kind = "nothing"
        elif group.paid < due:
            kind = "less"
        else:
            assert group.paid < with_interest[60 - 1]  # parts of it were paid late, on days that the table does not say
            kind = "other"
        kinds[kind].append(group.name)

    assert 88 == len(kinds["exact"])
    # To the penny, with interest at 5.1% a year for these days.
    assert [46, 57, 57, 59, 60, 60, 60, 60] == sorted(days_late)
    assert [
        "BES Commercial Electricity Limited",
        "Bristol Energy Technology & Services (Supply) Limited",
        "Co-Operative Energy Limited",
        "EPG Energy Limited",
        "Flow Energy Limited",
        "Gulf (gas and Power) Ltd",
        "PFP Energy Supplies Limited",
        "Together Energy Supply Limited",
    ] == kinds["interest"]
    assert 14 == len(kinds["nothing"])  # suppliers that failed, or defaulted
    assert ["GoTo Energy (UK) Limited", "Symbio Energy Limited"] == kinds["less"]
    assert 12 == len(kinds["other"])


def test_the_two_that_paid_less_lack_round_sums() -> None:
    agreement = load_agreement("energy-ro-buyout")
    missing = {
        group.name: line(agreement, obligation=group.obligation, presented=group.presented) - group.paid
        for group in GROUPS
        if group.name.startswith(("GoTo", "Symbio"))
    }
    assert [ONE_CERTIFICATE, parse("500_000")] == [missing[name] for name in sorted(missing)]


def test_shares_of_the_fund() -> None:
    agreement = load_agreement("energy-ro-redistribution")
    differences = {
        group.name: line(agreement, presented=group.presented) - group.shared for group in GROUPS if group.presented
    }
    # Six funds were shared out and rounded down one by one, so a share of their sum is off by a few pounds: at most 20.
    assert 71 == len(differences)
    assert all(abs(difference) <= parse("20") for difference in differences.values())
    assert parse("17") == max(abs(difference) for difference in differences.values())
    assert all(group.shared == 0 for group in GROUPS if not group.presented)
