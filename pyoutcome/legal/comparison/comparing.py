"""Two agreements side by side: in words, in what can be paid, in what given values pay, and in how payments move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyoutcome.legal.comparison.clauses import Rereading, ThingChange, compare_clauses
from pyoutcome.legal.comparison.extremes import Extremes, compare_extremes
from pyoutcome.legal.comparison.payments import Payments, Values, compare_payments
from pyoutcome.legal.comparison.shapes import FindingChange, ShapeChange, compare_findings, compare_shapes

if TYPE_CHECKING:
    from pyoutcome.legal.comparison.rules import RuleChange
    from pyoutcome.terms.agreement import Agreement


@dataclass(frozen=True)
class Version:
    """One of the two agreements."""

    agreement: str
    title: str
    digest: bytes
    symbol: str

    def to_dict(self) -> dict[str, object]:
        """For machines."""
        return {
            "agreement": self.agreement,
            "title": self.title,
            "digest": "0x" + self.digest.hex(),
            "token": self.symbol,
        }


@dataclass(frozen=True)
class Comparison:
    """What differs. Amounts are scaled by 10**18, in the units of each agreement's token."""

    before: Version
    after: Version
    changes: tuple[ThingChange, ...]
    """What says something else, clause by clause; empty exactly where the digests are the same."""
    rereadings: tuple[Rereading, ...]
    """What only reads differently, because of what it mentions."""
    extremes: tuple[Extremes, ...]
    """Proven least and most of every provider, and of the client; also where they are as they were."""
    shapes: tuple[ShapeChange, ...]
    findings: tuple[FindingChange, ...]
    payments: Payments | None
    """On the values that were given; None if none were."""

    @property
    def rules(self) -> tuple[RuleChange, ...]:
        """Every value that differs, key by key."""
        return tuple(rule for change in self.changes for rule in change.rules)

    def to_dict(self) -> dict[str, object]:
        """For machines: numbers as texts, amounts in the token's units."""
        return {
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "changes": [each.to_dict() for each in self.changes],
            "reads_differently": [each.to_dict() for each in self.rereadings],
            "extremes": [each.to_dict() for each in self.extremes],
            "shape": [each.to_dict() for each in self.shapes],
            "findings": [each.to_dict() for each in self.findings],
            "payments": None if self.payments is None else self.payments.to_dict(),
        }


def compare(
    before: Agreement, after: Agreement, values: Values | None = None, first: int = 1, *, anew: bool = False
) -> Comparison:
    """Compares two agreements; with KPI ``values`` by period also what they pay (``compare_payments`` says the rest).

    FormulaError where an amount of either cannot be bounded, and what ``compare_payments`` raises.
    """
    changes, rereadings = compare_clauses(before, after)
    return Comparison(
        _version(before),
        _version(after),
        changes,
        rereadings,
        compare_extremes(before, after),
        compare_shapes(before, after),
        compare_findings(before, after),
        None if values is None else compare_payments(before, after, values, first, anew=anew),
    )


def _version(agreement: Agreement) -> Version:
    return Version(agreement.id, agreement.title, agreement.digest(), agreement.token.symbol)
