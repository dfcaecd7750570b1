"""Who takes part, in what money, and how the escrow waits: the parts of an agreement besides its prices."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from pyoutcome.decimals import parse, show
from pyoutcome.errors import AgreementError
from pyoutcome.terms import spelling
from pyoutcome.terms.part import Part
from pyoutcome.terms.problems import refusing
from pyoutcome.terms.scalars import Duration, Line, Share, Whole, Word, YesNo

MOST_PROVIDERS: Final = 32
MOST_VERIFIERS: Final = 32
MOST_BREACHES: Final = 255


class Party(Part):
    """A person or organisation. Its address is bound at signing and is no part of the agreement file."""

    name: Line


@refusing
def _amount(value: object) -> int:
    if not isinstance(value, str):
        raise AgreementError("wrong-shape", "One text belongs here.", "Write an amount of money, such as 500_000.")
    amount = parse(value)
    if amount < 0:
        raise AgreementError("out-of-limits", "This amount cannot be negative.", "Write an amount from 0.")
    return amount


Amount = Annotated[int, BeforeValidator(_amount), PlainSerializer(show, return_type=str), spelling.AMOUNT]
"""Money from 0, scaled by 10**18."""


class Provider(Party):
    """A party that is paid."""

    bond: Amount | None = None
    """What it deposits before the agreement starts, and whoever takes its place does."""
    backup: Party | None = None
    """Who takes its place when the client calls it after too many breaches in a row."""


class Parties(Part):
    """One client, the providers and verifiers by id, and the arbitrator."""

    client: Party
    providers: Annotated[dict[Word, Provider], Field(min_length=1, max_length=MOST_PROVIDERS)]
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
    """How long after the end of the last period."""


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


class Stake(Part):
    """What a challenger deposits and loses if it is further from the ruling than the report."""

    fixed: Amount = 0
    """At least this."""
    share: Share = 0
    """And at least this share of the sum of all differences between its amounts and the report's."""


class Challenge(Part):
    """How a report can be contested, and how long the arbitrator has."""

    within: Duration
    """How long after a report it can be challenged; meanwhile it pays nothing. 0: a report pays at once."""
    ruling_within: Duration
    """How long after that the arbitrator can rule; then the report stands."""
    stake: Stake = Stake()
    arbitrator: Literal["rules", "chooses"] = "rules"
    """``rules``: it rules KPI values. ``chooses``: it is an adapter to a court or oracle, and chooses
    one of the versions that were put forward."""


class Convenience(Part):
    """Ending the agreement early without a cause."""

    by: Literal["client", "providers", "all"]
    """Who may give notice."""
    notice: Duration
    """The time from the notice to the moment whose period is the last."""
    fee: Annotated[dict[Word, Amount], Field(default_factory=dict)]
    """What a notice of the client pays at once, by provider."""


class Escrow(Part):
    """How long the escrow waits, what it keeps back and what must lie ready in it."""

    evidence_within: Duration
    """How long after a period's end evidence may arrive; then anyone may propose the default."""
    default_window: Duration
    """How long a report still replaces a proposed default."""
    holdback: Holdback | None = None
    reserve: Annotated[
        int | Proven,
        BeforeValidator(_reserve),
        PlainSerializer(lambda value: show(value) if isinstance(value, int) else value, return_type=str),
        spelling.RESERVE,
    ] = "proven"
    """Cover of one period; ``proven`` takes the most one period can cost from the bounds."""
    challenge: Challenge | None = None
    """Without it a report pays at once; a default can be challenged all the same, for nothing."""
    breaches: Annotated[Whole, Field(ge=1, le=MOST_BREACHES)] | None = None
    """Breaches in a row after which the client may call a provider's backup or end the agreement."""
    cure_within: Duration | None = None
    """How long a reserve may stay uncovered before a provider may end the agreement."""
    convenience: Convenience | None = None
    restates: Annotated[YesNo | None, AfterValidator(lambda said: said or None)] = None
    """Client and providers may settle a settled period anew, on values that they sign together; ``no`` is as if it were
    not said."""
