"""A small agreement in one place, so that each test shows only what it is about."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from textwrap import dedent, indent

from pyoutcome.decimals import ONE
from pyoutcome.terms import Agreement

HEAD = """\
agreement: small-deal
parties:
  client: {name: Buyer}
  providers: {A: {name: Alpha Ltd}}
  verifiers: {V1: {name: First verifier}}
  quorum: 1
  arbitrator: {name: Judge}
term: {zone: UTC, first: 2024-01-01, every: month, periods: 3}
token: {name: Test coin, symbol: TST, decimals: 6}
"""
ESCROW = """\
escrow: {evidence_within: 10 days, default_window: 3 days, reserve: 1000}
"""
TWO = HEAD.replace("{A: {name: Alpha Ltd}}", "{A: {name: Alpha Ltd}, B: {name: Beta Ltd}}")
KPI = """\
x: {unit: pieces, decimals: 6, range: [0, 1_000_000_000], if_missing: 0}
y: {unit: pieces, decimals: 6, range: [-1_000_000, 1_000_000], if_missing: 0}
"""


def section(name: str, body: str) -> str:
    """A top-level key with its indented body; nothing if there is no body."""
    return f"{name}:\n{indent(dedent(body).strip(), '  ')}\n" if body.strip() else ""


def deal(
    clauses: str,
    kpis: str = KPI,
    *,
    head: str = HEAD,
    terms: str = "",
    define: str = "",
    settlement: str = "",
    escrow: str = ESCROW,
) -> str:
    """The text of an agreement around some clauses."""
    parts = [head, section("kpis", kpis), section("terms", terms), section("define", define)]
    parts += [section("clauses", clauses), f"settlement: {settlement}\n" if settlement else "", escrow]
    return "".join(parts)


def agree(clauses: str, kpis: str = KPI, *, terms: str = "", define: str = "", settlement: str = "") -> Agreement:
    """The agreement around some clauses, for one provider."""
    return Agreement.parse(deal(clauses, kpis, terms=terms, define=define, settlement=settlement))


def pays(agreement: Agreement, period: int = 1, **values: str) -> Fraction:
    """The amount of the first provider before truncation to base units, as an exact fraction."""
    reported = {name.replace("__", "."): Decimal(value) for name, value in values.items()}
    for kpi in agreement.kpis:
        reported.setdefault(kpi.name, Decimal(kpi.show(kpi.low)))
    return Fraction(agreement.statement(period, reported).providers[0].amount, ONE)
