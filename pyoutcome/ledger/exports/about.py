"""What an export says besides its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyoutcome.decimals import show_units


@dataclass(frozen=True)
class About:
    """The agreement and token behind a book."""

    agreement: str
    """Id of the agreement."""
    title: str
    token: str
    """Symbol of the token."""
    decimals: int
    """Decimals of the token."""
    escrow: str = ""
    """Address of the escrow."""
    chain_id: int = 0
    names: Mapping[str, str] = field(default_factory=dict)
    """Names of the parties in words, by id."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Where the parties are paid on chain, by id."""

    def name_of(self, owner: str) -> str:
        """The owner of a book in words."""
        return self.names.get(owner, "Escrow" if owner == "escrow" else owner)

    def money(self, units: int) -> str:
        """Base units in whole tokens, with all their decimals."""
        return show_units(units, self.decimals, self.decimals)
