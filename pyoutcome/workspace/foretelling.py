"""What an act on a period is going to move, in figures, before anybody signs it: the escrow itself is asked."""

from __future__ import annotations

from collections.abc import Sequence

from pyoutcome.chain.versions import Version
from pyoutcome.errors import PyoutcomeError
from pyoutcome.workspace.desk import Desk


def say_settlement(desk: Desk, period: int, values: Sequence[int] | None = None) -> str:
    """What a period pays on these values; by default on those of its report or default."""
    try:
        versions = () if values is not None else desk.escrow.versions(period)
        rows = [versions[0].values] if versions else [values or ()]
        [priced] = desk.escrow.price(period, rows)
    except PyoutcomeError:
        # The escrow cannot price them, and so will refuse the act, in its own words.
        return "what the program pays"
    if priced.error:
        return "nothing: the program fails on these values"
    return say_amounts(desk, priced.amounts)


def say_amounts(desk: Desk, amounts: Sequence[int]) -> str:
    """Amounts per provider in a line: what is credited, holdback included, and what providers then owe."""
    credited, owed = sum(max(0, each) for each in amounts), -sum(min(0, each) for each in amounts)
    told = f"{desk.money(credited)} to the providers, holdback included"
    return f"{told}; {desk.money(owed)} they then owe" if owed else told


def say_undisputed(desk: Desk, period: int) -> str:
    """What every version of a challenged period pays."""
    try:
        columns = zip(*(version.amounts for version in desk.escrow.versions(period)), strict=True)
        amounts = [max(0, min(column)) for column in columns]
    except PyoutcomeError:
        return "what every version pays"
    return f"what every version pays, {say_amounts(desk, amounts)}"


def say_decision(desk: Desk, period: int, values: Sequence[int] | None = None) -> str:
    """What a decision of a dispute moves; by default one for the report."""
    stakes = sum(version.stake for version in _versions(desk, period)[1:])
    told = say_settlement(desk, period, values)
    return f"{told}, less what the dispute has paid, and stakes of {desk.money(stakes)}"


def say_choice(desk: Desk, period: int, choice: int | None) -> str:
    """What the choice of a version moves; None is the report."""
    versions = _versions(desk, period)
    at = 0 if choice is None else choice
    return say_decision(desk, period, versions[at].values if at < len(versions) else None)


def _versions(desk: Desk, period: int) -> Sequence[Version]:
    try:
        return desk.escrow.versions(period)
    except PyoutcomeError:
        return ()
