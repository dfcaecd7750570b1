"""What a party binds itself to by its signature over the terms, in the money of the agreement."""

from __future__ import annotations

from pyoutcome.decimals import show_money
from pyoutcome.protocol import Arguments
from pyoutcome.terms.agreement import Agreement


def commitment(agreement: Agreement, arguments: Arguments, party: str) -> dict[str, str]:
    """For one who signs, what is at stake for it, each with its words; the limits are proven from the KPIs' ranges.

    A backup is bound to nothing before it is called; then it deposits and is paid what its place is.
    FormulaError as in ``Agreement.bounds``.
    """
    bounds = agreement.bounds()

    def money(units: int) -> str:
        return f"{show_money(units, agreement.token.decimals)} {agreement.token.symbol}"

    def between(least: int, most: int) -> str:
        turned = ", below 0 owed the other way" if least < 0 else ""
        return f"{money(least)} to {money(most)}{turned}"

    if party == "client":
        return {
            "it pays a period": between(bounds.least_per_period, bounds.most_per_period),
            "it pays in all": between(bounds.least_in_total, bounds.most_in_total),
            "it deposits first": f"{money(arguments.reserve)}, the reserve of one period",
        }
    place = party.removeprefix("backup-")
    slot = agreement.providers.index(place)
    its, bond = bounds.providers[slot], arguments.providers[slot].bond
    told = {
        "it is paid a period": between(its.least, its.most),
        "it is paid in all": between(its.least_in_total, its.most_in_total),
    }
    if bond:
        told["it deposits first"] = f"{money(bond)}, its bond"
    return told if party == place else {f"if called, {what}": amount for what, amount in told.items()}
