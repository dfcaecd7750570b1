"""What a check of an agreement tells on a console."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape

from pyoutcome.cli import shaped, show
from pyoutcome.decimals import show_money

if TYPE_CHECKING:
    from rich.console import Console

    from pyoutcome.terms.agreement import Agreement
    from pyoutcome.terms.finding import Finding


_MOST_FINDINGS = 12
"""Findings told in full, so that a large agreement does not fill the screen."""


def check(console: Console, agreement: Agreement, findings: Sequence[Finding], *, full: bool) -> None:
    """Bounds, shape, warnings and notes."""
    decimals, symbol = agreement.token.decimals, agreement.token.symbol
    bounds = agreement.bounds()
    found = show.table(
        f"{agreement.title}: what a period can pay, {symbol}", "provider", "least", "most", right=("least", "most")
    )
    for each in bounds.providers:
        found.add_row(each.provider, show_money(each.least, decimals), show_money(each.most, decimals))
    found.add_row("all", show_money(bounds.least_per_period, decimals), show_money(bounds.most_per_period, decimals))
    console.print(found)
    console.print()
    program = agreement.program()
    reserve = "none: without 'escrow' the file is a rule only and cannot be deployed"
    if agreement.deployable:
        reserve = f"{show_money(agreement.escrow.reserve, decimals)} {symbol} for each period"
    show.facts(
        console,
        "Proven from the KPIs' ranges",
        {
            "in total": f"{show_money(bounds.least_in_total, decimals)} to "
            f"{show_money(bounds.most_in_total, decimals)} {symbol} over {len(agreement.periods)} periods",
            "reserve": reserve,
            "program": f"{len(program.data)} bytes, hash 0x{program.hash.hex()}",
            "periods": "settle in order" if program.sequential else "settle in any order",
            "digest": "0x" + agreement.digest().hex(),
        },
    )
    console.print()
    shaped.shape(console, agreement, full=full)
    ordered = sorted(findings, key=lambda finding: finding.severity == "note")
    shown = ordered if full else ordered[:_MOST_FINDINGS]
    for finding in shown:
        colour = "yellow" if finding.severity == "warning" else "cyan"
        console.print(f"\n[{colour}]{finding.severity}[/] [bold]{finding.code}[/]")
        if finding.where is not None:
            console.print(f"  at   {escape(str(finding.where))}", soft_wrap=True)
        console.print(f"  why  {escape(finding.why)}")
        console.print(f"  fix  {escape(finding.fix)}")
    if len(shown) < len(ordered):
        console.print(f"\n{len(ordered) - len(shown)} more with --full")
    warnings = sum(finding.severity == "warning" for finding in findings)
    console.print(f"\ncheck: sound, {_count(warnings, 'warning')}, {_count(len(findings) - warnings, 'note')}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
