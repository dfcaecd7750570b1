"""Amounts as people give them, and the test tokens that a local chain gives to whoever is short of them."""

from __future__ import annotations

from pyoutcome.decimals import from_units, parse, to_units_trunc
from pyoutcome.errors import WorkspaceError
from pyoutcome.workspace.desk import Desk


def read_money(amount: str | int, decimals: int) -> int:
    """Base units of an amount in token units (text) or base units (int).

    WorkspaceError ``bad-amount`` for a negative amount or more decimals than the token has; NumberError.
    """
    if isinstance(amount, int):
        units, exact = amount, True
    else:
        scaled = parse(amount)
        units = to_units_trunc(scaled, decimals)
        exact = from_units(units, decimals) == scaled
    if units < 0 or not exact:
        raise WorkspaceError(
            "bad-amount",
            f"{amount} is no amount of a token with {decimals} decimals.",
            f"Give a positive amount with at most {decimals} decimals.",
        )
    return units


def grant(desk: Desk, by: str, units: int) -> None:
    """On a local chain, gives a party what it lacks of these base units."""
    token = desk.escrow.token() if desk.network.local else None
    if token is None:
        return
    signer = desk.parties.signer(by)
    short = units - token.balance(signer.address)
    if short > 0:
        token.mint(signer, signer.address, short)


def grant_bond(desk: Desk, provider: str, by: str) -> None:
    """On a local chain, gives a party what it lacks of a provider's bond."""
    if desk.network.local and provider in desk.agreement.providers:
        grant(desk, by, desk.agreement.escrow.bonds[desk.agreement.providers.index(provider)])
