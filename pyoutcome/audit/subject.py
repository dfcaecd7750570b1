"""What an audit is given: the agreement's own figures, what the chain says, and the evidence. All plain data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pyoutcome.ledger import EscrowBalances
from pyoutcome.protocol.arguments import Arguments


@dataclass(frozen=True)
class Subject:
    """The agreement, as far as an audit needs it; made by the auditor from the agreement file, not from the chain."""

    digest: bytes
    """keccak256 of the agreement's canonical form."""
    program: bytes
    """The payment program, encoded from the agreement."""
    arguments: Arguments
    """What must be deployed: the agreement bound to the parties' addresses."""
    providers: tuple[str, ...]
    """Ids, in the order of the program's payees."""
    kpis: tuple[str, ...]
    """Full names, in program order."""
    amounts: Callable[[int, Sequence[int | None]], tuple[int, ...]]
    """Amount per provider in base units, truncated toward zero, for a period and its values in program order (None is
    missing). May raise FormulaError where the program itself fails (the escrow then settles zero), AgreementError or
    NumberError where these are no values of its KPIs."""
    sequential: bool = False
    """Whether its program reads earlier periods, so that they settle in order."""
    amendments: tuple[Amendment, ...] = ()
    """Those that the parties signed, in the order of their acceptance."""

    def governing(self, period: int) -> int:
        """Which terms govern a period: 0 the first ones, n the n-th amendment. A later one prevails."""
        reached = [number for number, each in enumerate(self.amendments, 1) if each.first <= period]
        return reached[-1] if reached else 0


@dataclass(frozen=True)
class Amendment:
    """Other terms from a period on."""

    first: int
    nonce: int
    """The new terms' nonce."""
    subject: Subject
    """The agreement as amended; its own ``amendments`` are not read."""


@dataclass(frozen=True)
class ChainView:
    """What the chain says about one escrow, read at one block."""

    chain_id: int
    factory: str
    nonce: int
    """The terms' nonce, which the parties know; the chain keeps it in the terms hash alone."""
    agreement_digest: bytes
    program: bytes
    arguments: Arguments
    terms_hash: bytes
    settled: frozenset[int]
    """Numbers of the periods that the escrow itself calls settled."""
    balances: EscrowBalances
    now: int
    """Unix seconds of the block."""
    block: int | None = None
    """Number of the block."""


class Evidence(Protocol):
    """Where recomputed values come from."""

    def values(self, period: int) -> Sequence[int | None]:
        """KPI values from the raw records, in program order, 18 decimals; None if missing."""
        ...

    def digest(self, period: int) -> bytes | None:
        """Digest of the period's stored bundles, as a report carries it; None if they are not all at hand."""
        ...
