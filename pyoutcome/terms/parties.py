"""Who takes part, in what money, and how the escrow waits: the parts of an agreement besides its prices."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from pyoutcome.decimals import parse, show
from pyoutcome.errors import AgreementError
from pyoutcome.terms.problems import refusing
from pyoutcome.terms.scalars import Duration, Line, Part, Share, Whole, Word

MOST_PROVIDERS: Final = 32
MOST_VERIFIERS: Final = 32


class Party(Part):
    """A person or organisation. Its address is bound at signing and is no part of the agreement file."""

    name: Line


class Parties(Part):
    """One client, the providers and verifiers by id, and the arbitrator."""

    client: Party
    providers: Annotated[dict[Word, Party], Field(min_length=1, max_length=MOST_PROVIDERS)]
    """In the order in which programs and statements list them."""
    verifiers: Annotated[dict[Word, Party], Field(min_length=1, max_length=MOST_VERIFIERS)]
    """In the order of their index on chain."""
    quorum: Annotated[Whole, Field(ge=1, le=MOST_VERIFIERS)]
    """Verifiers that must sign a report."""
    arbitrator: Party
    prime: Word | None = None
    """The provider that answers for the others; the only one where there is one."""

    @property
    def prime_provider(self) -> str | None:
        """Id of the prime contractor; None where several could be."""
        return self.prime if self.prime is not None or len(self.providers) > 1 else next(iter(self.providers))


class Token(Part):
    """The money of the agreement. Its address is bound at signing."""

    name: Line
    symbol: Line
    decimals: Annotated[Whole, Field(ge=0, le=18)]
    """Amounts are paid in whole base units of 10**-decimals."""


class Holdback(Part):
    """Part of every credit, kept until some time after the last period."""

    share: Share
    release: Duration
    """Seconds after the end of the last period."""


Proven = Literal["proven"]


@refusing
def _reserve(value: object) -> int | Proven:
    if isinstance(value, str) and value == "proven":
        return "proven"
    if not isinstance(value, str):
        raise AgreementError(
            "wrong-shape", "One text belongs here.", "Write 'proven' or an amount of money, such as 500_000."
        )
    amount = parse(value)
    if amount < 0:
        raise AgreementError("out-of-limits", "A reserve cannot be negative.", "Write 'proven', or an amount from 0.")
    return amount


class Escrow(Part):
    """How long the escrow waits, what it keeps back and what must lie ready in it."""

    evidence_within: Duration
    """Seconds after a period's end in which evidence must arrive; then anyone may propose the default."""
    default_window: Duration
    """Seconds in which a report still replaces a proposed default."""
    holdback: Holdback | None = None
    reserve: Annotated[
        int | Proven,
        BeforeValidator(_reserve),
        PlainSerializer(lambda value: show(value) if isinstance(value, int) else value, return_type=str),
    ] = "proven"
    """Cover of one period, scaled by 10**18; ``proven`` takes the most one period can cost from the bounds."""
